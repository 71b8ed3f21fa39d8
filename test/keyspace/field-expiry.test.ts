import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bytes } from '../../src/bytes/bytes.js';
import { FieldExpirySweeper } from '../../src/keyspace/field-expiry.js';
import { type HashLimits, HashValue } from '../../src/keyspace/hash-value.js';
import { kinds } from '../../src/keyspace/kinds.js';
import { NO_EXPIRY } from '../../src/memory/entry.js';
import { newKeyspace } from '../support/keyspace.js';

const key = Bytes.of('hash');
const limits = (entries: number): HashLimits => ({
  'hash-max-listpack-entries': entries,
  'hash-max-listpack-value': 16,
});

function newHash() {
  const { keyspace, clock } = newKeyspace();
  const [database] = keyspace.databases;
  const advance = (ms: number) => {
    clock.advance(ms);
    keyspace.tick();
  };
  return { keyspace, database, hash: new HashValue().create(database, key), advance };
}

function set(hash: HashValue, field: string, value: string, limit: HashLimits, when = NO_EXPIRY): void {
  const name = Bytes.of(field);
  hash.set(name, Bytes.of(value), limit);
  if (when !== NO_EXPIRY) hash.setExpiry(hash.find(name), name, when);
}

const field = fc.constantFrom('a', 'b', 'c', '1', '2', 'd', 'e', 'f', 'g');
const value = fc.constantFrom('', 'v', '42', 'x'.repeat(16), 'x'.repeat(17));
const ms = fc.integer({ min: 1, max: 50 });
const action = fc.oneof(
  fc.record({ kind: fc.constant('set' as const), field, value, ms }),
  fc.record({ kind: fc.constant('update' as const), field, value, ms }),
  fc.record({ kind: fc.constant('expire' as const), field, value, ms }),
  fc.record({ kind: fc.constant('persist' as const), field, value, ms }),
  fc.record({ kind: fc.constant('remove' as const), field, value, ms }),
  fc.record({ kind: fc.constant('find' as const), field, value, ms }),
  fc.record({ kind: fc.constant('sweep' as const), field, value, ms }),
  fc.record({ kind: fc.constant('wait' as const), field, value, ms }),
);

describe.each([
  ['listpack', limits(512)],
  ['listpack that becomes a table', limits(4)],
  ['table', limits(0)],
])('expiring fields of a %s', (_, limit) => {
  it('behave as a map with times', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const { keyspace, database, hash, advance } = newHash();
        const model = new Map<string, { value: string; when: number }>();
        set(hash, 'always', 'there', limit);
        for (const { kind, field, value, ms } of actions) {
          const name = Bytes.of(field);
          const old = model.get(field);
          const place = hash.find(name);
          expect(place !== 0).toBe(old !== undefined);
          if (kind === 'set') {
            hash.set(name, Bytes.of(value), limit);
            model.set(field, { value, when: NO_EXPIRY });
          } else if (kind === 'update' && old !== undefined) {
            hash.update(place, name, Bytes.of(value), limit);
            old.value = value;
          } else if (kind === 'expire' && old !== undefined) {
            old.when = keyspace.now + ms;
            hash.setExpiry(place, name, old.when);
          } else if (kind === 'persist' && old !== undefined) {
            old.when = NO_EXPIRY;
            hash.setExpiry(place, name, NO_EXPIRY);
          } else if (kind === 'remove') {
            hash.remove(name);
            model.delete(field);
          } else if (kind === 'find') {
            const isLive = old !== undefined && old.when >= keyspace.now;
            expect(hash.findLive(name) !== 0).toBe(isLive);
            if (!isLive) model.delete(field);
          } else if (kind === 'sweep') {
            hash.removeExpired();
            for (const [name, { when }] of model) if (when < keyspace.now) model.delete(name);
          } else if (kind === 'wait') advance(ms);
          expect(hash.announceExpired(key)).toBe(false);
          check(hash, model, keyspace.now);
          const expiring = [...model.values()].some(({ when }) => when !== NO_EXPIRY);
          expect(database.fieldExpires.size).toBe(expiring ? 1 : 0);
          expect(hash.ref).toBe(database.peek(key));
        }
        database.copyTo(hash.ref, database, Bytes.of('copy'));
        check(new HashValue().open(database, database.peek(Bytes.of('copy'))), model, keyspace.now);
        database.remove(key);
        database.remove(Bytes.of('copy'));
        expect(database.fieldExpires.size).toBe(0);
        expect(keyspace.arena.allocated).toBe(0);
      }),
    );
  });

  function check(hash: HashValue, model: Map<string, { value: string; when: number }>, now: number): void {
    const found = new Map<string, { value: string; when: number }>();
    const view = Bytes.of('');
    hash.forEach((place) => {
      hash.nameAt(place, view);
      const name = view.latin1();
      hash.valueAt(place, view);
      found.set(name, { value: view.latin1(), when: hash.expiryAt(place) });
    });
    found.delete('always');
    expect(found).toEqual(model);
    expect(hash.size).toBe(model.size + 1);
    expect(hash.liveSize).toBe([...model.values()].filter(({ when }) => when >= now).length + 1);
    expect(hash.soonestExpiry).toBeLessThanOrEqual(Math.min(...[...model.values()].map(({ when }) => when)));
  }

  it('are removed by the sweeper, and with the last of them the key', () => {
    const { keyspace, database, hash, advance } = newHash();
    for (let i = 0; i < 300; i++) set(hash, `f${i}`, 'v', limit, keyspace.now + 100 + i);
    const sweeper = new FieldExpirySweeper(keyspace);
    sweeper.run(1e6);
    expect(hash.size).toBe(300);
    advance(250);
    sweeper.run(Number.POSITIVE_INFINITY);
    expect(hash.open(database, database.peek(key)).size).toBe(150);
    expect(keyspace.statistics.expiredFields).toBe(150);
    advance(1000);
    sweeper.run(Number.POSITIVE_INFINITY);
    expect(database.size).toBe(0);
    expect(keyspace.arena.allocated).toBe(0);
    expect(keyspace.statistics.expiredFields).toBe(300);
  });
});

describe('the sweeper of fields', () => {
  it('works in slices, and says when there is clearly more', () => {
    const { keyspace, database, hash, advance } = newHash();
    for (let i = 0; i < 20_000; i++) set(hash, `f${i}`, 'v', limits(0), keyspace.now + 100);
    advance(101);
    const sweeper = new FieldExpirySweeper(keyspace);
    let runs = 0;
    while (database.size > 0 && runs < 10_000) {
      sweeper.run(0);
      runs++;
    }
    expect(runs).toBeGreaterThan(10);
    expect(runs).toBeLessThan(10_000);
    expect(keyspace.statistics.expiredFields).toBe(20_000);
    expect(keyspace.arena.allocated).toBe(0);
  });

  it('leaves hashes alone whose fields are permanent again', () => {
    const { keyspace, database, hash } = newHash();
    set(hash, 'f', 'v', limits(512), keyspace.now + 100);
    expect(database.kindOf(hash.ref)).toBe(kinds.expiringListpackHash);
    hash.setExpiry(hash.find(Bytes.of('f')), Bytes.of('f'), NO_EXPIRY);
    expect(database.kindOf(hash.ref)).toBe(kinds.restingListpackHash);
    expect(database.fieldExpires.size).toBe(0);
  });

  it('follows a hash that is moved, renamed or replaced', () => {
    const { keyspace, database, hash, advance } = newHash();
    const [, other] = keyspace.databases;
    set(hash, 'f', 'v', limits(512), keyspace.now + 100);
    database.move(hash.ref, other, Bytes.of('moved'));
    expect([database.fieldExpires.size, other.fieldExpires.size]).toEqual([0, 1]);
    const ref = other.setExpiry(other.peek(Bytes.of('moved')), keyspace.now + 1e6);
    expect(hash.open(other, ref).soonestExpiry).toBe(keyspace.now + 100);
    other.swap(database);
    advance(101);
    new FieldExpirySweeper(keyspace).run(Number.POSITIVE_INFINITY);
    expect(keyspace.size).toBe(0);
    set(hash.create(database, key), 'f', 'v', limits(0), keyspace.now + 100);
    database.setString(key, Buffer.from('v'), 0, 1);
    expect(database.fieldExpires.size).toBe(0);
  });
});
