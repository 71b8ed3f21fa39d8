import type { Bytes } from '../bytes/bytes.js';
import type { Database } from '../keyspace/database.js';
import type { HashLimits } from '../keyspace/hash-value.js';
import type { Keyspace } from '../keyspace/keyspace.js';
import { type Kind, kinds } from '../keyspace/kinds.js';
import type { SetLimits } from '../keyspace/set-value.js';
import type { Ref } from '../memory/arena.js';
import { payloadOffsetOf } from '../memory/entry.js';
import type { Collection } from '../values/collection.js';
import type { RdbReader } from './rdb-reader.js';

/** Up to what size collections are packed: the configuration has these. */
export interface StoreLimits extends HashLimits, SetLimits {
  readonly 'zset-max-listpack-entries': number;
  readonly 'zset-max-listpack-value': number;
}

/** What a value is read for: where big collections get their memory, and up to what size small ones are packed. */
export interface ValueTarget {
  readonly keyspace: Keyspace;
  readonly limits: StoreLimits;
  /**
   * `sanitize-dump-payload`: whether a small set's member or a small hash's field is there twice is not looked at. All
   * else always is.
   */
  readonly unsanitized?: boolean;
}

/**
 * A value that was saved, checked, in the encoding in which it is stored. Bytes are views of what was read. A
 * collection is built already; whoever does not store it discards it.
 */
export type SavedValue =
  | { readonly form: 'packed'; readonly kind: Kind; readonly bytes: Bytes }
  | { readonly form: 'collection'; readonly kind: Kind; readonly collection: Collection }
  /** A collection of no elements, which no key can have: old versions of Redis wrote such. */
  | { readonly form: 'empty' };

/** A collection that is read element by element, for it may be larger than what can be held in memory twice. */
export interface GradualValue {
  /** Reads on, for a while or to the end; then it is the value. Nothing is lost if it throws `endOfPiece`. */
  readMore(reader: RdbReader): SavedValue | undefined;
  /** Frees what was read. */
  discard(): void;
}

export const emptyValue: SavedValue = { form: 'empty' };

export function packedValue(kind: Kind, bytes: Bytes): SavedValue {
  return { form: 'packed', kind, bytes };
}

export function stringValue(bytes: Bytes): SavedValue {
  return { form: 'packed', kind: kinds.string, bytes };
}

export function collectionValue(kind: Kind, collection: Collection): SavedValue {
  return { form: 'collection', kind, collection };
}

/** Frees a value that no key will have. */
export function discardValue(value: SavedValue): void {
  if (value.form === 'collection') value.collection.freeSlice(Number.POSITIVE_INFINITY);
}

/**
 * Stores a value under a key with the unix time in ms at which it expires, or -1. With `replace` it takes the place of
 * what is there; without, a key that is there makes it return `absent`, and nothing is stored. So does a value that is
 * none. A collection is the key's from then on. Throws ArenaFullError, and then nothing has changed.
 */
export function storeValue(
  database: Database,
  key: Bytes,
  value: SavedValue,
  when: number,
  replace: boolean,
): Ref {
  if (value.form === 'packed') return storePacked(database, key, value.kind, value.bytes, when, replace);
  if (value.form === 'collection') {
    return database.addCollection(key, value.kind, value.collection, when, replace);
  }
  return 0;
}

/** As `storeValue`, for the bytes of a string or of a packed collection. Hot. */
export function storePacked(
  database: Database,
  key: Bytes,
  kind: Kind,
  bytes: Bytes,
  when: number,
  replace: boolean,
): Ref {
  const ref = database.add(key, kind, bytes.end - bytes.start, when, replace);
  if (ref === 0) return ref;
  const { arena } = database.keyspace;
  const to = arena.bufferOf(ref);
  let at = payloadOffsetOf(arena, ref);
  const { buffer, start, end } = bytes;
  // The call into `copy` costs as much as 150 bytes by hand, and packed values have about as many.
  if (end - start > 150) buffer.copy(to, at, start, end);
  else for (let i = start; i < end; i++) to[at++] = buffer[i];
  return ref;
}
