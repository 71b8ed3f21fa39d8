/** The order of two elements by their indexes: negative, zero or positive. */
export type Compare = (a: number, b: number) => number;

/** What elements are sorted by: a number each, none of them NaN, and how those of equal numbers compare. */
export interface Ordering {
  keys: Float64Array;
  tie: Compare;
}

/** Where fewer than one element in so many is wanted, the others are never sorted. */
const fewShare = 8;
/** Below this, comparing is as fast as anything. */
const fewElements = 64;
/** Keys and indexes are packed into integers up to this, with room for rounding below 2^53. */
const packedLimit = 2 ** 50;

/** The opposite ordering. */
export function reversed({ keys, tie }: Ordering): Ordering {
  return { keys: keys.map((key) => -key), tie: (a, b) => tie(b, a) };
}

/** The indexes of the first `wanted` elements, in order, and perhaps of more. Equal elements keep theirs. */
export function firstInOrder(ordering: Ordering, wanted: number): number[] {
  const { keys, tie } = ordering;
  const { length } = keys;
  const compare: Compare = (a, b) => {
    if (keys[a] < keys[b]) return -1;
    return keys[a] > keys[b] ? 1 : tie(a, b) || a - b;
  };
  if (wanted * fewShare < length) return selectFirst(length, wanted, compare);
  if (length <= fewElements) return Array.from({ length }, (_, index) => index).sort(compare);
  return sortPacked(keys, compare);
}

/**
 * Sorts by numbers that are made of key and index, which the engine does by itself, several times as fast as
 * with a comparison function. The keys are scaled to what room there is, so that close ones may look equal:
 * those are compared.
 */
function sortPacked(keys: Float64Array, compare: Compare): number[] {
  const { length } = keys;
  let least = Number.POSITIVE_INFINITY;
  let greatest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < length; i++) {
    if (keys[i] < least) least = keys[i];
    if (keys[i] > greatest) greatest = keys[i];
  }
  const scale = packedLimit / length / (greatest - least);
  if (scale === 0 || !Number.isFinite(scale)) {
    return Array.from({ length }, (_, index) => index).sort(compare);
  }
  const packed = new Float64Array(length);
  for (let i = 0; i < length; i++) packed[i] = Math.floor((keys[i] - least) * scale) * length + i;
  packed.sort();
  const order = new Array<number>(length);
  let begin = 0;
  let group = -1;
  for (let i = 0; i < length; i++) {
    const next = Math.floor(packed[i] / length);
    if (next !== group) {
      if (i - begin > 1) sortSection(order, begin, i, compare);
      begin = i;
      group = next;
    }
    order[i] = packed[i] - next * length;
  }
  sortSection(order, begin, length, compare);
  return order;
}

/** Sorts the elements from `begin` to `end`, not included. */
function sortSection(order: number[], begin: number, end: number, compare: Compare): void {
  const section = order.slice(begin, end).sort(compare);
  for (let i = 0; i < section.length; i++) order[begin + i] = section[i];
}

/** Keeps the first ones so far in a heap with the last of them on top. O(n log wanted), mostly O(n). */
function selectFirst(length: number, wanted: number, compare: Compare): number[] {
  if (wanted === 0) return [];
  const heap = Array.from({ length: wanted }, (_, index) => index).sort((a, b) => compare(b, a));
  for (let index = wanted; index < length; index++) {
    if (compare(index, heap[0]) < 0) sink(heap, index, compare);
  }
  return heap.sort(compare);
}

/** Puts `index` in the place of the top. */
function sink(heap: number[], index: number, compare: Compare): void {
  let at = 0;
  for (;;) {
    let child = at * 2 + 1;
    if (child + 1 < heap.length && compare(heap[child + 1], heap[child]) > 0) child++;
    if (child >= heap.length || compare(heap[child], index) <= 0) break;
    heap[at] = heap[child];
    at = child;
  }
  heap[at] = index;
}
