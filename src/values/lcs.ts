import type { Bytes } from '../bytes/bytes.js';

/** A run of bytes that both strings have in common, by their first positions. */
export interface CommonRun {
  a: number;
  b: number;
  length: number;
}

/** Length of the longest common subsequence. O(N*M) time, O(M) memory. */
export function commonLength(a: Bytes, b: Bytes): number {
  const row = new Uint32Array(b.length + 1);
  for (let i = 1; i <= a.length; i++) nextRow(a.buffer[a.start + i - 1], b, row);
  return row[b.length];
}

/** Replaces the row of lengths for a prefix of `a` by the one for the prefix that is one byte longer. */
function nextRow(byte: number, b: Bytes, row: Uint32Array): void {
  const { buffer, start } = b;
  const { length } = b;
  let diagonal = 0;
  let left = 0;
  for (let j = 1; j <= length; j++) {
    const up = row[j];
    left = buffer[start + j - 1] === byte ? diagonal + 1 : Math.max(up, left);
    row[j] = left;
    diagonal = up;
  }
}

/**
 * The longest common subsequence as runs, the last run first: the order in which they are found, and in which
 * LCS IDX lists them. Where several subsequences are equally long, the one that Redis finds: from the ends
 * backwards, leaving out a byte of `b` unless leaving out one of `a` keeps more.
 *
 * O(N*M) time; memory is one bit for each pair of positions, for the way back needs only to know that choice.
 */
export function commonRuns(a: Bytes, b: Bytes): CommonRun[] {
  const upIsLonger = longerAbove(a, b);
  const runs: CommonRun[] = [];
  let i = a.length;
  let j = b.length;
  while (i > 0 && j > 0) {
    if (a.buffer[a.start + i - 1] === b.buffer[b.start + j - 1]) {
      const run = { a: i, b: j, length: 0 };
      while (i > 0 && j > 0 && a.buffer[a.start + i - 1] === b.buffer[b.start + j - 1]) {
        i--;
        j--;
        run.length++;
      }
      run.a = i;
      run.b = j;
      runs.push(run);
    } else if (isSet(upIsLonger, (i - 1) * b.length + j - 1)) {
      i--;
    } else {
      j--;
    }
  }
  return runs;
}

/**
 * A bit for each pair of positions: leaving out the byte of `a` keeps more than leaving out the byte of `b`.
 */
function longerAbove(a: Bytes, b: Bytes): Uint8Array {
  const width = b.length;
  const bits = new Uint8Array(Math.ceil((a.length * width) / 8));
  const above = new Uint32Array(width + 1);
  const row = new Uint32Array(width + 1);
  for (let i = 0; i < a.length; i++) {
    nextRow(a.buffer[a.start + i], b, row);
    for (let j = 0; j < width; j++) {
      if (above[j + 1] > row[j]) {
        const bit = i * width + j;
        bits[Math.floor(bit / 8)] |= 1 << (bit % 8);
      }
    }
    above.set(row);
  }
  return bits;
}

function isSet(bits: Uint8Array, bit: number): boolean {
  return (bits[Math.floor(bit / 8)] & (1 << (bit % 8))) !== 0;
}
