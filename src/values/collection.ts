import type { Bytes } from '../bytes/bytes.js';
import type { Arena } from '../memory/arena.js';
import type { BlockMover } from '../memory/block-mover.js';
import type { Table } from '../memory/table.js';

/**
 * A value too big to lie in its entry: a TypeScript object whose elements are in the arena. The entry's
 * payload holds its handle. Small collections are packed (listpack, intset) in the entry's payload itself and
 * have no object.
 */
export abstract class Collection {
  /** The arena's epoch when the collection came to be, or when its present image was taken. */
  epoch: number;

  constructor(protected readonly arena: Arena) {
    this.epoch = arena.epoch;
  }

  /** The table that finds elements by their names, if there is one; its seed is the keyspace's. */
  get index(): Table | undefined {
    return undefined;
  }

  /** Elements: fields, members, list items, stream entries. */
  abstract readonly size: number;
  /** Bytes outside the arena's blocks: tables, trees. Those in the arena are counted there. */
  abstract readonly bytes: number;
  /** Bytes of the elements in the arena, estimated from up to so many of them (0: from all). */
  abstract elementBytes(samples: number): number;
  /** What it has added to `Arena.indexBytes`, exactly. */
  get indexBytes(): number {
    return 0;
  }

  /** Bytes of its nodes in `Keyspace.orderNodes`, counted one by one. */
  get treeBytes(): number {
    return 0;
  }

  /**
   * Moves about `budget` elements to where `mover` wants their blocks to be, from a cursor on: 0 begins, and is
   * returned at the end. A type that does not say how leaves its blocks where they are.
   */
  defragment(_mover: BlockMover, _cursor: number, _budget: number): number {
    return 0;
  }

  /** A copy with elements of its own. */
  abstract copy(): Collection;
  /**
   * Frees about `budget` elements and returns true when none is left. Only called once nobody can reach the
   * collection any more, again and again until it returns true.
   */
  abstract freeSlice(budget: number): boolean;
  /** Visits all elements, or none for a type without images. `visit` must not change the collection. */
  visitAll(_visit: VisitElement): void {}

  /**
   * An image of the collection as it is now, to be read in slices while the collection changes. There is one at
   * a time. Takes next to no time, however many elements there are. Undefined for a type that has none: it is saved at
   * once, and whoever changes it announces its key's entry (`Database.announceChange`).
   */
  takeImage(): CollectionImage | undefined {
    return undefined;
  }

  /**
   * To be called before anything changes. Hot: one comparison, unless a snapshot began that has not seen this
   * collection yet.
   */
  protected beforeChange(): void {
    if (this.epoch !== this.arena.epoch) this.arena.announceFirstChange(this);
  }
}

/**
 * Called for one element: its name, what belongs to it, and a number. A hash gives field, value and expiry
 * (NO_EXPIRY for none); a set member, nothing and 0; a sorted set member, nothing and score; a list its nodes:
 * a listpack, nothing and 0, or a single element, nothing and 1. The views are valid until it returns.
 */
export type VisitElement = (name: Bytes, value: Bytes, number: number) => void;

/** What a collection was at one moment. Whatever changes meanwhile is kept here until it is visited. */
export interface CollectionImage {
  /** How many elements will be visited. */
  readonly count: number;
  /** No field of the hash expired before this unix time in ms: NO_EXPIRY if none has an expiry. */
  readonly soonestExpiry: number;
  /** Bytes that were copied because they were about to change. */
  readonly copiedBytes: number;
  /** Visits the next elements, about `budget` of them and at least one. True when all have been. */
  visitSome(budget: number, visit: VisitElement): boolean;
  /** The image is not needed any more, visited or not. */
  drop(): void;
}
