import { Bytes } from '../bytes/bytes.js';
import { EMPTY_INTSET_LENGTH, Intset, parseMember, writeEmptyIntset } from '../memory/intset.js';
import { EMPTY_LISTPACK_LENGTH, writeEmptyListpack } from '../memory/listpack-format.js';
import { TableSet } from '../values/table-set.js';
import type { Database } from './database.js';
import { Elements, type Place } from './elements.js';
import { kinds } from './kinds.js';

/** Up to what size a set is an intset or a listpack: the configuration has these. */
export interface SetLimits {
  readonly 'set-max-intset-entries': number;
  readonly 'set-max-listpack-entries': number;
  readonly 'set-max-listpack-value': number;
}

/** More integers than this are never kept as an intset, whatever the limit. */
const largestIntset = 1 << 30;

const view = new Bytes();
const memberView = new Bytes();

/**
 * The members of a set: integers in an intset; others, while they are few and short, in a listpack; then a
 * table. A set never goes back.
 */
export class SetValue extends Elements {
  declare protected table: TableSet | undefined;
  private readonly intset = new Intset(this.payload);
  private isIntset = false;

  constructor() {
    super(1);
  }

  override open(database: Database, ref: number): this {
    super.open(database, ref);
    this.isIntset = database.kindOf(ref) === kinds.intset;
    return this;
  }

  /** Makes an empty set of a key that is absent, for about `count` members of which `first` is one. */
  create(database: Database, key: Bytes, first: Bytes, count: number, limits: SetLimits): this {
    if (count <= limits['set-max-intset-entries'] && parseMember(first) !== undefined) {
      return this.createIntset(database, key);
    }
    if (count <= limits['set-max-listpack-entries']) return this.createListpack(database, key);
    const table = new TableSet(database.keyspace);
    return this.open(database, database.putCollection(key, kinds.tableSet, table));
  }

  createIntset(database: Database, key: Bytes): this {
    const ref = database.put(key, kinds.intset, EMPTY_INTSET_LENGTH);
    const { buffer, start } = database.payload(ref);
    writeEmptyIntset(buffer, start);
    return this.open(database, ref);
  }

  createListpack(database: Database, key: Bytes): this {
    const ref = database.put(key, kinds.listpackSet, EMPTY_LISTPACK_LENGTH);
    const { buffer, start } = database.payload(ref);
    writeEmptyListpack(buffer, start);
    return this.open(database, ref);
  }

  /** The members are in a table: places are refs. */
  get isBig(): boolean {
    return this.table !== undefined;
  }

  /** Of a big set: reads something of these members, in one go. What it returns means nothing. */
  warm(places: Int32Array, count: number): number {
    return this.database.keyspace.arena.touchBlocks(places, count);
  }

  /** Of a big set: the hash of the member at a place, the same in all big sets of a keyspace. */
  hashAt(place: Place): number {
    return this.table!.index.hashOf(place);
  }

  /**
   * Of a big set: reads what `find` will look at for these hashes. `likely` is for its own use. What it returns means
   * nothing.
   */
  lookAhead(hashes: Int32Array, likely: Int32Array, count: number): number {
    const table = this.table!.index;
    const read = table.touchBuckets(hashes, 0, count);
    for (let i = 0; i < count; i++) likely[i] = table.likelyEntry(hashes[i]);
    return read ^ this.warm(likely, count);
  }

  /** Changes the encoding now if adding `count` members will most likely need it. */
  expectMembers(count: number, limits: SetLimits): void {
    if (this.table !== undefined) return;
    if (count > limits[this.isIntset ? 'set-max-intset-entries' : 'set-max-listpack-entries']) this.toTable();
  }

  has(member: Bytes): boolean {
    return this.find(member) !== 0;
  }

  /** Adds a member; false if it is there already. The view must not be of this set. Hot. */
  add(member: Bytes, limits: SetLimits): boolean {
    if (this.table !== undefined) return this.table.add(member);
    if (this.isIntset) return this.addToIntset(member, limits);
    if (this.findPacked(member) !== 0) return false;
    if (
      this.listpack.count >= limits['set-max-listpack-entries'] ||
      member.length > limits['set-max-listpack-value']
    ) {
      return this.toTable().add(member);
    }
    this.listpack.append(member);
    this.ref = this.payload.ref;
    return true;
  }

  private addToIntset(member: Bytes, limits: SetLimits): boolean {
    const { intset } = this;
    const integer = parseMember(member);
    if (integer === undefined) {
      if (!this.fitsListpack(member.length, limits)) return this.toTable().add(member);
      this.toListpack();
      return this.add(member, limits);
    }
    const added = intset.add(integer);
    this.ref = this.payload.ref;
    if (added && intset.count > Math.min(limits['set-max-intset-entries'], largestIntset)) this.toTable();
    return added;
  }

  /**
   * True if the intset's members and one of `length` bytes can be a listpack. The longest are the least and
   * the greatest.
   */
  private fitsListpack(length: number, limits: SetLimits): boolean {
    const { intset } = this;
    const { count } = intset;
    const longest = limits['set-max-listpack-value'];
    if (count >= limits['set-max-listpack-entries'] || length > longest) return false;
    for (const index of count === 0 ? [] : [0, count - 1]) {
      intset.read(index, view);
      if (view.length > longest) return false;
    }
    return true;
  }

  private toListpack(): void {
    const { intset, listpack, database, payload } = this;
    const members = Array.from({ length: intset.count }, (_, index) => intset.get(index));
    payload.resize(EMPTY_LISTPACK_LENGTH);
    database.edit(payload.ref, kinds.listpackSet);
    writeEmptyListpack(payload.buffer, payload.offset);
    for (const member of members) listpack.append(Bytes.of(member.toString()));
    this.ref = payload.ref;
    this.isIntset = false;
  }

  private toTable(): TableSet {
    const table = new TableSet(this.database.keyspace);
    this.forEachPacked((place) => {
      this.packedNameAt(place, view);
      table.add(view);
    });
    this.ref = this.database.unpack(this.ref, kinds.tableSet, table);
    this.table = table;
    this.isIntset = false;
    return table;
  }

  // A place in an intset is the member's index and one.

  protected override packedSize(): number {
    return this.isIntset ? this.intset.count : super.packedSize();
  }

  protected override findPacked(name: Bytes): Place {
    if (!this.isIntset) return super.findPacked(name);
    const integer = parseMember(name);
    return integer === undefined ? 0 : this.intset.indexOf(integer) + 1;
  }

  protected override packedNameAt(place: Place, into: Bytes): void {
    if (this.isIntset) this.intset.read(place - 1, into);
    else super.packedNameAt(place, into);
  }

  protected override removePacked(place: Place): void {
    if (!this.isIntset) return super.removePacked(place);
    this.intset.removeAt(place - 1);
    this.ref = this.payload.ref;
  }

  protected override forEachPacked(visit: (place: Place) => void): void {
    if (!this.isIntset) return super.forEachPacked(visit);
    for (let place = 1; place <= this.intset.count; place++) visit(place);
  }

  protected override packedAt(index: number): Place {
    return this.isIntset ? index + 1 : super.packedAt(index);
  }
}

/**
 * Members that are gathered before they are stored: the destination of a set operation may be one of its
 * sources. Kept as a table in the meantime, outside of any key.
 */
export class GatheredSet {
  private readonly table: TableSet;
  private allIntegers = true;
  private longest = 0;

  constructor(private readonly database: Database) {
    this.table = new TableSet(database.keyspace);
  }

  get size(): number {
    return this.table.size;
  }

  add(member: Bytes): void {
    if (!this.table.add(member)) return;
    this.longest = Math.max(this.longest, member.length);
    if (this.allIntegers) this.allIntegers = parseMember(member) !== undefined;
  }

  /** Visits all members, each in a view that the next one overwrites. */
  forEach(visit: (member: Bytes) => void): void {
    this.table.forEach((ref) => {
      this.table.readName(ref, memberView);
      visit(memberView);
    });
  }

  /** Frees the members. */
  discard(): void {
    this.table.freeSlice(Number.POSITIVE_INFINITY);
  }

  /** Stores the members, at least one, under a key, whatever it held. They are the key's from then on. */
  store(key: Bytes, limits: SetLimits): void {
    const { database, table, size } = this;
    const fitsIntset = this.allIntegers && size <= limits['set-max-intset-entries'];
    const fitsListpack =
      size <= limits['set-max-listpack-entries'] && this.longest <= limits['set-max-listpack-value'];
    if (!fitsIntset && !fitsListpack) {
      database.putCollection(key, kinds.tableSet, table);
      return;
    }
    if (fitsIntset) stored.createIntset(database, key);
    else stored.createListpack(database, key);
    this.forEach((member) => stored.add(member, limits));
    this.discard();
  }
}

const stored = new SetValue();
