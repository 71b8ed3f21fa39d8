import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src/ambient/random.js';
import { AccessFrequency } from '../../src/keyspace/access-frequency.js';

const minute = 60_000;

function counter(logFactor = 10, decayMinutes = 1) {
  const time = { now: 1e12 };
  const frequency = new AccessFrequency(() => time.now, new SeededRandom(7), logFactor, decayMinutes);
  const accessed = (times: number, word = frequency.first()) => {
    let counted = word;
    for (let i = 0; i < times; i++) counted = frequency.next(counted);
    return counted;
  };
  return { time, frequency, accessed };
}

describe('access frequency', () => {
  it('begins with 5', () => {
    const { frequency } = counter();
    expect(frequency.count(frequency.first())).toBe(5);
  });

  it('grows with the logarithm of the accesses, up to 255', () => {
    const { frequency, accessed } = counter();
    const counts = [100, 1000, 100_000, 2_000_000].map((times) => frequency.count(accessed(times)));
    expect(counts[0]).toBeGreaterThan(6);
    expect(counts[0]).toBeLessThan(14);
    expect(counts[1]).toBeGreaterThan(12);
    expect(counts[1]).toBeLessThan(25);
    expect(counts[2]).toBeGreaterThan(120);
    expect(counts[2]).toBeLessThan(170);
    expect(counts[3]).toBe(255);
  });

  it('falls by one for each decay time without access, down to 0', () => {
    const { frequency, time } = counter(10, 2);
    const word = frequency.first();
    time.now += 2 * minute;
    expect(frequency.count(word)).toBe(4);
    time.now += 3 * minute;
    expect(frequency.count(word)).toBe(3);
    time.now += 60 * minute;
    expect(frequency.count(word)).toBe(0);
  });

  it('never falls without a decay time', () => {
    const { frequency, time } = counter(10, 0);
    const word = frequency.first();
    time.now += 1000 * minute;
    expect(frequency.count(word)).toBe(5);
  });

  it('fits in 24 bits', () => {
    const { frequency, accessed } = counter(0);
    const word = accessed(300);
    expect(word).toBeLessThan(1 << 24);
    expect(frequency.count(word)).toBe(255);
  });
});
