import { type Bytes, copyBytes } from '../bytes/bytes.js';
import {
  END,
  EncodedElement,
  elementLength,
  HEADER_LENGTH,
  int64At,
  integerAt,
  isIntegerAt,
  readBacklen,
  readElement,
  toldCount,
  UNKNOWN_COUNT,
  writeListpackHeader,
} from './listpack-format.js';
import { type PackedBytes, splice } from './packed-bytes.js';

/**
 * Where an element begins, counted from the listpack's first byte, so that it survives a move of the
 * listpack. Changing the listpack before it invalidates it. 0 is "no element".
 */
export type ListpackPosition = number;

/** The elements that are being moved. */
let moved = Buffer.alloc(256);

/**
 * A list of byte strings in one piece of memory: what small hashes, lists, sets, sorted sets and the nodes of
 * big lists and streams are. `listpack-format.ts` has the format, `PackedBytes` says whose the memory is.
 *
 * One Listpack serves many: point its owner at another listpack's bytes and go on. Nothing here allocates.
 * Elements are found by walking, O(n) in elements; changes move the bytes behind them, O(n) in bytes. Bytes
 * that are written must not be a view of the listpack itself.
 *
 *     listpack.appendPair(field, value)                   // a hash: field, value, field, value ...
 *     const at = listpack.find(listpack.first(), field, 1)
 *     if (at !== 0) listpack.read(listpack.next(at), into)
 */
export class Listpack {
  private readonly element = new EncodedElement();
  private readonly second = new EncodedElement();

  constructor(readonly memory: PackedBytes) {}

  /** The number of elements. Beyond 65534 it has to be counted. */
  get count(): number {
    const { buffer, offset } = this.memory;
    const count = toldCount(buffer, offset);
    return count === UNKNOWN_COUNT ? this.countFrom(HEADER_LENGTH) : count;
  }

  get isEmpty(): boolean {
    return this.memory.buffer[this.memory.offset + HEADER_LENGTH] === END;
  }

  first(): ListpackPosition {
    return this.isEmpty ? 0 : HEADER_LENGTH;
  }

  last(): ListpackPosition {
    return this.previous(this.end());
  }

  next(at: ListpackPosition): ListpackPosition {
    const { buffer, offset } = this.memory;
    const next = at + elementLength(buffer, offset + at);
    return buffer[offset + next] === END ? 0 : next;
  }

  /** The element before `at`, where `at` may also be `end()`. */
  previous(at: ListpackPosition): ListpackPosition {
    if (at === HEADER_LENGTH) return 0;
    const { buffer, offset } = this.memory;
    const length = readBacklen(buffer, offset + at);
    let backlen = 1;
    while (buffer[offset + at - backlen] >= 0x80) backlen++;
    return at - length - backlen;
  }

  /** The position after the last element: where an insertion appends. */
  end(): ListpackPosition {
    return this.memory.length - 1;
  }

  /** The element with that index; negative ones count from the end, -1 being the last. 0 if there is none. */
  seek(index: number): ListpackPosition {
    const { count } = this;
    if (index < 0) index += count;
    if (index < 0 || index >= count) return 0;
    if (index * 2 <= count) {
      let at = HEADER_LENGTH;
      while (index-- > 0) at = this.next(at);
      return at;
    }
    let at = this.last();
    while (++index < count) at = this.previous(at);
    return at;
  }

  /**
   * Points `into` at the element's bytes. A string's are those of the listpack itself, valid until it changes
   * or moves; an integer's are decimal text that is overwritten after DECIMAL_TEXTS further readings.
   */
  read(at: ListpackPosition, into: Bytes): void {
    readElement(this.memory.buffer, this.memory.offset + at, into);
  }

  isInteger(at: ListpackPosition): boolean {
    return isIntegerAt(this.memory.buffer, this.memory.offset + at);
  }

  /** The element as a number; NaN if it is a string, or an integer that is not a safe one. */
  readInteger(at: ListpackPosition): number {
    return integerAt(this.memory.buffer, this.memory.offset + at);
  }

  /** The element as an integer of any size; undefined if it is a string. */
  readInt64(at: ListpackPosition): bigint | undefined {
    return int64At(this.memory.buffer, this.memory.offset + at);
  }

  /** True if the element is these bytes. */
  equals(at: ListpackPosition, bytes: Bytes): boolean {
    return this.element.set(bytes).isAt(this.memory.buffer, this.memory.offset + at);
  }

  /**
   * The first element at or after `from` that is these bytes, looking at one and then leaving out `skip`: 1
   * finds fields of a hash and members of a sorted set. 0 if there is none, or if `from` is 0. About 5 ns an
   * element.
   */
  find(from: ListpackPosition, bytes: Bytes, skip = 0): ListpackPosition {
    if (from === 0) return 0;
    const { buffer, offset } = this.memory;
    const wanted = this.element.set(bytes);
    let at = offset + from;
    while (buffer[at] !== END) {
      if (wanted.isAt(buffer, at)) return at - offset;
      at += elementLength(buffer, at);
      for (let left = skip; left > 0 && buffer[at] !== END; left--) at += elementLength(buffer, at);
    }
    return 0;
  }

  /** The bytes by which appending this element would make the listpack longer. */
  lengthOf(bytes: Bytes): number {
    return this.element.set(bytes).length;
  }

  append(bytes: Bytes): void {
    this.insert(this.end(), bytes);
  }

  appendInteger(n: number): void {
    const { element } = this;
    element.setInteger(n);
    this.write(this.end(), 0, 0, element);
  }

  /** Appends two elements at the cost of one: a field and its value, a member and its score. */
  appendPair(first: Bytes, second: Bytes): void {
    this.insertPair(this.end(), first, second);
  }

  /**
   * Puts an element before the one at `at`, or at the end if `at` is `end()`. The new element is at `at`
   * then.
   */
  insert(at: ListpackPosition, bytes: Bytes): void {
    this.write(at, 0, 0, this.element.set(bytes));
  }

  /** As insert, with two elements. */
  insertPair(at: ListpackPosition, first: Bytes, second: Bytes): void {
    this.write(at, 0, 0, this.element.set(first), this.second.set(second));
  }

  /** Puts these bytes in the place of the element at `at`. */
  replace(at: ListpackPosition, bytes: Bytes): void {
    const { buffer, offset } = this.memory;
    this.write(at, elementLength(buffer, offset + at), 1, this.element.set(bytes));
  }

  replaceInteger(at: ListpackPosition, n: number): void {
    const { buffer, offset } = this.memory;
    this.write(at, elementLength(buffer, offset + at), 1, this.element.setInteger(n));
  }

  /**
   * Removes up to `count` elements from `at` on; returns how many. The element after them is at `at` then, if
   * `at` is not `end()`.
   */
  delete(at: ListpackPosition, count = 1): number {
    const { buffer, offset } = this.memory;
    let end = offset + at;
    let deleted = 0;
    while (deleted < count && buffer[end] !== END) {
      end += elementLength(buffer, end);
      deleted++;
    }
    if (deleted > 0) this.removeBytes(at, end - offset - at, deleted);
    return deleted;
  }

  /**
   * Moves `count` elements from `at` on to before the element at `to`, which is none of them, or to the end
   * if `to` is `end()`. Returns where the first of them is then. The listpack stays as long as it is.
   */
  move(at: ListpackPosition, count: number, to: ListpackPosition): ListpackPosition {
    this.memory.beforeChange();
    const { buffer, offset } = this.memory;
    let end = offset + at;
    for (let left = count; left > 0; left--) end += elementLength(buffer, end);
    const length = end - offset - at;
    if (length > moved.length) moved = Buffer.alloc(length * 2);
    copyBytes(moved, 0, buffer, end - length, end);
    if (to > at) buffer.copyWithin(end - length, end, offset + to);
    else buffer.copyWithin(offset + to + length, offset + to, offset + at);
    const place = to > at ? to - length : to;
    copyBytes(buffer, offset + place, moved, 0, length);
    return place;
  }

  /** Removes all elements. */
  clear(): void {
    this.delete(HEADER_LENGTH, Number.POSITIVE_INFINITY);
  }

  /**
   * Appends `count` elements of another listpack, those in its bytes `from` to `to`, as they are: the way to
   * merge and split lists. The other one's memory must stay where it is when this one's is resized.
   */
  appendRange(other: Listpack, from: ListpackPosition, to: ListpackPosition, count: number): void {
    const at = this.end();
    const source = other.memory;
    splice(this.memory, at, 0, to - from);
    source.buffer.copy(this.memory.buffer, this.memory.offset + at, source.offset + from, source.offset + to);
    this.writeHeader(this.memory.length, count);
  }

  private write(
    at: ListpackPosition,
    removedBytes: number,
    removed: number,
    first: EncodedElement,
    second?: EncodedElement,
  ): void {
    const inserted = first.length + (second === undefined ? 0 : second.length);
    splice(this.memory, at, removedBytes, inserted);
    const { buffer, offset } = this.memory;
    const next = first.write(buffer, offset + at);
    if (second !== undefined) second.write(buffer, next);
    this.writeHeader(this.memory.length, (second === undefined ? 1 : 2) - removed);
  }

  private removeBytes(at: ListpackPosition, bytes: number, elements: number): void {
    splice(this.memory, at, bytes, 0);
    this.writeHeader(this.memory.length, -elements);
  }

  /** Sets the length in bytes and changes the number of elements, which stays unknown once it was. */
  private writeHeader(length: number, added: number): void {
    const { buffer, offset } = this.memory;
    const told = toldCount(buffer, offset);
    writeListpackHeader(buffer, offset, length, told === UNKNOWN_COUNT ? told : told + added);
  }

  private countFrom(at: ListpackPosition): number {
    const { buffer, offset } = this.memory;
    let count = 0;
    for (let place = offset + at; buffer[place] !== END; place += elementLength(buffer, place)) count++;
    return count;
  }
}
