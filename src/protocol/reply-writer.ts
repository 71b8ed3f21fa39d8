import { type Bytes, copyBytes } from '../bytes/bytes.js';
import { integerText, writeInteger } from '../bytes/integers.js';
import { type ChunkPool, chunkSize, largeChunkSize, leastChunkSize } from './chunk-pool.js';
import {
  arrayMark,
  attributeMark,
  bigNumberMark,
  bulkMark,
  carriageReturn,
  doubleMark,
  errorMark,
  integerMark,
  lineFeed,
  mapMark,
  pushMark,
  setMark,
  simpleMark,
  verbatimMark,
} from './resp-bytes.js';

/** A message up to this many bytes is copied ... */
const largestCopiedMessage = 2048;
/** ... to a chunk of this size at most, for it may go to 10,000 subscribers. */
const messageChunkSize = 2048;
/** A bulk of at least this many bytes gets a chunk of its own size. */
const largeBulk = 8192;
/** Room for a header that is written later: its type, ten digits and the line's end. */
const deferredHeader = 13;
/** A place for a header in one number: the chunk's number times this, and the place in the chunk. */
const placeScale = 2 ** 31;

const none = Buffer.alloc(0);

/**
 * Writes replies in RESP2 or RESP3, whichever the client speaks, so that commands say what they answer and
 * not how it is encoded. Each connection has one; it holds a chunk of memory only while something is unsent.
 *
 * Hot: simple replies, integers and bulks cost no allocation.
 */
export class ReplyWriter {
  /** The RESP version of the client. */
  protocol: 2 | 3 = 2;
  /** When set, everything written is dropped (CLIENT REPLY, commands run for their effect only). */
  muted = false;
  /**
   * The limit is exceeded, so the client is to be disconnected. Everything is dropped; commands that write an
   * unbounded number of elements may stop.
   */
  overflowed = false;
  /** Number of errors written since the start; the dispatcher compares it to see that a command failed. */
  errors = 0;
  /** The error written last, without the dash. */
  lastError = '';
  /** Bytes of the chunk that the next reply begins in: more for a client that reads much. See `adaptBuffer`. */
  bufferSize = chunkSize;
  /** The most bytes of the first chunk that a reply took since that was last asked. */
  bufferPeak = 0;
  /** Bytes of memory that the writer holds, used or not. */
  held = 0;
  /** Bytes in the chunks that are full. */
  private fullBytes = 0;
  private full: Buffer[] = [];
  private chunk: Buffer = none;
  private at = 0;

  constructor(
    private readonly pool: ChunkPool,
    /** Most bytes that may be unsent. Asked for with each new chunk. */
    private readonly limit: () => number = () => Number.POSITIVE_INFINITY,
  ) {}

  /** Unsent bytes. */
  get size(): number {
    return this.fullBytes + this.at;
  }

  /** `+OK` */
  ok(): void {
    this.preset(okReply);
  }

  /** A simple string; must have no line end. */
  simple(text: string): void {
    this.line(simpleMark, text);
  }

  /** An error: code, blank, text. Line ends become blanks, for one error must not become two replies. */
  error(message: string): void {
    this.errors++;
    this.lastError = message;
    this.line(errorMark, withoutLineEnds(message));
  }

  integer(n: number): void {
    if (this.muted) return;
    this.reserve(32);
    this.chunk[this.at++] = integerMark;
    this.digits(n);
    this.endLine();
  }

  /** A 64-bit integer that is rounded beyond 2^53. */
  int64(n: number): void {
    if (Number.isSafeInteger(n)) this.integer(n);
    else this.line(integerMark, integerText(n));
  }

  /** A 64-bit integer that may lie beyond 2^53. */
  bigint(n: bigint): void {
    this.line(integerMark, n.toString());
  }

  bulk(buffer: Buffer, start: number, end: number): void {
    if (this.muted) return;
    const length = end - start;
    if (length >= largeBulk) return this.largeBulk(buffer, start, end);
    this.reserve(length + 16);
    this.chunk[this.at++] = bulkMark;
    this.digits(length);
    // The position in a variable of its own: what is copied could be this object, for all that the compiler
    // knows.
    const { chunk } = this;
    let at = this.at;
    chunk[at++] = carriageReturn;
    chunk[at++] = lineFeed;
    copyBytes(chunk, at, buffer, start, end);
    at += length;
    chunk[at++] = carriageReturn;
    chunk[at++] = lineFeed;
    this.at = at;
  }

  bytes(view: Bytes): void {
    this.bulk(view.buffer, view.start, view.end);
  }

  /** A bulk string from a latin1 string. */
  text(latin1: string): void {
    if (this.muted) return;
    this.header(bulkMark, latin1.length);
    this.latin1(latin1);
    this.endLineReserved();
  }

  /** A bulk string from text that people read, as UTF-8. */
  utf8(text: string): void {
    const encoded = Buffer.from(text, 'utf8');
    this.bulk(encoded, 0, encoded.length);
  }

  /** "No value": `$-1` or `_`. */
  null(): void {
    this.preset(this.protocol === 2 ? nullBulk : null3);
  }

  /** "No array": `*-1` or `_`. */
  nullArray(): void {
    this.preset(this.protocol === 2 ? nullArray2 : null3);
  }

  array(length: number): void {
    this.header(arrayMark, length);
  }

  /**
   * Room for `bytes` bytes that the caller writes itself, encoded, from `place` on in the chunk that it gets, to be
   * told by `wrote`; undefined if nothing is to be written. For replies of many small parts, where a call for each
   * part costs more than the part.
   */
  direct(bytes: number): Buffer | undefined {
    if (this.muted) return undefined;
    this.reserve(bytes);
    return this.chunk;
  }

  /** Where the next byte belongs in the present chunk. */
  get place(): number {
    return this.at;
  }

  /** Says up to where the chunk of `direct` was written. */
  wrote(end: number): void {
    this.at = end;
  }

  /**
   * Leaves room for the header of an array or map whose length is known only once its elements are written. Returns
   * the place, to be given to `endArray` or `endMap`. They nest like brackets. The end moves what was written since,
   * as far as it is in one chunk.
   */
  begin(): number {
    if (this.muted) return 0;
    this.reserve(32);
    const place = this.full.length * placeScale + this.at;
    this.at += deferredHeader;
    return place;
  }

  endArray(place: number, length: number): void {
    this.end(place, arrayMark, length);
  }

  /** The end of a map of `pairs` keys and values; in RESP2 a flat array. */
  endMap(place: number, pairs: number): void {
    if (this.protocol === 2) this.end(place, arrayMark, pairs * 2);
    else this.end(place, mapMark, pairs);
  }

  private end(place: number, type: number, n: number): void {
    if (this.muted || this.overflowed) return;
    const number = Math.floor(place / placeScale);
    const at = place % placeScale;
    const present = number === this.full.length;
    const chunk = present ? this.chunk : this.full[number];
    const headerEnd = at + 1 + chunk.write(`${n}\r\n`, at + 1, 'latin1');
    chunk[at] = type;
    const unused = at + deferredHeader - headerEnd;
    chunk.copyWithin(headerEnd, at + deferredHeader, present ? this.at : chunk.length);
    if (present) {
      this.at -= unused;
    } else {
      this.full[number] = chunk.subarray(0, chunk.length - unused);
      this.fullBytes -= unused;
    }
  }

  /** A map of `pairs` keys and values; in RESP2 a flat array. */
  map(pairs: number): void {
    if (this.protocol === 2) this.header(arrayMark, pairs * 2);
    else this.header(mapMark, pairs);
  }

  set(length: number): void {
    this.header(this.protocol === 2 ? arrayMark : setMark, length);
  }

  /** Out-of-band data; in RESP2 an array. */
  push(length: number): void {
    this.header(this.protocol === 2 ? arrayMark : pushMark, length);
  }

  /** Attributes of the reply that follows; RESP3 only. */
  attribute(pairs: number): void {
    this.header(attributeMark, pairs);
  }

  /** A double already in Redis's notation; in RESP2 a bulk string. */
  double(text: string): void {
    if (this.protocol === 2) this.text(text);
    else this.line(doubleMark, text);
  }

  boolean(value: boolean): void {
    if (this.protocol === 2) this.integer(value ? 1 : 0);
    else this.preset(value ? true3 : false3);
  }

  bigNumber(digits: string): void {
    if (this.protocol === 2) this.text(digits);
    else this.line(bigNumberMark, digits);
  }

  /** Text for people, with a format of three letters such as `txt`; in RESP2 a bulk string. */
  verbatim(format: string, text: string): void {
    this.verbatimBytes(format, Buffer.from(text, 'utf8'));
  }

  /** As `verbatim`, of bytes that are encoded already. */
  verbatimBytes(format: string, text: Buffer): void {
    if (this.muted) return;
    if (this.protocol === 2) return this.bulk(text, 0, text.length);
    this.header(verbatimMark, text.length + 4);
    this.latin1(`${format}:`);
    this.raw(text, 0, text.length);
    this.endLineReserved();
  }

  /** Bytes that are encoded already. */
  raw(buffer: Buffer, start: number, end: number): void {
    if (this.muted) return;
    this.reserve(end - start);
    copyBytes(this.chunk, this.at, buffer, start, end);
    this.at += end - start;
  }

  /**
   * A message that many writers get: encoded already, and never to change. A small one is copied, to leave
   * together with others in one piece; a large one is not.
   */
  message(encoded: Buffer): void {
    if (this.muted) return;
    const { length } = encoded;
    if (length > largestCopiedMessage) return this.share(encoded);
    if (this.chunk === none) this.takeChunk(Math.min(this.bufferSize, messageChunkSize));
    this.raw(encoded, 0, length);
  }

  /** Appends a buffer without copying it. */
  private share(buffer: Buffer): void {
    if (this.at > 0) {
      this.full.push(this.chunk.subarray(0, this.at));
      this.fullBytes += this.at;
      // The rest of the chunk is as good as a new one.
      this.chunk = this.chunk.subarray(this.at);
      this.at = 0;
    }
    this.full.push(buffer);
    this.fullBytes += buffer.length;
    this.hold(buffer.length);
  }

  /** Takes note that so many more bytes are held, or fewer. */
  private hold(bytes: number): void {
    this.held += bytes;
    this.pool.held += bytes;
  }

  /** Nothing is held any more. */
  private letGo(): void {
    if (this.at > this.bufferPeak) this.bufferPeak = this.at;
    this.pool.held -= this.held;
    this.held = 0;
  }

  /**
   * Fits the size of the first chunk to what was written since the last call: half of it if less than that was
   * used, an ordinary chunk's if it was not enough. Returns what happened.
   */
  adaptBuffer(mayShrink: boolean): 'shrunk' | 'grown' | 'kept' {
    const { bufferPeak, bufferSize } = this;
    if (bufferPeak >= bufferSize && bufferSize < chunkSize) {
      this.bufferSize = chunkSize;
      return 'grown';
    }
    if (!mayShrink) return 'kept';
    this.bufferPeak = 0;
    if (bufferSize === leastChunkSize || bufferPeak >= bufferSize / 2) return 'kept';
    this.bufferSize /= 2;
    return 'shrunk';
  }

  /**
   * Sets a view to all that was written, and begins anew. For replies that nobody sends: the bytes are valid until
   * something else is written.
   */
  collect(into: Bytes): void {
    into.start = 0;
    if (this.full.length > 0) {
      into.buffer = Buffer.concat(this.take());
      into.end = into.buffer.length;
    } else {
      into.buffer = this.chunk;
      into.end = this.at;
      this.at = 0;
    }
  }

  /**
   * Gives away the unsent bytes, in order. The receiver returns ordinary chunks to the pool by `release` when
   * it has copied or sent them.
   */
  take(): Buffer[] {
    const chunks = this.full;
    if (this.at > 0) chunks.push(this.chunk.subarray(0, this.at));
    this.reset();
    return chunks;
  }

  /** The unsent bytes if they are all in one chunk, to be sent at once: then call `sent` or `handedOver`. */
  single(): Buffer | undefined {
    return this.full.length === 0 ? this.pool.view(this.chunk, this.at) : undefined;
  }

  /** The bytes of `single` belong to a write that is not done yet. */
  handedOver(bytes: Buffer): void {
    if (this.pool.giveAway(bytes)) this.sent();
    else this.reset();
  }

  /** The bytes of `single` were copied: the chunk can be used again at once. */
  sent(): void {
    this.letGo();
    this.pool.release(this.chunk);
    this.chunk = none;
    this.at = 0;
  }

  /** Forgets the unsent bytes; whoever got them owns their memory now. */
  reset(): void {
    this.letGo();
    this.full = [];
    this.fullBytes = 0;
    this.chunk = none;
    this.at = 0;
    this.overflowed = false;
  }

  private preset(reply: Buffer): void {
    if (this.muted) return;
    this.reserve(8);
    const { chunk } = this;
    let at = this.at;
    for (let i = 0; i < reply.length; i++) chunk[at++] = reply[i];
    this.at = at;
  }

  private header(type: number, n: number): void {
    if (this.muted) return;
    this.reserve(32);
    this.chunk[this.at++] = type;
    this.digits(n);
    this.endLine();
  }

  private line(type: number, text: string): void {
    if (this.muted) return;
    this.reserve(text.length + 3);
    this.chunk[this.at++] = type;
    this.at += this.chunk.write(text, this.at, 'latin1');
    this.endLine();
  }

  private latin1(text: string): void {
    this.reserve(text.length + 2);
    this.at += this.chunk.write(text, this.at, 'latin1');
  }

  /** Decimal digits of a safe integer. Room must have been reserved. */
  private digits(n: number): void {
    this.at = writeInteger(this.chunk, this.at, n);
  }

  private endLine(): void {
    this.chunk[this.at++] = carriageReturn;
    this.chunk[this.at++] = lineFeed;
  }

  private endLineReserved(): void {
    this.reserve(2);
    this.endLine();
  }

  private largeBulk(buffer: Buffer, start: number, end: number): void {
    this.header(bulkMark, end - start);
    this.raw(buffer, start, end);
    this.endLineReserved();
  }

  /** Makes room for `length` more bytes in one piece. */
  private reserve(length: number): void {
    if (this.at + length > this.chunk.length) this.grow(length);
  }

  private grow(length: number): void {
    if (this.overflowed || this.size + length > this.limit()) return this.overflow(length);
    const first = this.chunk === none;
    if (!first) {
      this.bufferPeak = Math.max(this.bufferPeak, this.bufferSize);
      if (this.isSmall() && this.at + length <= chunkSize) return this.growTo(chunkSize);
      const mayGrow = this.full.length === 0 && this.chunk.length === chunkSize;
      if (mayGrow && this.at + length <= largeChunkSize) return this.growTo(largeChunkSize);
      this.closeChunk();
    }
    this.takeChunk(first && length <= this.bufferSize ? this.bufferSize : Math.max(length, chunkSize));
  }

  /** Takes a new chunk. */
  private takeChunk(size: number): void {
    this.chunk = size <= chunkSize ? this.pool.acquire(size) : Buffer.allocUnsafeSlow(size);
    this.hold(size);
    this.at = 0;
  }

  /** The present chunk is full. */
  private closeChunk(): void {
    if (this.at === 0) return;
    this.full.push(this.chunk.subarray(0, this.at));
    this.fullBytes += this.at;
    this.at = 0;
  }

  /** True while all that was written is in one chunk that is smaller than an ordinary one. */
  private isSmall(): boolean {
    return this.full.length === 0 && this.chunk.length < chunkSize;
  }

  /** Gives up a reply that has grown beyond all bounds: the client is disconnected. */
  abandon(): void {
    this.overflow(0);
  }

  /** Forgets what was written, and what comes, but counts it: whoever sends it sees that it is too much. */
  private overflow(length: number): void {
    this.overflowed = true;
    this.fullBytes += this.at;
    this.full = [];
    if (length > this.chunk.length) this.chunk = Buffer.allocUnsafeSlow(length);
    this.at = 0;
    this.hold(this.chunk.length - this.held);
  }

  /** Goes on in a larger chunk, with what is there. */
  private growTo(size: number): void {
    const smaller = this.chunk;
    this.chunk = this.pool.acquire(size);
    this.hold(size - smaller.length);
    copyBytes(this.chunk, 0, smaller, 0, this.at);
    this.pool.release(smaller);
  }
}

const okReply = Buffer.from('+OK\r\n');
const nullBulk = Buffer.from('$-1\r\n');
const nullArray2 = Buffer.from('*-1\r\n');
const null3 = Buffer.from('_\r\n');
const true3 = Buffer.from('#t\r\n');
const false3 = Buffer.from('#f\r\n');

/** Line ends at the end go, others become blanks. Linear: a regular expression for the end is not. */
function withoutLineEnds(text: string): string {
  let end = text.length;
  while (end > 0 && isLineEnd(text.charCodeAt(end - 1))) end--;
  return text.slice(0, end).replace(/[\r\n]/g, ' ');
}

function isLineEnd(code: number): boolean {
  return code === carriageReturn || code === lineFeed;
}
