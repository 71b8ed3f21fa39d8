const nothing: Buffer = Buffer.alloc(0);

/**
 * A view of bytes that somebody else owns: a request argument, a key, a stored value. Without a buffer it is empty,
 * to be pointed at something.
 *
 * The buffer is always a Node `Buffer`, so that every access site sees one hidden class. A view is valid
 * until the next allocation in the arena or the next read from the socket; what must live longer is
 * copied with `copy()`. Views are reused: whoever keeps one keeps a copy.
 */
export class Bytes {
  /**
   * The keyed hash of the bytes, if somebody computed it ahead of time, else 0. Only request arguments carry
   * one; whoever points a view at other bytes sets it to 0.
   */
  hash = 0;
  /** An entry that may have these bytes as its key, as the table found ahead of time that had this stamp then. */
  ref = 0;
  stamp = 0;

  constructor(
    public buffer = nothing,
    public start = 0,
    public end = buffer.length,
  ) {}

  /** Own copy of a string's latin1 bytes; every JavaScript string in this project holds bytes, not text. */
  static of(text: string): Bytes {
    return new Bytes(Buffer.from(text, 'latin1'));
  }

  get length(): number {
    return this.end - this.start;
  }

  /** The bytes as a latin1 string, one character a byte. For cold paths. */
  latin1(): string {
    return this.buffer.toString('latin1', this.start, this.end);
  }

  /** The bytes decoded as UTF-8, for messages a person reads. */
  utf8(): string {
    return this.buffer.toString('utf8', this.start, this.end);
  }

  /** A view of the same bytes in a buffer of its own. */
  copy(): Bytes {
    return new Bytes(Buffer.from(this.buffer.subarray(this.start, this.end)));
  }

  /** The bytes as a Buffer that shares memory with this view. */
  subarray(): Buffer {
    return this.buffer.subarray(this.start, this.end);
  }

  equals(other: Bytes): boolean {
    const length = this.end - this.start;
    if (other.end - other.start !== length) return false;
    return equalBytes(this.buffer, this.start, other.buffer, other.start, length);
  }

  /** True if the bytes are `word` in any mixture of cases. `word` must be lower case ASCII. */
  is(word: string): boolean {
    const { buffer, start } = this;
    if (this.end - start !== word.length) return false;
    for (let i = 0; i < word.length; i++) {
      if (lowerCase(buffer[start + i]) !== word.charCodeAt(i)) return false;
    }
    return true;
  }
}

/** ASCII upper case to lower case, every other byte unchanged. */
export function lowerCase(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
}

/**
 * Compares `length` bytes at `a[at]` and `b[bt]`. Short runs by hand: the call into `compare` costs about 60
 * ns.
 */
export function equalBytes(a: Buffer, at: number, b: Buffer, bt: number, length: number): boolean {
  if (length > 64) return a.compare(b, bt, bt + length, at, at + length) === 0;
  let i = 0;
  // By fours: the engine's checks of the buffers are then made once for four bytes.
  for (const last = length - 3; i < last; i += 4) {
    const difference =
      (a[at + i] ^ b[bt + i]) |
      (a[at + i + 1] ^ b[bt + i + 1]) |
      (a[at + i + 2] ^ b[bt + i + 2]) |
      (a[at + i + 3] ^ b[bt + i + 3]);
    if (difference !== 0) return false;
  }
  for (; i < length; i++) if (a[at + i] !== b[bt + i]) return false;
  return true;
}

/**
 * Copies `from[start, end)` to `to[at]`. Short runs by hand: the call into `set` costs more than the bytes.
 */
export function copyBytes(to: Buffer, at: number, from: Buffer, start: number, end: number): void {
  if (end - start < 48) for (let i = start; i < end; i++) to[at++] = from[i];
  else from.copy(to, at, start, end);
}

/** Order of two byte strings, as memcmp and then length: negative, zero or positive. */
export function compareBytes(a: Bytes, b: Bytes): number {
  return a.buffer.compare(b.buffer, b.start, b.end, a.start, a.end);
}
