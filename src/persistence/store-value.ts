import type { Bytes } from '../bytes/bytes.js';
import { absent, type Database } from '../keyspace/database.js';
import { ValueType } from '../keyspace/events.js';
import { type HashLimits, HashValue } from '../keyspace/hash-value.js';
import { ListValue } from '../keyspace/list-value.js';
import { GatheredSet, type SetLimits } from '../keyspace/set-value.js';
import { storeSortedSet } from '../keyspace/sorted-sets.js';
import { NO_EXPIRY } from '../memory/entry.js';
import { TreeSortedSet } from '../values/tree-sorted-set.js';
import type { SavedValue } from './read-value.js';

/** Up to what size collections are packed: the configuration has these. */
export interface StoreLimits extends HashLimits, SetLimits {
  readonly 'zset-max-listpack-entries': number;
  readonly 'zset-max-listpack-value': number;
}

/**
 * Stores a value that was saved under a key that is absent, in the encoding that today's limits ask for. Fields of a hash
 * that have expired stay away; if that leaves none, there is no key, and the answer is false.
 */
export function storeValue(database: Database, key: Bytes, value: SavedValue, limits: StoreLimits): boolean {
  switch (value.type) {
    case ValueType.string: {
      const { buffer, start, end } = value.bytes;
      database.setString(key, buffer, start, end);
      return true;
    }
    case ValueType.list:
      return storeList(database, key, value.elements);
    case ValueType.set: {
      const members = new GatheredSet(database);
      for (const member of value.elements) members.add(member);
      members.store(key, limits);
      return true;
    }
    case ValueType.sortedSet: {
      const members = new TreeSortedSet(database.keyspace);
      for (const [i, member] of value.members.entries()) members.addNew(member, value.scores[i]);
      const { 'zset-max-listpack-entries': entries, 'zset-max-listpack-value': longest } = limits;
      storeSortedSet(database, key, members, { entries, value: longest });
      return true;
    }
    case ValueType.hash:
      return storeHash(database, key, value.pairs, value.expiries, limits);
  }
}

function storeList(database: Database, key: Bytes, elements: Bytes[]): true {
  const list = new ListValue().create(database, key);
  list.pushAll(elements, 0, elements.length, false);
  list.settle();
  return true;
}

function storeHash(
  database: Database,
  key: Bytes,
  pairs: Bytes[],
  expiries: number[] | undefined,
  limits: HashLimits,
): boolean {
  const { now } = database.keyspace;
  const whenOf = (i: number) => expiries?.[i / 2] ?? NO_EXPIRY;
  const live = pairs.map((_, i) => i).filter((i) => i % 2 === 0 && whenOf(i) >= now);
  if (live.length === 0) return false;
  const hash = new HashValue().create(database, key);
  for (const i of live) hash.set(pairs[i], pairs[i + 1], limits);
  for (const i of live) {
    if (whenOf(i) !== NO_EXPIRY) hash.setExpiry(hash.find(pairs[i]), pairs[i], whenOf(i));
  }
  return hash.ref !== absent;
}
