import { type Bytes, copyBytes } from '../bytes/bytes.js';
import { createEntry, payloadOffsetOf, resizeEntry } from '../memory/entry.js';
import { EntryCollection } from './entry-collection.js';

/** A big hash: entries whose key is the field and whose payload is the value. */
export class TableHash extends EntryCollection {
  protected another(): TableHash {
    return new TableHash(this.source);
  }

  /** Sets a field; true if it is new. Hot: allocates nothing but the entry. The views must not be of the field's own entry. */
  set(field: Bytes, value: Bytes): boolean {
    const { arena, table } = this;
    const length = value.end - value.start;
    const hash = this.hash(field);
    const old = table.find(field.buffer, field.start, field.end, hash);
    let ref = old;
    if (old === 0) {
      ref = createEntry(arena, field.buffer, field.start, field.end, length, false, 0);
      table.insert(ref, hash);
    } else {
      ref = resizeEntry(arena, old, length, 0);
      if (ref !== old) table.replaceFound(ref);
    }
    copyBytes(arena.bufferOf(ref), payloadOffsetOf(arena, ref), value.buffer, value.start, value.end);
    return old === 0;
  }
}
