import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bytes } from '../../src/bytes/bytes.js';
import { kinds } from '../../src/keyspace/kinds.js';
import { GatheredSet, type SetLimits, SetValue } from '../../src/keyspace/set-value.js';
import { newKeyspace } from '../support/keyspace.js';

const key = Bytes.of('set');
const limits = (integers: number, others: number, length: number): SetLimits => ({
  'set-max-intset-entries': integers,
  'set-max-listpack-entries': others,
  'set-max-listpack-value': length,
});
const small = limits(8, 5, 16);

function newSet(members: string[], limit = small) {
  const { keyspace } = newKeyspace();
  const [database] = keyspace.databases;
  const set = new SetValue().create(database, key, Bytes.of(members[0]), 1, limit);
  for (const member of members) set.add(Bytes.of(member), limit);
  return { keyspace, database, set, kind: () => database.kindOf(database.peek(key)) };
}

function membersOf(set: SetValue): string[] {
  const members: string[] = [];
  const view = Bytes.of('');
  set.forEach((place) => {
    set.nameAt(place, view);
    members.push(view.latin1());
  });
  return members;
}

const numbers = (count: number) => Array.from({ length: count }, (_, i) => String(i));

/** Integers of all widths, and members at both sides of 16 bytes. */
const members = fc.oneof(
  fc.integer({ min: -3, max: 12 }).map(String),
  fc.constantFrom('-32769', '2147483648', '9007199254740993', '-9223372036854775808', '9223372036854775808'),
  fc.constantFrom('', 'm', '01', '-0', 'x'.repeat(16), 'x'.repeat(17), 'y'.repeat(70_000)),
);

describe('a set', () => {
  it('behaves as a set, whatever its encoding', () => {
    const action = fc.record({ adds: fc.boolean(), member: members });
    const run = (first: string, actions: { adds: boolean; member: string }[]) => {
      const { keyspace, database, set } = newSet([first]);
      const model = new Set([first]);
      for (const { adds, member } of actions) {
        if (adds) {
          expect(set.add(Bytes.of(member), small)).toBe(!model.has(member));
          model.add(member);
        } else expect(set.remove(Bytes.of(member))).toBe(model.delete(member));
        expect(set.has(Bytes.of(member))).toBe(model.has(member));
        expect(set.size).toBe(model.size);
        expect(set.ref).toBe(database.peek(key));
      }
      expect(membersOf(set).sort()).toEqual([...model].sort());
      database.removeEntry(set.ref);
      expect(keyspace.arena.allocated).toBe(0);
      expect(keyspace.collections.size).toBe(0);
    };
    fc.assert(fc.property(members, fc.array(action, { maxLength: 60 }), run));
  });

  it('is an intset while it has integers only, up to the limit', () => {
    expect(newSet(numbers(8)).kind()).toBe(kinds.intset);
    expect(newSet(numbers(9)).kind()).toBe(kinds.tableSet);
    expect(newSet(['1', '-9223372036854775808']).kind()).toBe(kinds.intset);
  });

  it('is a listpack while its members are few and short', () => {
    expect(newSet(['a', 'b', 'c', 'd', 'e']).kind()).toBe(kinds.listpackSet);
    expect(newSet(['a', 'b', 'c', 'd', 'e', 'f']).kind()).toBe(kinds.tableSet);
    expect(newSet(['a', 'x'.repeat(16)]).kind()).toBe(kinds.listpackSet);
    expect(newSet(['a', 'x'.repeat(17)]).kind()).toBe(kinds.tableSet);
  });

  it('goes from an intset to a listpack, or to a table if it is too big for one', () => {
    const { set, kind } = newSet([...numbers(4), 'm']);
    expect(kind()).toBe(kinds.listpackSet);
    expect(membersOf(set)).toEqual([...numbers(4), 'm']);
    expect(newSet([...numbers(5), 'm']).kind()).toBe(kinds.tableSet);
    expect(newSet(['1', 'x'.repeat(17)]).kind()).toBe(kinds.tableSet);
    expect(newSet(['1', '-100', 'm'], limits(8, 8, 3)).kind()).toBe(kinds.tableSet);
    expect(newSet(['1', '-10', 'm'], limits(8, 8, 3)).kind()).toBe(kinds.listpackSet);
  });

  it('takes the encoding that the announced number of members will need', () => {
    const [database] = newKeyspace().keyspace.databases;
    const kindFor = (first: string, count: number) =>
      database.kindOf(new SetValue().create(database, key, Bytes.of(first), count, small).ref);
    expect([kindFor('1', 8), kindFor('1', 9), kindFor('m', 5), kindFor('m', 6)]).toEqual([
      kinds.intset,
      kinds.tableSet,
      kinds.listpackSet,
      kinds.tableSet,
    ]);
    expect(kindFor('1', 5)).toBe(kinds.intset);
    const { set, kind } = newSet(['1']);
    set.expectMembers(8, small);
    expect(kind()).toBe(kinds.intset);
    set.expectMembers(9, small);
    expect(kind()).toBe(kinds.tableSet);
    expect(membersOf(set)).toEqual(['1']);
  });

  it('is copied with all its members', () => {
    const { keyspace, database, set } = newSet(['a', 'x'.repeat(17)]);
    const other = Bytes.of('other');
    database.copyTo(set.ref, database, other);
    const copy = new SetValue().open(database, database.peek(other));
    set.add(Bytes.of('b'), small);
    copy.remove(Bytes.of('a'));
    expect(membersOf(set).sort()).toEqual(['a', 'b', 'x'.repeat(17)]);
    expect(membersOf(copy)).toEqual(['x'.repeat(17)]);
    database.remove(key);
    database.remove(other);
    expect(keyspace.arena.allocated).toBe(0);
  });
});

describe.each([
  ['intset', numbers(12), limits(512, 128, 64)],
  ['listpack', numbers(12).map((n) => `m${n}`), limits(512, 128, 64)],
  ['table', numbers(12).map((n) => `m${n}`), limits(0, 0, 0)],
])('picks from a set as %s', (_, all, limit) => {
  /** How often each member was picked. */
  function tally(pick: (set: SetValue, take: (place: number) => void) => void, rounds: number): number[] {
    const { set } = newSet(all, limit);
    const counts = new Map(all.map((member) => [member, 0]));
    const view = Bytes.of('');
    for (let round = 0; round < rounds; round++) {
      pick(set, (place) => {
        set.nameAt(place, view);
        counts.set(view.latin1(), counts.get(view.latin1())! + 1);
      });
    }
    return [...counts.values()];
  }

  /** Chi-squared with 11 degrees of freedom exceeds 31.3 once in a thousand times; the seed is fixed. */
  function expectUniform(counts: number[]): void {
    const expected = counts.reduce((sum, count) => sum + count, 0) / counts.length;
    const chiSquared = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    expect(chiSquared).toBeLessThan(31.3);
  }

  it('are uniform', () => {
    expectUniform(tally((set, take) => take(set.random()), 6000));
    expectUniform(tally((set, take) => set.pickRepeatedly(6, take), 1000));
    for (const count of [1, 3, 4, 7, 11])
      expectUniform(tally((set, take) => set.pickDistinct(count, take), 6000 / count));
  });

  it('are different when they are to be', () => {
    for (const count of [0, 1, 3, 5, 11, 12, 13]) {
      const picks = tally((set, take) => set.pickDistinct(count, take), 1);
      expect(Math.max(...picks)).toBeLessThanOrEqual(1);
      expect(picks.reduce((sum, n) => sum + n, 0)).toBe(Math.min(count, 12));
    }
  });
});

describe('gathered members', () => {
  it.each([
    ['intset', numbers(8), kinds.intset],
    ['table', numbers(9), kinds.tableSet],
    ['listpack', ['a', 'b', '1'], kinds.listpackSet],
    ['table', ['a', 'x'.repeat(17)], kinds.tableSet],
    ['table', ['a', 'b', 'c', 'd', 'e', 'f'], kinds.tableSet],
  ])('become an %s by what they are', (_, all, kind) => {
    const { keyspace } = newKeyspace();
    const [database] = keyspace.databases;
    const gathered = new GatheredSet(database);
    for (const member of [...all, ...all]) gathered.add(Bytes.of(member));
    expect(gathered.size).toBe(all.length);
    gathered.store(key, small);
    const ref = database.peek(key);
    expect(database.kindOf(ref)).toBe(kind);
    expect(membersOf(new SetValue().open(database, ref)).sort()).toEqual([...all].sort());
    database.remove(key);
    expect(keyspace.arena.allocated).toBe(0);
  });

  it('leave nothing behind when they are discarded', () => {
    const { keyspace } = newKeyspace();
    const gathered = new GatheredSet(keyspace.databases[0]);
    for (const member of numbers(1000)) gathered.add(Bytes.of(member));
    gathered.discard();
    expect(keyspace.arena.allocated).toBe(0);
  });
});
