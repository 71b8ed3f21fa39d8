import { type Bytes, copyBytes } from '../bytes/bytes.js';
import { writeInteger } from '../bytes/integers.js';
import { arrayMark, bulkMark, carriageReturn, lineFeed } from './resp-bytes.js';

/** Around an argument: `$`, the digits of its length, two line ends. */
const argumentOverhead = 1 + 10 + 4;
const initialCapacity = 16 * 1024;
/** Beyond this a buffer grows by what is needed only: twice as much may be more than there can be. */
const longestAhead = 2 ** 31;
/** A buffer that a burst has made larger than this is not kept. */
const keptCapacity = 4 * 1024 * 1024;

/**
 * Gathers requests in RESP, as they are sent to a server and written to an append-only file: an array of bulk strings
 * each. Hot: it costs the copying of the bytes.
 */
export class RequestEncoder {
  /** Bytes gathered. */
  length = 0;
  private buffer = Buffer.allocUnsafeSlow(initialCapacity);

  append(args: readonly Bytes[], argc: number): void {
    let room = argumentOverhead;
    for (let i = 0; i < argc; i++) room += args[i].end - args[i].start + argumentOverhead;
    this.reserve(room);
    const { buffer } = this;
    let at = this.length;
    buffer[at++] = arrayMark;
    at = writeLine(buffer, at, argc);
    for (let i = 0; i < argc; i++) {
      const arg = args[i];
      buffer[at++] = bulkMark;
      at = writeLine(buffer, at, arg.end - arg.start);
      copyBytes(buffer, at, arg.buffer, arg.start, arg.end);
      at += arg.end - arg.start;
      buffer[at++] = carriageReturn;
      buffer[at++] = lineFeed;
    }
    this.length = at;
  }

  /** Appends bytes as they are: a line that is no request. Text is latin1. */
  appendRaw(text: string): void {
    this.reserve(text.length);
    this.length += this.buffer.write(text, this.length, 'latin1');
  }

  /** What was gathered; valid until the next call of another method. */
  get bytes(): Buffer {
    return this.buffer.subarray(0, this.length);
  }

  /** Memory held. */
  get capacity(): number {
    return this.buffer.length;
  }

  /** Forgets the first `count` bytes. */
  drop(count: number): void {
    this.buffer.copyWithin(0, count, this.length);
    this.length -= count;
    if (this.length === 0 && this.buffer.length > keptCapacity) {
      this.buffer = Buffer.allocUnsafeSlow(initialCapacity);
    }
  }

  private reserve(room: number): void {
    const needed = this.length + room;
    if (needed <= this.buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, Math.min(this.buffer.length * 2, longestAhead)));
    this.buffer.copy(larger, 0, 0, this.length);
    this.buffer = larger;
  }
}

function writeLine(buffer: Buffer, at: number, n: number): number {
  const end = writeInteger(buffer, at, n);
  buffer[end] = carriageReturn;
  buffer[end + 1] = lineFeed;
  return end + 2;
}
