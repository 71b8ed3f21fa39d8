import type { Bytes } from '../bytes/bytes.js';
import { MAX_INTEGER_LENGTH, readUint64, writeBigInteger, writeInteger } from '../bytes/integers.js';
import { TWO_32 } from '../bytes/little-endian.js';

/** High words below this one belong to numbers that JavaScript holds exactly. */
const SAFE_HIGH = 2 ** 21;
/** High words of numbers that have 13 digits. */
const FIRST_TIME_HIGH = 233;
const LAST_TIME_HIGH = 2328;
const ZERO = 0x30;
const NINE = 0x39;
const DASH = 0x2d;
const PLUS = 0x2b;

/** Bytes of an ID as the key of one of Redis's radix trees, and in files: two big-endian numbers. */
export const ID_BYTES = 16;
/** Most bytes of an ID in text: two unsigned 64-bit numbers and a dash. */
export const MAX_ID_LENGTH = 2 * MAX_INTEGER_LENGTH + 1;
/** Redis reads no longer text as an ID. */
const MAX_TEXT = 127;

/**
 * The ID of a stream entry: a time in ms and a sequence number, each an unsigned 64-bit integer. Kept in four 32-bit
 * words (signed, as typed arrays and the engine like them), so that the whole range is exact and nothing allocates.
 */
export class StreamId {
  msHigh = 0;
  msLow = 0;
  seqHigh = 0;
  seqLow = 0;

  /** Two safe integers that are not negative. */
  static of(ms: number, seq: number): StreamId {
    return new StreamId().set(ms, seq);
  }

  /** An ID from its text; throws Error for any other: for tests and for constants. */
  static parse(text: string): StreamId {
    const id = new StreamId();
    const [ms, seq] = text.split('-');
    id.setBig(BigInt(ms), BigInt(seq));
    return id;
  }

  set(ms: number, seq: number): this {
    this.msHigh = (ms / TWO_32) | 0;
    this.msLow = ms | 0;
    this.seqHigh = (seq / TWO_32) | 0;
    this.seqLow = seq | 0;
    return this;
  }

  setBig(ms: bigint, seq: bigint): this {
    return this.setWords(
      Number(BigInt.asIntN(32, ms >> 32n)),
      Number(BigInt.asIntN(32, ms)),
      Number(BigInt.asIntN(32, seq >> 32n)),
      Number(BigInt.asIntN(32, seq)),
    );
  }

  setWords(msHigh: number, msLow: number, seqHigh: number, seqLow: number): this {
    this.msHigh = msHigh;
    this.msLow = msLow;
    this.seqHigh = seqHigh;
    this.seqLow = seqLow;
    return this;
  }

  assign(other: StreamId): this {
    return this.setWords(other.msHigh, other.msLow, other.seqHigh, other.seqLow);
  }

  /** The least ID, 0-0. */
  setLeast(): this {
    return this.setWords(0, 0, 0, 0);
  }

  /** The greatest ID: both numbers 2^64 - 1. */
  setGreatest(): this {
    return this.setWords(-1, -1, -1, -1);
  }

  /** Leaves the time and sets the sequence number to its least or greatest value. */
  setSequence(greatest: boolean): this {
    this.seqHigh = this.seqLow = greatest ? -1 : 0;
    return this;
  }

  get isLeast(): boolean {
    return (this.msHigh | this.msLow | this.seqHigh | this.seqLow) === 0;
  }

  get isGreatest(): boolean {
    return (this.msHigh & this.msLow & this.seqHigh & this.seqLow) === -1;
  }

  /** The time as the nearest number. */
  get ms(): number {
    return (this.msHigh >>> 0) * TWO_32 + (this.msLow >>> 0);
  }

  /** The sequence number as the nearest number. */
  get seq(): number {
    return (this.seqHigh >>> 0) * TWO_32 + (this.seqLow >>> 0);
  }

  get msBig(): bigint {
    return (BigInt(this.msHigh >>> 0) << 32n) | BigInt(this.msLow >>> 0);
  }

  get seqBig(): bigint {
    return (BigInt(this.seqHigh >>> 0) << 32n) | BigInt(this.seqLow >>> 0);
  }

  /** Negative, zero or positive, as this ID is less than, equal to or greater than the other. */
  compare(other: StreamId): number {
    if (this.msHigh !== other.msHigh) return this.msHigh >>> 0 < other.msHigh >>> 0 ? -1 : 1;
    if (this.msLow !== other.msLow) return this.msLow >>> 0 < other.msLow >>> 0 ? -1 : 1;
    if (this.seqHigh !== other.seqHigh) return this.seqHigh >>> 0 < other.seqHigh >>> 0 ? -1 : 1;
    if (this.seqLow !== other.seqLow) return this.seqLow >>> 0 < other.seqLow >>> 0 ? -1 : 1;
    return 0;
  }

  equals(other: StreamId): boolean {
    return (
      this.seqLow === other.seqLow &&
      this.msLow === other.msLow &&
      this.msHigh === other.msHigh &&
      this.seqHigh === other.seqHigh
    );
  }

  /** The next ID. False, and unchanged, if this is the greatest. */
  increment(): boolean {
    if (this.isGreatest) return false;
    this.seqLow = (this.seqLow + 1) | 0;
    if (this.seqLow !== 0) return true;
    this.seqHigh = (this.seqHigh + 1) | 0;
    if (this.seqHigh !== 0) return true;
    this.msLow = (this.msLow + 1) | 0;
    if (this.msLow === 0) this.msHigh = (this.msHigh + 1) | 0;
    return true;
  }

  /** The ID before this one. False, and unchanged, if this is the least. */
  decrement(): boolean {
    if (this.isLeast) return false;
    this.seqLow = (this.seqLow - 1) | 0;
    if (this.seqLow !== -1) return true;
    this.seqHigh = (this.seqHigh - 1) | 0;
    if (this.seqHigh !== -1) return true;
    this.msLow = (this.msLow - 1) | 0;
    if (this.msLow === -1) this.msHigh = (this.msHigh - 1) | 0;
    return true;
  }

  /** Writes the ID as text, such as `1526919030474-55`, and returns the position after it. */
  write(buffer: Buffer, at: number): number {
    at = writeUint64(buffer, at, this.msHigh, this.msLow);
    buffer[at++] = DASH;
    return writeUint64(buffer, at, this.seqHigh, this.seqLow);
  }

  toString(): string {
    return text.toString('latin1', 0, this.write(text, 0));
  }

  /** Writes 16 bytes, so that they are ordered as the IDs are. */
  encode(buffer: Buffer, at: number): number {
    at = buffer.writeInt32BE(this.msHigh, at);
    at = buffer.writeInt32BE(this.msLow, at);
    at = buffer.writeInt32BE(this.seqHigh, at);
    return buffer.writeInt32BE(this.seqLow, at);
  }

  /** Reads what `encode` wrote. */
  decode(buffer: Buffer, at: number): this {
    return this.setWords(
      buffer.readInt32BE(at),
      buffer.readInt32BE(at + 4),
      buffer.readInt32BE(at + 8),
      buffer.readInt32BE(at + 12),
    );
  }
}

const text = Buffer.alloc(MAX_ID_LENGTH);

/** The digits of 000 to 999. */
const triples = Buffer.from(
  Array.from({ length: 1000 }, (_, n) => String(n).padStart(3, '0')).join(''),
  'latin1',
);
const MILLION = 1e6;
/** Seven digits: the time in ms is 13 digits long since 2001, and the first seven of them change every 16 minutes. */
const PREFIX_DIGITS = 7;
const prefix = Buffer.alloc(PREFIX_DIGITS);
let prefixNumber = -1;

/** A number of 13 digits, in which the first ones are mostly those of the number before. */
function writeTime(buffer: Buffer, at: number, ms: number): number {
  const upper = Math.floor(ms / MILLION);
  if (upper !== prefixNumber) {
    prefix.write(String(upper), 0, 'latin1');
    prefixNumber = upper;
  }
  for (let i = 0; i < PREFIX_DIGITS; i++) buffer[at + i] = prefix[i];
  const lower = (ms - upper * MILLION) | 0;
  const thousands = (lower / 1000) | 0;
  const high = thousands * 3;
  const low = (lower - thousands * 1000) * 3;
  buffer[at + 7] = triples[high];
  buffer[at + 8] = triples[high + 1];
  buffer[at + 9] = triples[high + 2];
  buffer[at + 10] = triples[low];
  buffer[at + 11] = triples[low + 1];
  buffer[at + 12] = triples[low + 2];
  return at + 13;
}

function writeUint64(buffer: Buffer, at: number, high: number, low: number): number {
  if (high === 0 && low >= 0 && low < 10) {
    buffer[at] = ZERO + low;
    return at + 1;
  }
  if (high >= FIRST_TIME_HIGH && high < LAST_TIME_HIGH)
    return writeTime(buffer, at, high * TWO_32 + (low >>> 0));
  if (high >>> 0 < SAFE_HIGH) return writeInteger(buffer, at, high * TWO_32 + (low >>> 0));
  return writeBigInteger(buffer, at, (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0));
}

/** What the text of an ID has in the place of its sequence number. */
export type SequenceForm = 'number' | 'missing' | 'star';

/** Where `parseId` found a number. */
const halves = { high: 0, low: 0 };

/**
 * Reads the text of an ID: `ms`, `ms-seq` or `ms-*`. Returns undefined, with `into` in no defined state, if it is none;
 * a sequence number that is not given is left 0.
 */
export function parseId({ buffer, start, end }: Bytes, into: StreamId): SequenceForm | undefined {
  if (end - start > MAX_TEXT) return undefined;
  let dash = start;
  while (dash < end && buffer[dash] !== DASH) dash++;
  if (!parseUint64(buffer, start, dash)) return undefined;
  into.msHigh = halves.high;
  into.msLow = halves.low;
  into.setSequence(false);
  if (dash === end) return 'missing';
  if (end - dash === 2 && buffer[dash + 1] === 0x2a) return 'star';
  if (!parseUint64(buffer, dash + 1, end)) return undefined;
  into.seqHigh = halves.high;
  into.seqLow = halves.low;
  return 'number';
}

/** Reads digits into `halves`. Beyond 15 of them, and for odd spellings, the slow way. */
function parseUint64(buffer: Buffer, start: number, end: number): boolean {
  if (end - start > 15 || end === start) return parseLoosely(buffer, start, end);
  let n = 0;
  for (let at = start; at < end; at++) {
    const digit = buffer[at] - ZERO;
    if (digit < 0 || digit > 9) return parseLoosely(buffer, start, end);
    n = n * 10 + digit;
  }
  halves.high = (n / TWO_32) | 0;
  halves.low = n | 0;
  return true;
}

/**
 * As C's strtoull, which Redis falls back to: blanks before the number, a sign, leading zeros, and nothing after a zero
 * byte counts. A negative number that is spelled canonically is refused, any other wraps around.
 */
function parseLoosely(buffer: Buffer, start: number, end: number): boolean {
  const zero = buffer.indexOf(0, start);
  if (zero >= start && zero < end) end = zero;
  const first = start;
  while (start < end && isBlank(buffer[start])) start++;
  const sign = buffer[start];
  const negative = start < end && sign === DASH;
  if (start < end && (negative || sign === PLUS)) start++;
  if (start === end || buffer[start] < ZERO || buffer[start] > NINE) return false;
  if (negative && first === start - 1 && buffer[start] !== ZERO) return false;
  while (start < end - 1 && buffer[start] === ZERO) start++;
  const magnitude = readUint64(buffer, start, end);
  if (magnitude === undefined) return false;
  const value = negative ? BigInt.asUintN(64, -magnitude) : magnitude;
  halves.high = Number(BigInt.asIntN(32, value >> 32n));
  halves.low = Number(BigInt.asIntN(32, value));
  return true;
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}
