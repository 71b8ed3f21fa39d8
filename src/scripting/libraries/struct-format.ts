import type { LuaHost } from './host.js';
import { MAX_INT } from './lua-numbers.js';

/** The widest integer, in bytes. */
const MAX_INTEGER_SIZE = 32;
/** What a plain `!` aligns to. */
const NATIVE_ALIGNMENT = 8;

/** The sizes of what has no number after it, as on a 64-bit machine. */
const SIZES: Record<string, number> = { b: 1, B: 1, h: 2, H: 2, l: 8, L: 8, T: 8, f: 4, d: 8, x: 1 };

/**
 * A reader of format strings. `next` goes to the next item; its letter and properties are then in the fields.
 * Formats are C strings: they end at a byte 0.
 */
export class StructFormat {
  /** The letter of the item. */
  letter = '';
  /** Its size in bytes; 0 for what has none: strings, settings. */
  size = 0;
  littleEndian = true;
  private alignment = 1;
  private at = 0;

  constructor(private readonly host: LuaHost) {}

  /** Begins with the format that is argument 1. */
  begin(L: number): void {
    this.at = this.host.checkString(L, 1);
    this.littleEndian = true;
    this.alignment = 1;
  }

  /** False at the end. */
  next(L: number): boolean {
    const byte = this.host.bytes[this.at];
    if (byte === 0) return false;
    this.at++;
    this.letter = String.fromCharCode(byte);
    this.size = this.readSize(L);
    return true;
  }

  /** Bytes between `position` and where the item begins. */
  padding(position: number): number {
    if (this.size === 0 || this.letter === 'c') return 0;
    const alignment = Math.min(this.size, this.alignment);
    // Meant for powers of two. For others it gives what it gives in Redis.
    return (alignment - (position & (alignment - 1))) & (alignment - 1);
  }

  /** Takes the item as a setting; raises an error if it is none. */
  apply(L: number): void {
    switch (this.letter) {
      case ' ':
        return;
      case '>':
        this.littleEndian = false;
        return;
      case '<':
        this.littleEndian = true;
        return;
      case '!':
        this.alignment = this.readAlignment(L);
        return;
    }
    this.host.argumentError(L, 1, `invalid format option '${this.letter}'`);
  }

  private readSize(L: number): number {
    switch (this.letter) {
      case 'c':
        return this.readNumber(L, 1);
      case 'i':
      case 'I':
        return this.readIntegerSize(L);
    }
    return SIZES[this.letter] ?? 0;
  }

  private readIntegerSize(L: number): number {
    const size = this.readNumber(L, 4);
    if (size > MAX_INTEGER_SIZE) {
      this.host.fail(L, `integral size ${size} is larger than limit of ${MAX_INTEGER_SIZE}`);
    }
    return size;
  }

  private readAlignment(L: number): number {
    const alignment = this.readNumber(L, NATIVE_ALIGNMENT);
    if (alignment === 0 || (alignment & (alignment - 1)) !== 0) {
      this.host.fail(L, `alignment ${alignment} is not a power of 2`);
    }
    return alignment;
  }

  private readNumber(L: number, fallback: number): number {
    const { bytes } = this.host;
    let digit = bytes[this.at] - 0x30;
    if (!(digit >= 0 && digit <= 9)) return fallback;
    let n = 0;
    while (digit >= 0 && digit <= 9) {
      n = n * 10 + digit;
      if (n > MAX_INT) this.host.fail(L, 'integral size overflow');
      digit = bytes[++this.at] - 0x30;
    }
    return n;
  }
}

/** `struct.size`: the bytes that a format of fixed size takes. */
export function structSize(host: LuaHost, L: number): number {
  const format = new StructFormat(host);
  format.begin(L);
  let position = 0;
  while (format.next(L)) {
    const { letter, size } = format;
    position += format.padding(position);
    if (letter === 's') host.argumentError(L, 1, "option 's' has no fixed size");
    if (letter === 'c' && size === 0) host.argumentError(L, 1, "option 'c0' has no fixed size");
    if (!/[0-9A-Za-z]/.test(letter)) format.apply(L); // unknown letters count nothing
    position += size;
  }
  return position;
}
