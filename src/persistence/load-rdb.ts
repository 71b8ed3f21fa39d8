import type { Keyspace } from '../keyspace/keyspace.js';
import type { ByteSource, SynchronousSource } from './byte-source.js';
import { RdbLoad, type RdbLoadOptions, type RdbSummary } from './rdb-load.js';

/** When a load lets others have their turn. */
export interface Turns {
  /** After so many bytes. */
  readonly everyBytes: number;
  /** Gives others their turn. Told how many bytes were loaded; may throw to end the load. */
  take(loadedBytes: number): Promise<void>;
}

/**
 * Loads an RDB file, or the RDB preamble of an append-only file, into the databases of a keyspace, letting others have
 * their turn now and then. What the keyspace has stays, whatever `duplicates` says of the same keys.
 *
 * Throws RdbError for a file that is broken, ArenaFullError without memory for it, and what the source throws; what was
 * loaded until then stays.
 */
export async function loadRdb(
  keyspace: Keyspace,
  source: ByteSource,
  options: RdbLoadOptions,
  turns: Turns,
): Promise<RdbSummary> {
  const load = new RdbLoad(keyspace, options, source.total);
  let turnAt = turns.everyBytes;
  try {
    for (;;) {
      const state = load.run(turnAt);
      if (state === 'done') return load.summary;
      if (state === 'more') {
        const { buffer, at, end } = load.room();
        const count = source.read(buffer, at, end);
        load.received(typeof count === 'number' ? count : await count);
      }
      if (load.loadedBytes < turnAt) continue;
      await turns.take(load.loadedBytes);
      turnAt = load.loadedBytes + turns.everyBytes;
    }
  } finally {
    load.abandon();
  }
}

/** As `loadRdb`, all in one go. */
export function loadRdbAtOnce(
  keyspace: Keyspace,
  source: SynchronousSource,
  options: RdbLoadOptions,
): RdbSummary {
  const load = new RdbLoad(keyspace, options, source.total);
  try {
    while (load.run(Number.POSITIVE_INFINITY) !== 'done') {
      const { buffer, at, end } = load.room();
      load.received(source.read(buffer, at, end));
    }
    return load.summary;
  } finally {
    load.abandon();
  }
}
