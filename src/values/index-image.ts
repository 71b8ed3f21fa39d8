import type { IdChunk, IdIndex, IdRow } from './id-index.js';
import type { StreamId } from './stream-id.js';

/** A chunk as it was. Its words are still the chunk's own until that changes. */
interface ShownChunk {
  readonly chunk: IdChunk;
  readonly words: Int32Array;
  readonly start: number;
  readonly end: number;
}

const NO_WORDS = new Int32Array(0);

/**
 * The rows of an IdIndex as they are now, to be walked once, from the first to the last, while the index changes. It
 * shares the chunks, and the index copies one before it changes it. O(chunks).
 *
 *     while (image.next()) image.readId(id)
 */
export class IndexImage implements IdRow {
  readonly size: number;
  /** Bytes that were copied because they were about to change. */
  copiedBytes = 0;
  /** The present row. */
  words: Int32Array = NO_WORDS;
  at = 0;
  private readonly width: number;
  private readonly chunks: ShownChunk[] = [];
  private chunkNumber = -1;
  private row = 0;
  private end = 0;

  /**
   * `still`: the index does not change while this is used, and need not know of it. Otherwise there is one image at a
   * time.
   */
  constructor(index: IdIndex, still: boolean) {
    this.size = index.size;
    this.width = index.width;
    for (const chunk of index.chunks) {
      this.chunks.push({ chunk, words: chunk.words, start: chunk.start, end: chunk.end });
      if (!still) chunk.image = this;
    }
  }

  /** Goes to the next row, at first to the first one. False at the end. */
  next(): boolean {
    if (this.row + 1 < this.end) {
      this.row++;
      this.at += this.width;
      return true;
    }
    return this.nextChunk();
  }

  private nextChunk(): boolean {
    if (this.chunkNumber >= 0) this.leave(this.chunks[this.chunkNumber]);
    if (this.chunkNumber + 1 >= this.chunks.length) return false;
    const { words, start, end } = this.chunks[++this.chunkNumber];
    this.words = words;
    this.row = start;
    this.end = end;
    this.at = start * this.width;
    return true;
  }

  /** The chunk was shown: it may change as it likes. */
  private leave({ chunk }: ShownChunk): void {
    if (chunk.image === this) chunk.image = undefined;
  }

  readId(into: StreamId): StreamId {
    const { words, at } = this;
    return into.setWords(words[at], words[at + 1], words[at + 2], words[at + 3]);
  }

  /** It is not needed any more. */
  drop(): void {
    for (const shown of this.chunks) this.leave(shown);
    this.chunks.length = 0;
    this.chunkNumber = -1;
    this.row = this.end = 0;
  }
}
