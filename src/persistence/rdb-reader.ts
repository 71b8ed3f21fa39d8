import { Bytes } from '../bytes/bytes.js';
import { MAX_INTEGER_LENGTH, writeInteger } from '../bytes/integers.js';
import { lzfDecompress } from '../bytes/lzf.js';
import { Encoded, Length } from './rdb-types.js';

/** LZF makes at most so many bytes of one. */
const mostExpansion = 264;
/** Strings beyond this are refused: no block of memory is larger. */
const longestString = 0x7fff0000;

/** Bytes are not what they should be. `offset` counts from the beginning of the file or payload. */
export class RdbError extends Error {
  constructor(
    readonly reason: string,
    readonly offset: number,
    /** Of what it is a part, in words that continue the message. */
    where = '',
  ) {
    super(`${reason} at offset ${offset}${where}`);
  }
}

/**
 * Thrown where the bytes at hand end in the middle of something, but more are to come: whoever can get them goes back
 * to where it began to read and tries again. One for all, for it is thrown with every piece of a file.
 */
export const endOfPiece = new Error('more bytes are needed');

// Integers that were stored as such are read as text. The texts rotate, so that a few can be held at once.
const textPlaces = 8;
const textLength = 32;
const texts = Buffer.alloc(textPlaces * Math.max(textLength, MAX_INTEGER_LENGTH));
let nextText = 0;

/**
 * Reads an RDB file's or a DUMP payload's parts one after the other. Throws RdbError, whatever the bytes are, and
 * `endOfPiece` while there are more bytes than those in the buffer.
 *
 * Views that it gives are valid until the buffer changes.
 */
export class RdbReader {
  /** Where the buffer's first byte is in the file. */
  base = 0;
  /** Up to where the buffer must reach so that reading can go on where `endOfPiece` was thrown. */
  wantedEnd = 0;

  constructor(
    public buffer: Buffer,
    public offset = 0,
    public end = buffer.length,
    /** All bytes of the file; Infinity while it is not known. */
    public total = end,
  ) {}

  get done(): boolean {
    return this.offset === this.end;
  }

  /** Where the next byte is in the file. */
  get position(): number {
    return this.base + this.offset;
  }

  /** Bytes that are left; Infinity while it is not known. */
  get left(): number {
    return this.total - this.position;
  }

  fail(reason: string): RdbError {
    return new RdbError(reason, this.position);
  }

  byte(): number {
    if (this.offset >= this.end) throw this.short(1);
    return this.buffer[this.offset++];
  }

  double(): number {
    return this.buffer.readDoubleLE(this.take(8));
  }

  /** Unix time in ms. */
  time(): number {
    const at = this.take(8);
    return this.buffer.readInt32LE(at + 4) * 2 ** 32 + this.buffer.readUInt32LE(at);
  }

  /** Unix time in seconds. */
  seconds(): number {
    return this.buffer.readInt32LE(this.take(4));
  }

  /** A view of the next bytes. */
  raw(length: number): Bytes {
    const start = this.take(length);
    return new Bytes(this.buffer, start, start + length);
  }

  skip(length: number): void {
    this.take(length);
  }

  length(): number {
    const first = this.byte();
    if (first >= Length.encoded) throw this.fail('a string where a length belongs');
    return this.lengthAfter(first);
  }

  /** As `length`, for numbers that may be of 64 bits. */
  skipLength(): void {
    const first = this.byte();
    if (first === Length.long) this.take(8);
    else if (first >= Length.encoded) throw this.fail('a string where a length belongs');
    else this.lengthAfter(first);
  }

  /** A number of elements: at most as many as there are bytes left, for each takes one or more. */
  count(): number {
    const count = this.length();
    if (count > this.left) throw this.fail(`${count} elements announced, but the data ends`);
    return count;
  }

  /** A view of the data itself, or of bytes of its own if it was compressed or an integer. */
  string(): Bytes {
    const into = new Bytes(this.buffer, 0, 0);
    this.stringInto(into);
    return into.buffer === texts ? into.copy() : into;
  }

  /**
   * As `string`, but in a view that exists; the text of an integer is overwritten by the eighth that is read after it.
   * Hot: every key and every plain value of a file goes through here.
   */
  stringInto(into: Bytes): void {
    const first = this.byte();
    if (first >= Length.encoded) return this.encodedInto(first & 0x3f, into);
    const length = this.lengthAfter(first);
    const start = this.take(length);
    into.buffer = this.buffer;
    into.start = start;
    into.end = start + length;
    into.hash = 0;
  }

  private encodedInto(encoding: number, into: Bytes): void {
    if (encoding === Encoded.lzf) return this.decompressInto(into);
    const start = nextText;
    let integer: number;
    if (encoding === Encoded.int8) integer = (this.byte() << 24) >> 24;
    else if (encoding === Encoded.int16) integer = this.buffer.readInt16LE(this.take(2));
    else if (encoding === Encoded.int32) integer = this.buffer.readInt32LE(this.take(4));
    else throw this.fail(`unknown string encoding ${encoding}`);
    nextText = (nextText + textLength) % (textPlaces * textLength);
    into.buffer = texts;
    into.start = start;
    into.end = writeInteger(texts, start, integer);
    into.hash = 0;
  }

  private decompressInto(into: Bytes): void {
    const length = this.length();
    const expanded = this.length();
    if (expanded > length * mostExpansion || expanded > longestString)
      throw this.fail('impossible length of a compressed string');
    const start = this.take(length);
    const bytes = this.room(expanded);
    if (lzfDecompress(this.buffer, start, start + length, bytes, 0, expanded) !== expanded) {
      throw this.fail('invalid compressed string');
    }
    into.buffer = bytes;
    into.start = 0;
    into.end = expanded;
    into.hash = 0;
  }

  private room(bytes: number): Buffer {
    try {
      return Buffer.allocUnsafe(bytes);
    } catch {
      throw this.fail(`no memory for a string of ${bytes} bytes`);
    }
  }

  private lengthAfter(first: number): number {
    if (first < Length.fourteenBits) return first;
    if (first < Length.word) return ((first & 0x3f) << 8) | this.byte();
    if (first === Length.word) return this.buffer.readUInt32BE(this.take(4));
    if (first !== Length.long) throw this.fail('invalid length');
    const at = this.take(8);
    const length = this.buffer.readUInt32BE(at) * 2 ** 32 + this.buffer.readUInt32BE(at + 4);
    if (!Number.isSafeInteger(length)) throw this.fail('invalid length');
    return length;
  }

  /** Goes on by so many bytes and returns where they begin. */
  private take(bytes: number): number {
    if (bytes > this.end - this.offset) throw this.short(bytes);
    const at = this.offset;
    this.offset += bytes;
    return at;
  }

  /** The bytes at hand do not suffice: says so, or that there will never be enough. */
  private short(bytes: number): Error {
    if (bytes > this.left) return this.fail('unexpected end of data');
    if (bytes > longestString) return this.fail(`a string of ${bytes} bytes`);
    this.wantedEnd = this.offset + bytes;
    return endOfPiece;
  }
}
