import type { ByteSource } from '../../src/persistence/byte-source.js';

/** Bytes that are there already. */
export class MemorySource implements ByteSource {
  private position = 0;

  constructor(private readonly bytes: Buffer) {}

  get total(): number {
    return this.bytes.length;
  }

  read(into: Buffer, at: number, end: number): number {
    const count = this.bytes.copy(into, at, this.position, this.position + end - at);
    this.position += count;
    return count;
  }
}
