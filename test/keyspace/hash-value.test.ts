import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bytes } from '../../src/bytes/bytes.js';
import { absent } from '../../src/keyspace/database.js';
import { type HashLimits, HashValue } from '../../src/keyspace/hash-value.js';
import { kinds } from '../../src/keyspace/kinds.js';
import { newKeyspace } from '../support/keyspace.js';

const key = Bytes.of('hash');
const limits = (entries: number, value: number): HashLimits => ({
  'hash-max-listpack-entries': entries,
  'hash-max-listpack-value': value,
});
const small = limits(8, 16);

function newHash(pairs: Record<string, string> = {}, limit = small) {
  const { keyspace } = newKeyspace();
  const [database] = keyspace.databases;
  const hash = new HashValue().create(database, key);
  for (const [field, value] of Object.entries(pairs)) hash.set(Bytes.of(field), Bytes.of(value), limit);
  return { keyspace, database, hash };
}

function pairsOf(hash: HashValue): Map<string, string> {
  const pairs = new Map<string, string>();
  const view = Bytes.of('');
  hash.forEach((place) => {
    hash.nameAt(place, view);
    const field = view.latin1();
    hash.valueAt(place, view);
    pairs.set(field, view.latin1());
  });
  return pairs;
}

/** Few fields, numbers among them; values at both sides of 16 bytes. */
const fields = fc.oneof(
  fc.integer({ min: -3, max: 12 }).map(String),
  fc.constantFrom('', 'f', 'field', 'a field that is long'),
);
const values = fc.oneof(
  fc.integer().map(String),
  fc.constantFrom('', 'v', '-0', '9223372036854775807', 'x'.repeat(16), 'x'.repeat(17), 'y'.repeat(70_000)),
);

describe('a hash', () => {
  it('behaves as a map, whatever its encoding', () => {
    const action = fc.oneof(
      fc.record({ kind: fc.constant('set' as const), field: fields, value: values }),
      fc.record({ kind: fc.constant('remove' as const), field: fields, value: fc.constant('') }),
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const { keyspace, database, hash } = newHash();
        const model = new Map<string, string>();
        const view = Bytes.of('');
        for (const { kind, field, value } of actions) {
          if (kind === 'set') {
            expect(hash.set(Bytes.of(field), Bytes.of(value), small)).toBe(!model.has(field));
            model.set(field, value);
          } else expect(hash.remove(Bytes.of(field))).toBe(model.delete(field));
          const place = hash.find(Bytes.of(field));
          expect(place !== 0).toBe(model.has(field));
          if (place !== 0) hash.valueAt(place, view);
          if (place !== 0) expect(view.latin1()).toBe(model.get(field));
          expect(hash.size).toBe(model.size);
          expect(hash.ref).toBe(database.peek(key));
        }
        expect(pairsOf(hash)).toEqual(model);
        database.removeEntry(hash.ref);
        expect(keyspace.arena.allocated).toBe(0);
        expect(keyspace.collections.size).toBe(0);
      }),
    );
  });

  it('is a listpack up to the limits, and then a table for good', () => {
    const eight = Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`f${i}`, 'v'.repeat(16)]));
    const { database, hash } = newHash(eight);
    expect(database.kindOf(hash.ref)).toBe(kinds.listpackHash);
    hash.set(Bytes.of('f0'), Bytes.of('changed'), small);
    expect(database.kindOf(hash.ref)).toBe(kinds.listpackHash);
    hash.set(Bytes.of('f8'), Bytes.of('v'), small);
    expect(database.kindOf(hash.ref)).toBe(kinds.tableHash);
    for (let i = 0; i < 8; i++) hash.remove(Bytes.of(`f${i}`));
    expect(database.kindOf(hash.ref)).toBe(kinds.tableHash);
    expect(pairsOf(hash)).toEqual(new Map([['f8', 'v']]));
  });

  it.each([
    ['value', 'f', 'v'.repeat(17)],
    ['field', 'f'.repeat(17), 'v'],
  ])('becomes a table with a long %s', (_, field, value) => {
    const { database, hash } = newHash({ a: '1', [field]: value, b: '2' });
    expect(database.kindOf(hash.ref)).toBe(kinds.tableHash);
    expect(pairsOf(hash)).toEqual(new Map(Object.entries({ a: '1', [field]: value, b: '2' })));
  });

  it('keeps the expiry of its key when it becomes a table', () => {
    const { database, hash } = newHash({ a: '1' });
    const ref = database.setExpiry(hash.ref, database.keyspace.now + 1000);
    hash.open(database, ref).set(Bytes.of('b'), Bytes.of('v'.repeat(17)), small);
    expect(database.expiry(database.peek(key))).toBe(database.keyspace.now + 1000);
  });

  it('is copied with all its fields', () => {
    const { keyspace, database, hash } = newHash({ a: '1', b: 'v'.repeat(17) });
    const other = Bytes.of('other');
    database.copyTo(hash.ref, database, other);
    const copy = new HashValue().open(database, database.peek(other));
    hash.set(Bytes.of('a'), Bytes.of('2'), small);
    copy.remove(Bytes.of('b'));
    expect(pairsOf(hash)).toEqual(new Map(Object.entries({ a: '2', b: 'v'.repeat(17) })));
    expect(pairsOf(copy)).toEqual(new Map([['a', '1']]));
    database.remove(key);
    database.remove(other);
    expect(keyspace.arena.allocated).toBe(0);
    expect(database.peek(key)).toBe(absent);
  });

  it('counts the memory of its table and gives it back', () => {
    const { keyspace, database, hash } = newHash({}, limits(0, 0));
    for (let i = 0; i < 5000; i++) hash.set(Bytes.of(`field:${i}`), Bytes.of('v'), small);
    const { bytes } = database.collection(hash.ref);
    expect(bytes).toBeGreaterThanOrEqual(5000 * 5);
    expect(bytes).toBeLessThan(5000 * 32);
    database.remove(key);
    while (keyspace.lazyFree.step(1000));
    expect(keyspace.arena.allocated).toBe(0);
  });

  describe.each([
    ['listpack', limits(512, 64)],
    ['table', limits(0, 0)],
  ])('as a %s', (_, limit) => {
    const twelve = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`f${i}`, `${i}`]));

    it('gives all its fields in a scan', () => {
      const { hash } = newHash(twelve, limit);
      const seen = new Set<string>();
      const view = Bytes.of('');
      let cursor = 0;
      do {
        cursor = hash.scan(cursor, (place) => {
          hash.nameAt(place, view);
          seen.add(view.latin1());
        });
      } while (cursor !== 0);
      expect(seen).toEqual(new Set(Object.keys(twelve)));
    });

    /** How often each field was picked. */
    function tally(pick: (hash: HashValue, take: (place: number) => void) => void, rounds: number) {
      const { hash } = newHash(twelve, limit);
      const counts = new Map(Object.keys(twelve).map((field) => [field, 0]));
      const view = Bytes.of('');
      for (let round = 0; round < rounds; round++) {
        const now: string[] = [];
        pick(hash, (place) => {
          hash.nameAt(place, view);
          now.push(view.latin1());
        });
        for (const field of now) counts.set(field, counts.get(field)! + 1);
      }
      return [...counts.values()];
    }

    /** Chi-squared with 11 degrees of freedom exceeds 31.3 once in a thousand times; the seed is fixed. */
    function expectUniform(counts: number[]): void {
      const expected = counts.reduce((sum, count) => sum + count, 0) / counts.length;
      const chiSquared = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
      expect(chiSquared).toBeLessThan(31.3);
    }

    it('gives every field the same chance', () => {
      expectUniform(tally((hash, take) => take(hash.random()), 6000));
      expectUniform(tally((hash, take) => hash.pickRepeatedly(6, take), 1000));
    });

    it.each([1, 3, 4, 7, 11])('gives every field the same chance to be one of %i', (count) => {
      expectUniform(tally((hash, take) => hash.pickDistinct(count, take), 6000 / count));
    });

    it('gives different fields, as many as there are', () => {
      for (const count of [0, 1, 3, 5, 11, 12, 13, 1e15]) {
        const picks = tally((hash, take) => hash.pickDistinct(count, take), 1);
        expect(Math.max(...picks)).toBeLessThanOrEqual(1);
        expect(picks.reduce((sum, n) => sum + n, 0)).toBe(Math.min(count, 12));
      }
    });
  });
});
