/**
 * Classes of keyspace notifications, with the letter that `notify-keyspace-events` uses for each. A bit each.
 */
export const EventClass = {
  /** K: publish on `__keyspace@<db>__:<key>`. */
  keyspace: 1 << 0,
  /** E: publish on `__keyevent@<db>__:<event>`. */
  keyevent: 1 << 1,
  /** g */
  generic: 1 << 2,
  /** $ */
  string: 1 << 3,
  /** l */
  list: 1 << 4,
  /** s */
  set: 1 << 5,
  /** h */
  hash: 1 << 6,
  /** z */
  sortedSet: 1 << 7,
  /** x */
  expired: 1 << 8,
  /** e */
  evicted: 1 << 9,
  /** t */
  stream: 1 << 10,
  /** m: not part of A */
  keyMiss: 1 << 11,
  /** d */
  module: 1 << 13,
  /** n: not part of A */
  newKey: 1 << 14,
} as const;

/** Types of values, as stored in an entry's meta word. */
export const ValueType = { string: 0, list: 1, set: 2, sortedSet: 3, hash: 4, stream: 5 } as const;
export type ValueType = (typeof ValueType)[keyof typeof ValueType];

/** Names for TYPE, by `ValueType`. */
export const typeNames = ['string', 'list', 'set', 'zset', 'hash', 'stream'] as const;
