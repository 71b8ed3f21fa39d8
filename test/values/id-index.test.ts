import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IdCursor, IdIndex } from '../../src/values/id-index.js';
import { StreamId } from '../../src/values/stream-id.js';

const cursor = new IdCursor();

/** IDs near each other and at the limits of both numbers. */
const number = fc.oneof(
  fc.integer({ min: 0, max: 40 }).map(BigInt),
  fc.bigInt({ min: 2n ** 31n - 3n, max: 2n ** 32n + 3n }),
  fc.bigInt({ min: 2n ** 64n - 3n, max: 2n ** 64n - 1n }),
);
const anyId = fc.tuple(number, number).map(([ms, seq]) => new StreamId().setBig(ms, seq));

const order = (a: StreamId, b: StreamId) => a.compare(b);

function rows(index: IdIndex): string[] {
  const found: string[] = [];
  for (cursor.first(index); !cursor.done; cursor.next()) {
    found.push(`${cursor.readId(new StreamId())}=${cursor.words[cursor.at + 4]}`);
  }
  return found;
}

function backwards(index: IdIndex): string[] {
  const found: string[] = [];
  for (cursor.last(index); !cursor.done; cursor.previous()) {
    found.push(`${cursor.readId(new StreamId())}=${cursor.words[cursor.at + 4]}`);
  }
  return found;
}

class Model {
  readonly ids: StreamId[] = [];
  readonly values = new Map<string, number>();
  readonly account = { indexBytes: 0 };
  readonly index = new IdIndex(5, this.account);

  set(id: StreamId, value: number): void {
    if (!this.index.find(id, cursor)) {
      this.index.insert(id, cursor);
      this.ids.push(new StreamId().assign(id));
      this.ids.sort(order);
    }
    cursor.words[cursor.at + 4] = value;
    this.values.set(id.toString(), value);
  }

  remove(id: StreamId): void {
    const at = this.ids.findIndex((each) => each.equals(id));
    expect(this.index.find(id, cursor)).toBe(at >= 0);
    if (at < 0) return;
    this.index.remove(cursor);
    this.ids.splice(at, 1);
    this.values.delete(id.toString());
    if (at === this.ids.length) expect(cursor.done).toBe(true);
    else expect(cursor.readId(new StreamId()).toString()).toBe(this.ids[at].toString());
  }

  check(): void {
    const wanted = this.ids.map((id) => `${id}=${this.values.get(id.toString())}`);
    expect(rows(this.index)).toEqual(wanted);
    expect(backwards(this.index)).toEqual(wanted.toReversed());
    expect(rows(this.index.copy({ indexBytes: 0 }))).toEqual(wanted);
    expect(this.index.size).toBe(wanted.length);
    expect(this.account.indexBytes).toBe(this.index.bytes);
  }
}

describe('IdIndex', () => {
  it('is a sorted map', () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: anyId.map((id) => (model: Model, n: number) => model.set(id, n)) },
      { weight: 2, arbitrary: anyId.map((id) => (model: Model) => model.remove(id)) },
      {
        weight: 1,
        arbitrary: fc.integer({ min: 1, max: 300 }).map((count) => (model: Model, n: number) => {
          for (let i = 0; i < count; i++) model.set(StreamId.of(100 + ((i * 7919) % 500), n % 3), i);
        }),
      },
      {
        weight: 1,
        arbitrary: fc.tuple(fc.nat(), fc.nat(400)).map(([at, count]) => (model: Model) => {
          for (let left = count; left > 0 && model.ids.length > 0; left--)
            model.remove(model.ids[at % model.ids.length]);
        }),
      },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), fc.array(anyId, { maxLength: 10 }), (steps, probes) => {
        const model = new Model();
        for (const [n, run] of steps.entries()) run(model, n);
        model.check();
        for (const id of probes) {
          const next = model.ids.find((each) => each.compare(id) >= 0);
          cursor.seek(model.index, id);
          expect(cursor.done ? undefined : cursor.readId(new StreamId()).toString()).toBe(next?.toString());
          const before = model.ids.findLast((each) => each.compare(id) <= 0);
          cursor.seekBefore(model.index, id);
          expect(cursor.done ? undefined : cursor.readId(new StreamId()).toString()).toBe(before?.toString());
        }
        model.index.clear();
        expect(model.account.indexBytes).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it('appends and removes at the ends without growing', () => {
    const account = { indexBytes: 0 };
    const index = new IdIndex(6, account);
    const id = new StreamId();
    for (let i = 0; i < 5000; i++) {
      index.append(id.set(i, 0), cursor);
      if (i >= 100) index.remove(cursor.first(index));
    }
    expect(index.size).toBe(100);
    expect(cursor.first(index).readId(id).toString()).toBe('4900-0');
    expect(account.indexBytes).toBeLessThan(3 * 128 * 6 * 4 + 1000);
  });

  it('fills again in the same memory after it was empty, if that was little', () => {
    const account = { indexBytes: 0 };
    const index = new IdIndex(6, account);
    const id = new StreamId();
    const fillAndEmpty = (rows: number): Int32Array => {
      for (let i = 0; i < rows; i++) index.append(id.set(i, 0), cursor);
      const { words } = cursor;
      while (index.size > 0) index.remove(cursor.first(index));
      return words;
    };
    const words = fillAndEmpty(10);
    const { bytes } = index;
    expect(fillAndEmpty(10)).toBe(words);
    expect(index.bytes).toBe(bytes);
    expect(account.indexBytes).toBe(bytes);
    fillAndEmpty(1000);
    expect(account.indexBytes).toBe(0);
    expect(fillAndEmpty(10)).not.toBe(words);
    index.clear();
    expect(account.indexBytes).toBe(0);
  });
});
