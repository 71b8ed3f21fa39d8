import { Bytes } from '../bytes/bytes.js';
import { readInt64AsNumber } from '../bytes/integers.js';
import { splitWords } from '../bytes/words.js';
import { arrayMark, bulkMark, carriageReturn, lineFeed, minus, zero } from './resp-bytes.js';

/** What a client sent breaks the protocol: it gets `-ERR Protocol error: <message>` and is disconnected. */
export class ProtocolError extends Error {}

/** Limits that are checked before memory is taken. Sizes in bytes. */
export interface RequestLimits {
  /** Longest argument (`proto-max-bulk-len`). */
  maxBulkLength: number;
  /** Most arguments of one request. */
  maxArguments: number;
}

/** The strict limits before a client has authenticated, as Redis sets them. */
export const unauthenticatedLimits: RequestLimits = { maxBulkLength: 16384, maxArguments: 10 };

/** Longest inline request, and longest line that announces a length. */
export const maxInlineLength = 65536;

/** Offsets within a request are 32-bit integers: whatever is configured, a request can hold no more bytes. */
export const largestRequestBytes = 0x7fffffff - 1024 * 1024;

const maxPooledArguments = 1024;

/**
 * Bytes of a connection that do not yet make a whole request, with how far they were decoded, so that a
 * request that arrives in many pieces is decoded once and not anew with each piece.
 */
export class PartialRequest {
  /** Received bytes; `start` is the offset of the request's first byte, `end` that of the last one and one more. */
  buffer: Buffer;
  start = 0;
  end: number;
  /** Of what is decoded next, from the request's first byte. */
  position = 0;
  remaining = unread;
  bulkLength = unread;
  argc = 0;
  offsets: Int32Array<ArrayBufferLike> | undefined;

  constructor(source: Buffer, start: number, end: number) {
    this.end = end - start;
    this.buffer = Buffer.allocUnsafeSlow(Math.max(this.end, 64));
    source.copy(this.buffer, 0, start, end);
  }

  /** Bytes of the request, and of what came behind it. */
  get length(): number {
    return this.end - this.start;
  }

  /** Bytes that this connection holds in memory. */
  get capacity(): number {
    return this.buffer.length + (this.offsets === undefined ? 0 : this.offsets.byteLength);
  }

  append(source: Buffer, start: number, end: number): void {
    const more = end - start;
    if (this.end + more > this.buffer.length) this.grow(this.length + more);
    source.copy(this.buffer, this.end, start, end);
    this.end += more;
  }

  /** Bytes that have not become arguments yet. */
  get undecoded(): number {
    return this.length - this.position;
  }

  /**
   * Grows by doubling, so that each byte is copied about once; but not past the end of an argument that is being
   * read if it is the last, or the larger part of all: a large value ends in a buffer of its own size. A client that
   * only announces a length makes nobody take memory for it.
   */
  private grow(needed: number): void {
    const reads = this.bulkLength !== unread;
    const bounded = reads && (this.remaining === 1 || this.bulkLength >= this.position);
    const end = bounded ? this.position + this.bulkLength + 2 : Number.POSITIVE_INFINITY;
    const capacity = needed <= end ? Math.min(end, needed * 2) : needed * 2;
    const larger = Buffer.allocUnsafeSlow(capacity);
    this.buffer.copy(larger, 0, this.start, this.end);
    this.buffer = larger;
    this.end -= this.start;
    this.start = 0;
  }
}

const unread = -1;

/** Most requests that are decoded before the first of them runs. */
export const lookAhead = 16;

/** A whole request: views of the receive buffer, valid until the next `fill`. */
export class Request<Command = unknown> {
  /** Command name and arguments; only the first `argc` are valid. */
  readonly args: Bytes[] = [];
  argc = 0;
  /** Offset of the request's first byte. */
  start = 0;
  /** The command it names, where somebody looked ahead. */
  command: Command | undefined;
}

/**
 * Decodes requests in place: arguments are views of the receive buffer. One decoder serves all connections of
 * an event loop; what must survive until the next read is kept in a `PartialRequest`.
 *
 * Hot: a complete request costs no allocation. Source of the format: RESP specification and inline commands.
 */
export class RequestDecoder<Command = unknown> {
  /** What the last `fill` found: the first so many are valid. */
  readonly requests: Request<Command>[] = Array.from({ length: lookAhead }, () => new Request<Command>());

  private buffer: Buffer;
  private limit = 0;
  private position = 0;
  private requestStart = 0;
  private remaining = unread;
  /** Start and end of each argument, relative to the first byte of the request. */
  private offsets: Int32Array<ArrayBufferLike> = new Int32Array(64);
  private argc = 0;
  /** Announced length of the argument being received, or -1. */
  private bulkLength = unread;
  private readonly nothing = Buffer.alloc(0);

  constructor() {
    this.buffer = this.nothing;
  }

  /** Starts on fresh bytes. */
  begin(buffer: Buffer, start: number, end: number): void {
    this.buffer = buffer;
    this.limit = end;
    this.remaining = unread;
    this.bulkLength = unread;
    this.position = this.requestStart = start;
    this.argc = 0;
  }

  /** Goes on with bytes kept from before. */
  resume(partial: PartialRequest): void {
    this.begin(partial.buffer, partial.start, partial.end);
    this.position = partial.start + partial.position;
    this.remaining = partial.remaining;
    this.bulkLength = partial.bulkLength;
    this.argc = partial.argc;
    if (partial.offsets !== undefined) {
      this.offsets = partial.offsets;
      partial.offsets = undefined;
    }
  }

  /**
   * Keeps what has not been decoded into a whole request, if anything. `previous` is reused when its bytes
   * are still in place.
   */
  suspend(previous: PartialRequest | undefined): PartialRequest | undefined {
    const { requestStart: start, limit } = this;
    if (start >= limit) return undefined;
    let partial = previous;
    // Moved to a buffer of its own only when that is no more than what was decoded: each byte is moved about once.
    if (partial === undefined || partial.buffer !== this.buffer || limit - start <= start) {
      partial = new PartialRequest(this.buffer, start, limit);
    } else partial.start = start;
    partial.position = this.position - start;
    partial.remaining = this.remaining;
    partial.bulkLength = this.bulkLength;
    partial.argc = this.argc;
    if (partial.argc > 0) {
      partial.offsets = this.offsets;
      this.offsets = new Int32Array(64);
    }
    this.buffer = this.nothing;
    return partial;
  }

  /**
   * Decodes the requests that are complete, up to `lookAhead`, into `requests`, and returns how many there
   * are. Several at once, so that the memory that their keys lie in can be asked for before the first of them
   * runs. Empty requests (`*0`, blank lines) are skipped. Throws ProtocolError if the very next request is
   * broken: those before it are returned first.
   */
  fill(limits: RequestLimits): number {
    // Before authentication each request may change the limits of the next.
    const most = limits === unauthenticatedLimits ? 1 : lookAhead;
    let count = 0;
    try {
      while (count < most && (this.short(limits, count) || this.next(limits, count))) count++;
    } catch (error) {
      if (count === 0) throw error;
      this.rewind(this.requestStart);
    }
    return count;
  }

  /** Where the first request begins that was not decoded as a whole. */
  get nextStart(): number {
    return this.requestStart;
  }

  /** Goes back to the first byte of a request that was decoded and not run. */
  rewind(start: number): void {
    this.position = this.requestStart = start;
    this.remaining = unread;
    this.bulkLength = unread;
    this.argc = 0;
  }

  /**
   * Decodes the next request if it is of the usual kind: whole, with one to nine arguments, each shorter than 100
   * bytes. Else returns false and leaves the request to `next`. Half of what `next` costs: nothing of it is to be
   * remembered.
   */
  private short(limits: RequestLimits, index: number): boolean {
    const { buffer, limit, position } = this;
    // As many bytes at least as the shortest request has.
    if (this.remaining !== unread || position + 4 > limit || buffer[position] !== arrayMark) return false;
    const argc = buffer[position + 1] - zero;
    if (argc < 1 || argc > 9 || buffer[position + 2] !== carriageReturn) return false;
    if (argc > limits.maxArguments || limits.maxBulkLength < 100) return false;
    const request = this.requests[index];
    const { args } = request;
    if (args.length > maxPooledArguments) return false;
    let at = position + 4;
    for (let i = 0; i < argc; i++) {
      if (at + 6 > limit || buffer[at] !== bulkMark) return false;
      let length = buffer[at + 1] - zero;
      if (length < 0 || length > 9) return false;
      const second = buffer[at + 2];
      if (second === carriageReturn) {
        at += 4;
      } else {
        const digit = second - zero;
        if (length === 0 || digit < 0 || digit > 9 || buffer[at + 3] !== carriageReturn) return false;
        length = length * 10 + digit;
        at += 5;
      }
      const end = at + length;
      if (end + 2 > limit) return false;
      setArgument(args, i, buffer, at, end);
      at = end + 2;
    }
    request.argc = argc;
    request.start = position;
    request.command = undefined;
    this.position = this.requestStart = at;
    return true;
  }

  /** Decodes the next request into `requests[index]`. False: the bytes end before the request does. */
  private next(limits: RequestLimits, index: number): boolean {
    const { buffer, limit } = this;
    for (;;) {
      if (this.remaining === unread) {
        this.requestStart = this.position;
        this.argc = 0;
        if (this.position >= limit) return false;
        if (buffer[this.position] !== arrayMark) {
          if (!this.inline(index === 0)) return false;
          if (this.argc === 0) continue;
          return this.finish(index);
        }
        if (!this.header(limits)) return false;
        if (this.remaining === unread) continue;
      }
      if (!this.bulks(limits)) return false;
      return this.finish(index);
    }
  }

  /** Reads `*<count>`. False: it is not complete. An empty request leaves `remaining` unread. */
  private header(limits: RequestLimits): boolean {
    const count = this.readLength('mbulk');
    if (count === incomplete) return false;
    if (Number.isNaN(count) || count > 0x7fffffff) throw new ProtocolError('invalid multibulk length');
    if (count > limits.maxArguments) {
      const unauthenticated = limits === unauthenticatedLimits;
      throw new ProtocolError(
        unauthenticated ? 'unauthenticated multibulk length' : 'invalid multibulk length',
      );
    }
    if (count > 0) {
      this.remaining = count;
      this.bulkLength = unread;
    }
    return true;
  }

  private bulks(limits: RequestLimits): boolean {
    const { buffer, limit } = this;
    while (this.remaining > 0) {
      if (this.bulkLength === unread) {
        const at = this.position;
        if (at >= limit) return false;
        if (buffer[at] !== bulkMark) {
          throw new ProtocolError(`expected '$', got '${String.fromCharCode(buffer[at])}'`);
        }
        // The common case by hand: one digit, both line-end bytes at hand.
        const digit = buffer[at + 1] - 48;
        if (at + 4 < limit && digit >= 0 && digit <= 9 && buffer[at + 2] === carriageReturn) {
          this.bulkLength = digit;
          this.position = at + 4;
        } else {
          const length = this.readLength('bulk');
          if (length === incomplete) return false;
          if (Number.isNaN(length) || length < 0 || length > limits.maxBulkLength) {
            const unauthenticated = limits === unauthenticatedLimits && length > limits.maxBulkLength;
            throw new ProtocolError(unauthenticated ? 'unauthenticated bulk length' : 'invalid bulk length');
          }
          this.bulkLength = length;
        }
      }
      const end = this.position + this.bulkLength;
      if (end + 2 > limit) return false;
      this.addArgument(this.position - this.requestStart, end - this.requestStart);
      this.position = end + 2;
      this.bulkLength = unread;
      this.remaining--;
    }
    return true;
  }

  private addArgument(start: number, end: number): void {
    const at = this.argc << 1;
    if (at >= this.offsets.length) {
      const larger = new Int32Array(this.offsets.length * 2);
      larger.set(this.offsets);
      this.offsets = larger;
    }
    this.offsets[at] = start;
    this.offsets[at + 1] = end;
    this.argc++;
  }

  /** Turns the offsets into views. */
  private finish(index: number): boolean {
    const { offsets, buffer, requestStart, argc } = this;
    const request = this.requests[index];
    const { args } = request;
    for (let i = 0; i < argc; i++) {
      setArgument(args, i, buffer, requestStart + offsets[i << 1], requestStart + offsets[(i << 1) + 1]);
    }
    request.argc = argc;
    request.start = requestStart;
    request.command = undefined;
    if (args.length > maxPooledArguments && argc < maxPooledArguments) args.length = maxPooledArguments;
    if (offsets.length > maxPooledArguments * 2 && argc < maxPooledArguments)
      this.offsets = new Int32Array(64);
    this.remaining = unread;
    this.requestStart = this.position;
    this.argc = 0;
    return true;
  }

  /** Reads `<type><digits>\r\n` at the position. NaN: not a number. `incomplete`: no line end yet. */
  private readLength(what: 'mbulk' | 'bulk'): number {
    const { buffer, limit } = this;
    const start = this.position + 1;
    const lineEnd = findByte(buffer, carriageReturn, start, limit);
    if (lineEnd < 0 || lineEnd + 1 >= limit) {
      if (lineEnd < 0 && limit - start > maxInlineLength)
        throw new ProtocolError(`too big ${what} count string`);
      return incomplete;
    }
    let at = start;
    const negative = buffer[at] === minus;
    if (negative) at++;
    const digits = lineEnd - at;
    const leadingZero = buffer[at] === zero && (digits > 1 || negative);
    if (digits === 0 || leadingZero) return this.skipLine(lineEnd, Number.NaN);
    if (digits > 15) return this.skipLine(lineEnd, readInt64AsNumber(buffer, start, lineEnd));
    let value = 0;
    for (; at < lineEnd; at++) {
      const digit = buffer[at] - 48;
      if (digit < 0 || digit > 9) return this.skipLine(lineEnd, Number.NaN);
      value = value * 10 + digit;
    }
    return this.skipLine(lineEnd, negative ? -value : value);
  }

  private skipLine(lineEnd: number, value: number): number {
    this.position = lineEnd + 2;
    return value;
  }

  /**
   * An inline request: words on a line. Quoted words are unquoted in place, so that such a request cannot be
   * decoded twice: it is left for later unless it may come first.
   */
  private inline(mayUnquote: boolean): boolean {
    const { buffer, limit } = this;
    const start = this.position;
    const newline = findByte(buffer, lineFeed, start, limit);
    if (newline < 0) {
      if (limit - start > maxInlineLength) throw new ProtocolError('too big inline request');
      return false;
    }
    const end = newline > start && buffer[newline - 1] === carriageReturn ? newline - 1 : newline;
    if (!this.plainWords(start, end)) {
      if (!mayUnquote) return false;
      this.quotedWords(start, end);
    }
    this.position = newline + 1;
    return true;
  }

  /** Finds the words of a line. False, with no argument added, if there is a quote in it. */
  private plainWords(start: number, end: number): boolean {
    const { buffer } = this;
    for (let at = start; at < end; ) {
      while (at < end && isSpaceByte(buffer[at])) at++;
      const word = at;
      for (; at < end && !isSpaceByte(buffer[at]); at++) {
        if (buffer[at] === 0x22 || buffer[at] === 0x27) {
          this.argc = 0;
          return false;
        }
      }
      if (at > word) this.addArgument(word - start, at - start);
    }
    return true;
  }

  /** Puts the words of a line in place, one after the other: they never take more bytes than the line. */
  private quotedWords(start: number, end: number): void {
    const { buffer } = this;
    const words = splitWords(buffer.toString('latin1', start, end));
    if (words === null) throw new ProtocolError('unbalanced quotes in request');
    let at = start;
    for (const word of words) {
      buffer.write(word, at, 'latin1');
      this.addArgument(at - start, at - start + word.length);
      at += word.length;
    }
  }
}

const incomplete = -Infinity;

/** Makes an argument a view of `buffer[start, end)`, of which nothing is known yet. */
function setArgument(args: Bytes[], index: number, buffer: Buffer, start: number, end: number): void {
  let view = args[index];
  if (view === undefined) args[index] = view = new Bytes(buffer);
  if (view.buffer !== buffer) view.buffer = buffer;
  view.start = start;
  view.end = end;
  view.hash = 0;
  view.stamp = 0;
}

/** Position of `byte` in [start, end), or -1. By hand for the first bytes: lengths are short. */
function findByte(buffer: Buffer, byte: number, start: number, end: number): number {
  const near = Math.min(end, start + 24);
  for (let i = start; i < near; i++) if (buffer[i] === byte) return i;
  if (near === end) return -1;
  const found = buffer.indexOf(byte, near);
  return found >= 0 && found < end ? found : -1;
}

const isSpaceByte = (byte: number) => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d) || byte === 0;
