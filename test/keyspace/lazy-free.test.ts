import { describe, expect, it } from 'vitest';
import { fill, newKeyspace } from '../support/keyspace.js';

describe('lazy freeing', () => {
  it('empties a database at once and frees its entries later', () => {
    const { keyspace } = newKeyspace();
    const [database] = keyspace.databases;
    const before = keyspace.arena.allocated;
    fill(database, 3000, 'key:', 1000);
    const full = keyspace.arena.allocated;
    database.flushLater();
    expect(database.size).toBe(0);
    expect(database.expires.size).toBe(0);
    expect(keyspace.arena.allocated).toBe(full);
    expect(keyspace.lazyFree.pendingObjects).toBe(3000);
    expect(keyspace.lazyFree.step(1)).toBe(false);
    expect(keyspace.arena.allocated).toBe(before);
    expect(keyspace.lazyFree.pendingObjects).toBe(0);
    expect(keyspace.lazyFree.freedObjects).toBe(3000);
  });

  it('does nothing without time', () => {
    const { keyspace } = newKeyspace();
    fill(keyspace.databases[0], 10);
    keyspace.databases[0].flushLater();
    expect(keyspace.lazyFree.step(0)).toBe(true);
    expect(keyspace.lazyFree.pendingObjects).toBe(10);
  });

  it('has nothing to do for an empty database', () => {
    const { keyspace } = newKeyspace();
    keyspace.databases[0].flushLater();
    expect(keyspace.lazyFree.step(0)).toBe(false);
  });

  it('leaves keys alone that are stored meanwhile', () => {
    const { keyspace } = newKeyspace();
    const [database] = keyspace.databases;
    fill(database, 1000);
    database.flushLater();
    fill(database, 50, 'new:');
    keyspace.lazyFree.step(1);
    expect(database.size).toBe(50);
    fill(database, 50, 'new:');
    expect(database.size).toBe(50);
  });

  it('is over when everything is flushed', () => {
    const { keyspace } = newKeyspace();
    fill(keyspace.databases[0], 1000);
    keyspace.databases[0].flushLater();
    fill(keyspace.databases[1], 10);
    keyspace.flushAll();
    expect(keyspace.arena.allocated).toBe(0);
    expect(keyspace.lazyFree.pendingObjects).toBe(0);
    expect(keyspace.lazyFree.freedObjects).toBe(1000);
    fill(keyspace.databases[0], 10);
    expect(keyspace.lazyFree.step(1)).toBe(false);
    expect(keyspace.size).toBe(10);
  });
});
