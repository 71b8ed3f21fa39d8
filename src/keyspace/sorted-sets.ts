import type { Bytes } from '../bytes/bytes.js';
import type { Ref } from '../memory/arena.js';
import { EMPTY_LISTPACK_LENGTH, writeEmptyListpack } from '../memory/listpack-format.js';
import { PackedSortedSet } from '../values/packed-sorted-set.js';
import type { SortedSet } from '../values/sorted-set.js';
import { TreeSortedSet } from '../values/tree-sorted-set.js';
import type { Database } from './database.js';
import { EntryPayload } from './entry-payload.js';
import { kinds } from './kinds.js';

/** Up to what size a sorted set is packed: `zset-max-listpack-entries`, `zset-max-listpack-value`. */
export interface SortedSetLimits {
  entries: number;
  value: number;
}

/** A listpack grows no further than this. */
const maxListpackBytes = 2 ** 30;

// The packed set that is open at the moment, reused so that opening one allocates nothing.
const payload = new EntryPayload();
const packed = new PackedSortedSet(payload);

/**
 * The sorted set of an entry that holds one, until another is opened or the key is changed by other means.
 * Hot.
 */
export function openSortedSet(database: Database, ref: Ref): SortedSet {
  if (database.kindOf(ref) === kinds.treeSortedSet) return database.collection<TreeSortedSet>(ref);
  payload.point(database, ref);
  return packed;
}

/** As `openSortedSet`, but makes a small set a big one, as SORT does in Redis, where OBJECT ENCODING shows it. */
export function openAsTree(database: Database, ref: Ref): SortedSet {
  const set = openSortedSet(database, ref);
  return set === packed ? unpack(database) : set;
}

/** As `openSortedSet`, for reading several at once. */
export function openForReading(database: Database, ref: Ref): SortedSet {
  if (database.kindOf(ref) === kinds.treeSortedSet) return database.collection<TreeSortedSet>(ref);
  return new PackedSortedSet(new EntryPayload().point(database, ref));
}

/**
 * Creates an empty sorted set that will get so many members, the first of that length. The key must be
 * absent.
 */
export function createSortedSet(
  database: Database,
  key: Bytes,
  limits: SortedSetLimits,
  members: number,
  length: number,
): SortedSet {
  if (members <= limits.entries && length <= limits.value) return createPacked(database, key);
  const tree = new TreeSortedSet(database.keyspace);
  database.putCollection(key, kinds.treeSortedSet, tree);
  return tree;
}

function createPacked(database: Database, key: Bytes): PackedSortedSet {
  payload.point(database, database.put(key, kinds.listpackSortedSet, EMPTY_LISTPACK_LENGTH));
  writeEmptyListpack(payload.buffer, payload.offset);
  return packed;
}

/**
 * The open set in an encoding that will do for so many members: itself, or a big one that has taken its
 * place.
 */
export function prepareFor(
  database: Database,
  set: SortedSet,
  limits: SortedSetLimits,
  members: number,
): SortedSet {
  if (set !== packed || members <= limits.entries) return set;
  return unpack(database);
}

/**
 * Adds a member that `find` has just not found to the open set, which becomes a big one if it must. Returns
 * the set that has the member now.
 */
export function addToSortedSet(
  database: Database,
  set: SortedSet,
  limits: SortedSetLimits,
  member: Bytes,
  score: number,
): SortedSet {
  if (set === packed && !hasRoom(limits, member)) {
    const tree = unpack(database);
    tree.addNew(member, score);
    return tree;
  }
  set.add(member, score);
  return set;
}

function hasRoom(limits: SortedSetLimits, { length }: Bytes): boolean {
  return packed.size < limits.entries && length <= limits.value && packed.bytes + length < maxListpackBytes;
}

/** Puts a big set in the place of the open packed one. */
function unpack(database: Database): TreeSortedSet {
  const tree = new TreeSortedSet(database.keyspace);
  packed.visitRanks(0, packed.size, false, (member, score) => {
    tree.addNew(member, score);
  });
  database.unpack(payload.ref, kinds.treeSortedSet, tree);
  return tree;
}

/**
 * Stores a set that was built for it under a key, in the encoding that is due to it, replacing what was
 * there. The set must not be empty, and is the key's, or gone, afterwards.
 */
export function storeSortedSet(
  database: Database,
  key: Bytes,
  built: TreeSortedSet,
  limits: SortedSetLimits,
): void {
  if (built.size > limits.entries || built.longestMember() > limits.value) {
    database.putCollection(key, kinds.treeSortedSet, built);
    return;
  }
  const small = createPacked(database, key);
  built.visitRanks(0, built.size, false, (member, score) => small.append(member, score));
  discardSortedSet(built);
}

/** Frees a set that was built and that no key has. */
export function discardSortedSet(built: TreeSortedSet): void {
  built.freeSlice(Number.POSITIVE_INFINITY);
}
