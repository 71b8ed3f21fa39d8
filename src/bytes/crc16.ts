import type { Bytes } from './bytes.js';

/**
 * CRC-16/XMODEM (polynomial 0x1021, starting at 0, not reflected) and the cluster's mapping of keys to slots,
 * both as the Redis Cluster specification defines them.
 */

/** Number of hash slots of a cluster. */
export const SLOT_COUNT = 16384;

const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

const TABLE = new Uint16Array(256);
for (let byte = 0; byte < 256; byte++) {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
  TABLE[byte] = crc;
}

/** Checksum of `buffer[start, end)`. */
export function crc16(buffer: Buffer, start: number, end: number): number {
  let crc = 0;
  for (let at = start; at < end; at++) crc = ((crc << 8) & 0xffff) ^ TABLE[(crc >> 8) ^ buffer[at]];
  return crc;
}

/**
 * The slot of a key, 0 .. 16383. Of a key with a hash tag, that is, with something between the first `{` and
 * the first `}` after it, only that something counts: so keys can be kept together.
 */
export function keySlot(key: Bytes): number {
  const { buffer, start, end } = key;
  const open = indexOf(buffer, OPEN_BRACE, start, end);
  const close = indexOf(buffer, CLOSE_BRACE, open + 1, end);
  const tagged = close < end && close > open + 1;
  return (tagged ? crc16(buffer, open + 1, close) : crc16(buffer, start, end)) % SLOT_COUNT;
}

function indexOf(buffer: Buffer, byte: number, at: number, end: number): number {
  while (at < end && buffer[at] !== byte) at++;
  return at;
}
