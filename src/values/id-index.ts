import type { IndexImage } from './index-image.js';
import type { StreamId } from './stream-id.js';

/** Rows in a full chunk, and in the first one of an index that is small. */
const MAX_ROWS = 128;
const FIRST_ROWS = 4;
/** A chunk with fewer rows joins its neighbour if both are half full then. */
const SPARSE_ROWS = MAX_ROWS / 4;
/** An index that empties keeps a chunk of up to so many rows, for most that empty are filled again at once. */
const KEPT_ROWS = 32;
/** Words of an ID, at the beginning of a row. */
export const ID_WORDS = 4;
/** About what a chunk takes beside its rows: two small objects and an ArrayBuffer. */
const CHUNK_OBJECT_BYTES = 240;

const NO_WORDS = new Int32Array(0);

/** Whoever counts the memory of what is not in arena blocks. */
export interface IndexAccount {
  indexBytes: number;
}

/** Rows [start, end) in ascending order of their IDs. Unused rows are on both sides. */
export class IdChunk {
  start = 0;
  end = 0;
  /** Who still shows these words: they are to be copied before they change. */
  image: IndexImage | undefined = undefined;
  constructor(public words: Int32Array) {}
}

/**
 * A sorted map from stream IDs to a few 32-bit words: rows of `width` words, the ID first, in chunks of up to 128
 * rows. Appending and removing at both ends are O(1), everything else O(log n) and the move of half a chunk. Nothing
 * allocates but chunks. Rows are reached with an `IdCursor`; what changes the index makes all other cursors on it
 * invalid.
 */
export class IdIndex {
  size = 0;
  /** Bytes of all chunks. They are in the account's sum. */
  bytes = 0;
  /** For the index itself and its cursors. */
  readonly chunks: IdChunk[] = [];
  /** A chunk without rows, to be used before a new one is made: a typed array costs as much as many rows. */
  private kept: IdChunk | undefined;

  constructor(
    readonly width: number,
    private readonly account: IndexAccount,
  ) {}

  /** Puts the cursor on the row of that ID. If there is none: false, and the cursor is on the one after it. */
  find(id: StreamId, cursor: IdCursor): boolean {
    cursor.seek(this, id);
    return !cursor.done && cursor.compare(id) === 0;
  }

  /** Adds a row for an ID greater than all others and puts the cursor on it. Its other words are not set. */
  append(id: StreamId, cursor: IdCursor): void {
    // An image does not look behind the rows that it has, and a chunk that lost one has words of its own.
    const chunk = this.chunkForAppend();
    writeId(chunk.words, chunk.end * this.width, id);
    chunk.end++;
    this.size++;
    cursor.place(this, this.chunks.length - 1, chunk.end - 1);
  }

  /** Adds a row for an ID that has none and puts the cursor on it. Its other words are not set. */
  insert(id: StreamId, cursor: IdCursor): void {
    cursor.seek(this, id);
    if (cursor.done) return this.append(id, cursor);
    let number = cursor.chunkNumber;
    let row = cursor.row;
    const chunk = this.chunks[number];
    if (chunk.end - chunk.start === MAX_ROWS) {
      this.split(number);
      if (row > chunk.end) {
        row -= chunk.end;
        number++;
      }
    }
    cursor.place(this, number, this.openRow(this.chunks[number], row));
    writeId(cursor.words, cursor.at, id);
    this.size++;
  }

  /** Removes the cursor's row. The cursor goes on to the one after it. */
  remove(cursor: IdCursor): void {
    const { chunkNumber, row } = cursor;
    const chunk = this.chunks[chunkNumber];
    if (chunk.image !== undefined) this.part(chunk);
    this.size--;
    const next = closeRow(chunk, row, this.width);
    if (chunk.start === chunk.end) {
      this.dropChunk(chunkNumber);
      cursor.enter(this, chunkNumber);
      return;
    }
    const offset = next - chunk.start;
    if (chunk.end - chunk.start < SPARSE_ROWS) this.joinWithNext(chunkNumber);
    cursor.place(this, chunkNumber, chunk.start + offset);
    if (chunk.start + offset === chunk.end) cursor.enter(this, chunkNumber + 1);
  }

  /** Gives a chunk words of its own, before they change. */
  part(chunk: IdChunk): void {
    if (chunk.image === undefined) return;
    chunk.image.copiedBytes += chunk.words.byteLength;
    chunk.words = chunk.words.slice();
    chunk.image = undefined;
  }

  clear(): void {
    this.account.indexBytes -= this.bytes;
    this.bytes = 0;
    this.size = 0;
    this.chunks.length = 0;
    this.kept = undefined;
  }

  /** A copy, in chunks that are full. */
  copy(account: IndexAccount): IdIndex {
    const copy = new IdIndex(this.width, account);
    for (const { words, start, end } of this.chunks) {
      const rows = words.slice(start * this.width, end * this.width);
      const chunk = new IdChunk(rows);
      chunk.end = end - start;
      copy.addChunk(copy.chunks.length, chunk);
    }
    copy.size = this.size;
    return copy;
  }

  /** The last chunk, with room for a row behind its last one. */
  private chunkForAppend(): IdChunk {
    const { chunks, width } = this;
    const last = chunks.at(-1);
    if (last === undefined) return this.firstChunk();
    const capacity = last.words.length / width;
    if (last.end < capacity) return last;
    const rows = last.end - last.start;
    if (rows <= capacity >> 1) {
      this.part(last);
      compact(last, width);
    } else if (capacity < MAX_ROWS) this.grow(last, Math.min(capacity * 2, MAX_ROWS));
    else return this.addChunk(chunks.length, newChunk(MAX_ROWS, width));
    return last;
  }

  private firstChunk(): IdChunk {
    const { kept } = this;
    if (kept === undefined) return this.addChunk(0, newChunk(FIRST_ROWS, this.width));
    this.kept = undefined;
    kept.start = kept.end = 0;
    this.chunks.push(kept);
    return kept;
  }

  /** Makes room for a row before the one at `row`, or at the chunk's end. Returns where the room is. */
  private openRow(chunk: IdChunk, row: number): number {
    const { width } = this;
    this.part(chunk);
    if (chunk.start > 0) {
      chunk.words.copyWithin((chunk.start - 1) * width, chunk.start * width, row * width);
      chunk.start--;
      return row - 1;
    }
    if (chunk.end === chunk.words.length / width) this.grow(chunk, Math.min(chunk.end * 2, MAX_ROWS));
    chunk.words.copyWithin((row + 1) * width, row * width, chunk.end * width);
    chunk.end++;
    return row;
  }

  private grow(chunk: IdChunk, rows: number): void {
    const words = new Int32Array(rows * this.width);
    words.set(chunk.words.subarray(chunk.start * this.width, chunk.end * this.width));
    this.count(words.byteLength - chunk.words.byteLength);
    chunk.words = words;
    chunk.image = undefined;
    chunk.end -= chunk.start;
    chunk.start = 0;
  }

  /** Moves the upper half of a full chunk to a new one behind it. */
  private split(number: number): void {
    const chunk = this.chunks[number];
    const half = MAX_ROWS >> 1;
    const right = newChunk(MAX_ROWS, this.width);
    right.words.set(chunk.words.subarray(half * this.width, chunk.end * this.width));
    right.end = chunk.end - half;
    chunk.end = half;
    this.addChunk(number + 1, right);
  }

  private joinWithNext(number: number): void {
    const chunk = this.chunks[number];
    const next = this.chunks[number + 1];
    if (next === undefined) return;
    const rows = chunk.end - chunk.start + next.end - next.start;
    if (rows > MAX_ROWS >> 1) return;
    const { width } = this;
    const words = new Int32Array(MAX_ROWS * width);
    words.set(chunk.words.subarray(chunk.start * width, chunk.end * width));
    words.set(next.words.subarray(next.start * width, next.end * width), (chunk.end - chunk.start) * width);
    this.count(words.byteLength - chunk.words.byteLength);
    chunk.words = words;
    chunk.image = undefined;
    chunk.start = 0;
    chunk.end = rows;
    this.dropChunk(number + 1);
  }

  private addChunk(number: number, chunk: IdChunk): IdChunk {
    if (number === this.chunks.length) this.chunks.push(chunk);
    else this.chunks.splice(number, 0, chunk);
    this.count(chunk.words.byteLength + CHUNK_OBJECT_BYTES);
    return chunk;
  }

  private dropChunk(number: number): void {
    const chunk = this.chunks[number];
    if (this.chunks.length === 1 && chunk.words.length <= KEPT_ROWS * this.width) this.kept = chunk;
    else this.count(-chunk.words.byteLength - CHUNK_OBJECT_BYTES);
    if (number === 0) this.chunks.shift();
    else this.chunks.splice(number, 1);
  }

  private count(bytes: number): void {
    this.bytes += bytes;
    this.account.indexBytes += bytes;
  }
}

/** A row where it lies: its words, and where in them it begins. */
export interface IdRow {
  readonly words: Int32Array;
  readonly at: number;
}

/** A place in an IdIndex: a row, or beyond the last (or before the first) one. Reused, never kept over a change. */
export class IdCursor {
  /** The chunk of the row, and where in it the row begins: its ID, then its other words. */
  words: Int32Array = NO_WORDS;
  at = 0;
  done = true;
  /** For the index. */
  chunkNumber = 0;
  row = 0;
  private index: IdIndex | undefined;

  /** The first row whose ID is not less than this one. */
  seek(index: IdIndex, id: StreamId): this {
    const { chunks, width } = index;
    let low = 0;
    let high = chunks.length;
    // The last chunk that begins at or before the ID. Mostly it is the first or the last of all.
    if (high > 1 && compareAt(chunks[high - 1].words, chunks[high - 1].start * width, id) <= 0)
      low = high - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (compareAt(chunks[middle].words, chunks[middle].start * width, id) <= 0) low = middle;
      else high = middle;
    }
    if (chunks.length === 0) return this.leave();
    const chunk = chunks[low];
    const row = lowerBound(chunk, width, id);
    return row === chunk.end ? this.enter(index, low + 1) : this.place(index, low, row);
  }

  /** The last row whose ID is not greater than this one. */
  seekBefore(index: IdIndex, id: StreamId): this {
    this.seek(index, id);
    if (this.done) return this.last(index);
    return this.compare(id) === 0 ? this : this.previous();
  }

  first(index: IdIndex): this {
    return this.enter(index, 0);
  }

  last(index: IdIndex): this {
    const number = index.chunks.length - 1;
    return number < 0 ? this.leave() : this.place(index, number, index.chunks[number].end - 1);
  }

  next(): this {
    const index = this.index!;
    if (this.row + 1 === index.chunks[this.chunkNumber].end) return this.enter(index, this.chunkNumber + 1);
    this.row++;
    this.at += index.width;
    return this;
  }

  previous(): this {
    const index = this.index!;
    if (this.row > index.chunks[this.chunkNumber].start) {
      this.row--;
      this.at -= index.width;
      return this;
    }
    if (this.chunkNumber === 0) return this.leave();
    const number = this.chunkNumber - 1;
    return this.place(index, number, index.chunks[number].end - 1);
  }

  /** Goes where another cursor is. */
  follow(other: IdCursor): this {
    this.words = other.words;
    this.at = other.at;
    this.done = other.done;
    this.chunkNumber = other.chunkNumber;
    this.row = other.row;
    this.index = other.index;
    return this;
  }

  /** To be called before words of the row change, unless it has just been added: an image may show them. */
  beforeWrite(): void {
    const index = this.index!;
    const chunk = index.chunks[this.chunkNumber];
    if (chunk.image !== undefined) index.part(chunk);
    this.words = chunk.words;
  }

  readId(into: StreamId): StreamId {
    const { words, at } = this;
    return into.setWords(words[at], words[at + 1], words[at + 2], words[at + 3]);
  }

  /** Negative, zero or positive, as the row's ID is less than, equal to or greater than this one. */
  compare(id: StreamId): number {
    return compareAt(this.words, this.at, id);
  }

  /** For the index: the row with that number. */
  place(index: IdIndex, chunkNumber: number, row: number): this {
    this.index = index;
    this.chunkNumber = chunkNumber;
    this.row = row;
    this.words = index.chunks[chunkNumber].words;
    this.at = row * index.width;
    this.done = false;
    return this;
  }

  /** For the index: the first row of a chunk, or the end. */
  enter(index: IdIndex, chunkNumber: number): this {
    if (chunkNumber === index.chunks.length) return this.leave();
    return this.place(index, chunkNumber, index.chunks[chunkNumber].start);
  }

  private leave(): this {
    this.done = true;
    return this;
  }
}

function newChunk(rows: number, width: number): IdChunk {
  return new IdChunk(new Int32Array(rows * width));
}

/** Moves all rows to the beginning. */
function compact(chunk: IdChunk, width: number): void {
  chunk.words.copyWithin(0, chunk.start * width, chunk.end * width);
  chunk.end -= chunk.start;
  chunk.start = 0;
}

/** Takes a row away by moving the fewer ones of those before and behind it. Returns the place of the one behind. */
function closeRow(chunk: IdChunk, row: number, width: number): number {
  const { words, start, end } = chunk;
  if (row - start < end - 1 - row) {
    if (row > start) words.copyWithin((start + 1) * width, start * width, row * width);
    chunk.start++;
    return row + 1;
  }
  if (row < end - 1) words.copyWithin(row * width, (row + 1) * width, end * width);
  chunk.end--;
  return row;
}

function lowerBound(chunk: IdChunk, width: number, id: StreamId): number {
  const { words } = chunk;
  let low = chunk.start;
  let high = chunk.end;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareAt(words, middle * width, id) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function compareAt(words: Int32Array, at: number, id: StreamId): number {
  if (words[at] !== id.msHigh) return words[at] >>> 0 < id.msHigh >>> 0 ? -1 : 1;
  if (words[at + 1] !== id.msLow) return words[at + 1] >>> 0 < id.msLow >>> 0 ? -1 : 1;
  if (words[at + 2] !== id.seqHigh) return words[at + 2] >>> 0 < id.seqHigh >>> 0 ? -1 : 1;
  if (words[at + 3] !== id.seqLow) return words[at + 3] >>> 0 < id.seqLow >>> 0 ? -1 : 1;
  return 0;
}

function writeId(words: Int32Array, at: number, id: StreamId): void {
  words[at] = id.msHigh;
  words[at + 1] = id.msLow;
  words[at + 2] = id.seqHigh;
  words[at + 3] = id.seqLow;
}
