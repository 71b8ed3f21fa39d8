import { Bytes } from '../bytes/bytes.js';
import { kinds } from '../keyspace/kinds.js';
import { NO_EXPIRY } from '../memory/entry.js';
import { type Int64, parseMember } from '../memory/intset.js';
import { hasDistinctElements } from '../memory/listpack-check.js';
import { EMPTY_LISTPACK_LENGTH, writeEmptyListpack } from '../memory/listpack-format.js';
import { PackedSortedSet } from '../values/packed-sorted-set.js';
import { Quicklist } from '../values/quicklist.js';
import { TableHash } from '../values/table-hash.js';
import { TableSet } from '../values/table-set.js';
import { TreeSortedSet } from '../values/tree-sorted-set.js';
import type { RdbReader } from './rdb-reader.js';
import {
  collectionValue,
  emptyValue,
  packedValue,
  type SavedValue,
  type ValueTarget,
} from './saved-value.js';
import { buildIntset, ListpackBuilder, ScratchBytes } from './scratch.js';

/** Values that are built of their elements, in the encoding that is due to them. Throws RdbError for what cannot be. */

const builder = new ListpackBuilder();
const sortedBytes = new ScratchBytes();
const packedSorted = new PackedSortedSet(sortedBytes);

/** Field expiries are below this unix time in ms, as in Redis. */
export const lastExpiryPossible = 2 ** 46;

export function listOf(elements: Bytes[], target: ValueTarget): SavedValue {
  const { arena, listSettings } = target.keyspace;
  const list = new Quicklist(arena, listSettings);
  for (const element of elements) list.pushLast(element);
  return settledList(list, target);
}

/** The list itself, or, if that is what is due, its only listpack. */
export function settledList(list: Quicklist, { keyspace }: ValueTarget): SavedValue {
  const { arena, listSettings } = keyspace;
  const { head, nodes, size } = list;
  if (size === 0) return emptyValue;
  if (nodes > 1 || head!.plain || listSettings.exceeded(head!.length, head!.count))
    return collectionValue(kinds.quicklist, list);
  const { ref, start, length } = list.takeOnlyNode();
  const from = arena.offsetOf(ref) + start;
  const bytes = Buffer.from(arena.bufferOf(ref).subarray(from, from + length));
  arena.release(ref);
  return packedValue(kinds.listpackList, new Bytes(bytes));
}

export function setOf(reader: RdbReader, members: Bytes[], target: ValueTarget, what = 'Set'): SavedValue {
  const { limits } = target;
  if (members.length === 0) return emptyValue;
  if (members.length <= limits['set-max-intset-entries']) {
    const integers = integersOf(members);
    if (integers !== undefined) {
      const bytes = buildIntset(integers);
      if (bytes === undefined) throw twice(reader, what);
      return packedValue(kinds.intset, bytes);
    }
  }
  if (
    members.length <= limits['set-max-listpack-entries'] &&
    areShort(members, limits['set-max-listpack-value'])
  ) {
    return packedValue(kinds.listpackSet, packed(reader, members, 1, what));
  }
  const set = new TableSet(target.keyspace);
  for (const member of members) {
    if (set.add(member)) continue;
    set.freeSlice(Number.POSITIVE_INFINITY);
    throw twice(reader, what);
  }
  return collectionValue(kinds.tableSet, set);
}

function integersOf(members: Bytes[]): Int64[] | undefined {
  const integers: Int64[] = [];
  for (const member of members) {
    const integer = parseMember(member);
    if (integer === undefined) return undefined;
    integers.push(integer);
  }
  return integers;
}

/** Of fields and values, one after the other. */
export function hashOf(reader: RdbReader, pairs: Bytes[], target: ValueTarget, what = 'Hash'): SavedValue {
  const { limits } = target;
  if (pairs.length === 0) return emptyValue;
  if (pairs.length % 2 !== 0) throw reader.fail('hash with a field without a value');
  if (
    pairs.length / 2 <= limits['hash-max-listpack-entries'] &&
    areShort(pairs, limits['hash-max-listpack-value'])
  ) {
    return packedValue(kinds.listpackHash, packed(reader, pairs, 2, what));
  }
  const hash = new TableHash(target.keyspace);
  for (let i = 0; i < pairs.length; i += 2) {
    if (hash.set(pairs[i], pairs[i + 1])) continue;
    hash.freeSlice(Number.POSITIVE_INFINITY);
    throw twice(reader, what);
  }
  return collectionValue(kinds.tableHash, hash);
}

/**
 * Of fields and values, and for each field when it expires: unix ms or NO_EXPIRY. Those whose time has come are there
 * as well, so that whoever has the same value is told when they go.
 */
export function expiringHashOf(
  reader: RdbReader,
  pairs: Bytes[],
  expiries: number[],
  target: ValueTarget,
  what = 'Hash',
): SavedValue {
  if (pairs.length === 0) return emptyValue;
  requireTimes(reader, expiries);
  requireDistinctFields(reader, pairs, what);
  if (fitsTriples(pairs, target)) return triples(pairs, expiries);
  const hash = new TableHash(target.keyspace);
  for (const [i, when] of expiries.entries()) {
    hash.set(pairs[i * 2], pairs[i * 2 + 1]);
    if (when !== NO_EXPIRY) hash.setExpiry(hash.find(pairs[i * 2]), when);
  }
  return collectionValue(hash.expiringSize > 0 ? kinds.expiringTableHash : kinds.tableHash, hash);
}

export function requireTimes(reader: RdbReader, expiries: number[]): void {
  for (const when of expiries) {
    if (when !== NO_EXPIRY && !(Number.isInteger(when) && when > 0 && when < lastExpiryPossible))
      throw reader.fail('hash with a field whose time cannot be');
  }
}

function requireDistinctFields(reader: RdbReader, pairs: Bytes[], what: string): void {
  const fields = new Set<string>();
  for (let i = 0; i < pairs.length; i += 2) fields.add(pairs[i].latin1());
  if (fields.size < pairs.length / 2) throw twice(reader, what);
}

function fitsTriples(pairs: Bytes[], { limits }: ValueTarget): boolean {
  return (
    pairs.length / 2 <= limits['hash-max-listpack-entries'] &&
    areShort(pairs, limits['hash-max-listpack-value'])
  );
}

function triples(pairs: Bytes[], expiries: number[]): SavedValue {
  // The order of fields that expire at the same time stays.
  const ordered = [...expiries.keys()].sort((a, b) =>
    expiries[a] === expiries[b] ? a - b : expiries[a] - expiries[b],
  );
  builder.reset();
  for (const i of ordered) {
    builder.append(pairs[i * 2]);
    builder.append(pairs[i * 2 + 1]);
    builder.appendInteger(expiries[i] === NO_EXPIRY ? 0 : expiries[i]);
  }
  const expiring = expiries[ordered[0]] !== NO_EXPIRY;
  return packedValue(expiring ? kinds.expiringListpackHash : kinds.restingListpackHash, builder.finish());
}

export function sortedSetOf(
  reader: RdbReader,
  members: Bytes[],
  scores: number[],
  target: ValueTarget,
  what = 'Zset',
): SavedValue {
  if (members.length === 0) return emptyValue;
  const set = new TreeSortedSet(target.keyspace);
  for (const [i, member] of members.entries()) {
    if (addMember(set, member, scores[i])) continue;
    set.freeSlice(Number.POSITIVE_INFINITY);
    throw twice(reader, what);
  }
  return settledSortedSet(set, target);
}

/** Adds a member unless it is there. */
export function addMember(set: TreeSortedSet, member: Bytes, score: number): boolean {
  if (!Number.isNaN(set.find(member))) return false;
  set.add(member, score);
  return true;
}

/** The set itself, or, if that is what is due, a packed one with its members. */
export function settledSortedSet(set: TreeSortedSet, { limits }: ValueTarget): SavedValue {
  if (
    set.size > limits['zset-max-listpack-entries'] ||
    set.longestMember() > limits['zset-max-listpack-value']
  ) {
    return collectionValue(kinds.treeSortedSet, set);
  }
  sortedBytes.trim();
  sortedBytes.resize(EMPTY_LISTPACK_LENGTH);
  writeEmptyListpack(sortedBytes.buffer, 0);
  set.visitRanks(0, set.size, false, (member, score) => packedSorted.append(member, score));
  set.freeSlice(Number.POSITIVE_INFINITY);
  return packedValue(kinds.listpackSortedSet, sortedBytes.view());
}

function areShort(elements: Bytes[], longest: number): boolean {
  return elements.every(({ start, end }) => end - start <= longest);
}

function packed(reader: RdbReader, elements: Bytes[], stride: number, what: string): Bytes {
  builder.reset();
  for (const element of elements) builder.append(element);
  const bytes = builder.finish();
  if (hasDistinctElements(bytes.buffer, bytes.start, elements.length / stride, stride)) return bytes;
  throw twice(reader, what);
}

/** What an element that is there twice is answered with. */
export function twice(reader: RdbReader, what: string): Error {
  return reader.fail(`${what} with dup elements: integrity check failed before the byte`);
}
