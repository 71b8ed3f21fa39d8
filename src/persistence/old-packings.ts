import { Bytes } from '../bytes/bytes.js';

/**
 * How Redis packed small collections before it had listpacks. Both functions take any bytes; undefined if they are
 * wrong.
 */

/** Header: all bytes, where the last element begins, number of elements. */
const ziplistHeader = 10;
const end = 0xff;
/** From this value on, a length has four bytes of its own. */
const longLength = 254;

/**
 * The elements of a ziplist. Each has the length of the one before it, then its encoding with its data: `00`, `01` and
 * `10` in the upper bits for strings with lengths of 6, 14 and 32 bits, `11` for integers.
 */
export function readZiplist({ buffer, start, end: limit }: Bytes): Bytes[] | undefined {
  if (limit - start < ziplistHeader + 1 || buffer.readUInt32LE(start) !== limit - start) return undefined;
  const elements: Bytes[] = [];
  let at = start + ziplistHeader;
  let last = at;
  let lastLength = 0;
  // The longest element without its data takes 14 bytes; `at` is checked against the limit after each.
  while (at < limit - 1 && buffer[at] !== end) {
    const long = buffer[at] === longLength;
    const from = at + (long ? 5 : 1);
    if (from >= limit || (long ? buffer.readUInt32LE(at + 1) : buffer[at]) !== lastLength) return undefined;
    const element = ziplistElement(buffer, from, limit - 1);
    if (element === undefined) return undefined;
    elements.push(element.bytes);
    last = at;
    lastLength = element.next - at;
    at = element.next;
  }
  if (at !== limit - 1 || buffer[at] !== end || buffer.readUInt32LE(start + 4) !== last - start)
    return undefined;
  const told = buffer.readUInt16LE(start + 8);
  return told === elements.length || told === 0xffff ? elements : undefined;
}

function ziplistElement(
  buffer: Buffer,
  at: number,
  limit: number,
): { bytes: Bytes; next: number } | undefined {
  const first = buffer[at];
  const kind = first >> 6;
  if (kind === 3) return ziplistInteger(buffer, at, limit);
  const head = kind === 0 ? 1 : kind === 1 ? 2 : 5;
  if (at + head > limit) return undefined;
  const length =
    kind === 0 ? first : kind === 1 ? ((first & 0x3f) << 8) | buffer[at + 1] : buffer.readUInt32BE(at + 1);
  const from = at + head;
  if (length > limit - from) return undefined;
  return { bytes: new Bytes(buffer, from, from + length), next: from + length };
}

/** Bytes of an integer by its encoding. Those from 0xf1 to 0xfd are the integers from 0 to 12 themselves. */
const integerBytes = new Map([
  [0xc0, 2],
  [0xd0, 4],
  [0xe0, 8],
  [0xf0, 3],
  [0xfe, 1],
]);

function ziplistInteger(
  buffer: Buffer,
  at: number,
  limit: number,
): { bytes: Bytes; next: number } | undefined {
  const first = buffer[at];
  if (first > 0xf0 && first < 0xfe) return { bytes: Bytes.of(String(first - 0xf1)), next: at + 1 };
  const length = integerBytes.get(first);
  if (length === undefined || at + 1 + length > limit) return undefined;
  const integer = length === 8 ? buffer.readBigInt64LE(at + 1) : buffer.readIntLE(at + 1, length);
  return { bytes: Bytes.of(String(integer)), next: at + 1 + length };
}

/**
 * Fields and values, one after the other, of a zipmap: a byte with their number, then for each pair the field's length
 * and bytes, the value's length, a byte with the number of unused bytes behind it, its bytes, and those.
 */
export function readZipmap({ buffer, start, end: limit }: Bytes): Bytes[] | undefined {
  const elements: Bytes[] = [];
  for (let at = start + 1; at < limit; ) {
    if (buffer[at] === end) {
      // From 254 pairs on their number is not told.
      const told = buffer[start] >= longLength || buffer[start] * 2 === elements.length;
      const whole = elements.length > 0 && elements.length % 2 === 0;
      return told && whole && at === limit - 1 ? elements : undefined;
    }
    const isValue = elements.length % 2 === 1;
    const long = buffer[at] === longLength;
    if (long && at + 5 > limit) return undefined;
    const length = long ? buffer.readUInt32LE(at + 1) : buffer[at];
    at += long ? 5 : 1;
    const unused = isValue ? buffer[at++] : 0;
    if (at >= limit || length + unused > limit - at) return undefined;
    elements.push(new Bytes(buffer, at, at + length));
    at += length + unused;
  }
  return undefined;
}
