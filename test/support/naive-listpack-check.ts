import { Bytes } from '../../src/bytes/bytes.js';
import { uint32At } from '../../src/bytes/little-endian.js';
import {
  backlenLength,
  EMPTY_LISTPACK_LENGTH,
  END,
  EncodedElement,
  elementLength,
  entryLength,
  HEADER_LENGTH,
  isBacklenOf,
  readElement,
  UNKNOWN_COUNT,
} from '../../src/memory/listpack-format.js';

// What `inspectListpack` finds out, element by element through the ordinary functions.

/**
 * True if `buffer[start, end)` is a listpack from its first byte to its last, so that everything else here
 * can be used on it: lengths, every element, every backlen and the number of elements are checked. For bytes
 * from files and from the network. O(n).
 */
export function isValidListpack(buffer: Buffer, start: number, end: number): boolean {
  if (end - start < EMPTY_LISTPACK_LENGTH || uint32At(buffer, start) !== end - start) return false;
  let at = start + HEADER_LENGTH;
  let count = 0;
  while (at < end - 1 && buffer[at] !== END) {
    const length = boundedEntryLength(buffer, at, end);
    const next = at + length + backlenLength(length);
    if (length === 0 || next > end - 1 || !isBacklenOf(length, buffer, next)) return false;
    at = next;
    count++;
  }
  const told = buffer[start + 4] | (buffer[start + 5] << 8);
  return at === end - 1 && buffer[at] === END && (told === count || told === UNKNOWN_COUNT);
}

/**
 * True if all elements of a valid listpack are in the form in which they are searched for: integers as short
 * as can be and no integer as a string. Redis writes no others; a listpack that fails is to be built anew,
 * element by element.
 */
export function isCanonicalListpack(buffer: Buffer, start: number): boolean {
  const element = new EncodedElement();
  const view = Bytes.of('');
  for (let at = start + HEADER_LENGTH; buffer[at] !== END; at += elementLength(buffer, at)) {
    readElement(buffer, at, view);
    if (element.set(view).length !== elementLength(buffer, at) || !element.isAt(buffer, at)) return false;
  }
  return true;
}

/** entryLength of bytes that may end anywhere; 0 if the length itself is cut off. */
function boundedEntryLength(buffer: Buffer, at: number, end: number): number {
  const first = buffer[at];
  if (first >= 0xe0 && first < 0xf0 && at + 2 > end) return 0;
  if (first === 0xf0 && at + 5 > end) return 0;
  return entryLength(buffer, at);
}
