import type { Bytes } from '../bytes/bytes.js';
import type { Arena } from '../memory/arena.js';
import {
  backlenLength,
  END,
  type EncodedElement,
  elementLength,
  HEADER_LENGTH,
  integerAt,
  readBacklen,
  readElement,
} from '../memory/listpack-format.js';
import type { QuicklistNode } from './quicklist.js';

const nothing = Buffer.alloc(0);

/**
 * A place in a list, for walks in both directions: in a listpack, or in the nodes of a quicklist. Any change
 * of the list but those that are told of the cursor make it invalid. One cursor serves many walks; it
 * allocates nothing.
 */
export class ListCursor {
  /** The node of a quicklist; undefined in a listpack. */
  node: QuicklistNode | undefined = undefined;
  private arena: Arena | undefined;
  private buffer: Buffer = nothing;
  /** Where the listpack begins, and the element, in the buffer. 0 is no element. */
  private begin = 0;
  private place = 0;

  /** True once the cursor has left the list at either end. */
  get done(): boolean {
    return this.place === 0;
  }

  /** Where the element is in its listpack. */
  get position(): number {
    return this.place - this.begin;
  }

  /** Goes to an element of a listpack; position 0 is nowhere. */
  enter(buffer: Buffer, begin: number, position: number): this {
    this.node = undefined;
    this.buffer = buffer;
    this.begin = begin;
    this.place = position === 0 ? 0 : begin + position;
    return this;
  }

  /** Goes to an element of a quicklist's node. */
  enterNode(arena: Arena, node: QuicklistNode, position: number): this {
    this.arena = arena;
    this.node = node;
    this.buffer = arena.bufferOf(node.ref);
    this.begin = arena.offsetOf(node.ref) + node.start;
    this.place = this.begin + position;
    return this;
  }

  /** Leaves the list. */
  leave(): this {
    this.place = 0;
    return this;
  }

  /** Points `into` at the element's bytes; see `Listpack.read` for how long they stay valid. */
  read(into: Bytes): void {
    readElement(this.buffer, this.place, into);
  }

  /** The element as a number; NaN if it is not an integer. */
  readInteger(): number {
    return integerAt(this.buffer, this.place);
  }

  matches(element: EncodedElement): boolean {
    return element.isAt(this.buffer, this.place);
  }

  /** Goes towards the end. */
  next(): void {
    this.place += elementLength(this.buffer, this.place);
    this.skipEnd();
  }

  /** If the cursor stands behind a node's last element: goes to the first one of the next node. */
  skipEnd(): void {
    if (this.buffer[this.place] !== END) return;
    const node = this.node?.next;
    if (node === undefined) this.leave();
    else this.enterNode(this.arena!, node, HEADER_LENGTH);
  }

  /** Goes towards the beginning. */
  previous(): void {
    if (this.position === HEADER_LENGTH) {
      this.enterLast(this.node?.previous);
      return;
    }
    const length = readBacklen(this.buffer, this.place);
    this.place -= length + backlenLength(length);
  }

  private enterLast(node: QuicklistNode | undefined): void {
    if (node === undefined) this.leave();
    else {
      this.enterNode(this.arena!, node, node.length - 1);
      this.previous();
    }
  }
}
