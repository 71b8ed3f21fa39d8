import type { Bytes } from '../bytes/bytes.js';
import type { Ref } from '../memory/arena.js';
import { Listpack } from '../memory/listpack.js';
import type { EntryCollection } from '../values/entry-collection.js';
import { sampleIndexes } from '../values/sampling.js';
import type { Database } from './database.js';
import { EntryPayload } from './entry-payload.js';
import { isHandle } from './kinds.js';

/**
 * Names an element within its value: the position in a listpack, the entry in a table, the number in an
 * intset. Never 0, which is "no element". Valid until the value changes.
 */
export type Place = number;

/** A third of the elements or more are picked in one walk over all of them; fewer by trying. */
const walkShare = 3;

/**
 * The elements of a hash or set, whichever encoding the key's entry has. One object serves many keys: `open`
 * it on an entry and use it until the next `open`.
 */
export abstract class Elements {
  /** Where the key's entry is now. */
  ref: Ref = 0;
  protected database!: Database;
  protected readonly payload = new EntryPayload();
  protected readonly listpack = new Listpack(this.payload);
  /** The big collection, undefined while the elements are packed. */
  protected table: EntryCollection | undefined;

  /** `stride`: listpack elements that make one element of the value. */
  constructor(protected stride: number) {}

  open(database: Database, ref: Ref): this {
    this.database = database;
    this.ref = ref;
    if (isHandle(database.kindOf(ref))) {
      this.table = database.collection(ref);
    } else {
      this.table = undefined;
      this.payload.point(database, ref);
    }
    return this;
  }

  /** To be called before the first change: a snapshot that is being written may need the value as it is. */
  announceChange(): void {
    const { database, ref } = this;
    database.edit(ref, database.kindOf(ref));
  }

  get size(): number {
    return this.table === undefined ? this.packedSize() : this.table.size;
  }

  protected packedSize(): number {
    return this.listpack.count / this.stride;
  }

  /** The place of the element with this name, or 0. */
  find(name: Bytes): Place {
    return this.table === undefined ? this.findPacked(name) : this.table.find(name);
  }

  protected findPacked(name: Bytes): Place {
    const { listpack } = this;
    return listpack.find(listpack.first(), name, this.stride - 1);
  }

  /** Points `into` at the name of an element: a field, a member. Up to 8 names can be held at once. */
  nameAt(place: Place, into: Bytes): void {
    if (this.table === undefined) this.packedNameAt(place, into);
    else this.table.readName(place, into);
  }

  protected packedNameAt(place: Place, into: Bytes): void {
    this.listpack.read(place, into);
  }

  /**
   * Removes the element with this name; false if there is none. Does not remove the key when none is left.
   */
  remove(name: Bytes): boolean {
    if (this.table !== undefined) return this.table.remove(name);
    const place = this.findPacked(name);
    if (place !== 0) this.removePacked(place);
    return place !== 0;
  }

  /** Removes the element at a place. */
  removeAt(place: Place): void {
    if (this.table === undefined) this.removePacked(place);
    else this.table.removeEntry(place);
  }

  protected removePacked(place: Place): void {
    this.listpack.delete(place, this.stride);
    this.ref = this.payload.ref;
  }

  /** True for an element that is there, but must not be shown any more. */
  isHidden(_place: Place): boolean {
    return false;
  }

  /** Visits all elements. `visit` must not change the value. */
  forEach(visit: (place: Place) => void): void {
    if (this.table === undefined) this.forEachPacked(visit);
    else this.table.forEach(visit);
  }

  protected forEachPacked(visit: (place: Place) => void): void {
    const { listpack, stride } = this;
    for (let at = listpack.first(); at !== 0; ) {
      visit(at);
      for (let step = stride; step > 0 && at !== 0; step--) at = listpack.next(at);
    }
  }

  /**
   * Visits some elements and returns the cursor for the next call, 0 at the end. A packed value is visited
   * whole.
   */
  scan(cursor: number, visit: (place: Place) => void): number {
    if (this.table !== undefined) return this.table.scan(cursor, visit);
    this.forEachPacked(visit);
    return 0;
  }

  /** One element, all equally likely. */
  random(): Place {
    const { table } = this;
    return table === undefined
      ? this.packedAt(this.randomIndex(this.packedSize()))
      : table.random(this.chance());
  }

  /** Calls `take` with `count` elements, each time any of all. A packed value is walked once. */
  pickRepeatedly(count: number, take: (place: Place) => void): void {
    const { table } = this;
    if (table !== undefined) {
      const chance = this.chance();
      for (let left = count; left > 0; left--) take(table.random(chance));
      return;
    }
    const places = this.packedPlaces();
    for (let left = count; left > 0; left--) take(places[this.randomIndex(places.length)]);
  }

  /**
   * Calls `take` with `count` different elements (all, if there are no more), every choice equally likely.
   * Copies nothing.
   */
  pickDistinct(count: number, take: (place: Place) => void): void {
    const { table, size } = this;
    if (count >= size) return this.forEach(take);
    if (table === undefined) {
      const places = this.packedPlaces();
      sampleIndexes(size, count, this.chance(), (index) => take(places[index]));
    } else if (count * walkShare > size) this.pickWalking(table, count, take);
    else this.pickTrying(table, count, take);
  }

  private pickWalking(table: EntryCollection, count: number, take: (place: Place) => void): void {
    const chance = this.chance();
    let wanted = count;
    let left = table.size;
    table.forEach((ref) => {
      if (chance() * left-- >= wanted) return;
      wanted--;
      take(ref);
    });
  }

  private pickTrying(table: EntryCollection, count: number, take: (place: Place) => void): void {
    const chance = this.chance();
    const taken = new Set<Ref>();
    while (taken.size < count) {
      const ref = table.random(chance);
      if (taken.has(ref)) continue;
      taken.add(ref);
      take(ref);
    }
  }

  private packedPlaces(): Place[] {
    const places: Place[] = [];
    this.forEachPacked((place) => places.push(place));
    return places;
  }

  protected packedAt(index: number): Place {
    return this.listpack.seek(index * this.stride);
  }

  private randomIndex(size: number): number {
    return Math.floor(this.database.keyspace.random.next() * size);
  }

  private chance(): () => number {
    const { random } = this.database.keyspace;
    return () => random.next();
  }
}
