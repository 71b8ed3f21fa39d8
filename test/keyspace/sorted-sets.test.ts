import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bytes } from '../../src/bytes/bytes.js';
import { encodingNames } from '../../src/keyspace/kinds.js';
import {
  addToSortedSet,
  createSortedSet,
  discardSortedSet,
  openForReading,
  openSortedSet,
  prepareFor,
  storeSortedSet,
} from '../../src/keyspace/sorted-sets.js';
import { TreeSortedSet } from '../../src/values/tree-sorted-set.js';
import { newKeyspace } from '../support/keyspace.js';
import { SortedSetModel } from '../values/sorted-set-model.js';

const key = Bytes.of('zset');
const limits = { entries: 8, value: 16 };

function newDatabase() {
  const { keyspace } = newKeyspace();
  const [database] = keyspace.databases;
  return { keyspace, database, encoding: () => encodingNames.get(database.kindOf(database.peek(key))) };
}

const members = fc.oneof(
  fc.integer({ min: 0, max: 12 }).map(String),
  fc.constantFrom('', 'a', 'x'.repeat(16), 'x'.repeat(17)),
);

describe('the sorted set under a key', () => {
  it('behaves as a sorted array on both sides of the limits', () => {
    const pairs = fc.array(fc.tuple(members, fc.integer({ min: -3, max: 3 })), {
      minLength: 1,
      maxLength: 40,
    });
    fc.assert(
      fc.property(pairs, (list) => {
        const { database, encoding } = newDatabase();
        const model = new SortedSetModel();
        let set = createSortedSet(database, key, limits, 1, list[0][0].length);
        let isBig = list[0][0].length > 16;
        for (const [text, score] of list) {
          const member = Bytes.of(text);
          if (Number.isNaN(set.find(member))) set = addToSortedSet(database, set, limits, member, score);
          else set.changeFound(score);
          model.set(text, score);
          isBig ||= text.length > 16 || model.pairs.length > 8;
        }
        const found: { member: string; score: number }[] = [];
        openSortedSet(database, database.peek(key)).visitRanks(
          0,
          model.pairs.length,
          false,
          (member, score) => found.push({ member: member.latin1(), score }),
        );
        expect(found).toEqual(model.pairs);
        expect(encoding()).toBe(isBig ? 'skiplist' : 'listpack');
      }),
    );
  });

  it('becomes big beforehand when many members are to come', () => {
    const { database, encoding } = newDatabase();
    const set = createSortedSet(database, key, limits, 1, 1);
    expect(prepareFor(database, set, limits, 8)).toBe(set);
    expect(encoding()).toBe('listpack');
    expect(prepareFor(database, set, limits, 9)).toBeInstanceOf(TreeSortedSet);
    expect(encoding()).toBe('skiplist');
  });

  it('can be created big', () => {
    const { database, encoding } = newDatabase();
    createSortedSet(database, key, limits, 9, 1);
    expect(encoding()).toBe('skiplist');
  });

  it.each([
    [8, 'm', 'listpack'],
    [9, 'm', 'skiplist'],
    [1, 'm'.repeat(16), 'skiplist'],
  ])('is stored as its size wants: %d members', (count, prefix, expected) => {
    const { keyspace, database, encoding } = newDatabase();
    const built = new TreeSortedSet(keyspace);
    for (let i = 0; i < count; i++) built.insert(Bytes.of(prefix + i), i);
    storeSortedSet(database, key, built, limits);
    expect(encoding()).toBe(expected);
    const set = openForReading(database, database.peek(key));
    expect(set.find(Bytes.of(`${prefix}0`))).toBe(0);
    expect(set.size).toBe(count);
  });

  it('leaves nothing behind when it is removed', () => {
    const { keyspace, database } = newDatabase();
    const built = new TreeSortedSet(keyspace);
    for (let i = 0; i < 500; i++) built.insert(Bytes.of(`m${i}`), i);
    storeSortedSet(database, key, built, limits);
    database.remove(key);
    while (keyspace.lazyFree.step(1000));
    expect(keyspace.arena.allocated).toBe(0);
    expect(keyspace.orderNodes.allocated).toBe(0);
  });

  it('is forgotten by FLUSHALL', () => {
    const { keyspace, database } = newDatabase();
    const built = new TreeSortedSet(keyspace);
    for (let i = 0; i < 500; i++) built.insert(Bytes.of(`m${i}`), i);
    storeSortedSet(database, key, built, limits);
    keyspace.flushAll();
    expect(keyspace.orderNodes.allocated).toBe(0);
  });

  it('frees what was built in vain', () => {
    const { keyspace } = newDatabase();
    const built = new TreeSortedSet(keyspace);
    for (let i = 0; i < 500; i++) built.insert(Bytes.of(`m${i}`), i);
    discardSortedSet(built);
    expect(keyspace.arena.allocated).toBe(0);
    expect(keyspace.orderNodes.allocated).toBe(0);
  });
});
