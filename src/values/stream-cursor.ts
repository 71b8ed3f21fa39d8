import type { Bytes } from '../bytes/bytes.js';
import {
  backlenLength,
  END,
  elementLength,
  HEADER_LENGTH,
  integerAt,
  readBacklen,
  readElement,
} from '../memory/listpack-format.js';
import { IdCursor } from './id-index.js';
import type { Stream } from './stream.js';
import { StreamId } from './stream-id.js';
import { EntryFlag, NodeWord, readEntryId } from './stream-node.js';

/**
 * A place in a stream: an entry that is not deleted, or none (`done`). Reused, and invalid after a change of the
 * stream.
 *
 *     for (cursor.seek(stream, from); !cursor.done && cursor.id.compare(to) <= 0; cursor.next()) {
 *       for (let left = cursor.fields; left > 0; left--) cursor.readPair(field, value)
 *     }
 */
export class StreamCursor {
  readonly id = new StreamId();
  done = true;
  /** The number of the entry's fields. */
  fields = 0;
  /** The entry's node, and where in the buffer its listpack begins. */
  readonly node = new IdCursor();
  buffer: Buffer = Buffer.alloc(0);
  base = 0;
  /** Where in the buffer the entry begins, with its flags, and where the first one of its node does. */
  entryAt = 0;
  entriesAt = 0;
  private stream: Stream | undefined;
  private end = 0;
  /** The names of the master entry: how many, and where the first is. */
  masterFields = 0;
  masterFieldsAt = 0;
  /** Another number for each visit of a node. */
  visit = 0;
  private flags = 0;
  /** The next value (or field) that was not read, how many there are, and the next field of the master entry. */
  private at = 0;
  private left = 0;
  private fieldAt = 0;
  private readonly last = new StreamId();

  /** The first entry whose ID is not less than this one. */
  seek(stream: Stream, from: StreamId): this {
    this.stream = stream;
    const { node } = this;
    if (node.seekBefore(stream.nodes, from).done) return this.seekFirst(stream);
    this.enterNode();
    return this.settle(this.positionOf(from));
  }

  /** The last entry whose ID is not greater than this one. */
  seekBefore(stream: Stream, to: StreamId): this {
    this.stream = stream;
    if (this.node.seekBefore(stream.nodes, to).done) return this.leave();
    this.enterNode();
    const at = this.positionOf(to);
    if (at !== this.end) {
      this.parse(at);
      if (this.id.equals(to) && !this.isDeleted) return this.stay();
    }
    return this.settleBackwards(at);
  }

  /**
   * As `seek`, with the place that `placeAfter` gave for the entry before: it is where to go on, while the node is
   * that one.
   */
  seekFrom(stream: Stream, from: StreamId, serial: number, offset: number): this {
    this.stream = stream;
    const { node } = this;
    if (node.seekBefore(stream.nodes, from).done) return this.seekFirst(stream);
    this.enterNode();
    const known = serial === this.serial;
    return this.settle(known ? this.entriesAt + offset : this.positionOf(from));
  }

  /** The number of the cursor's node. */
  get serial(): number {
    return this.node.words[this.node.at + NodeWord.serial];
  }

  /** Where in its node the entry ends. That stays so, for entries only get a mark when they are deleted. */
  get placeAfter(): number {
    return this.entryEnd() - this.entriesAt;
  }

  seekFirst(stream: Stream): this {
    this.stream = stream;
    if (this.node.first(stream.nodes).done) return this.leave();
    this.enterNode();
    return this.settle(this.entriesAt + stream.headSkip);
  }

  seekLast(stream: Stream): this {
    this.stream = stream;
    if (this.node.last(stream.nodes).done) return this.leave();
    this.enterNode();
    return this.settleBackwards(this.end);
  }

  next(): this {
    return this.settle(this.entryEnd());
  }

  previous(): this {
    return this.settleBackwards(this.entryAt);
  }

  /** The next field of the entry and its value, to be called `fields` times. Views of the stream's own memory. */
  readPair(field: Bytes, value: Bytes): void {
    const { buffer } = this;
    if ((this.flags & EntryFlag.sameFields) !== 0) {
      readElement(buffer, this.fieldAt, field);
      this.fieldAt += elementLength(buffer, this.fieldAt);
      this.left--;
    } else {
      readElement(buffer, this.at, field);
      this.at += elementLength(buffer, this.at);
      this.left -= 2;
    }
    readElement(buffer, this.at, value);
    this.at += elementLength(buffer, this.at);
  }

  /** The entry has the fields of the master entry: only its values lie in it. */
  get hasSameFields(): boolean {
    return (this.flags & EntryFlag.sameFields) !== 0;
  }

  /**
   * Where in the buffer the values lie, or fields and values: for one who reads all of them, and says so by `passed`.
   */
  get valuesAt(): number {
    return this.at;
  }

  /** All values were read; they end there. */
  passed(end: number): void {
    this.at = end;
    this.left = 0;
  }

  get isDeleted(): boolean {
    return (this.flags & EntryFlag.deleted) !== 0;
  }

  /** Goes to the first entry of the cursor's node, deleted or not; false if there is none. For the stream. */
  firstInNode(from = 0): boolean {
    const at = this.entriesAt + from;
    if (this.buffer[at] === END) return false;
    this.parse(at);
    return true;
  }

  /** The next entry of the same node, deleted or not; false if there is none. For the stream. */
  nextInNode(): boolean {
    const at = this.entryEnd();
    if (this.buffer[at] === END) return false;
    this.parse(at);
    return true;
  }

  /** Goes to the last entry of the cursor's node, deleted or not; false if there is none. For the stream. */
  lastInNode(): boolean {
    const at = this.entryBefore(this.end);
    if (at === 0) return false;
    this.parse(at);
    return true;
  }

  /** Reads the master entry of the node that `node` is at. */
  enterNode(): void {
    const { node } = this;
    const { arena } = this.stream!;
    const ref = node.words[node.at + NodeWord.ref];
    const base = arena.offsetOf(ref);
    this.enterBytes(arena.bufferOf(ref), base, base + node.words[node.at + NodeWord.length]);
  }

  /** Enters a node that belongs to no stream (any more): its master ID, and its listpack. For `firstInNode` and on. */
  enterDetached(master: StreamId, { buffer, start, end }: Bytes): void {
    const { msHigh, msLow, seqHigh, seqLow } = master;
    this.node.words = Int32Array.of(msHigh, msLow, seqHigh, seqLow);
    this.node.at = 0;
    this.enterBytes(buffer, start, end);
  }

  private enterBytes(buffer: Buffer, base: number, end: number): void {
    this.visit = ++visits;
    this.buffer = buffer;
    this.base = base;
    this.end = end - 1;
    let at = base + HEADER_LENGTH;
    at += elementLength(buffer, at);
    at += elementLength(buffer, at);
    this.masterFields = integerAt(buffer, at);
    at += elementLength(buffer, at);
    this.masterFieldsAt = at;
    for (let left = this.masterFields; left > 0; left--) at += elementLength(buffer, at);
    this.entriesAt = at + elementLength(buffer, at);
  }

  /** For the stream: takes it on without going anywhere. */
  open(stream: Stream): void {
    this.stream = stream;
  }

  private leave(): this {
    this.done = true;
    return this;
  }

  private stay(): this {
    this.done = false;
    return this;
  }

  /** The first entry at or after that place that is not deleted. */
  private settle(at: number): this {
    for (;;) {
      while (this.buffer[at] === END) {
        if (this.node.next().done) return this.leave();
        this.enterNode();
        at = this.entriesAt;
      }
      this.parse(at);
      if ((this.flags & EntryFlag.deleted) === 0) return this.stay();
      at = this.entryEnd();
    }
  }

  /** The last entry before that place that is not deleted. */
  private settleBackwards(at: number): this {
    for (;;) {
      let before = this.entryBefore(at);
      while (before === 0) {
        if (this.node.previous().done) return this.leave();
        this.enterNode();
        before = this.entryBefore(this.end);
      }
      this.parse(before);
      if ((this.flags & EntryFlag.deleted) === 0) return this.stay();
      at = before;
    }
  }

  private parse(at: number): void {
    const { buffer, node } = this;
    this.entryAt = at;
    this.flags = buffer[at];
    at = readEntryId(buffer, at + 2, node.words, node.at, this.id);
    if ((this.flags & EntryFlag.sameFields) !== 0) {
      this.left = this.fields = this.masterFields;
      this.fieldAt = this.masterFieldsAt;
    } else {
      this.fields = integerAt(buffer, at);
      this.left = this.fields * 2;
      at += elementLength(buffer, at);
    }
    this.at = at;
  }

  /** The place behind the entry. */
  private entryEnd(): number {
    const { buffer } = this;
    let { at } = this;
    for (let { left } = this; left >= 0; left--) at += elementLength(buffer, at); // and the number of elements
    return at;
  }

  /** The place of the entry that ends there, or 0 if that is where the master entry ends. */
  private entryBefore(end: number): number {
    const { buffer } = this;
    let at = elementBefore(buffer, end);
    let steps = integerAt(buffer, at);
    if (steps === 0) return 0;
    while (steps-- > 0) at = elementBefore(buffer, at);
    return at;
  }

  /**
   * The place of the first entry of this node, deleted or not, whose ID is not less than `id`, or the node's end. Walks
   * from the side that is likely to be nearer, so that what happens at a stream's end is O(1).
   */
  private positionOf(id: StreamId): number {
    const first = this.entriesAt;
    if (this.node.compare(id) >= 0 || this.buffer[first] === END) return first;
    this.parse(this.entryBefore(this.end));
    const { last } = this;
    if (last.assign(this.id).compare(id) < 0) return this.end;
    return this.isNearEnd(id) ? this.walkBack(id) : this.walkForward(id);
  }

  private isNearEnd(id: StreamId): boolean {
    const { node, last } = this;
    const master = node.readId(this.id);
    if (last.ms !== master.ms) return id.ms - master.ms > (last.ms - master.ms) / 2;
    return id.seq - master.seq > (last.seq - master.seq) / 2;
  }

  private walkForward(id: StreamId): number {
    let at = this.entriesAt;
    while (this.buffer[at] !== END) {
      this.parse(at);
      if (this.id.compare(id) >= 0) return at;
      at = this.entryEnd();
    }
    return at;
  }

  private walkBack(id: StreamId): number {
    let at = this.end;
    for (;;) {
      const before = this.entryBefore(at);
      if (before === 0) return at;
      this.parse(before);
      if (this.id.compare(id) < 0) return at;
      at = before;
    }
  }
}

let visits = 0;

/** Where the element that ends there begins. */
function elementBefore(buffer: Buffer, end: number): number {
  const length = readBacklen(buffer, end);
  return end - length - backlenLength(length);
}
