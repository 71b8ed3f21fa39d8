import type { Bytes } from '../bytes/bytes.js';
import { Bytes as View } from '../bytes/bytes.js';
import { readSafeInteger } from '../bytes/integers.js';
import { lzfCompress } from '../bytes/lzf.js';
import { ByteWriter } from './byte-writer.js';
import { Encoded, Length } from './rdb-types.js';

const longestInteger = 11;
/** Shorter strings are not compressed; and compression must gain so many bytes. */
const shortestCompressed = 21;
const leastGain = 4;

/** Collects what belongs into an RDB file or a DUMP payload. */
export class RdbWriter extends ByteWriter {
  private squeezed = Buffer.allocUnsafe(0);

  /** `onFull`: see ByteWriter. Strings longer than `longestCompressed` stay as they are. */
  constructor(
    private readonly compress: boolean,
    onFull?: (chunk: Buffer) => void,
    private readonly longestCompressed = Number.POSITIVE_INFINITY,
  ) {
    super(onFull);
  }

  /** A length or a count: up to 2^53. */
  length(n: number): void {
    this.room(9);
    const { buffer, used } = this;
    if (n < 1 << 6) this.used = buffer.writeUInt8(n, used);
    else if (n < 1 << 14) this.used = buffer.writeUInt16BE((Length.fourteenBits << 8) | n, used);
    else if (n < 2 ** 32) this.used = buffer.writeUInt32BE(n, buffer.writeUInt8(Length.word, used));
    else this.used = buffer.writeBigUInt64BE(BigInt(n), buffer.writeUInt8(Length.long, used));
  }

  double(n: number): void {
    this.room(8);
    this.used = this.buffer.writeDoubleLE(n, this.used);
  }

  /** Unix time in ms. */
  time(ms: number): void {
    this.room(8);
    this.used = this.buffer.writeBigInt64LE(BigInt(ms), this.used);
  }

  /** A string in its shortest form: a small integer, compressed, or as it is. */
  string({ buffer, start, end }: Bytes): void {
    if (end - start <= longestInteger && this.integer(readSafeInteger(buffer, start, end))) return;
    this.blob(buffer, start, end);
  }

  /** A string that is no number: compressed, or as it is. */
  blob(buffer: Buffer, start: number, end: number): void {
    const length = end - start;
    const compress = this.compress && length >= shortestCompressed && length <= this.longestCompressed;
    if (compress && this.lzf(buffer, start, end)) return;
    this.length(length);
    this.raw(buffer, start, end);
  }

  text(text: string): void {
    this.string(View.of(text));
  }

  private integer(n: number): boolean {
    if (n !== (n | 0)) return false; // NaN too
    this.room(5);
    const { buffer, used } = this;
    if (n === (n << 24) >> 24) {
      this.used = buffer.writeInt8(n, buffer.writeUInt8(Length.encoded | Encoded.int8, used));
    } else if (n === (n << 16) >> 16) {
      this.used = buffer.writeInt16LE(n, buffer.writeUInt8(Length.encoded | Encoded.int16, used));
    } else {
      this.used = buffer.writeInt32LE(n, buffer.writeUInt8(Length.encoded | Encoded.int32, used));
    }
    return true;
  }

  private lzf(buffer: Buffer, start: number, end: number): boolean {
    const limit = end - start - leastGain;
    if (this.squeezed.length < limit) this.squeezed = Buffer.allocUnsafe(limit);
    const length = lzfCompress(buffer, start, end, this.squeezed, 0, limit);
    if (length < 0) return false;
    this.byte(Length.encoded | Encoded.lzf);
    this.length(length);
    this.length(end - start);
    this.raw(this.squeezed, 0, length);
    return true;
  }
}
