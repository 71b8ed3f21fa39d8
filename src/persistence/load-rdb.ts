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

/**
 * As `loadRdb`, for a source that never makes wait: whoever drives it decides when to go on. Yields the number of bytes
 * loaded whenever there are so many more, and returns the summary.
 */
export function* loadRdbInSteps(
  keyspace: Keyspace,
  source: SynchronousSource,
  options: RdbLoadOptions,
  everyBytes: number,
): Generator<number, RdbSummary> {
  const load = new RdbLoad(keyspace, options, source.total);
  let turnAt = everyBytes;
  try {
    for (;;) {
      const state = load.run(turnAt);
      if (state === 'done') return load.summary;
      if (state === 'more') {
        const { buffer, at, end } = load.room();
        load.received(source.read(buffer, at, end));
      }
      if (load.loadedBytes < turnAt) continue;
      yield load.loadedBytes;
      turnAt = load.loadedBytes + everyBytes;
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
  const step = loadRdbInSteps(keyspace, source, options, Number.POSITIVE_INFINITY).next();
  if (step.done !== true) throw new Error('a load that may not pause has paused');
  return step.value;
}
