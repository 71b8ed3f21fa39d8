import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bytes } from '../../src/bytes/bytes.js';
import { absent, type Database } from '../../src/keyspace/database.js';
import { encodingNames } from '../../src/keyspace/kinds.js';
import { ListValue } from '../../src/keyspace/list-value.js';
import { ListCursor } from '../../src/values/list-cursor.js';
import { newKeyspace } from '../support/keyspace.js';

const key = Bytes.of('list');
const view = new Bytes();
const list = new ListValue();
const cursor = new ListCursor();

function elements(database: Database): string[] {
  const found: string[] = [];
  for (list.open(database, database.live(key)).seek(cursor, 0); !cursor.done; cursor.next()) {
    cursor.read(view);
    found.push(view.latin1());
  }
  return found;
}

const encoding = (database: Database) => encodingNames.get(database.kindOf(database.live(key)));

const text = fc.oneof(
  fc.constantFrom('a', 'b', '', '1', '-70000', '9223372036854775807'),
  fc.string({ maxLength: 10, unit: 'binary-ascii' }),
  fc.integer({ min: 0, max: 3000 }).map((length) => 'x'.repeat(length)),
);

/** A change of an opened list that is not empty, and of the array that it is compared with. */
type Change = (model: string[]) => void;

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.tuple(fc.array(text, { minLength: 1, maxLength: 6 }), fc.boolean()).map(([values, atStart]): Change => {
    return (model) => {
      list.pushAll(values.map(Bytes.of), 0, values.length, atStart);
      for (const value of values) {
        if (atStart) model.unshift(value);
        else model.push(value);
      }
    };
  }),
  fc.boolean().map(
    (atStart): Change =>
      (model) => {
        list.end(atStart, view);
        expect(view.latin1()).toBe(atStart ? model.shift() : model.pop());
        list.removeEnd(atStart);
      },
  ),
  fc.tuple(text, fc.nat(3), fc.boolean()).map(
    ([value, limit, forward]): Change =>
      (model) => {
        let removed = 0;
        for (; removed < limit; removed++) {
          const at = forward ? model.indexOf(value) : model.lastIndexOf(value);
          if (at < 0) break;
          model.splice(at, 1);
        }
        expect(list.removeEqual(Bytes.of(value), limit, forward)).toBe(removed);
      },
  ),
  fc.tuple(fc.nat(), text, fc.boolean()).map(
    ([n, value, before]): Change =>
      (model) => {
        const index = n % model.length;
        list.grow(value.length, 1);
        list.insert(list.seek(cursor, index), Bytes.of(value), before);
        model.splice(before ? index : index + 1, 0, value);
      },
  ),
  fc.tuple(fc.nat(), text).map(
    ([n, value]): Change =>
      (model) => {
        const index = n % model.length;
        list.grow(value.length, 1);
        list.replace(list.seek(cursor, index - model.length), Bytes.of(value));
        model[index] = value;
      },
  ),
  fc.tuple(fc.nat(), fc.nat(8)).map(
    ([n, count]): Change =>
      (model) => {
        const index = n % model.length;
        const removed = Math.min(count, model.length - index);
        list.removeRange(index, removed);
        model.splice(index, removed);
      },
  ),
);

describe('a list under a key', () => {
  it.each([-1, -2, 0, 1, 2, 5, 40])('does what an array does (list-max-listpack-size %i)', (size) => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 50 }), (changes) => {
        const { keyspace } = newKeyspace();
        keyspace.listSettings.setMaxListpackSize(size);
        const [database] = keyspace.databases;
        const model: string[] = [];
        for (const run of changes) {
          if (model.length === 0) {
            list.create(database, key).pushAll([Bytes.of('first')], 0, 1, true);
            model.push('first');
          }
          list.open(database, database.live(key));
          run(model);
          expect(list.length).toBe(model.length);
          expect(list.ref).toBe(database.live(key));
          if (model.length === 0) database.removeEntry(list.ref);
          else list.shrink();
        }
        if (model.length > 0) {
          expect(elements(database)).toEqual(model);
          database.removeEntry(database.live(key));
        }
        while (keyspace.lazyFree.step(1000));
        expect(database.live(key)).toBe(absent);
        expect(keyspace.arena.allocated).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it('keeps its expiry through both changes of encoding', () => {
    const { keyspace } = newKeyspace();
    keyspace.listSettings.setMaxListpackSize(2);
    const [database] = keyspace.databases;
    list.create(database, key).pushAll([Bytes.of('a')], 0, 1, false);
    const when = keyspace.now + 1000;
    list.open(database, database.setExpiry(list.ref, when));
    list.pushAll([Bytes.of('b'), Bytes.of('c')], 0, 2, false);
    expect(encoding(database)).toBe('quicklist');
    list.removeRange(0, 2);
    list.shrink();
    expect(encoding(database)).toBe('listpack');
    expect(elements(database)).toEqual(['c']);
    expect(database.expiry(database.live(key))).toBe(when);
  });

  it('holds more elements than a listpack can count', () => {
    const { keyspace } = newKeyspace();
    keyspace.listSettings.setMaxListpackSize(-5);
    const [database] = keyspace.databases;
    const empty = Array.from({ length: 70_000 }, () => Bytes.of(''));
    list.create(database, key).pushAll(empty, 0, empty.length, true);
    expect(list.length).toBe(70_000);
    list.pushAll([Bytes.of('last')], 0, 1, false);
    expect(list.length).toBe(70_001);
    expect(elements(database).at(-1)).toBe('last');
  });
});

describe('a snapshot', () => {
  it.each([
    [-2, 'listpack'],
    [2, 'quicklist'],
  ])('hears of each change before it happens (list-max-listpack-size %i: %s)', (size, name) => {
    const { keyspace } = newKeyspace();
    keyspace.listSettings.setMaxListpackSize(size);
    const [database] = keyspace.databases;
    const bytes = (...texts: string[]) => texts.map((each) => Bytes.of(each));
    list.create(database, key).pushAll(bytes('a', 'b', 'c', 'd', 'e', 'f', 'a', 'b'), 0, 8, false);
    expect(encoding(database)).toBe(name);
    const reader = new ListValue();
    const readerCursor = new ListCursor();
    const readerView = new Bytes();
    const contents = () => {
      const found: string[] = [];
      reader.open(database, database.live(key)).seek(readerCursor, 0);
      for (; !readerCursor.done; readerCursor.next()) {
        readerCursor.read(readerView);
        found.push(readerView.latin1());
      }
      return found.join(' ');
    };
    let before = '';
    database.keys.beforeBucketChange = () => {
      before ||= contents();
    };
    const changes: (() => void)[] = [
      () => list.pushAll(bytes('x'), 0, 1, true),
      () => list.removeEnd(false),
      () => list.replace(list.seek(cursor, 1), Bytes.of('z')),
      () => list.insert(list.seek(cursor, 2), Bytes.of('y'), true),
      () => list.removeEqual(Bytes.of('c'), 1, true),
      () => list.removeRange(1, 2),
    ];
    for (const run of changes) {
      const expected = contents();
      before = '';
      list.open(database, database.live(key));
      run();
      expect(before).toBe(expected);
      expect(contents()).not.toBe(expected);
    }
  });
});
