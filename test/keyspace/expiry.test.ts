import { describe, expect, it } from 'vitest';
import type { Clock } from '../../src/ambient/clock.js';
import { SeededRandom } from '../../src/ambient/random.js';
import { Bytes } from '../../src/bytes/bytes.js';
import { EventClass } from '../../src/keyspace/events.js';
import { ExpirySweeper } from '../../src/keyspace/expiry.js';
import { Keyspace } from '../../src/keyspace/keyspace.js';
import { fill, newKeyspace } from '../support/keyspace.js';

function startSweeping(databases = 2) {
  const { keyspace, clock } = newKeyspace(databases);
  const sweeper = new ExpirySweeper(keyspace);
  const pass = (milliseconds: number) => {
    clock.advance(milliseconds);
    keyspace.tick();
  };
  return { keyspace, sweeper, pass, database: keyspace.databases[0] };
}

describe('the expiry sweeper', () => {
  it('removes what has expired and nothing else', () => {
    const { database, sweeper, pass, keyspace } = startSweeping();
    fill(database, 3000, 'short:', 1000);
    fill(database, 100, 'long:', 60_000);
    fill(database, 100, 'permanent:');
    pass(1001);
    expect(sweeper.run(Number.POSITIVE_INFINITY, 1)).toBe(false);
    expect(database.size).toBe(200);
    expect(database.expires.size).toBe(100);
    expect(keyspace.statistics.expiredKeys).toBe(3000);
  });

  it('leaves a key whose time is this very millisecond', () => {
    const { database, sweeper, pass } = startSweeping();
    fill(database, 1, 'k', 1000);
    pass(1000);
    sweeper.run(Number.POSITIVE_INFINITY, 1);
    expect(database.size).toBe(1);
    pass(1);
    sweeper.run(Number.POSITIVE_INFINITY, 1);
    expect(database.size).toBe(0);
  });

  it('gives all memory back', () => {
    const { database, sweeper, pass, keyspace } = startSweeping();
    fill(database, 5000, 'k', 10);
    pass(11);
    sweeper.run(Number.POSITIVE_INFINITY, 1);
    expect(keyspace.arena.allocated).toBe(0);
    expect(database.keys.bucketCount).toBeLessThan(4);
  });

  it('visits all databases', () => {
    const { keyspace, sweeper, pass } = startSweeping(16);
    for (const database of keyspace.databases) fill(database, 50, 'k', 10);
    pass(11);
    sweeper.run(1000, 1);
    expect(keyspace.size).toBe(0);
  });

  it('looks no further when few of the keys it sees have expired', () => {
    const { database, sweeper, pass } = startSweeping();
    fill(database, 20_000, 'long:', 60_000);
    fill(database, 600, 'short:', 1);
    pass(2);
    expect(sweeper.run(1e6, 1)).toBe(false);
    const left = database.size - 20_000;
    expect(left).toBeGreaterThan(500);
    for (let runs = 0; runs < 300; runs++) sweeper.run(1e6, 1);
    expect(database.size).toBe(20_000);
  });

  it('is not held up by buckets that it emptied before, when its round began in the middle', () => {
    const { database, sweeper, pass } = startSweeping();
    fill(database, 20_000, 'k', 1000);
    const samples = Math.floor(database.expires.bucketCount / 32);
    for (let runs = 0; runs < samples; runs++) sweeper.run(1e6, 1); // one sample each, as nothing has expired
    pass(1001);
    sweeper.run(1e6, 1);
    expect(database.size).toBe(0);
  });

  it('sweeps further with more effort', () => {
    const left = [1, 10].map((effort) => {
      const { database, sweeper, pass } = startSweeping();
      fill(database, 20_000, 'long:', 60_000);
      fill(database, 1200, 'short:', 1);
      pass(2);
      for (let runs = 0; runs < 10; runs++) sweeper.run(1e6, effort);
      return database.size;
    });
    expect(left[1]).toBeLessThan(left[0]);
  });

  it('stops at its budget, says that there is more, and goes on there', () => {
    const clock = new CountingClock();
    const keyspace = new Keyspace(clock, new SeededRandom(1), 1);
    const sweeper = new ExpirySweeper(keyspace);
    const [database] = keyspace.databases;
    fill(database, 10_000, 'k', 10);
    clock.milliseconds += 11;
    keyspace.tick();
    let runs = 1;
    while (sweeper.run(10, 1)) runs++;
    expect(database.size).toBe(0);
    expect(runs).toBeGreaterThan(5);
    expect(keyspace.statistics.expiredTimeCapReached).toBe(runs - 1);
    expect(keyspace.statistics.expireCycleMicroseconds).toBeGreaterThan(0);
    expect(keyspace.statistics.expiredStalePercent).toBeGreaterThan(0);
  });

  it('tells those who want to hear of it, with the key', () => {
    const { database, keyspace, sweeper, pass } = startSweeping();
    const heard: string[] = [];
    keyspace.observed = true;
    keyspace.eventMask = EventClass.expired;
    keyspace.observer = {
      keyModified: (where, key) => heard.push(`modified ${where.index} ${key.latin1()}`),
      databaseReplaced() {},
      keyReady() {},
      flushed() {},
      keyVanished() {},
      fieldVanished() {},
      event: (_, event, key) => heard.push(`${event} ${key.latin1()}`),
    };
    database.setExpiry(database.setString(Bytes.of('some key'), Buffer.from('v'), 0, 1), keyspace.now + 5);
    pass(6);
    sweeper.run(1000, 1);
    expect(heard).toEqual(['modified 0 some key', 'expired some key']);
  });

  it('leaves expired keys alone while they are to be kept', () => {
    const { database, keyspace, sweeper, pass } = startSweeping();
    fill(database, 10, 'k', 1);
    pass(2);
    keyspace.keepExpired = true;
    expect(sweeper.run(1000, 1)).toBe(false);
    expect(database.size).toBe(10);
  });

  it('keeps an average of the time that keys have left', () => {
    const { database, sweeper, pass } = startSweeping();
    fill(database, 10, 'a', 1000);
    fill(database, 10, 'b', 3000);
    pass(0);
    sweeper.run(1000, 1);
    expect(database.averageTtl).toBe(2000);
    pass(500);
    sweeper.run(1000, 1);
    expect(database.averageTtl).toBe(2000 - 500 * 0.02);
    database.flush();
    expect(database.averageTtl).toBe(0);
  });
});

/** Every look at the microseconds takes one. */
class CountingClock implements Clock {
  milliseconds = 1e12;
  private looks = 0;

  now(): number {
    return this.milliseconds;
  }

  microseconds(): number {
    return this.looks++;
  }

  wallTimeAt(): number {
    return this.milliseconds;
  }

  synchronize(): void {}
}
