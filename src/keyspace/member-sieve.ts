import { Bytes } from '../bytes/bytes.js';
import type { Place } from './elements.js';
import type { SetValue } from './set-value.js';

/** Members that are asked about together: as many cache misses as the processor has under way at once, and more. */
const batch = 64;

const places = new Int32Array(batch);
const hashes = new Int32Array(batch);
const likely = new Int32Array(batch);
const view = new Bytes();

/** Where reads go whose only use is that they warm the cache, so that the compiler does not leave them out. */
const warmed = new Int32Array(1);

/**
 * Visits the members of a set that all the other sets have, or that none of them has. Big sets are asked about many
 * members at once: their memory is read in one go, so that the cache misses overlap, and each name is hashed once, for
 * all tables of a keyspace hash alike. Not reentrant.
 */
export function siftMembers(
  set: SetValue,
  others: readonly SetValue[],
  wanted: boolean,
  visit: (set: SetValue, place: Place) => void,
): void {
  if (!set.isBig) return siftOneByOne(set, others, wanted, visit);
  let count = 0;
  const sift = () => {
    const left = siftBatch(set, others, wanted, count);
    for (let i = 0; i < left; i++) visit(set, places[i]);
    count = 0;
  };
  set.forEach((place) => {
    places[count++] = place;
    if (count === batch) sift();
  });
  sift();
}

function siftOneByOne(
  set: SetValue,
  others: readonly SetValue[],
  wanted: boolean,
  visit: (set: SetValue, place: Place) => void,
): void {
  set.forEach((place) => {
    set.nameAt(place, view);
    for (const other of others) if (other.has(view) !== wanted) return;
    visit(set, place);
  });
}

/** Keeps those of the places that are wanted. Returns how many. */
function siftBatch(set: SetValue, others: readonly SetValue[], wanted: boolean, count: number): number {
  warmed[0] ^= set.warm(places, count);
  for (let i = 0; i < count; i++) hashes[i] = set.hashAt(places[i]);
  let left = count;
  for (const other of others) left = siftBy(set, other, wanted, left);
  return left;
}

function siftBy(set: SetValue, other: SetValue, wanted: boolean, count: number): number {
  if (other.isBig) warmed[0] ^= other.lookAhead(hashes, likely, count);
  let left = 0;
  for (let i = 0; i < count; i++) {
    set.nameAt(places[i], view);
    view.hash = hashes[i];
    if (other.has(view) !== wanted) continue;
    places[left] = places[i];
    hashes[left++] = hashes[i];
  }
  view.hash = 0;
  return left;
}

/** Calls `read` for places of one set in turn, after their memory was read in one go. */
export function readTogether(set: SetValue, all: readonly Place[], read: (place: Place) => void): void {
  for (let from = 0; from < all.length; from += batch) {
    const count = Math.min(all.length - from, batch);
    if (set.isBig) {
      for (let i = 0; i < count; i++) places[i] = all[from + i];
      warmed[0] ^= set.warm(places, count);
    }
    for (let i = 0; i < count; i++) read(all[from + i]);
  }
}
