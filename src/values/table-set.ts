import type { Bytes } from '../bytes/bytes.js';
import { createEntry } from '../memory/entry.js';
import { EntryCollection } from './entry-collection.js';

/** A big set: entries whose key is the member, with no payload. */
export class TableSet extends EntryCollection {
  protected another(): TableSet {
    return new TableSet(this.source);
  }

  /** Adds a member; false if it is there already. Hot: allocates nothing but the entry. */
  add(member: Bytes): boolean {
    this.beforeChange();
    const { table } = this;
    const hash = table.hashOfKey(member);
    if (table.findKey(member, hash) !== 0) return false;
    const { buffer, start, end } = member;
    table.insert(createEntry(this.arena, buffer, start, end, 0, false, 0), hash);
    return true;
  }
}
