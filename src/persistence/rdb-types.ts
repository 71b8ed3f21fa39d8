/**
 * The byte that says in an RDB file or a DUMP payload what form a value is in. Redis publishes the format by its files;
 * forms for which there is a newer one are only read.
 */
export const RdbType = {
  string: 0,
  list: 1,
  set: 2,
  /** Scores as text. */
  sortedSetText: 3,
  hash: 4,
  /** Scores as doubles. */
  sortedSet: 5,
  hashZipmap: 9,
  listZiplist: 10,
  setIntset: 11,
  sortedSetZiplist: 12,
  hashZiplist: 13,
  /** A list of ziplists. */
  listZiplists: 14,
  hashListpack: 16,
  sortedSetListpack: 17,
  /** A list of listpacks, and of elements too big for one. */
  listListpacks: 18,
  setListpack: 20,
  /** With an expiry for each field. */
  expiringHash: 24,
  expiringHashListpack: 25,
} as const;

/** What stands in an RDB file where a value's form could. */
export const RdbOp = {
  /** A library of functions, as its source. */
  function: 245,
  idle: 248,
  frequency: 249,
  aux: 250,
  resize: 251,
  expiryMs: 252,
  selectDatabase: 254,
  end: 255,
} as const;

/** Versions of the format that are read; each reads what the ones before it wrote. */
export const newestRdbVersion = 12;

/** From this version on a small set can be a listpack, and from that one on fields of hashes can expire. */
export const setListpackVersion = 11;
export const fieldExpiryVersion = 12;

/** The first byte of a length: its two upper bits, or all of it. */
export const Length = { sixBits: 0x00, fourteenBits: 0x40, word: 0x80, long: 0x81, encoded: 0xc0 } as const;

/** Forms of strings that are not their plain bytes: in the lower bits, where `Length.encoded` is in the upper ones. */
export const Encoded = { int8: 0, int16: 1, int32: 2, lzf: 3 } as const;

/** A node of a list: one big element as it is, or a listpack. */
export const ListNode = { plain: 1, packed: 2 } as const;
