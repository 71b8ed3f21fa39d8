import { expect } from 'vitest';
import type { PackedBytes } from '../../src/memory/packed-bytes.js';

const GUARD = 0xee;
const MARGIN = 16;

/** An owner that moves its bytes at every resize, and notices when something is written outside of them. */
export class HeapBytes implements PackedBytes {
  buffer: Buffer = Buffer.alloc(MARGIN, GUARD);
  offset = MARGIN;
  length = 0;

  static of(bytes: Uint8Array): HeapBytes {
    const owner = new HeapBytes();
    owner.resize(bytes.length);
    owner.buffer.set(bytes, owner.offset);
    return owner;
  }

  beforeChange(): void {}

  resize(length: number): void {
    const old = this.bytes();
    this.checkGuards();
    this.offset = this.offset === MARGIN ? MARGIN + 3 : MARGIN;
    this.buffer = Buffer.alloc(this.offset + length + MARGIN, GUARD);
    this.length = length;
    this.buffer.fill(0x55, this.offset, this.offset + length);
    old.copy(this.buffer, this.offset, 0, Math.min(length, old.length));
  }

  bytes(): Buffer {
    return this.buffer.subarray(this.offset, this.offset + this.length);
  }

  checkGuards(): void {
    const before = this.buffer.subarray(0, this.offset);
    const after = this.buffer.subarray(this.offset + this.length);
    expect(Buffer.concat([before, after]).every((byte) => byte === GUARD)).toBe(true);
  }
}
