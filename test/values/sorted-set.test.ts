import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bytes } from '../../src/bytes/bytes.js';
import { Arena } from '../../src/memory/arena.js';
import { OrderNodes } from '../../src/memory/order-nodes.js';
import { PackedSortedSet } from '../../src/values/packed-sorted-set.js';
import type { SortedSet } from '../../src/values/sorted-set.js';
import { TreeSortedSet } from '../../src/values/tree-sorted-set.js';
import { emptyListpack } from '../support/listpacks.js';
import { isValidListpack } from '../support/naive-listpack-check.js';
import { SortedSetModel } from './sorted-set-model.js';

interface Subject {
  set: SortedSet;
  /** Throws if something is wrong inside. */
  check(): void;
}

function packed(): Subject {
  const memory = emptyListpack().owner;
  return {
    set: new PackedSortedSet(memory),
    check() {
      memory.checkGuards();
      expect(isValidListpack(memory.buffer, memory.offset, memory.offset + memory.length)).toBe(true);
    },
  };
}

const newMemory = () => ({ arena: new Arena(), orderNodes: new OrderNodes(), seedHigh: 1, seedLow: 2 });

function tree(): Subject {
  return { set: new TreeSortedSet(newMemory()), check() {} };
}

/** Few members and scores, so that they meet; numbers, empty, binary and long ones among them. */
const members = fc.oneof(
  fc.integer({ min: -2, max: 40 }).map(String),
  fc.constantFrom(
    '',
    'a',
    'b',
    'ab',
    '\xff\x00',
    'x'.repeat(63),
    'x'.repeat(64),
    'x'.repeat(65),
    'y'.repeat(5000),
  ),
);
const scores = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.constantFrom(0.5, -1.25, 1e17, 1e-7, 123456789012, Infinity, -Infinity, 0.1),
  fc.double({ noNaN: true }).map((n) => (Object.is(n, -0) ? 0 : n)),
);
const ranks = fc.integer({ min: 0, max: 60 });

const actions = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('set' as const), member: members, score: scores }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('remove' as const), member: members }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('removeRanks' as const), from: ranks, to: ranks }) },
);

function listOf(set: SortedSet, from: number, to: number, backwards: boolean) {
  const list: { member: string; score: number }[] = [];
  set.visitRanks(from, to, backwards, (member, score) => list.push({ member: member.latin1(), score }));
  return list;
}

/** The members of a range as they are sent on without their scores. */
function sent(set: SortedSet, from: number, to: number, backwards: boolean): string[] {
  const list: string[] = [];
  const bulk = (buffer: Buffer, start: number, end: number) =>
    list.push(buffer.toString('latin1', start, end));
  set.sendRanks(from, to, backwards, { bulk });
  return list;
}

function put(set: SortedSet, text: string, score: number): void {
  const member = Bytes.of(text);
  if (Number.isNaN(set.find(member))) set.add(member, score);
  else set.changeFound(score);
}

describe.each([
  ['packed', packed],
  ['in a tree', tree],
])('a sorted set that is %s', (_name, make) => {
  it('behaves as a sorted array', () => {
    const asked = fc.record({ member: members, score: scores, from: ranks, to: ranks });
    fc.assert(
      fc.property(fc.array(actions, { maxLength: 80 }), asked, (list, { member, score, from, to }) => {
        const { set, check } = make();
        const model = new SortedSetModel();
        for (const action of list) {
          if (action.kind === 'set') {
            put(set, action.member, action.score);
            model.set(action.member, action.score);
          } else if (action.kind === 'remove') {
            expect(set.find(Bytes.of(action.member))).toBe(model.score(action.member));
            if (model.rank(action.member) >= 0) set.removeFound();
            model.remove(action.member);
          } else {
            const end = Math.min(action.to, set.size);
            set.removeRanks(Math.min(action.from, end), end);
            model.removeRanks(Math.min(action.from, end), end);
          }
          expect(set.size).toBe(model.pairs.length);
        }
        check();
        expect(listOf(set, 0, set.size, false)).toEqual(model.slice(0, set.size, false));
        const end = Math.min(to, set.size);
        for (const backwards of [false, true]) {
          const range = model.slice(from, end, backwards);
          expect(listOf(set, from, end, backwards)).toEqual(range);
          expect(sent(set, from, end, backwards)).toEqual(range.map((pair) => pair.member));
        }
        for (const inclusive of [false, true]) {
          expect(set.countBelow(score, inclusive)).toBe(model.countBelow(score, inclusive));
        }
        for (const pair of model.pairs) {
          expect(set.find(Bytes.of(pair.member))).toBe(pair.score);
          expect(set.rankOfFound()).toBe(model.rank(pair.member));
          const view = Bytes.of('');
          expect(set.at(model.rank(pair.member), view)).toBe(pair.score);
          expect(view.latin1()).toBe(pair.member);
        }
        expect(set.find(Bytes.of(member))).toBe(model.score(member));
      }),
      { numRuns: 300 },
    );
  });

  it('counts by member where scores are equal', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(members, { maxLength: 40 }),
        members,
        fc.boolean(),
        (list, bound, inclusive) => {
          const { set } = make();
          const model = new SortedSetModel();
          for (const member of list) {
            put(set, member, 1);
            model.set(member, 1);
          }
          expect(set.countBelowMember(Bytes.of(bound), inclusive)).toBe(
            model.countBelowMember(bound, inclusive),
          );
        },
      ),
    );
  });

  it('is scanned whole', () => {
    const { set } = make();
    for (let i = 0; i < 100; i++) put(set, `member ${i}`, i);
    const seen = new Map<string, number>();
    let cursor = 0;
    do {
      cursor = set.scan(cursor, (member, score) => seen.set(member.latin1(), score));
    } while (cursor !== 0);
    expect(seen.size).toBe(100);
    expect(seen.get('member 17')).toBe(17);
  });
});

describe('a packed sorted set', () => {
  it('keeps no sign of zero, as its scores are integers where they can be', () => {
    const { set } = packed();
    put(set, 'm', -0);
    expect(Object.is(set.find(Bytes.of('m')), 0)).toBe(true);
  });

  it('moves a member that is a number past many others', () => {
    const { set } = packed();
    const numbers = Array.from({ length: 100 }, (_, i) => String(i + 100));
    for (const number of numbers) put(set, number, 1);
    put(set, '150', 2);
    put(set, '150', 1);
    const found: string[] = [];
    set.visitRanks(0, set.size, false, (member) => found.push(member.latin1()));
    expect(found).toEqual(numbers);
  });
});

describe('a sorted set in a tree', () => {
  function filled(count: number) {
    const memory = newMemory();
    const set = new TreeSortedSet(memory);
    for (let i = 0; i < count; i++) set.insert(Bytes.of(`member:${i}`), (i * 7919) % 1000);
    return { memory, set };
  }

  it('sends ranges that are longer than what it takes at once', () => {
    const { set } = tree();
    for (let i = 0; i < 1000; i++) put(set, `m${i}`, i);
    const members = Array.from({ length: 900 }, (_, i) => `m${i + 50}`);
    expect(sent(set, 50, 950, false)).toEqual(members);
    expect(sent(set, 50, 950, true)).toEqual(members.reverse());
  });

  it('stays in order with thousands of members', () => {
    const { set } = filled(5000);
    const model = new SortedSetModel();
    model.pairs = listOf(set, 0, 5000, false);
    const sorted = [...model.pairs].sort((a, b) => a.score - b.score || (a.member < b.member ? -1 : 1));
    expect(model.pairs).toEqual(sorted);
    expect(new Set(sorted.map(({ member }) => member)).size).toBe(5000);
    set.find(Bytes.of(sorted[4321].member));
    expect(set.rankOfFound()).toBe(4321);
  });

  it('copies itself with members of its own', () => {
    const { set } = filled(300);
    const copy = set.copy();
    set.removeRanks(0, 299);
    expect(copy.size).toBe(300);
    expect(listOf(copy, 0, 300, false)).toHaveLength(300);
  });

  it('gives all its memory back in slices', () => {
    const { memory, set } = filled(3000);
    let slices = 0;
    while (!set.freeSlice(256)) slices++;
    expect(slices).toBeGreaterThan(5);
    expect(set.size).toBe(0);
    expect(memory.arena.allocated).toBe(0);
    expect(memory.orderNodes.allocated).toBe(0);
  });

  it('is given its order at the end when it is built so', () => {
    const set = new TreeSortedSet(newMemory());
    for (const [text, score] of [
      ['b', 2],
      ['a', 3],
      ['b', 9],
    ] as const) {
      const member = Bytes.of(text);
      if (Number.isNaN(set.find(member))) set.addUnordered(member, score);
      else set.changeFoundUnordered(score);
    }
    set.order();
    expect(listOf(set, 0, 2, false)).toEqual([
      { member: 'a', score: 3 },
      { member: 'b', score: 9 },
    ]);
  });

  it('knows its longest member', () => {
    const { set } = filled(10);
    set.insert(Bytes.of('x'.repeat(100)), 5);
    expect(set.longestMember()).toBe(100);
  });
});
