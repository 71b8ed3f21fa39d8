/** Bytes that are handed over at once. */
const chunkBytes = 256 * 1024;

/**
 * Collects bytes: in a buffer that grows, or, with `onFull`, in chunks that are handed over as they fill. Each chunk
 * has memory of its own and belongs to the one who gets it.
 */
export class ByteWriter {
  protected buffer: Buffer;
  protected used = 0;

  constructor(private readonly onFull?: (chunk: Buffer) => void) {
    this.buffer = Buffer.allocUnsafeSlow(onFull === undefined ? 1024 : chunkBytes);
  }

  /** What was written since the last chunk. Shares memory with the writer. */
  get bytes(): Buffer {
    return this.buffer.subarray(0, this.used);
  }

  byte(n: number): void {
    this.room(1);
    this.buffer[this.used++] = n;
  }

  /** Bytes as they are. */
  raw(buffer: Buffer, start = 0, end = buffer.length): void {
    let from = start;
    while (this.onFull !== undefined && this.used + (end - from) > this.buffer.length) {
      from += buffer.copy(this.buffer, this.used, from, end);
      this.used = this.buffer.length;
      this.handOver();
    }
    this.room(end - from);
    if (end - from > shortCopy) buffer.copy(this.buffer, this.used, from, end);
    else for (let i = from; i < end; i++) this.buffer[this.used + i - from] = buffer[i];
    this.used += end - from;
  }

  /** Latin1 text as it is. */
  latin1(text: string): void {
    this.room(text.length);
    this.used += this.buffer.write(text, this.used, 'latin1');
  }

  /** Hands over what there is. */
  handOver(): void {
    if (this.onFull === undefined || this.used === 0) return;
    const { bytes } = this;
    this.buffer = Buffer.allocUnsafeSlow(chunkBytes);
    this.used = 0;
    this.onFull(bytes);
  }

  /** Forgets what was written. */
  clear(): void {
    if (this.buffer.length > chunkBytes) this.buffer = Buffer.allocUnsafeSlow(1024);
    this.used = 0;
  }

  /** Sees to it that so few bytes have room in one piece. */
  protected room(bytes: number): void {
    if (this.used + bytes <= this.buffer.length) return;
    if (this.onFull !== undefined && bytes <= chunkBytes) return this.handOver();
    const larger = Buffer.allocUnsafeSlow(Math.max(this.buffer.length * 2, this.used + bytes));
    this.buffer.copy(larger, 0, 0, this.used);
    this.buffer = larger;
  }
}

/** Shorter copies are made by hand: the call costs more. */
const shortCopy = 32;
