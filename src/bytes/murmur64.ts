/** The multiplier 0xc6a4a7935bd1e995, in halves, and its lower half in quarters. */
const MULTIPLIER_HIGH = 0xc6a4a793;
const MULTIPLIER_LOW = 0x5bd1e995;
const QUARTER_1 = 0x5bd1;
const QUARTER_0 = 0xe995;

/**
 * MurmurHash64A (Austin Appleby, public domain), the 64-bit variant for little-endian machines, in 32-bit
 * arithmetic: about 30 ns for 16 bytes. The two halves of the last hash stand in `high` and `low`.
 */
export class Murmur64 {
  /** Signed, as all 32-bit arithmetic. */
  high = 0;
  low = 0;

  constructor(private readonly seed: number) {}

  hash(buffer: Buffer, start: number, end: number): void {
    this.high = 0;
    this.low = end - start;
    this.multiply();
    let high = this.high;
    let low = this.low ^ this.seed;
    let at = start;
    for (; at + 8 <= end; at += 8) {
      this.low = word(buffer, at);
      this.high = word(buffer, at + 4);
      this.multiply();
      this.low ^= this.high >>> 15;
      this.multiply();
      this.high ^= high;
      this.low ^= low;
      this.multiply();
      high = this.high;
      low = this.low;
    }
    this.high = high;
    this.low = low;
    if (at < end) this.mixTail(buffer, at, end);
    this.low ^= this.high >>> 15;
    this.multiply();
    this.low ^= this.high >>> 15;
  }

  /** The last bytes, fewer than 8. */
  private mixTail(buffer: Buffer, start: number, end: number): void {
    for (let at = start; at < end; at++) {
      const shift = (at - start) * 8;
      if (shift < 32) this.low ^= buffer[at] << shift;
      else this.high ^= buffer[at] << (shift - 32);
    }
    this.multiply();
  }

  /** Multiplies by the multiplier, modulo 2^64. */
  private multiply(): void {
    const { high, low } = this;
    const low1 = low >>> 16;
    const low0 = low & 0xffff;
    const middle = low0 * QUARTER_1 + low1 * QUARTER_0 + Math.floor((low0 * QUARTER_0) / 0x10000);
    const carried = low1 * QUARTER_1 + Math.floor(middle / 0x10000);
    this.high = (Math.imul(high, MULTIPLIER_LOW) + Math.imul(low, MULTIPLIER_HIGH) + carried) | 0;
    this.low = Math.imul(low, MULTIPLIER_LOW);
  }
}

function word(buffer: Buffer, at: number): number {
  return buffer[at] | (buffer[at + 1] << 8) | (buffer[at + 2] << 16) | (buffer[at + 3] << 24);
}
