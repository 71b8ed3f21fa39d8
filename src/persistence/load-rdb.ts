import type { Keyspace } from '../keyspace/keyspace.js';
import type { ByteSource } from './byte-source.js';
import { RdbLoad, type RdbLoadOptions, type RdbSummary } from './rdb-load.js';

/**
 * Loads an RDB file, or the RDB preamble of an append-only file, into the databases of a keyspace. Yields the number of
 * bytes loaded whenever there are so many more, and returns the summary. What the keyspace has stays, whatever
 * `duplicates` says of the same keys.
 *
 * Throws RdbError for a file that is broken, ArenaFullError without memory for it, and what the source throws; what was
 * loaded until then stays.
 */
export function* loadRdbInSteps(
  keyspace: Keyspace,
  source: ByteSource,
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

/** As `loadRdbInSteps`, all in one go. */
export function loadRdbAtOnce(keyspace: Keyspace, source: ByteSource, options: RdbLoadOptions): RdbSummary {
  const step = loadRdbInSteps(keyspace, source, options, Number.POSITIVE_INFINITY).next();
  if (step.done !== true) throw new Error('a load that may not pause has paused');
  return step.value;
}
