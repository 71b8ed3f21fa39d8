import type { Bytes } from '../bytes/bytes.js';
import type { Arena, Ref } from '../memory/arena.js';
import type { BlockMover } from '../memory/block-mover.js';
import { Listpack, type ListpackPosition } from '../memory/listpack.js';
import {
  backlenLength,
  EMPTY_LISTPACK_LENGTH,
  END,
  EncodedElement,
  elementLength,
  HEADER_LENGTH,
  readBacklen,
  readElement,
  writeEmptyListpack,
  writeListpackHeader,
} from '../memory/listpack-format.js';
import type { PackedBytes } from '../memory/packed-bytes.js';
import { Collection, type CollectionImage, type VisitElement } from './collection.js';
import type { ListCursor } from './list-cursor.js';
import type { ListSettings } from './list-settings.js';
import { QuicklistImage, showNode } from './quicklist-image.js';

/** A piece of a big list: a listpack of at least one element, somewhere in an arena block of its own. */
export class QuicklistNode {
  previous: QuicklistNode | undefined = undefined;
  next: QuicklistNode | undefined = undefined;
  /** Elements. */
  count = 0;
  /** The listpack's bytes, and how many unused ones are before it in the block. */
  length = EMPTY_LISTPACK_LENGTH;
  start = 0;
  /** Holds one large element and takes no other. */
  plain = false;
  /** An image that has not seen this node yet, and must before its elements change. */
  image: QuicklistImage | undefined = undefined;

  constructor(
    public ref: Ref,
    public capacity: number,
  ) {}
}

/** About what a node costs beside its block. */
const NODE_OBJECT_BYTES = 88;
/** The least room that a node which is growing gets. */
const LEAST_CAPACITY = 128;

/**
 * A big list: a chain of listpacks, each bounded by the settings. Pushing and popping at both ends is O(1): a
 * node has unused bytes on the side where it grows, or where it was eaten away, so that no other element has
 * to move. An index is found by walking over nodes from the nearer end.
 *
 * Bytes that are written must not be a view of the same list.
 */
export class Quicklist extends Collection {
  size = 0;
  nodes = 0;
  head: QuicklistNode | undefined = undefined;
  tail: QuicklistNode | undefined = undefined;
  /** Where `defragment` goes on. */
  private nextToMove: QuicklistNode | undefined = undefined;

  constructor(
    arena: Arena,
    private readonly settings: ListSettings,
  ) {
    super(arena);
  }

  elementBytes(samples: number): number {
    let bytes = 0;
    let seen = 0;
    for (let node = this.head; node !== undefined && (samples === 0 || seen < samples); node = node.next) {
      bytes += this.arena.capacityOf(node.ref);
      seen++;
    }
    return seen === 0 ? 0 : Math.round((bytes / seen) * this.nodes);
  }

  get bytes(): number {
    return this.nodes * NODE_OBJECT_BYTES;
  }

  /** Appends a node that holds a copy of a listpack, which must not be empty. */
  appendListpack(buffer: Buffer, from: number, length: number, plain = false): void {
    this.beforeChange();
    const node = this.newNode(length);
    node.length = length;
    node.plain = plain;
    buffer.copy(this.arena.bufferOf(node.ref), this.arena.offsetOf(node.ref), from, from + length);
    node.count = pointAt(this.arena, node).count;
    this.size += node.count;
    this.link(node, this.tail, undefined);
  }

  /** Takes the only node away, leaving the list empty. Its block is the caller's to release. */
  takeOnlyNode(): QuicklistNode {
    this.beforeChange();
    const node = this.head!;
    node.image?.keep(node);
    this.head = undefined;
    this.tail = undefined;
    this.arena.indexBytes -= this.bytes;
    this.nodes = 0;
    this.size = 0;
    return node;
  }

  pushFirst(bytes: Bytes): void {
    this.beforeChange();
    element.set(bytes);
    const { head } = this;
    this.size++;
    if (head !== undefined && this.accepts(head, bytes.length) && this.makeRoomBefore(head)) {
      this.writeFirst(head);
    } else {
      this.writeFirst(this.insertNode(undefined, head, bytes.length, true));
      if (head !== undefined) this.trim(head);
    }
  }

  pushLast(bytes: Bytes): void {
    this.beforeChange();
    element.set(bytes);
    const { tail } = this;
    this.size++;
    if (tail !== undefined && this.accepts(tail, bytes.length) && this.makeRoomBehind(tail)) {
      this.writeLast(tail);
    } else {
      this.writeLast(this.insertNode(tail, undefined, bytes.length, false));
      if (tail !== undefined) this.trim(tail);
    }
  }

  /** Points `into` at the first element, valid until the list changes. The list must not be empty. */
  first(into: Bytes): void {
    const node = this.head!;
    readElement(this.arena.bufferOf(node.ref), this.beginOf(node) + HEADER_LENGTH, into);
  }

  last(into: Bytes): void {
    const node = this.tail!;
    const buffer = this.arena.bufferOf(node.ref);
    const end = this.beginOf(node) + node.length - 1;
    const length = readBacklen(buffer, end);
    readElement(buffer, end - length - backlenLength(length), into);
  }

  removeFirst(): void {
    this.beforeChange();
    const node = this.head!;
    this.size--;
    if (node.count === 1) {
      this.drop(node);
      return;
    }
    if (node.image !== undefined) node.image.keep(node);
    const begin = this.beginOf(node);
    const length = elementLength(this.arena.bufferOf(node.ref), begin + HEADER_LENGTH);
    node.start += length;
    node.length -= length;
    node.count--;
    this.writeHeader(node);
  }

  removeLast(): void {
    this.beforeChange();
    const node = this.tail!;
    this.size--;
    if (node.count === 1) {
      this.drop(node);
      return;
    }
    if (node.image !== undefined) node.image.keep(node);
    const buffer = this.arena.bufferOf(node.ref);
    const end = this.beginOf(node) + node.length - 1;
    const length = readBacklen(buffer, end);
    node.length -= length + backlenLength(length);
    node.count--;
    this.writeHeader(node);
  }

  /** Puts the cursor on the element with that index, negative ones counting from the end; or nowhere. */
  seek(cursor: ListCursor, index: number): ListCursor {
    if (index < 0) index += this.size;
    if (index < 0 || index >= this.size) return cursor.leave();
    let node = this.head!;
    if (index < this.size / 2) {
      while (index >= node.count) {
        index -= node.count;
        node = node.next!;
      }
    } else {
      node = this.tail!;
      index -= this.size;
      while (-index > node.count) {
        index += node.count;
        node = node.previous!;
      }
    }
    return cursor.enterNode(this.arena, node, pointAt(this.arena, node).seek(index));
  }

  /** Puts an element before the cursor's. The cursor is invalid afterwards. */
  insertBefore(cursor: ListCursor, bytes: Bytes): void {
    this.insertAt(cursor.node!, cursor.position, bytes);
  }

  /** Puts an element behind the cursor's. The cursor is invalid afterwards. */
  insertAfter(cursor: ListCursor, bytes: Bytes): void {
    const node = cursor.node!;
    const { buffer, offset } = pointAt(this.arena, node).memory;
    this.insertAt(node, cursor.position + elementLength(buffer, offset + cursor.position), bytes);
  }

  /** Puts other bytes in the place of the cursor's element. The cursor is invalid afterwards. */
  replace(cursor: ListCursor, bytes: Bytes): void {
    this.beforeChange();
    const node = cursor.node!;
    node.image?.keep(node);
    const at = cursor.position;
    const listpack = pointAt(this.arena, node);
    const { buffer, offset } = listpack.memory;
    const growth = listpack.lengthOf(bytes) - elementLength(buffer, offset + at);
    const plain = bytes.length >= this.settings.plainBytes;
    if (node.count === 1 || (!plain && node.length + growth <= this.settings.bytes)) {
      node.plain = plain;
      listpack.replace(at, bytes);
      return;
    }
    listpack.delete(at);
    node.count--;
    this.size--;
    this.insertAt(node, at, bytes);
  }

  /** Removes the cursor's element. The cursor goes to the next one in the direction of the walk. */
  remove(cursor: ListCursor, forward: boolean): void {
    this.beforeChange();
    const node = cursor.node!;
    const { next, previous } = node;
    const at = cursor.position;
    this.removeFrom(node, at, 1);
    if (node.count === 0) {
      const neighbour = forward ? next : previous;
      if (neighbour === undefined) cursor.leave();
      else cursor.enterNode(this.arena, neighbour, forward ? HEADER_LENGTH : neighbour.length - 1);
    } else cursor.enterNode(this.arena, node, at);
    if (cursor.done) return;
    if (forward) cursor.skipEnd();
    else cursor.previous();
  }

  /** Removes `count` elements from that index on. O(nodes). */
  removeRange(index: number, count: number, cursor: ListCursor): void {
    this.beforeChange();
    while (count > 0) {
      const node = this.seek(cursor, index).node!;
      const removed = Math.min(count, this.size);
      count -= this.removeFrom(node, cursor.position, removed);
    }
  }

  /**
   * Joins neighbours that fit into one node, after many elements went from the middle. Leaves at least two
   * nodes.
   */
  compact(): void {
    this.beforeChange();
    for (let node = this.head; node !== undefined && this.nodes > 2; ) {
      const { next } = node;
      if (next === undefined || !this.merge(node, next)) node = next;
    }
  }

  copy(): Quicklist {
    const copy = new Quicklist(this.arena, this.settings);
    for (let node = this.head; node !== undefined; node = node.next) {
      copy.appendListpack(this.arena.bufferOf(node.ref), this.beginOf(node), node.length, node.plain);
    }
    return copy;
  }

  override get indexBytes(): number {
    return this.bytes;
  }

  override defragment(mover: BlockMover, cursor: number, budget: number): number {
    if (cursor === 0) this.nextToMove = this.head;
    for (let left = budget; this.nextToMove !== undefined && left > 0; left--) {
      const node: QuicklistNode = this.nextToMove;
      const to = mover.destinationOf(node.ref);
      if (to !== node.ref) {
        this.arena.release(node.ref);
        node.ref = to;
      }
      this.nextToMove = node.next;
    }
    return this.nextToMove === undefined ? 0 : 1;
  }

  override visitAll(visit: VisitElement): void {
    for (let node = this.head; node !== undefined; node = node.next) showNode(this.arena, node, visit);
  }

  override takeImage(): CollectionImage {
    return new QuicklistImage(this.arena, this);
  }

  freeSlice(budget: number): boolean {
    this.beforeChange();
    while (budget > 0 && this.head !== undefined) {
      budget -= this.head.count;
      this.size -= this.head.count;
      this.drop(this.head);
    }
    return this.head === undefined;
  }

  /** Where a node's listpack begins in its buffer. */
  private beginOf(node: QuicklistNode): number {
    return this.arena.offsetOf(node.ref) + node.start;
  }

  /** True if the element at hand, whose bytes are so many, may join the node's. */
  private accepts(node: QuicklistNode, bytes: number): boolean {
    const { settings } = this;
    if (node.plain || bytes >= settings.plainBytes) return false;
    return node.length + element.length <= settings.bytes && node.count < settings.count;
  }

  /**
   * Makes room for the element behind the node's last one. False if that would mean to move a full node's
   * bytes just for this element.
   */
  private makeRoomBehind(node: QuicklistNode): boolean {
    if (node.start + node.length + element.length <= node.capacity) return true;
    return this.rearrange(node, false);
  }

  private makeRoomBefore(node: QuicklistNode): boolean {
    if (node.start >= element.length) return true;
    return this.rearrange(node, true);
  }

  /**
   * Moves the listpack to the far end of its block, or to a larger block, to make room for the element at
   * hand.
   */
  private rearrange(node: QuicklistNode, atEnd: boolean): boolean {
    const needed = node.length + element.length;
    if (needed <= node.capacity - (node.capacity >>> 3)) {
      const buffer = this.arena.bufferOf(node.ref);
      const from = this.beginOf(node);
      node.start = atEnd ? node.capacity - node.length : 0;
      buffer.copyWithin(this.beginOf(node), from, from + node.length);
      return true;
    }
    if (node.capacity >= this.settings.bytes) return false;
    this.moveTo(node, this.roomFor(needed), atEnd);
    return true;
  }

  /** The block size for a node that is growing and needs this many bytes now. */
  private roomFor(needed: number): number {
    if (this.settings.count === 1) return needed;
    return Math.max(needed, Math.min(Math.max(2 * needed, LEAST_CAPACITY), this.settings.bytes));
  }

  /** Moves the listpack to another block, at its beginning or end. */
  private moveTo(node: QuicklistNode, bytes: number, atEnd = false): void {
    const { arena } = this;
    const ref = arena.allocate(bytes);
    const from = this.beginOf(node);
    const capacity = arena.capacityOf(ref);
    const start = atEnd ? capacity - node.length : 0;
    arena.bufferOf(node.ref).copy(arena.bufferOf(ref), arena.offsetOf(ref) + start, from, from + node.length);
    arena.release(node.ref);
    node.ref = ref;
    node.capacity = capacity;
    node.start = start;
  }

  /** Gives back the unused bytes of a node that is not expected to grow. */
  private trim(node: QuicklistNode): void {
    if (this.arena.capacityFor(node.length) < node.capacity) this.moveTo(node, node.length);
  }

  private writeFirst(node: QuicklistNode): void {
    if (node.image !== undefined) node.image.keep(node);
    node.start -= element.length;
    node.length += element.length;
    node.count++;
    element.write(this.arena.bufferOf(node.ref), this.beginOf(node) + HEADER_LENGTH);
    this.writeHeader(node);
  }

  private writeLast(node: QuicklistNode): void {
    if (node.image !== undefined) node.image.keep(node);
    element.write(this.arena.bufferOf(node.ref), this.beginOf(node) + node.length - 1);
    node.length += element.length;
    node.count++;
    this.writeHeader(node);
  }

  /** Writes what frames the elements: the header, and the byte at the end. */
  private writeHeader(node: QuicklistNode): void {
    const { length } = node;
    const buffer = this.arena.bufferOf(node.ref);
    const begin = this.beginOf(node);
    writeListpackHeader(buffer, begin, length, node.count);
    buffer[begin + length - 1] = END;
  }

  /** A node that is not linked yet, in a block of so many bytes. */
  private newNode(bytes: number): QuicklistNode {
    const ref = this.arena.allocate(bytes);
    return new QuicklistNode(ref, this.arena.capacityOf(ref));
  }

  /** An empty node with room for the element at hand, whose bytes are so many, between two others. */
  private insertNode(
    previous: QuicklistNode | undefined,
    next: QuicklistNode | undefined,
    bytes: number,
    atEnd: boolean,
  ): QuicklistNode {
    const node = this.newNode(this.roomFor(EMPTY_LISTPACK_LENGTH + element.length));
    node.plain = bytes >= this.settings.plainBytes;
    node.start = atEnd ? node.capacity - EMPTY_LISTPACK_LENGTH : 0;
    writeEmptyListpack(this.arena.bufferOf(node.ref), this.beginOf(node));
    this.link(node, previous, next);
    return node;
  }

  private link(
    node: QuicklistNode,
    previous: QuicklistNode | undefined,
    next: QuicklistNode | undefined,
  ): void {
    node.previous = previous;
    node.next = next;
    if (previous === undefined) this.head = node;
    else previous.next = node;
    if (next === undefined) this.tail = node;
    else next.previous = node;
    this.nodes++;
    this.arena.indexBytes += NODE_OBJECT_BYTES;
  }

  /** Takes a node out of the chain and frees its block. */
  private drop(node: QuicklistNode): void {
    node.image?.keep(node);
    const { previous, next } = node;
    if (this.nextToMove === node) this.nextToMove = next;
    if (previous === undefined) this.head = next;
    else previous.next = next;
    if (next === undefined) this.tail = previous;
    else next.previous = previous;
    this.nodes--;
    this.arena.indexBytes -= NODE_OBJECT_BYTES;
    this.arena.release(node.ref);
  }

  /** Removes up to `count` elements of one node, and the node if it is empty then. Returns how many. */
  private removeFrom(node: QuicklistNode, at: ListpackPosition, count: number): number {
    const whole = at === HEADER_LENGTH && count >= node.count;
    const removed = whole ? node.count : pointAt(this.arena, node).delete(at, count);
    node.count -= removed;
    this.size -= removed;
    if (whole) this.drop(node);
    return removed;
  }

  /** Puts an element before the one at `at`, or at the node's end. */
  private insertAt(node: QuicklistNode, at: ListpackPosition, bytes: Bytes): void {
    this.beforeChange();
    this.size++;
    element.set(bytes);
    if (this.accepts(node, bytes.length)) {
      this.insertInto(node, at, bytes);
      return;
    }
    const atStart = at === HEADER_LENGTH;
    const atEnd = at === node.length - 1;
    if (!atStart && !atEnd) this.split(node, at);
    const left = atStart ? node.previous : node;
    const right = atStart ? node : node.next;
    if (left !== undefined && this.accepts(left, bytes.length)) {
      this.insertInto(left, left.length - 1, bytes);
    } else if (right !== undefined && this.accepts(right, bytes.length)) {
      this.insertInto(right, HEADER_LENGTH, bytes);
    } else {
      const alone = this.insertNode(left, right, bytes.length, false);
      this.writeLast(alone);
      if (left !== undefined && right !== undefined) this.trim(alone);
    }
    if (!atStart && !atEnd) this.mergeAround(node);
  }

  private insertInto(node: QuicklistNode, at: ListpackPosition, bytes: Bytes): void {
    pointAt(this.arena, node).insert(at, bytes);
    node.count++;
  }

  /** Cuts a node in two; the new one has the elements from `at` on. */
  private split(node: QuicklistNode, at: ListpackPosition): void {
    const listpack = pointAt(this.arena, node);
    const right = this.newNode(EMPTY_LISTPACK_LENGTH + node.length - 1 - at);
    writeEmptyListpack(this.arena.bufferOf(right.ref), this.beginOf(right));
    let moved = 0;
    for (let from = at; from !== 0; from = listpack.next(from)) moved++;
    pointOther(this.arena, right).appendRange(listpack, at, node.length - 1, moved);
    right.count = moved;
    listpack.delete(at, moved);
    node.count -= moved;
    this.link(right, node, node.next);
  }

  /** After a split: joins what fits, so that splits do not leave ever smaller nodes. */
  private mergeAround(node: QuicklistNode): void {
    const first = node.previous;
    if (first !== undefined && this.merge(first, node)) node = first;
    for (let tries = 0; tries < 3 && node.next !== undefined; tries++) {
      if (!this.merge(node, node.next)) node = node.next;
    }
  }

  /** Moves all elements of a node to the one before it, if they fit there. */
  private merge(left: QuicklistNode, right: QuicklistNode): boolean {
    if (left.plain || right.plain) return false;
    const bytes = left.length + right.length - EMPTY_LISTPACK_LENGTH;
    if (this.settings.exceeded(bytes, left.count + right.count)) return false;
    const other = pointOther(this.arena, right);
    pointAt(this.arena, left).appendRange(other, HEADER_LENGTH, right.length - 1, right.count);
    left.count += right.count;
    this.drop(right);
    return true;
  }
}

/** A node's listpack as a Listpack wants it. Changes of the node's length are written back to the node. */
class QuicklistNodeBytes implements PackedBytes {
  buffer: Buffer = Buffer.alloc(0);
  offset = 0;
  private arena: Arena | undefined;
  private node: QuicklistNode | undefined;

  get length(): number {
    return this.node!.length;
  }

  point(arena: Arena, node: QuicklistNode): void {
    this.arena = arena;
    this.node = node;
    this.buffer = arena.bufferOf(node.ref);
    this.offset = arena.offsetOf(node.ref) + node.start;
  }

  beforeChange(): void {
    const node = this.node!;
    if (node.image !== undefined) node.image.keep(node);
  }

  resize(length: number): void {
    const node = this.node!;
    const arena = this.arena!;
    const fits = node.start + length <= node.capacity;
    if (!fits || length * 2 < node.capacity) this.move(arena, node, length);
    node.length = length;
  }

  private move(arena: Arena, node: QuicklistNode, length: number): void {
    const ref = arena.allocate(length);
    const kept = Math.min(length, node.length);
    this.buffer.copy(arena.bufferOf(ref), arena.offsetOf(ref), this.offset, this.offset + kept);
    arena.release(node.ref);
    node.ref = ref;
    node.capacity = arena.capacityOf(ref);
    node.start = 0;
    this.point(arena, node);
  }
}

// All lists share these: each use points them anew.
const element = new EncodedElement();
const nodeBytes = new QuicklistNodeBytes();
const nodeListpack = new Listpack(nodeBytes);
const otherBytes = new QuicklistNodeBytes();
const otherListpack = new Listpack(otherBytes);

function pointAt(arena: Arena, node: QuicklistNode): Listpack {
  nodeBytes.point(arena, node);
  return nodeListpack;
}

function pointOther(arena: Arena, node: QuicklistNode): Listpack {
  otherBytes.point(arena, node);
  return otherListpack;
}
