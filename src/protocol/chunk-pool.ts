/** Bytes in the chunks of a writer whose client gets much to read. */
export const chunkSize = 16384;
/** Bytes in the chunks of a writer whose client reads little, or only messages now and then. */
export const leastChunkSize = 1024;
/** Chunks of each size that are kept for the next who needs one. */
const maxPooledChunks = 64;
/** As many messages to subscribers may be under way at the end of a turn. */
const maxPooledSmallChunks = 4096;
/**
 * Bytes in the chunks of replies that an ordinary one does not hold: they leave with one write, and the chunk can be
 * used again, where a list of chunks would be garbage.
 */
export const largeChunkSize = 131072;
const maxPooledLargeChunks = 8;
/** Replies up to this many bytes are copied once more when they are sent. */
const longestStaged = 256;

/**
 * Short replies are copied here to be sent, for a view of the place where they were written costs 100 ns and garbage:
 * here the views are kept.
 */
class StagingBuffer {
  private bytes = Buffer.allocUnsafeSlow(longestStaged);
  private views: Buffer[] = [];

  /** Valid until the next copy is made, or for good if it is given away. */
  copy(from: Buffer, length: number): Buffer {
    const { bytes } = this;
    for (let i = 0; i < length; i++) bytes[i] = from[i];
    return (this.views[length] ??= bytes.subarray(0, length));
  }

  /** False if the view is none of this buffer. */
  giveAway(view: Buffer): boolean {
    if (view.buffer !== this.bytes.buffer) return false;
    this.bytes = Buffer.allocUnsafeSlow(longestStaged);
    this.views = [];
    return true;
  }
}

/** Output chunks that no reply uses at the moment. One pool serves all connections of an event loop. */
export class ChunkPool {
  /** Bytes that all writers hold: their chunks, and the large replies and messages that wait beside them. */
  held = 0;
  /** By size: index 0 has the smallest chunks, each next one those of twice the size. */
  private readonly free: Buffer[][] = Array.from({ length: sizeIndex(largeChunkSize) + 1 }, () => []);
  private readonly staging = new StagingBuffer();

  /** A chunk of a power of two of bytes, `leastChunkSize` to `largeChunkSize`. */
  acquire(size: number): Buffer {
    return this.free[sizeIndex(size)].pop() ?? Buffer.allocUnsafeSlow(size);
  }

  /** The first `length` bytes of a chunk, or a copy of them that lasts until the next call. */
  view(chunk: Buffer, length: number): Buffer {
    return length <= longestStaged ? this.staging.copy(chunk, length) : chunk.subarray(0, length);
  }

  /** Somebody keeps what `view` returned. True if that was a copy, so that the chunk is free. */
  giveAway(view: Buffer): boolean {
    return this.staging.giveAway(view);
  }

  /** Takes a chunk back, unless it is of another size or there are enough of them. */
  release(chunk: Buffer): void {
    const { length } = chunk;
    if (length < leastChunkSize || length > largeChunkSize || (length & (length - 1)) !== 0) return;
    const free = this.free[sizeIndex(length)];
    if (free.length < mostPooled(length)) free.push(chunk);
  }
}

/** How many chunks of a size are kept. */
function mostPooled(length: number): number {
  if (length < chunkSize) return maxPooledSmallChunks;
  return length === chunkSize ? maxPooledChunks : maxPooledLargeChunks;
}

/** 0 for the smallest chunks, 1 for those of twice the size ... */
function sizeIndex(size: number): number {
  return 21 - Math.clz32(size);
}
