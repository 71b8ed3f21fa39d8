import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bytes } from '../../src/bytes/bytes.js';
import { Arena } from '../../src/memory/arena.js';
import { ListCursor } from '../../src/values/list-cursor.js';
import { ListSettings } from '../../src/values/list-settings.js';
import { Quicklist } from '../../src/values/quicklist.js';
import { isValidListpack } from '../support/naive-listpack-check.js';

const view = new Bytes();

function setup(maxListpackSize: number, plainBytes = 0) {
  const arena = new Arena();
  const settings = new ListSettings();
  settings.setMaxListpackSize(maxListpackSize);
  settings.setPlainBytes(plainBytes);
  return { arena, settings, list: new Quicklist(arena, settings) };
}

function elements(list: Quicklist): string[] {
  const found: string[] = [];
  for (const cursor = list.seek(new ListCursor(), 0); !cursor.done; cursor.next()) {
    cursor.read(view);
    found.push(view.latin1());
  }
  return found;
}

function backwards(list: Quicklist): string[] {
  const found: string[] = [];
  for (const cursor = list.seek(new ListCursor(), -1); !cursor.done; cursor.previous()) {
    cursor.read(view);
    found.push(view.latin1());
  }
  return found;
}

/** Every node is a whole listpack of at least one element, and the counts are true. */
function checkNodes(arena: Arena, settings: ListSettings, list: Quicklist): void {
  let nodes = 0;
  let size = 0;
  let previous = undefined as Quicklist['head'];
  for (let node = list.head; node !== undefined; node = node.next) {
    expect(node.previous).toBe(previous);
    const begin = arena.offsetOf(node.ref) + node.start;
    expect(isValidListpack(arena.bufferOf(node.ref), begin, begin + node.length)).toBe(true);
    expect(node.start + node.length).toBeLessThanOrEqual(node.capacity);
    expect(node.capacity).toBe(arena.capacityOf(node.ref));
    if (node.plain || node.count === 0) expect(node.count).toBe(1);
    if (node.count > 1) expect(settings.exceeded(node.length, node.count)).toBe(false);
    nodes++;
    size += node.count;
    previous = node;
  }
  expect(list.tail).toBe(previous);
  expect(list.nodes).toBe(nodes);
  expect(list.size).toBe(size);
}

const text = fc.oneof(
  fc.integer({ min: -5000, max: 100000 }).map(String),
  fc.string({ maxLength: 12, unit: 'binary-ascii' }),
  fc.integer({ min: 0, max: 5000 }).map((length) => 'x'.repeat(length)),
);

type Step = (list: Quicklist, model: string[]) => void;

const at = (index: number, length: number) => (length === 0 ? 0 : index % length);
const cursor = new ListCursor();

const step: fc.Arbitrary<Step> = fc.oneof(
  text.map(
    (value): Step =>
      (list, model) => {
        list.pushFirst(Bytes.of(value));
        model.unshift(value);
      },
  ),
  text.map(
    (value): Step =>
      (list, model) => {
        list.pushLast(Bytes.of(value));
        model.push(value);
      },
  ),
  fc.tuple(fc.array(text, { maxLength: 40 }), fc.boolean()).map(
    ([values, atStart]): Step =>
      (list, model) => {
        for (const value of values) {
          if (atStart) list.pushFirst(Bytes.of(value));
          else list.pushLast(Bytes.of(value));
          if (atStart) model.unshift(value);
          else model.push(value);
        }
      },
  ),
  fc.tuple(fc.nat(12), fc.boolean()).map(
    ([count, fromStart]): Step =>
      (list, model) => {
        for (let left = Math.min(count, model.length); left > 0; left--) {
          if (fromStart) list.first(view);
          else list.last(view);
          expect(view.latin1()).toBe(fromStart ? model.shift() : model.pop());
          if (fromStart) list.removeFirst();
          else list.removeLast();
        }
      },
  ),
  fc.tuple(fc.nat(), text, fc.boolean()).map(
    ([n, value, before]): Step =>
      (list, model) => {
        if (model.length === 0) return;
        const index = at(n, model.length);
        list.seek(cursor, index);
        if (before) list.insertBefore(cursor, Bytes.of(value));
        else list.insertAfter(cursor, Bytes.of(value));
        model.splice(before ? index : index + 1, 0, value);
      },
  ),
  fc.tuple(fc.nat(), text).map(
    ([n, value]): Step =>
      (list, model) => {
        if (model.length === 0) return;
        const index = at(n, model.length);
        list.replace(list.seek(cursor, index), Bytes.of(value));
        model[index] = value;
      },
  ),
  fc.tuple(fc.nat(), fc.nat(30)).map(
    ([n, count]): Step =>
      (list, model) => {
        const index = at(n, model.length);
        const removed = Math.min(count, model.length - index);
        list.removeRange(index, removed, cursor);
        model.splice(index, removed);
      },
  ),
  fc.tuple(fc.nat(), fc.nat(5), fc.boolean()).map(
    ([n, count, forward]): Step =>
      (list, model) => {
        let index = at(n, model.length);
        list.seek(cursor, index);
        for (let left = count; left > 0 && !cursor.done; left--) {
          list.remove(cursor, forward);
          model.splice(index, 1);
          if (!forward) index--;
          if (cursor.done) return expect(forward ? index : -1).toBe(forward ? model.length : index);
          cursor.read(view);
          expect(view.latin1()).toBe(model[index]);
        }
        list.compact();
      },
  ),
  fc.nat().map(
    (n): Step =>
      (list, model) => {
        if (model.length === 0) return;
        const index = at(n, model.length);
        for (const place of [index, index - model.length]) {
          list.seek(cursor, place).read(view);
          expect(view.latin1()).toBe(model[index]);
        }
        expect(list.seek(cursor, model.length).done).toBe(true);
        expect(list.seek(cursor, -model.length - 1).done).toBe(true);
      },
  ),
);

describe('a quicklist', () => {
  it.each([
    [-1, 0],
    [-2, 0],
    [-5, 0],
    [1, 0],
    [3, 0],
    [100, 0],
    [-2, 1],
    [5, 8],
  ])('does what an array does (list-max-listpack-size %i, large from %i bytes)', (size, plainBytes) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { arena, settings, list } = setup(size, plainBytes);
        const model: string[] = [];
        for (const run of steps) {
          run(list, model);
          expect(list.size).toBe(model.length);
        }
        checkNodes(arena, settings, list);
        expect(elements(list)).toEqual(model);
        expect(backwards(list)).toEqual([...model].reverse());
        const copy = list.copy();
        while (!list.freeSlice(10)) {}
        expect(elements(copy)).toEqual(model);
        copy.freeSlice(Number.POSITIVE_INFINITY);
        expect(arena.allocated).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it('takes little more than its elements, filled from either end', () => {
    for (const atStart of [true, false]) {
      const { arena, list } = setup(-2);
      for (let i = 0; i < 20_000; i++) {
        const item = Bytes.of(`key:${String(i).padStart(12, '0')}`);
        if (atStart) list.pushFirst(item);
        else list.pushLast(item);
      }
      expect((arena.allocated + list.bytes) / list.size).toBeLessThan(19);
    }
  });

  it('stays small as a queue, whichever way elements go through it', () => {
    for (const fromStart of [true, false]) {
      const { arena, list } = setup(-2);
      for (let i = 0; i < 50_000; i++) {
        if (fromStart) list.pushLast(Bytes.of(`item ${i}`));
        else list.pushFirst(Bytes.of(`item ${i}`));
        if (list.size <= 600) continue;
        if (fromStart) list.removeFirst();
        else list.removeLast();
      }
      expect(arena.allocated).toBeLessThan(4 * 8192);
    }
  });

  it('does not shrink to ever smaller nodes by insertions in the middle', () => {
    const { list } = setup(-1);
    for (let i = 0; i < 300; i++) list.pushLast(Bytes.of(`element ${i}`));
    for (let i = 0; i < 3000; i++) list.insertBefore(list.seek(cursor, 150), Bytes.of(`inserted ${i}`));
    expect(list.nodes).toBeLessThan(3300 / 100);
  });
});
