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
  streamListpacks: 15,
  streamListpacks2: 19,
  streamListpacks3: 21,
  /** A module's value. */
  module: 6,
  module2: 7,
  /** With an expiry for each field, as release candidates of Redis 7.4 wrote it: absolute times, and none in front. */
  expiringHashEarly: 22,
  expiringHashListpackEarly: 23,
  /** With an expiry for each field. */
  expiringHash: 24,
  expiringHashListpack: 25,
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

/** What begins a record of a file, if it is none of `RdbType`. */
export const Opcode = {
  /** How many keys a cluster's slot has. */
  slotInfo: 244,
  /** The source of a library of functions, and how it was told before Redis 7.0 was done. */
  function2: 245,
  functionEarly: 246,
  moduleAux: 247,
  /** Of the key that follows: seconds since its last access, and how often it is accessed. */
  idle: 248,
  frequency: 249,
  /** A name and a text that say something about the file. */
  auxiliary: 250,
  /** The number of keys that follow, and of those that expire. */
  resizeDatabase: 251,
  /** When the key that follows expires, in unix ms and seconds. */
  expiryMs: 252,
  expirySeconds: 253,
  selectDatabase: 254,
  end: 255,
} as const;

/** What a file begins with, before four digits with the version. */
export const rdbSignature = 'REDIS';

/** From this version on a checksum ends the file. */
export const checksumVersion = 5;

/** What a module's data consists of, in moduleAux records. */
export const ModuleOpcode = { end: 0, signed: 1, unsigned: 2, float: 3, double: 4, string: 5 } as const;
