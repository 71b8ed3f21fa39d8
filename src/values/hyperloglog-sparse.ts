import {
  HEADER_SIZE,
  LARGEST_SPARSE_VALUE,
  LONGEST_VALUE_RUN,
  REGISTER_COUNT,
  runBytes,
  runLength,
  runValue,
  writeRun,
} from './hyperloglog-format.js';

/** The bytes look like a HyperLogLog but their runs do not add up. */
export class CorruptHyperLogLog extends Error {}

/** What `raiseSparse` answers instead of a new end. */
export const UNCHANGED = -1;
export const MUST_BECOME_DENSE = -2;

/** A change of one register makes the bytes longer by at most so much. */
export const MOST_GROWTH = 3;
/** Runs that are looked at for neighbours of the same value after a change. */
const MERGE_REACH = 5;

const scratch = Buffer.alloc(MOST_GROWTH + 2);

/**
 * Calls `visit` for each run of a sparse HyperLogLog. Throws CorruptHyperLogLog unless they make up all
 * registers.
 */
export function forEachRun(
  buffer: Buffer,
  start: number,
  end: number,
  visit: (value: number, length: number, first: number) => void,
): void {
  let first = 0;
  let at = start + HEADER_SIZE;
  while (at < end) {
    const bytes = runBytes(buffer, at);
    const length = at + bytes <= end ? runLength(buffer, at) : REGISTER_COUNT + 1;
    if (first + length > REGISTER_COUNT) throw new CorruptHyperLogLog();
    visit(runValue(buffer, at), length, first);
    first += length;
    at += bytes;
  }
  if (first !== REGISTER_COUNT) throw new CorruptHyperLogLog();
}

/**
 * Sets a register to `value` if it is smaller. Returns the new end of the bytes, `UNCHANGED`, or
 * `MUST_BECOME_DENSE` (then nothing was done) if the value is too large for a run or the whole would be longer
 * than `limit`. There must be room for `MOST_GROWTH` bytes after `end`. Throws CorruptHyperLogLog if no run
 * has the register.
 */
export function raiseSparse(
  buffer: Buffer,
  start: number,
  end: number,
  index: number,
  value: number,
  limit: number,
): number {
  if (value > LARGEST_SPARSE_VALUE) return MUST_BECOME_DENSE;
  let at = start + HEADER_SIZE;
  let before = at;
  let first = 0;
  // Hot: one look at each byte, 1 to 2 ns a run.
  while (at < end) {
    const byte = buffer[at];
    const wide = (byte & 0xc0) === 0x40;
    let length = byte >= 0x80 ? (byte & 3) + 1 : (byte & 63) + 1;
    if (wide) length = (((byte & 63) << 8) | buffer[at + 1]) + 1;
    if (index < first + length) break;
    first += length;
    before = at;
    at += wide ? 2 : 1;
  }
  if (at + (at < end ? runBytes(buffer, at) : 1) > end) throw new CorruptHyperLogLog();
  if (runValue(buffer, at) >= value) return UNCHANGED;
  const size = split(buffer, at, index - first, value);
  const old = runBytes(buffer, at);
  if (size > old && end - start + size - old > limit) return MUST_BECOME_DENSE;
  buffer.copy(buffer, at + size, at + old, end);
  scratch.copy(buffer, at, 0, size);
  return mergeNeighbours(buffer, before, end + size - old);
}

/**
 * Writes to `scratch` the runs that replace the one at `at` when its register `offset` gets a value: what is
 * before it, the register, what is behind it. Returns their bytes.
 */
function split(buffer: Buffer, at: number, offset: number, value: number): number {
  const old = runValue(buffer, at);
  const behind = runLength(buffer, at) - offset - 1;
  let size = 0;
  if (offset > 0) size = writeRun(scratch, size, old, offset);
  size = writeRun(scratch, size, value, 1);
  if (behind > 0) size = writeRun(scratch, size, old, behind);
  return size;
}

/** Joins runs of the same value that are neighbours now, from `at` on. Returns the new end. */
function mergeNeighbours(buffer: Buffer, at: number, end: number): number {
  for (let looks = 0; looks < MERGE_REACH && at < end; looks++) {
    const value = runValue(buffer, at);
    const bytes = runBytes(buffer, at);
    const next = at + bytes;
    if (value > 0 && next < end && runValue(buffer, next) === value) {
      const length = runLength(buffer, at) + runLength(buffer, next);
      if (length <= LONGEST_VALUE_RUN) {
        buffer.copy(buffer, at, next, end);
        end--;
        writeRun(buffer, at, value, length);
        continue; // the run may take in one more
      }
    }
    at = next;
  }
  return end;
}
