import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { Arena, type Ref } from '../../src/memory/arena.js';
import { createEntry, keyLengthOf, keyOffsetOf, releaseEntry } from '../../src/memory/entry.js';
import { Table } from '../../src/memory/table.js';
import { seededRandom } from '../support/random.js';

/** A table with its entries, driven by latin1 string keys, beside the Map that it should equal. */
class CheckedTable {
  readonly arena: Arena;
  readonly table: Table;
  readonly model = new Map<string, Ref>();

  constructor(arena = new Arena(), seed = 1) {
    this.arena = arena;
    this.table = new Table(arena, seed, ~seed);
  }

  find(key: string): Ref {
    const bytes = Buffer.from(key, 'latin1');
    return this.table.find(bytes, 0, bytes.length, this.table.hash(bytes, 0, bytes.length));
  }

  keyOf(ref: Ref): string {
    const at = keyOffsetOf(this.arena, ref);
    return this.arena.bufferOf(ref).toString('latin1', at, at + keyLengthOf(this.arena, ref));
  }

  entry(key: string, payloadLength = 0): Ref {
    const bytes = Buffer.from(key, 'latin1');
    return createEntry(this.arena, bytes, 0, bytes.length, payloadLength, false, 0);
  }

  /** Inserts the key, or replaces its entry by one of another size. */
  set(key: string, payloadLength = 0): void {
    const ref = this.entry(key, payloadLength);
    const old = this.find(key);
    if (old !== (this.model.get(key) ?? 0)) expect.fail(`set: ${key} is ${old}`); // `expect` is slow
    if (old === 0) {
      this.table.insert(ref, this.table.hashOf(ref));
    } else {
      this.table.replaceFound(ref);
      releaseEntry(this.arena, old);
    }
    this.model.set(key, ref);
  }

  remove(key: string): boolean {
    const ref = this.find(key);
    if (ref !== (this.model.get(key) ?? 0)) expect.fail(`remove: ${key} is ${ref}`);
    if (ref === 0) return false;
    if (this.table.removeFound() !== ref) expect.fail(`remove: ${key} gave another entry`);
    releaseEntry(this.arena, ref);
    this.model.delete(key);
    return true;
  }

  keys(): string[] {
    const keys: string[] = [];
    this.table.forEach((ref) => {
      keys.push(this.keyOf(ref));
    });
    return keys;
  }

  check(): void {
    expect(this.table.size).toBe(this.model.size);
    for (const [key, ref] of this.model) if (this.find(key) !== ref) expect.fail(`lost ${key}`);
    expect(this.keys().sort()).toEqual([...this.model.keys()].sort());
    const { bucketCount, size } = this.table;
    expect(size).toBeLessThanOrEqual(bucketCount * 9);
    // Buckets are merged below 5 entries each, somewhat later if the next two to be merged have very many.
    if (bucketCount > 1) expect(size).toBeGreaterThanOrEqual((bucketCount - 1) * 4 - 5);
  }
}

/** Scans to the end, calling `between` after each step. Returns how often each key was seen. */
function scanAll(checked: CheckedTable, between: () => void = () => {}): Map<string, number> {
  const seen = new Map<string, number>();
  let steps = 0;
  let cursor = 0;
  do {
    cursor = checked.table.scan(cursor, (ref) => {
      const key = checked.keyOf(ref);
      seen.set(key, (seen.get(key) ?? 0) + 1);
    });
    between();
    if (++steps > 1_000_000) expect.fail('the scan does not end');
  } while (cursor !== 0);
  return seen;
}

const key = fc.oneof(
  fc.integer({ min: 0, max: 300 }).map((n) => `key:${n}`),
  fc.integer({ min: 0, max: 60 }).map((n) => 'x'.repeat(n * 3)),
  fc.constantFrom('', '\0', '\0\0', 'y'.repeat(70_000), 'z'.repeat(20_000)),
);

describe('a table that was made large at once', () => {
  it('works as one that has grown, and gives back what was not needed', () => {
    for (const reserved of [1, 9, 10, 500, 40_000, 60_000]) {
      for (const used of [0, 5, 600, 50_000]) {
        const checked = new CheckedTable();
        const { table } = checked;
        table.reserve(reserved);
        const bytes = table.bytes;
        for (let i = 0; i < used; i++) checked.set(`key:${i}`);
        if (used <= reserved && used > 0) expect(table.bytes).toBeLessThan(bytes * 1.5);
        table.trim();
        for (let i = 0; i < used; i++) if (checked.find(`key:${i}`) === 0) expect.fail(`key:${i} is lost`);
        expect(table.bucketCount).toBeLessThanOrEqual(Math.max(1, used / 4));
        for (let i = 0; i < used; i += 2) checked.remove(`key:${i}`);
        expect(checked.keys().length).toBe(Math.floor(used / 2));
      }
    }
  });

  it('stays as it is if it has entries', () => {
    const checked = new CheckedTable();
    checked.set('a');
    checked.table.reserve(1000);
    expect(checked.table.bucketCount).toBe(1);
    expect(checked.find('a')).not.toBe(0);
  });
});

describe('Table', () => {
  it('equals a Map through any sequence of inserts, overwrites and removals', () => {
    const step = fc.record({ remove: fc.boolean(), key, payload: fc.integer({ min: 0, max: 200 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 500 }), fc.integer(), (steps, seed) => {
        const checked = new CheckedTable(new Arena(), seed);
        for (const { remove, key, payload } of steps) {
          if (remove) checked.remove(key);
          else checked.set(key, payload);
        }
        checked.check();
        for (const key of checked.model.keys()) checked.remove(key);
        checked.check();
        expect(checked.arena.allocated).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it('grows to many chunks and shrinks back to a bucket, and finds every key all the way', () => {
    const random = seededRandom(11);
    const checked = new CheckedTable();
    const name = (n: number) => `member:${n}`;
    let added = 0;
    for (const [target, growing] of [
      [60_000, 0.9],
      [20_000, 0.2],
      [45_000, 0.8],
      [0, 0],
    ] as const) {
      while (checked.model.size !== target) {
        if (random() < growing) checked.set(name(added++));
        else
          checked.remove(name(Math.floor(random() * added))) ||
            checked.remove(checked.model.keys().next().value!);
      }
      checked.check();
    }
    expect(checked.table.bucketCount).toBe(1);
    expect(checked.table.bytes).toBeLessThanOrEqual(256);
    expect(checked.arena.allocated).toBe(0);
  });

  it('keeps its memory in proportion to its size', () => {
    const checked = new CheckedTable();
    expect(checked.table.bytes).toBe(64);
    for (let n = 0; n < 200; n++) checked.set(`field:${n}`);
    expect(checked.table.bytes).toBeLessThanOrEqual(3 * 1024);
    for (let n = 200; n < 100_000; n++) checked.set(`field:${n}`);
    expect(checked.table.bytes / checked.table.size).toBeLessThan(14);
    for (let n = 0; n < 90_000; n++) checked.remove(`field:${n}`);
    expect(checked.table.bytes / checked.table.size).toBeLessThan(64);
    checked.check();
  });

  it('finds entries by ref for a second table that indexes the same entries', () => {
    const first = new CheckedTable();
    const second = new CheckedTable(first.arena);
    for (let n = 0; n < 2000; n++) first.set(`key:${n}`);
    for (const [key, ref] of first.model) {
      if (Number(key.slice(4)) % 3 === 0) continue;
      second.table.insert(ref, first.table.hashOf(ref));
      second.model.set(key, ref);
    }
    second.check();
    for (const [key, ref] of [...second.model]) {
      const hash = second.table.hashOf(ref);
      if (Number(key.slice(4)) % 3 === 1) {
        second.table.removeRef(ref, hash);
        second.model.delete(key);
      } else {
        const moved = first.entry(key, 100);
        first.table.replace(ref, moved, hash);
        second.table.replace(ref, moved, hash);
        first.model.set(key, moved);
        second.model.set(key, moved);
        releaseEntry(first.arena, ref);
      }
    }
    first.check();
    second.check();
    const stranger = first.entry('stranger');
    expect(() => second.table.removeRef(stranger, second.table.hashOf(stranger))).toThrow('not in the table');
  });

  describe('scan', () => {
    it('visits every entry exactly once while nothing changes', () => {
      const checked = new CheckedTable();
      for (let n = 0; n < 5000; n++) {
        checked.set(`key:${n}`);
        if (n > 60 && n % 997 !== 0) continue;
        const seen = scanAll(checked);
        expect(seen.size).toBe(checked.model.size);
        expect([...seen.values()].every((times) => times === 1)).toBe(true);
      }
    });

    it('visits what stays throughout at least once, whatever else comes and goes meanwhile', () => {
      const change = fc.record({ grow: fc.boolean(), count: fc.integer({ min: 0, max: 400 }) });
      fc.assert(
        fc.property(
          fc.integer({ min: 0, max: 600 }),
          fc.array(change, { minLength: 1, maxLength: 12 }),
          fc.integer(),
          (stable, changes, seed) => {
            const checked = new CheckedTable(new Arena(), seed);
            const random = seededRandom(seed);
            for (let n = 0; n < stable; n++) checked.set(`stays:${n}`);
            const passing: string[] = [];
            let count = 0;
            let turn = 0;
            const between = () => {
              if (turn >= changes.length * 3) return;
              const { grow, count: amount } = changes[turn++ % changes.length];
              for (let i = 0; i < amount; i++) {
                if (grow) {
                  passing.push(`passes:${count++}`);
                  checked.set(passing[passing.length - 1]);
                } else if (passing.length > 0) {
                  checked.remove(passing.splice(Math.floor(random() * passing.length), 1)[0]);
                }
              }
            };
            for (let i = 0; i < changes[0].count * 3; i++) {
              passing.push(`passes:${count++}`);
              checked.set(passing[i]);
            }
            const seen = scanAll(checked, between);
            for (let n = 0; n < stable; n++) if (!seen.has(`stays:${n}`)) expect.fail(`missed stays:${n}`);
            checked.check();
          },
        ),
        { numRuns: 60 },
      );
    });

    it('lets the visitor delete what it visits, so that scanning can empty the table', () => {
      const checked = new CheckedTable();
      for (let n = 0; n < 3000; n++) checked.set(`key:${n}`);
      let cursor = 0;
      do {
        cursor = checked.table.scan(cursor, (ref) => checked.remove(checked.keyOf(ref)));
      } while (cursor !== 0);
      checked.check();
      expect(checked.table.size).toBe(0);
    });

    it('may be nested', () => {
      const checked = new CheckedTable();
      for (let n = 0; n < 8; n++) checked.set(`key:${n}`);
      const pairs = new Set<string>();
      checked.table.scan(0, (a) => checked.table.scan(0, (b) => pairs.add(`${a} ${b}`)));
      expect(pairs.size).toBe(64);
    });

    it('ends with any cursor that a client makes up', () => {
      const checked = new CheckedTable();
      for (let n = 0; n < 1000; n++) checked.set(`key:${n}`);
      fc.assert(
        fc.property(fc.integer({ min: 0, max: 0xffffffff }), (start) => {
          let cursor = start;
          let steps = 0;
          do {
            cursor = checked.table.scan(cursor, () => {});
            expect(cursor).toBeGreaterThanOrEqual(0);
          } while (cursor !== 0 && ++steps < 10_000);
          expect(cursor).toBe(0);
        }),
      );
    });
  });

  describe('random', () => {
    it('gives 0 in an empty table and the only entry of a table with one', () => {
      const checked = new CheckedTable();
      const random = seededRandom(1);
      expect(checked.table.random(random)).toBe(0);
      checked.set('only');
      for (let i = 0; i < 20; i++) expect(checked.table.random(random)).toBe(checked.model.get('only'));
    });

    it.each([7, 100, 1000, 1450])('chooses among %d entries with equal chances', (size) => {
      const checked = new CheckedTable(new Arena(), size);
      for (let n = 0; n < size; n++) checked.set(`key:${n}`);
      const counts = new Map<Ref, number>([...checked.model.values()].map((ref) => [ref, 0]));
      const random = seededRandom(size);
      const expected = 200;
      for (let i = 0; i < size * expected; i++) {
        const ref = checked.table.random(random);
        counts.set(ref, counts.get(ref)! + 1);
      }
      expect(counts.size).toBe(size);
      // Chi-square: mean size - 1, standard deviation sqrt(2 (size - 1)); five of those is one in millions.
      const chiSquare = [...counts.values()].reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
      expect(chiSquare).toBeLessThan(size - 1 + 5 * Math.sqrt(2 * (size - 1)));
    });

    it('still finds entries when most have been removed', () => {
      const checked = new CheckedTable();
      for (let n = 0; n < 50_000; n++) checked.set(`key:${n}`);
      for (let n = 0; n < 49_990; n++) checked.remove(`key:${n}`);
      let calls = 0;
      const inner = seededRandom(3);
      const counting = () => {
        calls++;
        return inner();
      };
      for (let i = 0; i < 1000; i++) expect(checked.table.random(counting)).not.toBe(0);
      expect(calls / 1000).toBeLessThan(50);
    });
  });

  describe('beforeBucketChange', () => {
    const checked = new CheckedTable();
    afterEach(() => {
      checked.table.beforeBucketChange = undefined;
    });

    it('announces every change, so that a snapshot that saves buckets before they change is exact', () => {
      const random = seededRandom(5);
      const name = () => `key:${Math.floor(random() * 6000)}`;
      for (let i = 0; i < 4000; i++) checked.set(name());
      for (const [growing, burst] of [
        [0.5, 8],
        [0.9, 8],
        [0.05, 6000], // at the snapshot's start, so that buckets are merged before they were saved
        [0.9, 6000],
      ]) {
        const expected = [...checked.model].map(([key, ref]) => `${key} ${ref}`).sort();
        const { table } = checked;
        const first = table.bucketCount;
        const saved = new Set<number>();
        const snapshot: string[] = [];
        const save = (bucket: number) => {
          if (bucket >= first || saved.has(bucket)) return; // a bucket that is younger than the snapshot
          saved.add(bucket);
          table.forEachInBucket(bucket, (ref) => snapshot.push(`${checked.keyOf(ref)} ${ref}`));
        };
        table.beforeBucketChange = save;
        for (let bucket = 0; bucket < first; bucket++) {
          if (bucket < table.bucketCount) save(bucket);
          for (let i = bucket === 0 ? burst : 8; i > 0; i--) {
            if (random() < growing) checked.set(name(), Math.floor(random() * 100));
            else checked.remove(name());
          }
        }
        table.beforeBucketChange = undefined;
        expect(snapshot.sort()).toEqual(expected);
        checked.check();
      }
    });

    it('is called for an entry that is touched in place', () => {
      const announced: number[] = [];
      checked.set('touched');
      checked.table.beforeBucketChange = (bucket) => announced.push(bucket);
      const hash = checked.table.hashOf(checked.find('touched'));
      checked.table.touchBucket(hash);
      expect(announced).toEqual([checked.table.bucketOf(hash)]);
    });
  });

  describe('freeing', () => {
    it('hands out every entry once in slices within the budget, and can be used between them', () => {
      const checked = new CheckedTable();
      for (let n = 0; n < 5000; n++) checked.set(`key:${n}`);
      const release = (ref: Ref) => {
        checked.model.delete(checked.keyOf(ref)) || expect.fail('released twice');
        releaseEntry(checked.arena, ref);
      };
      let slices = 0;
      for (let empty = false; !empty; slices++) {
        const before = checked.table.size;
        empty = checked.table.freeSlice(100, release);
        expect(before - checked.table.size).toBeLessThan(160);
        for (const [key, ref] of checked.model) if (checked.find(key) !== ref) expect.fail(`lost ${key}`);
        if (slices === 10) for (let n = 0; n < 50; n++) checked.set(`late:${n}`);
      }
      expect(slices).toBeGreaterThan(40);
      expect(checked.model.size).toBe(0);
      expect(checked.arena.allocated).toBe(0);
      expect(checked.table.bytes).toBe(64);
      checked.set('again');
      checked.check();
    });

    it('clears at once and can be used again', () => {
      const checked = new CheckedTable();
      for (let n = 0; n < 5000; n++) checked.set(`key:${n}`);
      checked.table.clear();
      checked.model.clear();
      expect(checked.table.bytes).toBe(64);
      for (let n = 0; n < 500; n++) checked.set(`key:${n}`);
      checked.check();
    });
  });
});
