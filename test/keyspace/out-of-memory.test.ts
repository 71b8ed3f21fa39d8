import { afterEach, describe, expect, it, vi } from 'vitest';
import { Bytes } from '../../src/bytes/bytes.js';
import type { Database } from '../../src/keyspace/database.js';
import { kinds } from '../../src/keyspace/kinds.js';
import { ArenaFullError } from '../../src/memory/arena.js';
import type { Collection } from '../../src/values/collection.js';
import { fill, newKeyspace } from '../support/keyspace.js';

afterEach(() => vi.unstubAllGlobals());

/** The next block that the database asks for is not to be had. */
function exhaust({ keyspace }: Database): void {
  vi.spyOn(keyspace.arena, 'allocate').mockImplementationOnce(() => {
    throw new ArenaFullError('no more memory');
  });
}

/** From now on the engine gives no memory for more than a few buckets. */
function exhaustBuckets(): void {
  class NoMemory extends Int32Array {
    constructor(length: number) {
      if (length > 64) throw new RangeError('Array buffer allocation failed');
      super(length);
    }
  }
  vi.stubGlobal('Int32Array', NoMemory);
}

function fakeCollection(): Collection {
  return { size: 1, freeSlice: () => true, copy: fakeCollection } as unknown as Collection;
}

function newDatabase(): Database {
  return newKeyspace().keyspace.databases[0];
}

/** All keys and expiries can be found, counted and removed: the tables are consistent. */
function expectWhole(database: Database, keys: number): void {
  let found = 0;
  database.keys.forEach((ref) => {
    const key = database.keyOf(ref).copy();
    expect(database.peek(key)).toBe(ref);
    found++;
  });
  expect(found).toBe(keys);
  expect(database.size).toBe(keys);
  database.flush();
  expect(database.keyspace.arena.allocated).toBe(0);
}

describe('without memory', () => {
  it('a new key is not there, and nothing else has changed', () => {
    const database = newDatabase();
    fill(database, 100);
    for (let i = 0; i < 50; i++) {
      exhaustBuckets();
      let stored = 0;
      try {
        fill(database, 1, `more:${i}:`);
        stored = 1;
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
      }
      vi.unstubAllGlobals();
      expect(database.has(Bytes.of(`more:${i}:0`))).toBe(stored === 1);
    }
    expectWhole(database, database.size);
  });

  it('a collection that was to be overwritten stays', () => {
    const database = newDatabase();
    const key = Bytes.of('list');
    const collection = fakeCollection();
    database.putCollection(key, kinds.quicklist, collection);
    exhaust(database);
    expect(() => database.put(key, kinds.string, 10_000)).toThrow(ArenaFullError);
    expect(database.collection(database.peek(key))).toBe(collection);
    expectWhole(database, 1);
  });

  it('an expiry is set whole or not at all', () => {
    const database = newDatabase();
    fill(database, 200);
    exhaustBuckets();
    for (let i = 0; i < 200; i++) {
      const key = Bytes.of(`key:${i}`);
      let set = true;
      try {
        database.setExpiry(database.peek(key), database.keyspace.now + 1000);
      } catch {
        set = false;
      }
      expect(database.expiry(database.peek(key)) > 0).toBe(set);
    }
    vi.unstubAllGlobals();
    expectWhole(database, 200);
  });
});
