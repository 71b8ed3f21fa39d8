import { describe, expect, it } from 'vitest';
import { Bytes } from '../../src/bytes/bytes.js';
import type { Database } from '../../src/keyspace/database.js';
import { type EvictionOutcome, evictionPolicyOf, evictionTimeLimit } from '../../src/keyspace/eviction.js';
import type { Keyspace } from '../../src/keyspace/keyspace.js';
import { fill, newKeyspace } from '../support/keyspace.js';

/** Evicts until so many keys are left in all databases. */
function evictDownTo(keyspace: Keyspace, keys: number): EvictionOutcome {
  return keyspace.eviction.run(() => keyspace.size - keys, Number.POSITIVE_INFINITY);
}

function usePolicy(keyspace: Keyspace, name: string): void {
  keyspace.eviction.setPolicy(evictionPolicyOf(name));
  keyspace.trackFrequency(name.endsWith('lfu') ? { logFactor: 10, decayMinutes: 1 } : 'off');
}

/** How many of the keys `prefix0` to `prefix<count - 1>` are there. */
function countOf(database: Database, prefix: string, count: number): number {
  let found = 0;
  for (let i = 0; i < count; i++) if (database.peek(Bytes.of(prefix + i)) !== 0) found++;
  return found;
}

describe('eviction', () => {
  it('by LRU takes mostly those that were idle longest', () => {
    const { keyspace, clock } = newKeyspace();
    const [database] = keyspace.databases;
    usePolicy(keyspace, 'allkeys-lru');
    fill(database, 1000, 'old:');
    clock.advance(10_000);
    keyspace.tick();
    fill(database, 1000, 'new:');
    expect(evictDownTo(keyspace, 1300)).toBe('done');
    expect(countOf(database, 'new:', 1000)).toBeGreaterThan(980);
    expect(keyspace.statistics.evictedKeys).toBe(700);
  });

  it('spares a candidate that was used since it was sampled', () => {
    const { keyspace, clock } = newKeyspace();
    const [database] = keyspace.databases;
    usePolicy(keyspace, 'allkeys-lru');
    fill(database, 20, 'key:');
    clock.advance(5000);
    keyspace.tick();
    keyspace.eviction.samples = 200;
    evictDownTo(keyspace, 19); // most keys are in the pool now
    const left = Array.from({ length: 20 }, (_, i) => Bytes.of(`key:${i}`)).filter((key) =>
      database.has(key),
    );
    for (const key of left.slice(0, 10)) database.read(key);
    evictDownTo(keyspace, 12);
    for (const key of left.slice(0, 10)) expect(database.has(key)).toBe(true);
  });

  it('by LFU takes mostly those that were used least', () => {
    const { keyspace } = newKeyspace();
    const [database] = keyspace.databases;
    usePolicy(keyspace, 'allkeys-lfu');
    fill(database, 500, 'popular:');
    for (let times = 0; times < 50; times++) {
      for (let i = 0; i < 500; i++) database.read(Bytes.of(`popular:${i}`));
    }
    fill(database, 500, 'rare:');
    evictDownTo(keyspace, 650);
    expect(countOf(database, 'popular:', 500)).toBeGreaterThan(490);
  });

  it('by time to live takes mostly those that expire soonest, and no others', () => {
    const { keyspace } = newKeyspace();
    const [database] = keyspace.databases;
    usePolicy(keyspace, 'volatile-ttl');
    fill(database, 500, 'soon:', 10_000);
    fill(database, 500, 'late:', 1_000_000);
    fill(database, 500, 'never:');
    evictDownTo(keyspace, 1150);
    expect(countOf(database, 'late:', 500)).toBeGreaterThan(490);
    expect(countOf(database, 'never:', 500)).toBe(500);
    expect(evictDownTo(keyspace, 100)).toBe('failed');
    expect(database.size).toBe(500);
    expect(countOf(database, 'never:', 500)).toBe(500);
  });

  it.each(['volatile-lru', 'volatile-lfu', 'volatile-random'])(
    'by %s takes no key without expiry',
    (name) => {
      const { keyspace } = newKeyspace();
      const [database] = keyspace.databases;
      usePolicy(keyspace, name);
      fill(database, 100, 'volatile:', 10_000);
      fill(database, 100, 'permanent:');
      expect(evictDownTo(keyspace, 50)).toBe('failed');
      expect(countOf(database, 'permanent:', 100)).toBe(100);
      expect(database.size).toBe(100);
    },
  );

  it('at random takes from all databases in turn', () => {
    const { keyspace } = newKeyspace(3);
    usePolicy(keyspace, 'allkeys-random');
    fill(keyspace.databases[0], 500);
    fill(keyspace.databases[2], 500);
    evictDownTo(keyspace, 500);
    expect(keyspace.databases[0].size).toBe(250);
    expect(keyspace.databases[2].size).toBe(250);
  });

  it('compares candidates of all databases', () => {
    const { keyspace, clock } = newKeyspace(2);
    usePolicy(keyspace, 'allkeys-lru');
    fill(keyspace.databases[1], 300);
    clock.advance(60_000);
    keyspace.tick();
    fill(keyspace.databases[0], 300);
    evictDownTo(keyspace, 400);
    expect(keyspace.databases[0].size).toBeGreaterThan(290);
  });

  it('evicts nothing without a policy, and everything if it must', () => {
    const { keyspace } = newKeyspace();
    fill(keyspace.databases[0], 10);
    expect(evictDownTo(keyspace, 0)).toBe('failed');
    usePolicy(keyspace, 'allkeys-lru');
    expect(evictDownTo(keyspace, 0)).toBe('done');
    expect(keyspace.size).toBe(0);
    expect(keyspace.eviction.run(() => 1, 100)).toBe('failed');
  });

  it('stops when its time is up', () => {
    const { keyspace } = newKeyspace();
    usePolicy(keyspace, 'allkeys-random');
    fill(keyspace.databases[0], 100);
    expect(keyspace.eviction.run(() => keyspace.size, 0)).toBe('partly');
    expect(keyspace.size).toBe(84);
  });

  it('survives that what the pool holds is gone, or elsewhere', () => {
    const { keyspace, clock } = newKeyspace();
    const [database] = keyspace.databases;
    usePolicy(keyspace, 'allkeys-lru');
    for (let round = 0; round < 50; round++) {
      fill(database, 200);
      clock.advance(2000);
      keyspace.tick();
      evictDownTo(keyspace, 150);
      for (let i = 0; i < 200; i += 3) database.remove(Bytes.of(`key:${i}`));
      fill(database, 50, 'a much longer name, in other blocks, of key number ');
      if (round % 7 === 0) database.flush();
      evictDownTo(keyspace, 100);
    }
    expect(database.size).toBeLessThanOrEqual(100);
  });

  it('tells the time that each removal took, if somebody wants to know', () => {
    const { keyspace } = newKeyspace();
    usePolicy(keyspace, 'allkeys-lru');
    fill(keyspace.databases[0], 10);
    let removals = 0;
    keyspace.eviction.onRemoval = () => {
      removals++;
    };
    evictDownTo(keyspace, 4);
    expect(removals).toBe(6);
  });
});

describe('time limit of eviction', () => {
  it('grows with the tenacity', () => {
    expect(evictionTimeLimit(0)).toBe(0);
    expect(evictionTimeLimit(5)).toBe(250);
    expect(evictionTimeLimit(10)).toBe(500);
    expect(evictionTimeLimit(20)).toBe(2022);
    expect(evictionTimeLimit(100)).toBe(Number.POSITIVE_INFINITY);
  });
});
