/**
 * The nodes of a stream, as Redis has them in memory and in its files. A node is a listpack, and its key the ID of the
 * first entry that was ever in it, the master ID:
 *
 *     entries  deleted  fields  field ...  0          the master entry: counts, and names of the first entry's fields
 *     flags  ms  seq  value ...  n                    an entry with the same fields (SAMEFIELDS)
 *     flags  ms  seq  fields  field value ...  n      an entry with others
 *
 * `ms` and `seq` are differences to the master ID, `n` is the number of the entry's elements before it, so that a node
 * can be walked backwards; the 0 in its place ends that walk. A deleted entry has a flag and stays until all of its
 * node are.
 */
import { type Bytes, copyBytes, equalBytes } from '../bytes/bytes.js';
import { TWO_32 } from '../bytes/little-endian.js';
import type { Arena } from '../memory/arena.js';
import { Listpack } from '../memory/listpack.js';
import {
  EncodedElement,
  elementLength,
  HEADER_LENGTH,
  int64At,
  integerAt,
} from '../memory/listpack-format.js';
import type { PackedBytes } from '../memory/packed-bytes.js';
import { ID_WORDS, type IdCursor } from './id-index.js';
import type { StreamId } from './stream-id.js';

export const EntryFlag = { deleted: 1, sameFields: 2 } as const;

/**
 * The row of a node in its stream's index: the master ID, the listpack's block and its bytes, the node's own number.
 */
export const NodeWord = { ref: ID_WORDS, length: ID_WORDS + 1, serial: ID_WORDS + 2 } as const;
export const NODE_WIDTH = ID_WORDS + 3;

/** Integers below this one take two bytes in a listpack, and can be changed in place. */
const SMALL = 0x80;
/** The first byte of a string of less than 64 bytes, but for its length. */
const SHORT_STRING = 0x80;

/** The listpack of a node as a Listpack wants it. Changes of its length are written back to the index. */
class StreamNodeBytes implements PackedBytes {
  buffer: Buffer = Buffer.alloc(0);
  offset = 0;
  private arena: Arena | undefined;
  private words: Int32Array = new Int32Array(0);
  private at = 0;

  get length(): number {
    return this.words[this.at + NodeWord.length];
  }

  point(arena: Arena, node: IdCursor): void {
    this.arena = arena;
    this.words = node.words;
    this.at = node.at;
    this.buffer = arena.bufferOf(node.words[node.at + NodeWord.ref]);
    this.offset = arena.offsetOf(node.words[node.at + NodeWord.ref]);
  }

  /** Whoever changes a stream announces it before, for the stream as a whole. */
  beforeChange(): void {}

  resize(length: number): void {
    if (length > this.arena!.capacityOf(this.words[this.at + NodeWord.ref])) this.move(length);
    this.words[this.at + NodeWord.length] = length;
  }

  /** Moves the listpack to a block of so many bytes. */
  private move(bytes: number): void {
    const arena = this.arena!;
    const old = this.words[this.at + NodeWord.ref];
    const ref = arena.allocate(bytes);
    const kept = Math.min(this.length, bytes);
    this.buffer.copy(arena.bufferOf(ref), arena.offsetOf(ref), this.offset, this.offset + kept);
    arena.release(old);
    this.words[this.at + NodeWord.ref] = ref;
    this.buffer = arena.bufferOf(ref);
    this.offset = arena.offsetOf(ref);
  }

  /** Makes sure that the block has room for so many bytes; a new one gets `wanted`. */
  reserve(bytes: number, wanted: number): void {
    if (bytes > this.arena!.capacityOf(this.words[this.at + NodeWord.ref]))
      this.move(Math.max(bytes, wanted));
  }

  /** Gives back what the node does not use. */
  trim(): void {
    const arena = this.arena!;
    if (arena.capacityFor(this.length) < arena.capacityOf(this.words[this.at + NodeWord.ref]))
      this.move(this.length);
  }
}

// All streams share these: each use points them anew.
export const nodeBytes = new StreamNodeBytes();
const listpack = new Listpack(nodeBytes);

/** The number of entries that are not deleted; `base` is where the node's listpack begins. */
export function liveEntries(buffer: Buffer, base: number): number {
  return integerAt(buffer, base + HEADER_LENGTH);
}

export function deletedEntries(buffer: Buffer, base: number): number {
  const at = base + HEADER_LENGTH;
  return integerAt(buffer, at + elementLength(buffer, at));
}

/** One entry more. */
export function countEntry(arena: Arena, node: IdCursor, buffer: Buffer, base: number): void {
  const at = base + HEADER_LENGTH;
  if (buffer[at] < SMALL - 1) buffer[at]++;
  else setCounts(arena, node, liveEntries(buffer, base) + 1, deletedEntries(buffer, base));
}

/** Sets both counts of a node. What is behind them moves if they take more or fewer bytes than before. */
export function setCounts(arena: Arena, node: IdCursor, live: number, deleted: number): void {
  nodeBytes.point(arena, node);
  const { buffer, offset } = nodeBytes;
  const at = offset + HEADER_LENGTH;
  if (live < SMALL && deleted < SMALL && buffer[at] < SMALL && buffer[at + 2] < SMALL) {
    buffer[at] = live;
    buffer[at + 2] = deleted;
    return;
  }
  listpack.replaceInteger(HEADER_LENGTH, live);
  listpack.replaceInteger(listpack.next(HEADER_LENGTH), deleted);
}

/** Elements that are encoded: where they belong, or before they get their place. One serves all. */
export class EncodedElements {
  buffer: Buffer = Buffer.alloc(1024);
  /** Where the elements begin and end. */
  start = 0;
  end = 0;
  count = 0;
  private own = this.buffer;
  private readonly element = new EncodedElement();

  /** Begins anew, in memory of its own, which grows as needed. */
  clear(): void {
    this.writeTo(this.own, 0);
  }

  /** Begins anew, in a place that has room for all that is to come. */
  writeTo(buffer: Buffer, at: number): void {
    this.buffer = buffer;
    this.start = this.end = at;
    this.count = 0;
  }

  get length(): number {
    return this.end - this.start;
  }

  add(bytes: Bytes): void {
    const { buffer, start, end } = bytes;
    if (end - start < 64 && !beginsAsInteger(buffer[start]) && start < end) {
      this.addShortString(buffer, start, end);
    } else this.write(this.element.set(bytes));
  }

  /** A string of 1 to 63 bytes that is no integer: without looking at it again. */
  private addShortString(from: Buffer, start: number, end: number): void {
    const length = end - start;
    if (this.end + length + 2 > this.buffer.length) this.grow(length + 2);
    const { buffer } = this;
    const at = this.end;
    buffer[at] = SHORT_STRING | length;
    copyBytes(buffer, at + 1, from, start, end);
    buffer[at + 1 + length] = length + 1;
    this.end = at + length + 2;
    this.count++;
  }

  addInteger(n: number): void {
    if (n < 0 || n >= SMALL) return this.write(this.element.setInteger(n));
    if (this.end + 2 > this.buffer.length) this.grow(2);
    const { buffer, end } = this;
    buffer[end] = n;
    buffer[end + 1] = 1;
    this.end = end + 2;
    this.count++;
  }

  /** The difference of two unsigned 64-bit numbers, each in two words, as a signed one. */
  addDifference(high: number, low: number, baseHigh: number, baseLow: number): void {
    if (high === baseHigh) {
      const small = (low >>> 0) - (baseLow >>> 0);
      if (small === (small | 0)) return this.addInteger(small | 0);
    }
    const n = ((high >>> 0) - (baseHigh >>> 0)) * TWO_32 + ((low >>> 0) - (baseLow >>> 0));
    if (Number.isSafeInteger(n)) return this.addInteger(n);
    const exact = (BigInt((high >>> 0) - (baseHigh >>> 0)) << 32n) + BigInt((low >>> 0) - (baseLow >>> 0));
    this.write(this.element.setInt64(BigInt.asIntN(64, exact)));
  }

  private write(element: EncodedElement): void {
    if (this.end + element.length > this.buffer.length) this.grow(element.length);
    this.end = element.write(this.buffer, this.end);
    this.count++;
  }

  private grow(bytes: number): void {
    const larger = Buffer.alloc((this.end + bytes) * 2);
    this.buffer.copy(larger, 0, 0, this.end);
    this.buffer = this.own = larger;
  }
}

/** A digit or a minus: without one of them there is no integer. */
function beginsAsInteger(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || byte === 0x2d;
}

/** The name that elements are compared with: as each text has one encoding only, their bytes tell. */
const wanted = new EncodedElement();

/**
 * True if the arguments from `from` to `to`, every other one, are the fields of the node whose listpack begins at
 * `base`.
 */
export function hasMasterFields(
  buffer: Buffer,
  base: number,
  args: Bytes[],
  from: number,
  to: number,
): boolean {
  let at = base + HEADER_LENGTH;
  at += elementLength(buffer, at);
  at += elementLength(buffer, at);
  if (integerAt(buffer, at) !== (to - from) >> 1) return false;
  return hasFields(buffer, at + elementLength(buffer, at), args, from, to);
}

/** The same, of fields of which the first one is at `at`. There must be as many. */
function hasFields(buffer: Buffer, at: number, args: Bytes[], from: number, to: number): boolean {
  for (let i = from; i < to; i += 2) {
    const arg = args[i];
    const length = arg.end - arg.start;
    if (buffer[at] === (SHORT_STRING | length) && length < 64) {
      if (!equalBytes(buffer, at + 1, arg.buffer, arg.start, length)) return false;
      at += length + 2;
    } else {
      if (!wanted.set(arg).isAt(buffer, at)) return false;
      at += elementLength(buffer, at);
    }
  }
  return true;
}

/** What `addElement` returns. */
const sum = { high: 0, low: 0 };

/** Adds the integer element at `at` to an unsigned 64-bit number of which `high` and `low` are the words; see `sum`. */
function addElement(buffer: Buffer, at: number, high: number, low: number): void {
  const n = integerAt(buffer, at);
  if (Number.isNaN(n)) {
    const base = (BigInt(high) << 32n) | BigInt(low >>> 0);
    const exact = base + (int64At(buffer, at) ?? 0n);
    sum.high = Number(BigInt.asIntN(32, exact >> 32n));
    sum.low = Number(BigInt.asIntN(32, exact));
    return;
  }
  const lowSum = (low >>> 0) + (n >>> 0);
  sum.low = lowSum | 0;
  sum.high = (high + Math.floor(n / TWO_32) + (lowSum >= TWO_32 ? 1 : 0)) | 0;
}

/** Sets `into` to the ID of the entry whose `ms` is at that place, in a node of which `words` are the master ID. */
export function readEntryId(
  buffer: Buffer,
  at: number,
  words: Int32Array,
  master: number,
  into: StreamId,
): number {
  addElement(buffer, at, words[master], words[master + 1]);
  into.msHigh = sum.high;
  into.msLow = sum.low;
  at += elementLength(buffer, at);
  addElement(buffer, at, words[master + 2], words[master + 3]);
  into.seqHigh = sum.high;
  into.seqLow = sum.low;
  return at + elementLength(buffer, at);
}
