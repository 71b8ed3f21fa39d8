import { Bytes } from '../bytes/bytes.js';
import { lzfDecompress } from '../bytes/lzf.js';
import { Encoded, Length } from './rdb-types.js';

/** LZF makes at most so many bytes of one. */
const mostExpansion = 264;

/** Bytes are not what they should be. `offset` counts from the beginning of the file or payload. */
export class RdbError extends Error {
  constructor(
    reason: string,
    readonly offset: number,
  ) {
    super(`${reason} at offset ${offset}`);
  }
}

/** Reads an RDB file's or a DUMP payload's parts one after the other. Throws RdbError, whatever the bytes are. */
export class RdbReader {
  constructor(
    private readonly buffer: Buffer,
    public offset = 0,
    private readonly end = buffer.length,
  ) {}

  get done(): boolean {
    return this.offset === this.end;
  }

  fail(reason: string): RdbError {
    return new RdbError(reason, this.offset);
  }

  byte(): number {
    return this.buffer[this.take(1)];
  }

  double(): number {
    return this.buffer.readDoubleLE(this.take(8));
  }

  /** Unix time in ms. */
  time(): number {
    return Number(this.buffer.readBigInt64LE(this.take(8)));
  }

  /** A view of the next bytes. */
  raw(length: number): Bytes {
    const start = this.take(length);
    return new Bytes(this.buffer, start, start + length);
  }

  length(): number {
    const first = this.byte();
    if (first >= Length.encoded) throw this.fail('a string where a length belongs');
    return this.lengthAfter(first);
  }

  /** A number of elements: at most as many as there are bytes left, for each takes one or more. */
  count(): number {
    const count = this.length();
    if (count > this.end - this.offset) throw this.fail(`${count} elements announced, but the data ends`);
    return count;
  }

  /** A view of the data itself, or of bytes of its own if it was compressed. */
  string(): Bytes {
    const first = this.byte();
    if (first < Length.encoded) return this.raw(this.lengthAfter(first));
    switch (first & 0x3f) {
      case Encoded.int8:
        return Bytes.of(String(this.buffer.readInt8(this.take(1))));
      case Encoded.int16:
        return Bytes.of(String(this.buffer.readInt16LE(this.take(2))));
      case Encoded.int32:
        return Bytes.of(String(this.buffer.readInt32LE(this.take(4))));
      case Encoded.lzf:
        return this.compressed();
      default:
        throw this.fail(`unknown string encoding ${first & 0x3f}`);
    }
  }

  private compressed(): Bytes {
    const length = this.length();
    const expanded = this.length();
    if (expanded > length * mostExpansion) throw this.fail('impossible length of a compressed string');
    const start = this.take(length);
    const bytes = Buffer.alloc(expanded);
    if (lzfDecompress(this.buffer, start, start + length, bytes, 0, expanded) !== expanded) {
      throw this.fail('invalid compressed string');
    }
    return new Bytes(bytes);
  }

  private lengthAfter(first: number): number {
    if (first < Length.fourteenBits) return first;
    if (first < Length.word) return ((first & 0x3f) << 8) | this.byte();
    if (first === Length.word) return this.buffer.readUInt32BE(this.take(4));
    if (first !== Length.long) throw this.fail('invalid length');
    const length = Number(this.buffer.readBigUInt64BE(this.take(8)));
    if (!Number.isSafeInteger(length)) throw this.fail('invalid length');
    return length;
  }

  /** Goes on by so many bytes and returns where they begin. */
  private take(bytes: number): number {
    if (bytes > this.end - this.offset) throw this.fail('unexpected end of data');
    const at = this.offset;
    this.offset += bytes;
    return at;
  }
}
