import type { Database } from '../keyspace/database.js';
import type { Ref } from '../memory/arena.js';
import { setAccess } from '../memory/entry.js';

/**
 * What is told of the accesses to a key before it came here counts as far as the eviction policy asks for it: seconds
 * since the last one, and how often there are any, 0 to 255; -1 for what is not known.
 */
export function markAccess(database: Database, ref: Ref, idleSeconds: number, frequency: number): void {
  const { keyspace } = database;
  if (keyspace.frequency !== undefined) {
    if (frequency >= 0) setAccess(keyspace.arena, ref, (keyspace.frequency.first() & ~0xff) | frequency);
  } else if (idleSeconds >= 0) {
    setAccess(keyspace.arena, ref, (keyspace.lruClock - idleSeconds) & 0xffffff);
  }
}
