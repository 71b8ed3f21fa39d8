import { Bytes } from '../bytes/bytes.js';
import type { Arena } from '../memory/arena.js';
import { NO_EXPIRY } from '../memory/entry.js';
import { HEADER_LENGTH, readElement } from '../memory/listpack-format.js';
import type { CollectionImage, VisitElement } from './collection.js';
import type { QuicklistNode } from './quicklist.js';

const shown = new Bytes();
const nothing = new Bytes();

/** A node as it was: its listpack, and whether it is one large element. */
interface KeptNode {
  bytes: Buffer;
  plain: boolean;
}

/** The image of a list: its nodes in order; a node that was not visited yet is copied before it changes. */
export class QuicklistImage implements CollectionImage {
  readonly soonestExpiry = NO_EXPIRY;
  private readonly nodes: QuicklistNode[] = [];
  private readonly kept = new Map<QuicklistNode, KeptNode>();
  private next = 0;
  copiedBytes = 0;

  constructor(
    private readonly arena: Arena,
    list: { readonly head: QuicklistNode | undefined },
  ) {
    for (let node = list.head; node !== undefined; node = node.next) {
      node.image = this;
      this.nodes.push(node);
    }
  }

  get count(): number {
    return this.nodes.length;
  }

  /** A node is about to change or to go. */
  keep(node: QuicklistNode): void {
    node.image = undefined;
    const from = this.arena.offsetOf(node.ref) + node.start;
    const bytes = Buffer.from(this.arena.bufferOf(node.ref).subarray(from, from + node.length));
    this.copiedBytes += bytes.length;
    this.kept.set(node, { bytes, plain: node.plain });
  }

  visitSome(budget: number, visit: VisitElement): boolean {
    // A node has some hundred elements, but is copied as a whole.
    for (let left = budget; left > 0 && this.next < this.nodes.length; left -= 16) {
      this.visitNode(this.nodes[this.next++], visit);
    }
    return this.next === this.nodes.length;
  }

  private visitNode(node: QuicklistNode, visit: VisitElement): void {
    const kept = this.kept.get(node);
    if (kept !== undefined) {
      this.kept.delete(node);
      show(kept.bytes, 0, kept.bytes.length, kept.plain, visit);
      return;
    }
    node.image = undefined;
    showNode(this.arena, node, visit);
  }

  drop(): void {
    for (const node of this.nodes) if (node.image === this) node.image = undefined;
    this.kept.clear();
    this.nodes.length = this.next = 0;
  }
}

/** Shows a node as it is now. */
export function showNode(arena: Arena, node: QuicklistNode, visit: VisitElement): void {
  const from = arena.offsetOf(node.ref) + node.start;
  show(arena.bufferOf(node.ref), from, from + node.length, node.plain, visit);
}

function show(buffer: Buffer, start: number, end: number, plain: boolean, visit: VisitElement): void {
  if (plain) {
    readElement(buffer, start + HEADER_LENGTH, shown);
  } else {
    shown.buffer = buffer;
    shown.start = start;
    shown.end = end;
  }
  visit(shown, nothing, plain ? 1 : 0);
}
