import { Bytes } from '../bytes/bytes.js';
import type { Ref } from '../memory/arena.js';
import { NO_EXPIRY } from '../memory/entry.js';
import type { ListpackPosition } from '../memory/listpack.js';
import { EMPTY_LISTPACK_LENGTH, writeEmptyListpack } from '../memory/listpack-format.js';
import { TableHash } from '../values/table-hash.js';
import type { Database } from './database.js';
import { Elements, type Place } from './elements.js';
import { EventClass } from './events.js';
import { hasExpiringFields, kinds } from './kinds.js';

/** Up to what size a hash is a listpack: the configuration has these. */
export interface HashLimits {
  readonly 'hash-max-listpack-entries': number;
  readonly 'hash-max-listpack-value': number;
}

const fieldView = new Bytes();
const valueView = new Bytes();

/** Listpack elements of a field: itself and its value; with an expiry time as well, 0 for none. */
const pair = 2;
const triple = 3;

/** Buckets of a big hash's expiring fields that are looked at in one go. */
const bucketsPerSlice = 64;

/**
 * The fields and values of a hash: a listpack while they are few and short, then a table. It never goes back.
 *
 * While a field has an expiry, the hash is of an `expiring` kind. As a listpack it has triples from then on,
 * those that expire first in front, those that never do at the end. Fields whose time has come are still
 * found, counted and visited, `isHidden` tells them: it is for the commands to remove them or to pass over
 * them.
 */
export class HashValue extends Elements {
  declare protected table: TableHash | undefined;
  private expiring = false;
  /** Fields that `findLive` and `removeExpired` removed since `open`, not yet announced. */
  private expired = 0;
  /** Their names, while somebody repeats the changes. */
  private vanished: Bytes[] = [];

  constructor() {
    super(pair);
  }

  override open(database: Database, ref: Ref): this {
    super.open(database, ref);
    const kind = database.kindOf(ref);
    this.expiring = hasExpiringFields(kind);
    this.expired = 0;
    this.stride = this.expiring || kind === kinds.restingListpackHash ? triple : pair;
    return this;
  }

  /** Makes an empty hash of a key that is absent. */
  create(database: Database, key: Bytes): this {
    const ref = database.put(key, kinds.listpackHash, EMPTY_LISTPACK_LENGTH);
    const { buffer, start } = database.payload(ref);
    writeEmptyListpack(buffer, start);
    return this.open(database, ref);
  }

  /** Unix time in ms, as for all commands of a batch. */
  get now(): number {
    return this.database.keyspace.now;
  }

  /** Fields that were to expire before this have expired. */
  get expiredBefore(): number {
    return this.database.keyspace.expiredBefore;
  }

  /** Points `into` at a field's value; false if there is no such field, or its time has come. */
  get(field: Bytes, into: Bytes): boolean {
    const place = this.find(field);
    if (place === 0 || this.isHidden(place)) return false;
    this.valueAt(place, into);
    return true;
  }

  /** Points `into` at the value of the field at a place. */
  valueAt(place: Place, into: Bytes): void {
    if (this.table === undefined) this.listpack.read(this.listpack.next(place), into);
    else this.table.readPayload(place, into);
  }

  /** Sets a field, whose expiry goes; true if it is new. Neither view may be of this hash. Hot. */
  set(field: Bytes, value: Bytes, limits: HashLimits): boolean {
    if (this.expiring) return this.setForGood(field, value, limits);
    return this.put(field, value, limits);
  }

  /** As `set`, with a field that may have had an expiry. */
  private setForGood(field: Bytes, value: Bytes, limits: HashLimits): boolean {
    const isNew = this.put(field, value, limits);
    this.rest();
    return isNew;
  }

  private put(field: Bytes, value: Bytes, limits: HashLimits): boolean {
    if (this.table !== undefined) return this.table.set(field, value);
    if (isLong(field, limits) || isLong(value, limits)) return this.toTable().set(field, value);
    const { listpack } = this;
    const place = listpack.find(listpack.first(), field, this.stride - 1);
    if (place !== 0 && this.expiryAt(place) === NO_EXPIRY) {
      listpack.replace(listpack.next(place), value);
    } else {
      if (place !== 0) listpack.delete(place, triple);
      listpack.appendPair(field, value);
      if (this.stride === triple) listpack.appendInteger(0);
    }
    this.ref = this.payload.ref;
    if (place === 0 && this.packedSize() > limits['hash-max-listpack-entries']) this.toTable();
    return place === 0;
  }

  override remove(name: Bytes): boolean {
    const removed = super.remove(name);
    if (this.expiring) this.rest();
    return removed;
  }

  override removeAt(place: Place): void {
    super.removeAt(place);
    if (this.expiring) this.rest();
  }

  /** Gives up the expiring kind if no field has an expiry any more. */
  private rest(): void {
    const { table } = this;
    if (table === undefined ? this.soonestExpiry < NO_EXPIRY : table.expiringSize > 0) return;
    this.database.edit(this.ref, table === undefined ? kinds.restingListpackHash : kinds.tableHash);
    this.expiring = false;
  }

  /** Changes the value of the field at a place, which keeps its expiry. The view must not be of this hash. */
  update(place: Place, field: Bytes, value: Bytes, limits: HashLimits): void {
    if (this.table !== undefined) return this.table.update(place, value);
    if (isLong(value, limits)) {
      const table = this.toTable();
      return table.update(table.find(field), value);
    }
    this.listpack.replace(this.listpack.next(place), value);
    this.ref = this.payload.ref;
  }

  /** When the field at a place expires, in unix ms; NO_EXPIRY if it does not. */
  expiryAt(place: Place): number {
    if (!this.expiring) return NO_EXPIRY;
    return this.table === undefined ? this.packedExpiryAt(place) : this.table.expiryOf(place);
  }

  private packedExpiryAt(place: ListpackPosition): number {
    const { listpack } = this;
    return listpack.readInteger(listpack.next(listpack.next(place))) || NO_EXPIRY;
  }

  /** True for a field whose time has come. */
  override isHidden(place: Place): boolean {
    return this.expiring && this.expiryAt(place) < this.expiredBefore;
  }

  /**
   * The place of a field, or 0; a field whose time has come is removed. `announceExpired` is to be called
   * before the command ends. Hot.
   */
  findLive(field: Bytes): Place {
    const place = this.find(field);
    return place !== 0 && this.isHidden(place) ? this.expire(place) : place;
  }

  private expire(place: Place): 0 {
    if (this.database.keyspace.keepExpired) return 0;
    this.announceChange();
    if (this.database.keyspace.propagates) this.noteVanished(place);
    this.removeAt(place);
    this.expired++;
    return 0;
  }

  private readonly noteVanished = (place: Place): void => {
    this.nameAt(place, fieldView);
    this.vanished.push(fieldView.copy());
  };

  /** Removes all fields whose time has come; to be followed by `announceExpired`. */
  removeExpired(): void {
    const { expiredBefore, keepExpired } = this.database.keyspace;
    if (keepExpired || this.soonestExpiry >= expiredBefore) return;
    this.announceChange();
    do this.expired += this.removeExpiredSlice();
    while (this.soonestExpiry < expiredBefore);
  }

  /**
   * Removes some of the fields whose time has come: all of a listpack's, of a table's those in some buckets.
   */
  removeSomeExpired(): void {
    if (this.soonestExpiry >= this.expiredBefore) return;
    this.announceChange();
    this.expired += this.removeExpiredSlice();
  }

  /**
   * What follows when fields expired: counts them, publishes the event, and removes the key if no field is
   * left. True if the key is gone. `key` must not be a view of the entry.
   */
  announceExpired(key: Bytes): boolean {
    return this.expired !== 0 && this.tellExpired(key);
  }

  private tellExpired(key: Bytes): boolean {
    const { database } = this;
    const { keyspace } = database;
    const emptied = this.size === 0;
    keyspace.statistics.expiredFields += this.expired;
    this.expired = 0;
    if (emptied) database.removeEntry(this.ref);
    if (keyspace.propagates) this.tellVanished(key);
    if (keyspace.observed) keyspace.observer.keyModified(database, key, true);
    database.event(EventClass.hash, 'hexpired', key);
    if (emptied) database.event(EventClass.generic, 'del', key);
    return emptied;
  }

  private tellVanished(key: Bytes): void {
    const { observer } = this.database.keyspace;
    for (const field of this.vanished) observer.fieldVanished(this.database, key, field);
    this.vanished = [];
  }

  /** Number of fields whose time has not come. */
  get liveSize(): number {
    if (this.soonestExpiry >= this.expiredBefore) return this.size;
    let count = 0;
    this.forEachLive(() => count++);
    return count;
  }

  /** Visits the fields whose time has not come. */
  forEachLive(visit: (place: Place) => void): void {
    if (this.soonestExpiry >= this.expiredBefore) return this.forEach(visit);
    this.forEach((place) => {
      if (!this.isHidden(place)) visit(place);
    });
  }

  /**
   * Sets when the field at a place expires, in unix ms, or that it does not: NO_EXPIRY. Places are invalid
   * afterwards.
   */
  setExpiry(place: Place, field: Bytes, when: number): void {
    if (this.table !== undefined) this.setTableExpiry(this.table, place, when);
    else this.setPackedExpiry(this.stride === triple ? place : this.toTriples(field), when);
    if (when === NO_EXPIRY) return this.rest();
    if (this.expiring) return;
    const kind = this.table === undefined ? kinds.expiringListpackHash : kinds.expiringTableHash;
    this.database.edit(this.ref, kind);
    this.expiring = true;
  }

  private setTableExpiry(table: TableHash, ref: Ref, when: number): void {
    if (when === NO_EXPIRY) table.persist(ref);
    else table.setExpiry(ref, when);
  }

  /** Takes a triple out and puts it where its new time belongs. */
  private setPackedExpiry(place: ListpackPosition, when: number): void {
    const { listpack } = this;
    listpack.read(place, fieldView);
    listpack.read(listpack.next(place), valueView);
    const [field, value] = [fieldView.copy(), valueView.copy()];
    listpack.delete(place, triple);
    let at = listpack.first();
    while (at !== 0 && this.packedExpiryAt(at) <= when && when !== NO_EXPIRY) at = this.nextPacked(at);
    if (at === 0 || when === NO_EXPIRY) at = listpack.end();
    listpack.insertPair(at, field, value);
    const behind = listpack.next(listpack.next(at)) || listpack.end();
    listpack.insert(behind, Bytes.of(String(when === NO_EXPIRY ? 0 : when)));
    this.ref = this.payload.ref;
  }

  private nextPacked(place: ListpackPosition): ListpackPosition {
    const { listpack } = this;
    return listpack.next(listpack.next(listpack.next(place)));
  }

  /** Makes triples of pairs, with no expiry. Returns where `field` is now. */
  private toTriples(field: Bytes): ListpackPosition {
    const { listpack, database } = this;
    for (let at = listpack.first(); at !== 0; ) {
      const behind = listpack.next(listpack.next(at));
      listpack.insert(behind || listpack.end(), zero);
      at = behind === 0 ? 0 : listpack.next(behind);
    }
    this.ref = this.payload.ref;
    database.edit(this.ref, kinds.restingListpackHash);
    this.stride = triple;
    return this.findPacked(field);
  }

  /** No field expires before this unix time in ms. */
  get soonestExpiry(): number {
    if (!this.expiring) return NO_EXPIRY;
    if (this.table !== undefined) return this.table.soonest;
    const first = this.listpack.first();
    return first === 0 ? NO_EXPIRY : this.packedExpiryAt(first);
  }

  private removeExpiredSlice(): number {
    const { expiredBefore: now, propagates } = this.database.keyspace;
    const before = this.size;
    const note = propagates ? this.noteVanished : undefined;
    if (this.table !== undefined) this.table.expireSlice(now, bucketsPerSlice, note);
    else this.removePackedBefore(now, note);
    this.ref = this.table === undefined ? this.payload.ref : this.ref;
    if (this.expiring) this.rest();
    return before - this.size;
  }

  private removePackedBefore(now: number, note: ((place: Place) => void) | undefined): void {
    const { listpack } = this;
    while (this.soonestExpiry < now) {
      note?.(listpack.first());
      listpack.delete(listpack.first(), triple);
    }
  }

  private toTable(): TableHash {
    const { expiring } = this;
    const table = new TableHash(this.database.keyspace);
    this.forEachPacked((place) => {
      this.nameAt(place, fieldView);
      this.valueAt(place, valueView);
      table.set(fieldView, valueView);
      const when = this.expiryAt(place);
      if (when !== NO_EXPIRY) table.setExpiry(table.find(fieldView), when);
    });
    this.ref = this.database.unpack(this.ref, expiring ? kinds.expiringTableHash : kinds.tableHash, table);
    this.table = table;
    return table;
  }
}

const zero = Bytes.of('0');

function isLong(bytes: Bytes, limits: HashLimits): boolean {
  return bytes.length > limits['hash-max-listpack-value'];
}
