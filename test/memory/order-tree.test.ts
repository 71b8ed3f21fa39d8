import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bytes } from '../../src/bytes/bytes.js';
import { OrderNodes } from '../../src/memory/order-nodes.js';
import { type MemberOrder, OrderCursor, OrderTree } from '../../src/memory/order-tree.js';

/** Members by ref. Comparing one that has been removed is what the tree must never do. */
class Members implements MemberOrder {
  private readonly texts = new Map<number, string>();
  private nextRef = 1;

  add(text: string): number {
    // Refs may be negative, as those of large blocks are.
    const ref = this.nextRef++ % 2 === 0 ? this.nextRef : -this.nextRef;
    this.texts.set(ref, text);
    return ref;
  }

  remove(ref: number): void {
    this.texts.delete(ref);
  }

  text(ref: number): string {
    const text = this.texts.get(ref);
    if (text === undefined) throw new Error(`member ${ref} was removed`);
    return text;
  }

  compareRefs(a: number, b: number): number {
    return compare(this.text(a), this.text(b));
  }

  compareToBytes(ref: number, bytes: Bytes): number {
    return compare(this.text(ref), bytes.latin1());
  }
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** A sorted array beside the tree. */
class Pair {
  constructor(
    readonly score: number,
    readonly member: string,
    readonly ref: number,
  ) {}
}
const comparePairs = (a: { score: number; member: string }, b: { score: number; member: string }) =>
  a.score - b.score || compare(a.member, b.member);

class Both {
  readonly members = new Members();
  readonly nodes = new OrderNodes();
  readonly tree = new OrderTree(this.nodes, this.members);
  pairs: Pair[] = [];

  place(score: number, member: string): number {
    let low = 0;
    let high = this.pairs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (comparePairs(this.pairs[middle], { score, member }) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  insert(score: number, member: string): void {
    const ref = this.members.add(member);
    this.tree.insert(score, ref);
    this.pairs.splice(this.place(score, member), 0, new Pair(score, member, ref));
  }

  deletePlace(place: number, byRank: boolean): void {
    const [pair] = this.pairs.splice(place, 1);
    if (byRank) {
      const removed = new OrderCursor();
      this.tree.deleteAt(place, removed);
      expect([removed.score, removed.ref]).toEqual([pair.score, pair.ref]);
    } else {
      expect(this.tree.delete(pair.score, pair.ref)).toBe(true);
    }
    this.members.remove(pair.ref);
  }

  update(place: number, score: number): void {
    const [pair] = this.pairs.splice(place, 1);
    expect(this.tree.update(pair.score, pair.ref, score)).toBe(true);
    this.pairs.splice(this.place(score, pair.member), 0, new Pair(score, pair.member, pair.ref));
  }

  replaceRef(place: number): void {
    const { score, member, ref } = this.pairs[place];
    const newRef = this.members.add(member);
    expect(this.tree.replaceRef(score, ref, newRef)).toBe(true);
    this.members.remove(ref);
    this.pairs[place] = new Pair(score, member, newRef);
  }

  visited(rank: number, count: number, backwards: boolean): number[][] {
    const found: number[][] = [];
    this.tree.visit(rank, count, backwards, (ref, score) => found.push([score, ref]));
    return found;
  }

  /** Everything that can be asked, compared with the array. */
  check(): void {
    const { tree, pairs } = this;
    const expected = pairs.map(({ score, ref }) => [score, ref]);
    expect(tree.size).toBe(pairs.length);
    expect(this.walk(0, 'next')).toEqual(expected);
    expect(this.walk(pairs.length - 1, 'previous')).toEqual([...expected].reverse());
    expect(pairs.map(({ score, ref }) => tree.rank(score, ref))).toEqual(pairs.map((_, i) => i));
    const cursor = new OrderCursor();
    expect(pairs.map((_, i) => tree.select(i, cursor) && cursor.ref)).toEqual(pairs.map(({ ref }) => ref));
    for (const rank of [-1, pairs.length]) expect(tree.select(rank, cursor)).toBe(false);
    expect(this.visited(0, pairs.length, false)).toEqual(expected);
    expect(this.visited(pairs.length - 1, pairs.length, true)).toEqual([...expected].reverse());
    const third = Math.floor(pairs.length / 3);
    expect(this.visited(third, third, false)).toEqual(expected.slice(third, third * 2));
    for (const score of new Set([-Infinity, Infinity, 0.25, ...pairs.map((pair) => pair.score)])) {
      expect(tree.countBelow(score, false)).toBe(pairs.filter((pair) => pair.score < score).length);
      expect(tree.countBelow(score, true)).toBe(pairs.filter((pair) => pair.score <= score).length);
    }
  }

  private walk(rank: number, direction: 'next' | 'previous'): number[][] {
    const cursor = new OrderCursor();
    const seen: number[][] = [];
    let more = this.tree.select(rank, cursor);
    while (more) {
      seen.push([cursor.score, cursor.ref]);
      more = this.tree[direction](cursor);
    }
    return seen;
  }
}

/** Small reproducible pseudo-random numbers below `limit`. */
function randomFrom(seed: number): (limit: number) => number {
  let state = seed | 0;
  return (limit) => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9;
    return ((state ^ (state >>> 12)) >>> 0) % limit;
  };
}

type Phase = {
  kind: 'random' | 'ascending' | 'descending' | 'delete' | 'drain' | 'mixed';
  count: number;
  scores: number;
};

const phases: fc.Arbitrary<Phase> = fc.record({
  kind: fc.constantFrom('random', 'ascending', 'descending', 'delete', 'drain', 'mixed'),
  count: fc.integer({ min: 1, max: 1500 }),
  scores: fc.constantFrom(1, 3, 50, 1_000_000),
});

function run(both: Both, phase: Phase, random: (limit: number) => number, nextName: () => string): void {
  for (let i = 0; i < phase.count; i++) {
    const { length } = both.pairs;
    const score = random(phase.scores) / 2;
    switch (length === 0 && !/ing|random/.test(phase.kind) ? 'random' : phase.kind) {
      case 'random':
        both.insert(score, nextName());
        break;
      case 'ascending':
        both.insert((both.pairs.at(-1)?.score ?? 0) + 1, nextName());
        break;
      case 'descending':
        both.insert((both.pairs[0]?.score ?? 0) - 1, nextName());
        break;
      case 'delete':
        both.deletePlace(random(length), random(2) === 0);
        break;
      case 'drain':
        both.deletePlace(random(2) === 0 ? 0 : length - 1, true);
        break;
      case 'mixed':
        [
          () => both.deletePlace(random(length), false),
          () => both.replaceRef(random(length)),
          () => both.update(random(length), score),
          () => both.update(random(length), both.pairs[random(length)].score + 0.5),
        ][random(4)]();
    }
  }
}

describe('OrderTree', () => {
  it('does what a sorted array does', () => {
    fc.assert(
      fc.property(fc.array(phases, { minLength: 1, maxLength: 6 }), fc.integer(), (sequence, seed) => {
        const both = new Both();
        const random = randomFrom(seed);
        let names = 0;
        const nextName = () => `${String.fromCharCode(97 + random(26))}${names++}`;
        for (const phase of sequence) run(both, phase, random, nextName);
        both.check();
        while (both.pairs.length > 0) both.deletePlace(random(both.pairs.length), random(2) === 0);
        both.check();
        expect(both.nodes.allocated).toBe(0);
      }),
      { numRuns: 25 },
    );
  }, 60_000);

  it.each([1, 2, 1_000_000])(
    'is right at several levels of inner nodes, with %d scores',
    (scores) => {
      const both = new Both();
      const random = randomFrom(7);
      let names = 0;
      const nextName = () => `${random(1000)}.${names++}`;
      run(both, { kind: 'random', count: 8000, scores }, random, nextName);
      run(both, { kind: 'descending', count: 2500, scores }, random, nextName);
      run(both, { kind: 'ascending', count: 2500, scores }, random, nextName);
      run(both, { kind: 'mixed', count: 4000, scores }, random, nextName);
      both.check();
      run(both, { kind: 'drain', count: 4000, scores }, random, nextName);
      run(both, { kind: 'delete', count: 6000, scores }, random, nextName);
      both.check();
    },
    60_000,
  );

  it('counts by member where all scores are equal', () => {
    const names = fc.uniqueArray(fc.string({ maxLength: 3 }), { maxLength: 300 });
    fc.assert(
      fc.property(names, fc.array(fc.string({ maxLength: 3 }), { maxLength: 10 }), (list, asked) => {
        const both = new Both();
        for (const name of list) both.insert(0, name);
        for (const text of [...asked, ...list.slice(0, 10)]) {
          const bytes = Bytes.of(text);
          expect(both.tree.countBelowMember(bytes, false)).toBe(list.filter((name) => name < text).length);
          expect(both.tree.countBelowMember(bytes, true)).toBe(list.filter((name) => name <= text).length);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('knows nothing of pairs that it does not have', () => {
    const both = new Both();
    const other = both.members.add('other');
    const ask = () => [
      both.tree.delete(1, other),
      both.tree.update(1, other, 2),
      both.tree.rank(1, other),
      both.tree.replaceRef(1, other, 5),
    ];
    expect(ask()).toEqual([false, false, -1, false]);
    for (let i = 0; i < 100; i++) both.insert(i % 3, `m${i}`);
    expect(ask()).toEqual([false, false, -1, false]);
    both.check();
  });

  it('orders infinities, and takes both zeros for one', () => {
    const both = new Both();
    for (const [i, score] of [Infinity, 0, -Infinity, -0, 1].entries()) both.insert(score, `m${i}`);
    both.check();
    expect(both.pairs.map(({ member }) => member)).toEqual(['m2', 'm1', 'm3', 'm4', 'm0']);
  });

  it('fills its leaves when pairs come in order', () => {
    for (const direction of [1, -1]) {
      const both = new Both();
      for (let i = 0; i < 20_000; i++) both.insert(i * direction, `m${i}`);
      expect(both.nodes.allocated / 20_000).toBeLessThan(14);
    }
  });

  it('gives back all memory, at once or in slices', () => {
    const both = new Both();
    const other = new OrderTree(both.nodes, both.members);
    for (let i = 0; i < 10_000; i++) both.insert((i * 7919) % 10_007, `m${i}`);
    for (let i = 0; i < 10_000; i++) other.insert(i % 100, both.members.add(`n${i}`));
    other.clear();
    expect(other.size).toBe(0);
    both.check();
    let slices = 0;
    while (!both.tree.clearSome(10)) slices++;
    expect(slices).toBeGreaterThan(10);
    expect(both.nodes.allocated).toBe(0);
    both.pairs = [];
    both.insert(1, 'again');
    both.check();
  });
});
