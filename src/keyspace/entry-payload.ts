import type { Ref } from '../memory/arena.js';
import { payloadLengthOf, payloadOffsetOf } from '../memory/entry.js';
import type { PackedBytes } from '../memory/packed-bytes.js';
import { absent, type Database } from './database.js';

/**
 * The payload of an entry as the memory of a packed collection. One object serves all: `point` it at an
 * entry, work on the listpack or intset, and take `ref` afterwards, for the entry may have moved.
 */
export class EntryPayload implements PackedBytes {
  buffer: Buffer = Buffer.alloc(0);
  offset = 0;
  length = 0;
  /** Where the entry is now. */
  ref: Ref = absent;
  private database: Database | undefined;

  /** The arena does not move blocks by itself, so this stays true until the next change of the key. */
  point(database: Database, ref: Ref): this {
    const { arena } = database.keyspace;
    this.database = database;
    this.ref = ref;
    this.buffer = arena.bufferOf(ref);
    this.offset = payloadOffsetOf(arena, ref);
    this.length = payloadLengthOf(arena, ref);
    return this;
  }

  beforeChange(): void {
    this.database!.announceChange(this.ref);
  }

  resize(length: number): void {
    const database = this.database!;
    this.point(database, database.resize(this.ref, length));
  }
}
