import { isInt64 } from '../bytes/integers.js';
import { uint32At } from '../bytes/little-endian.js';
import {
  backlenLength,
  EMPTY_LISTPACK_LENGTH,
  END,
  elementLength,
  entryLength,
  HEADER_LENGTH,
  int64At,
  isBacklenOf,
  isIntegerAt,
  UNKNOWN_COUNT,
} from './listpack-format.js';

/**
 * Checks of listpacks that come from files and from the network, fast enough to be made of every one that is loaded.
 */

/** What is known of a listpack after `inspectListpack`. One object serves all. */
export class ListpackReport {
  /** Elements. */
  count = 0;
  /**
   * All elements are in the form in which they are searched for: integers as short as can be, no integer as a string,
   * and no number of elements that has to be counted though it fits the header. One that is not is built anew.
   */
  canonical = true;
}

const STRING_12 = 0xe0;
const STRING_32 = 0xf0;

/**
 * True if `buffer[start, end)` is a listpack from its first byte to its last, so that it can be used: lengths, every
 * element, every backlen and the number of elements are checked. Fills in the report. O(n), nothing is allocated.
 */
export function inspectListpack(buffer: Buffer, start: number, end: number, report: ListpackReport): boolean {
  if (end - start < EMPTY_LISTPACK_LENGTH || uint32At(buffer, start) !== end - start) return false;
  const last = end - 1;
  let at = start + HEADER_LENGTH;
  let count = 0;
  let canonical = true;
  while (at < last && buffer[at] !== END) {
    const first = buffer[at];
    if ((first >= STRING_12 && at + 2 > end) || (first === STRING_32 && at + 5 > end)) return false;
    const length = entryLength(buffer, at);
    const next = at + length + backlenLength(length);
    if (length === 0 || next > last) return false;
    if (length < 0x80 ? buffer[next - 1] !== length : !isBacklenOf(length, buffer, next)) return false;
    // The shortest integers, one byte, have one form.
    if (first >= 0x80 && canonical) canonical = isCanonical(buffer, at, length);
    at = next;
    count++;
  }
  const told = buffer[start + 4] | (buffer[start + 5] << 8);
  if (at !== last || buffer[at] !== END || (told !== count && told !== UNKNOWN_COUNT)) return false;
  report.count = count;
  report.canonical = canonical && (told === count || count >= UNKNOWN_COUNT);
  return true;
}

/** Bytes of an integer by its first byte, from 0xf1 on. */
const integerBytes = [2, 3, 4, 8];

function isCanonical(buffer: Buffer, at: number, length: number): boolean {
  const first = buffer[at];
  if (first < 0xc0) return !spellsInteger(buffer, at + 1, at + length);
  if (first < STRING_12) {
    const n = ((((first & 0x1f) << 8) | buffer[at + 1]) << 19) >> 19;
    return n < 0 || n >= 0x80;
  }
  if (first < STRING_32) return length - 2 >= 64 && !spellsInteger(buffer, at + 2, at + length);
  if (first === STRING_32) return length - 5 >= 4096;
  return needsWidth(buffer, at, integerBytes[first - STRING_32 - 1]);
}

/** True if no shorter form has room for the integer of so many bytes. */
function needsWidth(buffer: Buffer, at: number, width: number): boolean {
  if (width === 8) return needs64(buffer, at + 1);
  const n = buffer.readIntLE(at + 1, width);
  if (width === 2) return n < -4096 || n >= 4096;
  const half = width === 3 ? 0x8000 : 0x800000;
  return n < -half || n >= half;
}

function needs64(buffer: Buffer, at: number): boolean {
  const high = buffer.readInt32LE(at + 4);
  const low = buffer.readInt32LE(at);
  return high !== low >> 31;
}

/** True if a string should have been stored as an integer. */
function spellsInteger(buffer: Buffer, start: number, end: number): boolean {
  if (end === start || end - start > 20) return false;
  const first = buffer[start];
  if (first !== 0x2d && (first < 0x30 || first > 0x39)) return false;
  return isInt64(buffer, start, end);
}

// Which elements were seen, as a hash table of positions; a slot counts if its stamp is the present one.
const MOST_SLOTS = 4096;
const slotOf = new Int32Array(MOST_SLOTS);
const stampOf = new Int32Array(MOST_SLOTS);
let stamp = 0;

/**
 * True if no two of every `stride`-th element are the same. For a listpack that `inspectListpack` found canonical, so
 * that same elements have same bytes. O(n), unless somebody chose many elements for their hashes; then more than
 * a thousand are compared in another way.
 */
export function hasDistinctElements(buffer: Buffer, start: number, count: number, stride: number): boolean {
  if (count > MOST_SLOTS / 4) return hasManyDistinct(buffer, start, stride);
  let mask = 15;
  while (mask < 2 * count) mask = mask * 2 + 1;
  stamp = (stamp + 1) | 0;
  if (stamp === 0) {
    stampOf.fill(0);
    stamp = 1;
  }
  let skip = 0;
  for (let at = start + HEADER_LENGTH; buffer[at] !== END; ) {
    const length = entryLength(buffer, at);
    if (skip === 0) {
      if (!remember(buffer, at, length, mask)) return false;
      skip = stride;
    }
    skip--;
    at += length + backlenLength(length);
  }
  return true;
}

function remember(buffer: Buffer, at: number, length: number, mask: number): boolean {
  let hash = length;
  for (let i = at + length - 1, left = 24; i >= at && left > 0; i--, left--)
    hash = Math.imul(hash ^ buffer[i], 0x01000193);
  for (let slot = (hash ^ (hash >>> 15)) & mask; ; slot = (slot + 1) & mask) {
    if (stampOf[slot] !== stamp) {
      stampOf[slot] = stamp;
      slotOf[slot] = at;
      return true;
    }
    if (sameElement(buffer, slotOf[slot], at, length)) return false;
  }
}

function sameElement(buffer: Buffer, a: number, b: number, length: number): boolean {
  if (length > 64) return buffer.compare(buffer, a, a + length, b, b + length) === 0;
  for (let i = 0; i < length; i++) if (buffer[a + i] !== buffer[b + i]) return false;
  return true;
}

function hasManyDistinct(buffer: Buffer, start: number, stride: number): boolean {
  const seen = new Set<string>();
  let index = 0;
  for (let at = start + HEADER_LENGTH; buffer[at] !== END; at += elementLength(buffer, at), index++) {
    if (index % stride !== 0) continue;
    const name = isIntegerAt(buffer, at)
      ? String(int64At(buffer, at))
      : buffer.toString('latin1', at, at + entryLength(buffer, at));
    const before = seen.size;
    if (seen.add(name).size === before) return false;
  }
  return true;
}
