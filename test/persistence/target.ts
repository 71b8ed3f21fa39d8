import type { Bytes } from '../../src/bytes/bytes.js';
import { elementsOf } from '../../src/persistence/packed-values.js';
import type { SavedValue, StoreLimits, ValueTarget } from '../../src/persistence/saved-value.js';
import { newKeyspace } from '../support/keyspace.js';

export const usualLimits: StoreLimits = {
  'hash-max-listpack-entries': 128,
  'hash-max-listpack-value': 64,
  'set-max-intset-entries': 512,
  'set-max-listpack-entries': 128,
  'set-max-listpack-value': 64,
  'zset-max-listpack-entries': 128,
  'zset-max-listpack-value': 64,
};

/** A keyspace of its own to read values for. */
export function newTarget(limits: Partial<StoreLimits> = {}): ValueTarget {
  return { keyspace: newKeyspace().keyspace, limits: { ...usualLimits, ...limits } };
}

/** The elements of a value that is a listpack. */
export function listpackTexts(value: SavedValue): string[] {
  if (value.form !== 'packed') throw new Error(`the value is ${value.form}`);
  return texts(elementsOf(value.bytes));
}

export function texts(elements: Bytes[]): string[] {
  return elements.map((one) => one.latin1());
}
