/**
 * An entry is what a `Table` indexes: key bytes and payload bytes in one arena block.
 *
 *   u32 meta   u16 key length   u16 payload length   [f64 expiry]   key   payload
 *
 * and, when a length does not fit 16 bits (LONG):
 *
 *   u32 meta   u32 unused   u32 key length   u32 payload length   [f64 expiry]   key   payload
 *
 * Little-endian. Meta: bits 0-2 type, 3-5 encoding, 6 has an expiry, 7 LONG, 8-31 access word. What types,
 * encodings and the access word mean is the owner's affair, and so is the payload: a string's bytes, a
 * packed collection, the handle of a big one, a hash field's value, a score, or nothing.
 *
 * Functions take (arena, ref). Offsets that they return are places in `arena.bufferOf(ref)`. Those that may
 * move the entry return where it is now; the old ref is invalid then. The `...At` functions are the same
 * reads for callers that have the buffer and the entry's offset at hand already. Nothing here allocates
 * JavaScript objects.
 */
import { copyBytes, equalBytes } from '../bytes/bytes.js';
import { uint32At, writeUint32 } from '../bytes/little-endian.js';
import type { Arena, Ref } from './arena.js';

const SHORT_HEADER = 8;
const LONG_HEADER = 16;
const EXPIRY_BYTES = 8;
const MAX_SHORT = 0xffff;

const KIND = 0x3f;
const HAS_EXPIRY = 0x40;
const LONG = 0x80;

/** The expiry of an entry that has none: later than every moment. */
export const NO_EXPIRY = Number.POSITIVE_INFINITY;

/** Eight bytes read as a double. In memory only, so the machine's own byte order will do. */
const double = new Float64Array(1);
const doubleBytes = new Uint8Array(double.buffer);

/** The bytes that an entry needs, before the arena rounds them up to a block. */
export function entrySize(keyLength: number, payloadLength: number, withExpiry: boolean): number {
  const header = keyLength > MAX_SHORT || payloadLength > MAX_SHORT ? LONG_HEADER : SHORT_HEADER;
  return header + (withExpiry ? EXPIRY_BYTES : 0) + keyLength + payloadLength;
}

/**
 * A new entry with the key `key[start, end)`, access word 0 and, with `withExpiry`, room for an expiry. The
 * payload is left for the caller to fill. `kind` is type | encoding << 3; `withRoom` says that the entry is
 * likely to grow. Throws `ArenaFullError`.
 */
export function createEntry(
  arena: Arena,
  key: Buffer,
  start: number,
  end: number,
  payloadLength: number,
  withExpiry: boolean,
  kind: number,
  withRoom = false,
): Ref {
  const keyLength = end - start;
  const size = entrySize(keyLength, payloadLength, withExpiry);
  const ref = withRoom ? arena.allocateWithRoom(size) : arena.allocate(size);
  const buffer = arena.bufferOf(ref);
  const at = arena.offsetOf(ref);
  const long = keyLength > MAX_SHORT || payloadLength > MAX_SHORT;
  writeUint32(buffer, at, kind | (withExpiry ? HAS_EXPIRY : 0) | (long ? LONG : 0));
  writeLengths(buffer, at, keyLength, payloadLength);
  if (withExpiry) writeDouble(buffer, expiryOffset(buffer, at), NO_EXPIRY);
  copyBytes(buffer, keyOffsetAt(buffer, at), key, start, end);
  return ref;
}

/** Gives the entry's block back. What a handle in its payload stands for is the owner's affair. */
export function releaseEntry(arena: Arena, ref: Ref): void {
  arena.release(ref);
}

/** Type (bits 0-2) and encoding (bits 3-5). */
export function kindOf(arena: Arena, ref: Ref): number {
  return arena.bufferOf(ref)[arena.offsetOf(ref)] & KIND;
}

export function setKind(arena: Arena, ref: Ref, kind: number): void {
  const buffer = arena.bufferOf(ref);
  const at = arena.offsetOf(ref);
  buffer[at] = (buffer[at] & ~KIND) | kind;
}

/** The 24-bit access word: LRU clock or LFU counter. */
export function accessOf(arena: Arena, ref: Ref): number {
  const buffer = arena.bufferOf(ref);
  const at = arena.offsetOf(ref);
  return buffer[at + 1] | (buffer[at + 2] << 8) | (buffer[at + 3] << 16);
}

export function setAccess(arena: Arena, ref: Ref, access: number): void {
  const buffer = arena.bufferOf(ref);
  const at = arena.offsetOf(ref);
  buffer[at + 1] = access;
  buffer[at + 2] = access >>> 8;
  buffer[at + 3] = access >>> 16;
}

export function keyLengthOf(arena: Arena, ref: Ref): number {
  return keyLengthAt(arena.bufferOf(ref), arena.offsetOf(ref));
}

/** Where in its buffer the key begins. */
export function keyOffsetOf(arena: Arena, ref: Ref): number {
  return keyOffsetAt(arena.bufferOf(ref), arena.offsetOf(ref));
}

export function payloadLengthOf(arena: Arena, ref: Ref): number {
  return payloadLengthAt(arena.bufferOf(ref), arena.offsetOf(ref));
}

/** Where in its buffer the payload begins. */
export function payloadOffsetOf(arena: Arena, ref: Ref): number {
  return payloadOffsetAt(arena.bufferOf(ref), arena.offsetOf(ref));
}

export function keyLengthAt(buffer: Buffer, at: number): number {
  if ((buffer[at] & LONG) !== 0) return uint32At(buffer, at + 8);
  return buffer[at + 4] | (buffer[at + 5] << 8);
}

export function payloadLengthAt(buffer: Buffer, at: number): number {
  if ((buffer[at] & LONG) !== 0) return uint32At(buffer, at + 12);
  return buffer[at + 6] | (buffer[at + 7] << 8);
}

export function keyOffsetAt(buffer: Buffer, at: number): number {
  // 8, plus 8 for each of the two flags.
  return at + SHORT_HEADER + ((buffer[at] & LONG) >>> 4) + ((buffer[at] & HAS_EXPIRY) >>> 3);
}

export function payloadOffsetAt(buffer: Buffer, at: number): number {
  return keyOffsetAt(buffer, at) + keyLengthAt(buffer, at);
}

/** True if the entry's key is these bytes. */
export function hasKeyAt(buffer: Buffer, at: number, key: Buffer, start: number, length: number): boolean {
  return (
    keyLengthAt(buffer, at) === length && equalBytes(buffer, keyOffsetAt(buffer, at), key, start, length)
  );
}

/** The first four bytes of the payload as a number: the handle of a collection. */
export function handleOf(arena: Arena, ref: Ref): number {
  return uint32At(arena.bufferOf(ref), payloadOffsetOf(arena, ref));
}

export function setHandle(arena: Arena, ref: Ref, handle: number): void {
  writeUint32(arena.bufferOf(ref), payloadOffsetOf(arena, ref), handle);
}

export function hasExpiry(arena: Arena, ref: Ref): boolean {
  return (arena.bufferOf(ref)[arena.offsetOf(ref)] & HAS_EXPIRY) !== 0;
}

/** When the entry expires, in unix milliseconds; `NO_EXPIRY` if it does not. */
export function expiryOf(arena: Arena, ref: Ref): number {
  const buffer = arena.bufferOf(ref);
  const at = arena.offsetOf(ref);
  return (buffer[at] & HAS_EXPIRY) === 0 ? NO_EXPIRY : readDouble(buffer, expiryOffset(buffer, at));
}

/** Changes the expiry of an entry that has one. */
export function setExpiry(arena: Arena, ref: Ref, whenMs: number): void {
  const buffer = arena.bufferOf(ref);
  writeDouble(buffer, expiryOffset(buffer, arena.offsetOf(ref)), whenMs);
}

/**
 * Sets the expiry of any entry, which may move it to make room. Throws `ArenaFullError`, nothing changed
 * then.
 */
export function addExpiry(arena: Arena, ref: Ref, whenMs: number): Ref {
  const to = hasExpiry(arena, ref) ? ref : toggleExpiry(arena, ref);
  setExpiry(arena, to, whenMs);
  return to;
}

/** Takes the expiry away, which may move the entry to a smaller block. */
export function removeExpiry(arena: Arena, ref: Ref): Ref {
  return hasExpiry(arena, ref) ? toggleExpiry(arena, ref) : ref;
}

/**
 * Changes the payload's length in place if the entry's block is the right one for the new length too, and
 * tells whether it was.
 */
function setPayloadLength(arena: Arena, ref: Ref, newLength: number): boolean {
  const buffer = arena.bufferOf(ref);
  const at = arena.offsetOf(ref);
  if (newLength === payloadLengthAt(buffer, at)) return true;
  const long = (buffer[at] & LONG) !== 0;
  if (newLength > MAX_SHORT && !long) return false;
  const size = payloadOffsetAt(buffer, at) - at + newLength;
  if (!arena.canStay(ref, size)) return false;
  if (long) {
    writeUint32(buffer, at + 12, newLength);
  } else {
    buffer[at + 6] = newLength;
    buffer[at + 7] = newLength >>> 8;
  }
  return true;
}

/**
 * Gives the payload another length, in place if the block allows it, else in a new block. The first
 * `keepBytes` of the payload stay, the rest is for the caller to fill. Throws `ArenaFullError`, nothing
 * changed then.
 */
export function resizeEntry(arena: Arena, ref: Ref, newLength: number, keepBytes: number): Ref {
  if (setPayloadLength(arena, ref, newLength)) return ref;
  // What grows is likely to grow again: a large block gets room for that, so that its bytes are not copied
  // each time.
  const grows = keepBytes > 0 && newLength > keepBytes;
  return moveEntry(arena, ref, newLength, keepBytes, hasExpiry(arena, ref), grows);
}

/** Adds room for an expiry or takes it away; key and payload move by eight bytes or into another block. */
function toggleExpiry(arena: Arena, ref: Ref): Ref {
  const buffer = arena.bufferOf(ref);
  const at = arena.offsetOf(ref);
  const wanted = !hasExpiry(arena, ref);
  const length = payloadLengthAt(buffer, at);
  const key = keyOffsetAt(buffer, at);
  const end = payloadOffsetAt(buffer, at) + length;
  const shift = wanted ? EXPIRY_BYTES : -EXPIRY_BYTES;
  if (arena.capacityFor(end - at + shift) !== arena.capacityOf(ref)) {
    return moveEntry(arena, ref, length, length, wanted);
  }
  buffer.copyWithin(key + shift, key, end);
  buffer[at] ^= HAS_EXPIRY;
  return ref;
}

/** Writes the entry anew in a block of its own and releases the old one. */
function moveEntry(
  arena: Arena,
  ref: Ref,
  newLength: number,
  keepBytes: number,
  withExpiry: boolean,
  withRoom = false,
): Ref {
  const from = arena.bufferOf(ref);
  const old = arena.offsetOf(ref);
  const key = keyOffsetAt(from, old);
  const payload = payloadOffsetAt(from, old);
  const meta = from[old] & KIND;
  const moved = createEntry(arena, from, key, payload, newLength, withExpiry, meta, withRoom);
  const to = arena.bufferOf(moved);
  const at = arena.offsetOf(moved);
  setAccess(arena, moved, accessOf(arena, ref));
  if (withExpiry) setExpiry(arena, moved, expiryOf(arena, ref));
  copyBytes(to, payloadOffsetAt(to, at), from, payload, payload + keepBytes);
  arena.release(ref);
  return moved;
}

function expiryOffset(buffer: Buffer, at: number): number {
  return at + SHORT_HEADER + ((buffer[at] & LONG) >>> 4);
}

function writeLengths(buffer: Buffer, at: number, key: number, payload: number): void {
  if ((buffer[at] & LONG) !== 0) {
    writeUint32(buffer, at + 4, 0);
    writeUint32(buffer, at + 8, key);
    writeUint32(buffer, at + 12, payload);
  } else {
    buffer[at + 4] = key;
    buffer[at + 5] = key >>> 8;
    buffer[at + 6] = payload;
    buffer[at + 7] = payload >>> 8;
  }
}

function readDouble(buffer: Buffer, at: number): number {
  for (let i = 0; i < 8; i++) doubleBytes[i] = buffer[at + i];
  return double[0];
}

function writeDouble(buffer: Buffer, at: number, value: number): void {
  double[0] = value;
  for (let i = 0; i < 8; i++) buffer[at + i] = doubleBytes[i];
}
