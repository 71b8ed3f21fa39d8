import { Bytes, copyBytes } from '../bytes/bytes.js';

/** Copies of many byte strings in one buffer, by index. */
export class ByteStrings {
  private buffer = Buffer.allocUnsafe(1024);
  private ends: number[] = [];
  private used = 0;

  get length(): number {
    return this.ends.length;
  }

  add(bytes: Bytes): void {
    const { length } = bytes;
    if (this.used + length > this.buffer.length) this.grow(this.used + length);
    copyBytes(this.buffer, this.used, bytes.buffer, bytes.start, bytes.end);
    this.used += length;
    this.ends.push(this.used);
  }

  private grow(needed: number): void {
    const larger = Buffer.allocUnsafe(needed * 2);
    this.buffer.copy(larger, 0, 0, this.used);
    this.buffer = larger;
  }

  /** Points `into` at the string with an index. Valid until the next `add`. */
  read(index: number, into: Bytes): Bytes {
    into.buffer = this.buffer;
    into.start = index === 0 ? 0 : this.ends[index - 1];
    into.end = this.ends[index];
    return into;
  }

  /** A view of each string. */
  views(): Bytes[] {
    return this.ends.map((_, index) => this.read(index, new Bytes(this.buffer)));
  }

  /** Order of two of the strings, as `compareBytes`. */
  compare(a: number, b: number): number {
    const { buffer, ends } = this;
    const startA = a === 0 ? 0 : ends[a - 1];
    const startB = b === 0 ? 0 : ends[b - 1];
    return buffer.compare(buffer, startB, ends[b], startA, ends[a]);
  }

  /** How many bytes all the strings begin with alike. */
  commonPrefix(): number {
    const { buffer, ends } = this;
    let common = ends[0] ?? 0;
    for (let i = 1; i < ends.length && common > 0; i++) {
      const start = ends[i - 1];
      common = Math.min(common, ends[i] - start);
      for (let at = 0; at < common; at++) if (buffer[start + at] !== buffer[at]) common = at;
    }
    return common;
  }

  /**
   * Six bytes from an offset on, as a number: strings alike before it are in the order of these numbers, if
   * those differ.
   */
  sixBytes(index: number, offset: number): number {
    const { buffer, ends } = this;
    const start = (index === 0 ? 0 : ends[index - 1]) + offset;
    const end = ends[index];
    let n = 0;
    for (let at = start; at < start + 6; at++) n = n * 256 + (at < end ? buffer[at] : 0);
    return n;
  }
}
