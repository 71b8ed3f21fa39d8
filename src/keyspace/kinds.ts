import { ValueType } from './events.js';

/**
 * Type and encoding of an entry in one number, as the entry stores it: type | encoding << 3. Encodings from 4
 * on mean that the payload is the handle of a `Collection`; below, that the payload is the value.
 */
export type Kind = number;

/** Set in the kinds whose payload is a handle. */
const handleBit = 4 << 3;

export const kinds = {
  /** A string whose OBJECT ENCODING is as SET decides. */
  string: ValueType.string,
  /** A string edited in place: always `raw`. */
  editedString: ValueType.string | (1 << 3),
  /** As SET decides, but never `int`: what INCRBYFLOAT stores. */
  textString: ValueType.string | (2 << 3),
  /** As SET decides, made by COPY: Redis gives an integer that it copies an object of its own. */
  copiedString: ValueType.string | (3 << 3),
  listpackList: ValueType.list,
  quicklist: ValueType.list | handleBit,
  intset: ValueType.set,
  listpackSet: ValueType.set | (1 << 3),
  tableSet: ValueType.set | handleBit,
  listpackSortedSet: ValueType.sortedSet,
  treeSortedSet: ValueType.sortedSet | handleBit,
  listpackHash: ValueType.hash,
  /** With an expiry for each field: field, value, time; ordered by time. */
  expiringListpackHash: ValueType.hash | (1 << 3),
  /** The same form, while no field has an expiry. */
  restingListpackHash: ValueType.hash | (2 << 3),
  tableHash: ValueType.hash | handleBit,
  /** With fields that expire. */
  expiringTableHash: ValueType.hash | handleBit | (1 << 3),
  stream: ValueType.stream | handleBit,
} as const satisfies Record<string, Kind>;

/** OBJECT ENCODING of each kind but strings, which decide by their bytes. */
export const encodingNames: ReadonlyMap<Kind, string> = new Map([
  [kinds.listpackList, 'listpack'],
  [kinds.quicklist, 'quicklist'],
  [kinds.intset, 'intset'],
  [kinds.listpackSet, 'listpack'],
  [kinds.tableSet, 'hashtable'],
  [kinds.listpackSortedSet, 'listpack'],
  [kinds.treeSortedSet, 'skiplist'],
  [kinds.listpackHash, 'listpack'],
  [kinds.expiringListpackHash, 'listpackex'],
  [kinds.restingListpackHash, 'listpackex'],
  [kinds.tableHash, 'hashtable'],
  [kinds.expiringTableHash, 'hashtable'],
  [kinds.stream, 'stream'],
]);

/** True if the payload of such an entry is the handle of a Collection. */
export function isHandle(kind: Kind): boolean {
  return (kind & handleBit) !== 0;
}

/** True if such a value has fields that expire by themselves. */
export function hasExpiringFields(kind: Kind): boolean {
  return kind === kinds.expiringListpackHash || kind === kinds.expiringTableHash;
}
