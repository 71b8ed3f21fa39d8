import type { Bytes } from '../bytes/bytes.js';
import type { Database } from '../keyspace/database.js';
import type { Kind } from '../keyspace/kinds.js';
import type { Ref } from '../memory/arena.js';
import type { CollectionImage } from '../values/collection.js';
import type { RdbWriter } from './rdb-writer.js';

/**
 * What a snapshot looks like: an RDB file, or commands. It is told of the entries in the order in which they come,
 * which is none: databases may alternate.
 *
 * All that it is given, views included, is valid until the call returns. It is called in the middle of commands, so it
 * must neither change nor allocate in the keyspace, nor use views that others may hold.
 */
export interface SnapshotFormat {
  /** Writes what comes before all else. */
  begin(out: RdbWriter): void;
  /** The entries from here on are of another database. */
  selectDatabase(out: RdbWriter, index: number): void;
  /** A database that has entries is about to be walked. */
  announceDatabase(out: RdbWriter, keys: number, expiring: number): void;
  /** Writes an entry as a whole. */
  entry(out: RdbWriter, database: Database, ref: Ref): void;
  /**
   * Remembers an entry whose collection will be written from its image, or undefined if a value of that kind is to be
   * written as a whole.
   */
  collection(database: Database, ref: Ref, image: CollectionImage): CollectionWriter | undefined;
  /** Writes what comes behind all else. */
  end(out: RdbWriter): void;
}

/** Writes one big collection, element by element, long after its entry was seen. */
export interface CollectionWriter {
  begin(out: RdbWriter): void;
  element(out: RdbWriter, name: Bytes, value: Bytes, number: number): void;
  end(out: RdbWriter): void;
}

/** How the elements of a kind of collection are written. */
export type CollectionForms<Form> = ReadonlyMap<Kind, Form>;
