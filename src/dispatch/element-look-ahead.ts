import type { Bytes } from '../bytes/bytes.js';
import type { Arena } from '../memory/arena.js';
import type { Table } from '../memory/table.js';
import { lookAhead } from '../protocol/request-decoder.js';

/**
 * Fields and members that the next commands will look up in big collections: asks for their memory all at once, so that
 * the cache misses overlap. Hot: allocates nothing.
 */
export class ElementLookAhead {
  private readonly tables: Table[] = [];
  private readonly hashes = new Int32Array(lookAhead);
  private count = 0;
  /** Where reads go whose only use is that they warm the cache, so that the compiler does not leave them out. */
  private read = 0;

  constructor(private readonly arena: Arena) {}

  /** Notes an element, at most one for each request, and leaves its hash in the view. */
  add(table: Table, element: Bytes): void {
    element.hash = table.hash(element.buffer, element.start, element.end);
    if (this.tables[this.count] !== table) this.tables[this.count] = table;
    this.hashes[this.count++] = element.hash;
  }

  /** Reads the memory of all that were noted, and forgets them. */
  fetch(): void {
    const { tables, hashes, count } = this;
    this.count = 0;
    if (count < 2) return;
    for (let i = 0; i < count; i++) this.read ^= tables[i].touchWords(hashes[i]);
    for (let i = 0; i < count; i++) hashes[i] = tables[i].likelyEntry(hashes[i]);
    this.read ^= this.arena.touchBlocks(hashes, count);
  }
}
