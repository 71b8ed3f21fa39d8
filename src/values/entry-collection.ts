import { Bytes, copyBytes } from '../bytes/bytes.js';
import type { Arena, Ref } from '../memory/arena.js';
import type { BlockMover } from '../memory/block-mover.js';
import {
  createEntry,
  keyLengthOf,
  keyOffsetOf,
  payloadLengthOf,
  payloadOffsetOf,
  releaseEntry,
} from '../memory/entry.js';
import { Table } from '../memory/table.js';
import type { CollectionImage, VisitElement } from './collection.js';
import { Collection } from './collection.js';
import { TableImage } from './table-image.js';

/**
 * Where a table takes its memory from, and its seed: one for all tables of a keyspace, so that hashes can be
 * shared.
 */
export interface TableSource {
  readonly arena: Arena;
  readonly seedHigh: number;
  readonly seedLow: number;
}

/** Walks over about `budget` entries of a table from a cursor on: see `Table.relocate`. Returns where to go on. */
export function relocateSome(
  table: Table,
  cursor: number,
  budget: number,
  destination: (ref: Ref) => Ref,
): number {
  let seen = 0;
  let at = cursor;
  do {
    at = table.relocate(at, (ref) => {
      seen++;
      return destination(ref);
    });
    seen++; // an empty bucket takes time too
  } while (at !== 0 && seen < budget);
  return at;
}
// Views of the element that is shown to someone who reads an image; nobody else may hold them.
const shownName = new Bytes();
const shownPayload = new Bytes();

/**
 * A big hash or set: named elements in a table of their own. It owns the entries, whose key bytes are the
 * element's name and whose payload is what belongs to it: a field's value, or nothing.
 *
 * All look-ups cost the same at any size, and none ever waits for the table to grow.
 */
export abstract class EntryCollection extends Collection {
  protected readonly table: Table;

  constructor(protected readonly source: TableSource) {
    super(source.arena);
    this.table = new Table(source.arena, source.seedHigh, source.seedLow);
  }

  /** An empty collection of the same class. */
  protected abstract another(): EntryCollection;

  override get index(): Table {
    return this.table;
  }

  get size(): number {
    return this.table.size;
  }

  elementBytes(samples: number): number {
    return this.table.entryBytes(samples);
  }

  get bytes(): number {
    return this.table.bytes;
  }

  /** The entry of an element, 0 if there is none. Valid until the element is changed or removed. */
  find(name: Bytes): Ref {
    return this.table.findKey(name, this.table.hashOfKey(name));
  }

  /** Takes an element out and frees it; false if there is none. */
  remove(name: Bytes): boolean {
    this.beforeChange();
    const { table } = this;
    const hash = table.hashOfKey(name);
    const ref = table.findKey(name, hash);
    if (ref === 0) return false;
    this.forget(ref);
    table.removeRef(ref, hash);
    releaseEntry(this.arena, ref);
    return true;
  }

  /** Takes out an element by its entry, which must be in the collection, and frees it. */
  removeEntry(ref: Ref): void {
    this.beforeChange();
    this.forget(ref);
    this.table.removeRef(ref, this.table.hashOf(ref));
    releaseEntry(this.arena, ref);
  }

  /** An entry is about to go. */
  protected forget(_ref: Ref): void {}

  /** The element's name, valid until it is removed. */
  readName(ref: Ref, into: Bytes): void {
    into.buffer = this.arena.bufferOf(ref);
    into.start = keyOffsetOf(this.arena, ref);
    into.end = into.start + keyLengthOf(this.arena, ref);
  }

  /** What belongs to the element, valid until it is changed or removed. */
  readPayload(ref: Ref, into: Bytes): void {
    into.buffer = this.arena.bufferOf(ref);
    into.start = payloadOffsetOf(this.arena, ref);
    into.end = into.start + payloadLengthOf(this.arena, ref);
  }

  /** Visits all elements. `visit` must not change the collection. */
  forEach(visit: (ref: Ref) => void): void {
    this.table.forEach(visit);
  }

  /** Visits some elements and returns the cursor for the next call, 0 at the end: see `Table.scan`. */
  scan(cursor: number, visit: (ref: Ref) => void): number {
    return this.table.scan(cursor, visit);
  }

  /** An element, all equally likely. The collection must not be empty. `random` gives numbers in [0, 1). */
  random(random: () => number): Ref {
    return this.table.random(random);
  }

  copy(): EntryCollection {
    const copy = this.another();
    this.table.forEach((ref) => copy.adopt(this.copyOfEntry(ref)));
    return copy;
  }

  override get indexBytes(): number {
    return this.table.countedBytes;
  }

  override defragment(mover: BlockMover, cursor: number, budget: number): number {
    return relocateSome(this.table, cursor, budget, (ref) => {
      const to = mover.destinationOf(ref);
      if (to !== ref) {
        this.elementMoved(ref, to);
        releaseEntry(this.arena, ref);
      }
      return to;
    });
  }

  /** An element's block was copied to another place. */
  protected elementMoved(_ref: Ref, _moved: Ref): void {}

  freeSlice(budget: number): boolean {
    this.beforeChange();
    return this.table.freeSlice(budget, (ref) => releaseEntry(this.arena, ref));
  }

  override visitAll(visit: VisitElement): void {
    this.table.forEach((ref) => this.showEntry(ref, visit));
  }

  override takeImage(): CollectionImage {
    return new TableImage(this.table, (ref, visit) => this.showEntry(ref, visit));
  }

  /** Shows an entry to someone who reads an image. */
  protected showEntry(ref: Ref, visit: VisitElement): void {
    this.readName(ref, shownName);
    this.readPayload(ref, shownPayload);
    visit(shownName, shownPayload, 0);
  }

  protected adopt(ref: Ref): void {
    this.table.insert(ref, this.table.hashOf(ref));
  }

  protected copyOfEntry(ref: Ref): Ref {
    const { arena } = this;
    const from = arena.bufferOf(ref);
    const key = keyOffsetOf(arena, ref);
    const payload = payloadOffsetOf(arena, ref);
    const length = payloadLengthOf(arena, ref);
    const copy = createEntry(arena, from, key, payload, length, false, 0);
    copyBytes(arena.bufferOf(copy), payloadOffsetOf(arena, copy), from, payload, payload + length);
    return copy;
  }
}
