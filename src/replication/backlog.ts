import { copyBytes } from '../bytes/bytes.js';

const leastBlockBytes = 16 * 1024;
const mostBlockBytes = 1024 * 1024;
/** A block is this part of the whole, so that what is kept is about as much as was asked for. */
const blocksOfBacklog = 16;

/**
 * A piece of the stream. Bytes are only ever appended, so a view of those that are there stays true; it lives as long
 * as somebody refers to it.
 */
export interface BacklogBlock {
  readonly buffer: Buffer;
  /** Bytes of the stream before this block. */
  readonly start: number;
  used: number;
  next: BacklogBlock | undefined;
}

/**
 * The end of the replication stream: what replicas that come back may have missed (`repl-backlog-size` bytes at
 * least, if there are so many), and what those that are connected have still to be sent. All read the same blocks, so
 * a slow replica costs memory once, however many there are.
 *
 * Positions are counts of bytes: "at n" is where n bytes of the stream have passed.
 */
export class Backlog {
  /** Bytes of memory of all blocks. */
  memory = 0;
  private first: BacklogBlock;
  private last: BacklogBlock;

  /** Begins empty, `end` bytes into the stream. `neededFrom`: the first position that somebody has still to be sent. */
  constructor(
    private maxBytes: number,
    end: number,
    private readonly neededFrom: () => number = () => Number.POSITIVE_INFINITY,
  ) {
    this.first = this.last = this.newBlock(end, 0);
  }

  /** Position of the first byte that is kept. */
  get start(): number {
    return this.first.start;
  }

  /** Position after the last byte. */
  get end(): number {
    return this.last.start + this.last.used;
  }

  /** Bytes that are kept. */
  get length(): number {
    return this.end - this.start;
  }

  /** `repl-backlog-size`. */
  get size(): number {
    return this.maxBytes;
  }

  /** Keeps more from now on, or less. */
  resize(maxBytes: number): void {
    this.maxBytes = maxBytes;
    this.trim();
  }

  /** Hot while there are replicas: copies the bytes. */
  append(buffer: Buffer, start = 0, end = buffer.length): void {
    let from = start;
    while (from < end) {
      const { last } = this;
      const room = last.buffer.length - last.used;
      if (room === 0) {
        this.last = last.next = this.newBlock(last.start + last.used, end - from);
        this.trim();
        continue;
      }
      const until = Math.min(end, from + room);
      copyBytes(last.buffer, last.used, buffer, from, until);
      last.used += until - from;
      from = until;
    }
  }

  /** The block that the byte at a position is in, or will be; undefined if it is not kept any more, or far ahead. */
  find(position: number): BacklogBlock | undefined {
    if (position < this.start || position > this.end) return undefined;
    let block = this.first;
    while (block.next !== undefined && position >= block.next.start) block = block.next;
    return block;
  }

  /** The last `length` bytes before the end, in a buffer of their own. */
  tail(length: number): Buffer {
    const from = Math.max(this.start, this.end - length);
    const parts: Buffer[] = [];
    for (let block = this.find(from); block !== undefined; block = block.next) {
      parts.push(block.buffer.subarray(Math.max(0, from - block.start), block.used));
    }
    return Buffer.concat(parts);
  }

  /** Drops blocks from the front that nobody needs, as long as enough is kept. */
  trim(): void {
    const needed = this.neededFrom();
    const { end } = this;
    for (let next = this.first.next; next !== undefined; next = this.first.next) {
      if (end - next.start < this.maxBytes || next.start > needed) return;
      this.memory -= this.first.buffer.length;
      this.first = next;
    }
  }

  private newBlock(start: number, expected: number): BacklogBlock {
    const usual = Math.max(
      leastBlockBytes,
      Math.min(mostBlockBytes, Math.floor(this.maxBytes / blocksOfBacklog)),
    );
    const buffer = Buffer.allocUnsafeSlow(Math.max(usual, Math.min(expected, mostBlockBytes)));
    this.memory += buffer.length;
    return { buffer, start, used: 0, next: undefined };
  }
}
