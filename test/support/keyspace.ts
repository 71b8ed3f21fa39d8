import { ManualClock } from '../../src/ambient/clock.js';
import { SeededRandom } from '../../src/ambient/random.js';
import { Bytes } from '../../src/bytes/bytes.js';
import type { Database } from '../../src/keyspace/database.js';
import { Keyspace } from '../../src/keyspace/keyspace.js';

/** A keyspace without a server, whose time stands still. */
export function newKeyspace(databases = 2): { keyspace: Keyspace; clock: ManualClock } {
  const clock = new ManualClock();
  return { keyspace: new Keyspace(clock, new SeededRandom(1), databases), clock };
}

const value = Bytes.of('value');

/** Stores strings under `prefix0`, `prefix1` ...; with `ttlMs` they expire. */
export function fill(database: Database, count: number, prefix = 'key:', ttlMs?: number): void {
  for (let i = 0; i < count; i++) {
    const ref = database.setString(Bytes.of(prefix + i), value.buffer, value.start, value.end);
    if (ttlMs !== undefined) database.setExpiry(ref, database.keyspace.now + ttlMs);
  }
}
