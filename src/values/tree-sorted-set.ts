import { Bytes, compareBytes } from '../bytes/bytes.js';
import type { Arena, Ref } from '../memory/arena.js';
import type { BlockMover } from '../memory/block-mover.js';
import {
  createEntry,
  keyLengthAt,
  keyLengthOf,
  keyOffsetAt,
  keyOffsetOf,
  payloadOffsetOf,
  releaseEntry,
} from '../memory/entry.js';
import { LEAF_CAPACITY, type OrderNodes } from '../memory/order-nodes.js';
import { type MemberOrder, OrderCursor, OrderTree } from '../memory/order-tree.js';
import { Table } from '../memory/table.js';
import { Collection, type CollectionImage, type VisitElement } from './collection.js';
import { relocateSome } from './entry-collection.js';
import type { MemberSink, SortedSet, VisitMember } from './sorted-set.js';
import { TableImage } from './table-image.js';

/**
 * What all big sorted sets of a keyspace share: the memory of members and of trees, and the seed of their
 * hashes.
 */
export interface SortedSetMemory {
  readonly arena: Arena;
  readonly orderNodes: OrderNodes;
  readonly seedHigh: number;
  readonly seedLow: number;
}

const SCORE_BYTES = 8;
/** About what a pair takes in the tree, in bytes. */
const TREE_BYTES_PER_PAIR = 18;

/**
 * A big sorted set: a table of entries, with the member as key and the score as payload, for look-ups by
 * member, O(1); and a tree over (score, entry) for everything about order, O(log n). An entry's ref is in both, and
 * changes in both when defragmentation moves it.
 */
export class TreeSortedSet extends Collection implements SortedSet {
  private readonly table: Table;
  private readonly tree: OrderTree;
  // Of the last find().
  private foundRef: Ref = 0;
  private foundScore = Number.NaN;
  private hash = 0;

  constructor(private readonly memory: SortedSetMemory) {
    super(memory.arena);
    this.table = new Table(memory.arena, memory.seedHigh, memory.seedLow);
    this.tree = new OrderTree(memory.orderNodes, new KeyOrder(memory.arena));
  }

  override get index(): Table {
    return this.table;
  }

  get size(): number {
    return this.table.size;
  }

  elementBytes(samples: number): number {
    return this.table.entryBytes(samples);
  }

  get bytes(): number {
    return this.table.bytes + this.table.size * TREE_BYTES_PER_PAIR;
  }

  find(member: Bytes): number {
    this.hash = this.table.hashOfKey(member);
    const ref = this.table.findKey(member, this.hash);
    this.foundRef = ref;
    this.foundScore = ref === 0 ? Number.NaN : this.scoreOf(ref);
    return this.foundScore;
  }

  rankOfFound(): number {
    return this.tree.rank(this.foundScore, this.foundRef);
  }

  changeFound(score: number): void {
    this.announceEditOfFound();
    this.tree.update(this.foundScore, this.foundRef, score);
    this.setScore(this.foundRef, score);
    this.foundScore = score;
  }

  removeFound(): void {
    this.beforeChange();
    this.tree.delete(this.foundScore, this.foundRef);
    this.table.removeRef(this.foundRef, this.hash);
    releaseEntry(this.arena, this.foundRef);
  }

  add(member: Bytes, score: number): void {
    this.tree.insert(score, this.addUnordered(member, score));
  }

  /** Adds a member that is known not to be there: spares the `find`. */
  addNew(member: Bytes, score: number): void {
    this.hash = this.table.hash(member.buffer, member.start, member.end);
    this.add(member, score);
  }

  /** Adds a member that may be there already: then it only gets that score. */
  insert(member: Bytes, score: number): void {
    if (Number.isNaN(this.find(member))) this.add(member, score);
    else this.changeFound(score);
  }

  removeRanks(from: number, to: number): void {
    this.beforeChange();
    for (let left = to - from; left > 0; left--) {
      this.tree.deleteAt(from, cursor);
      this.table.removeRef(cursor.ref, this.table.hashOf(cursor.ref));
      releaseEntry(this.arena, cursor.ref);
    }
  }

  countBelow(score: number, inclusive: boolean): number {
    return this.tree.countBelow(score, inclusive);
  }

  countBelowMember(member: Bytes, inclusive: boolean): number {
    return this.tree.countBelowMember(member, inclusive);
  }

  visitRanks(from: number, to: number, backwards: boolean, visit: VisitMember): void {
    const view = new Bytes();
    this.tree.visit(backwards ? to - 1 : from, to - from, backwards, (ref, score) => {
      this.readMember(ref, view);
      visit(view, score);
    });
  }

  sendRanks(from: number, to: number, backwards: boolean, sink: MemberSink): void {
    const { arena, tree } = this;
    for (let sent = 0; sent < to - from; sent += refsAtOnce.length) {
      const count = Math.min(to - from - sent, refsAtOnce.length);
      tree.refs(backwards ? to - 1 - sent : from + sent, count, backwards, refsAtOnce);
      for (let i = 0; i < count; i++) {
        const ref = refsAtOnce[i];
        const buffer = arena.bufferOf(ref);
        const at = arena.offsetOf(ref);
        const start = keyOffsetAt(buffer, at);
        sink.bulk(buffer, start, start + keyLengthAt(buffer, at));
      }
    }
  }

  at(rank: number, into: Bytes): number {
    this.tree.select(rank, cursor);
    this.readMember(cursor.ref, into);
    return cursor.score;
  }

  scan(at: number, visit: VisitMember): number {
    const view = new Bytes();
    return this.table.scan(at, (ref) => {
      this.readMember(ref, view);
      visit(view, this.scoreOf(ref));
    });
  }

  copy(): TreeSortedSet {
    const copy = new TreeSortedSet(this.memory);
    this.visitRanks(0, this.size, false, (member, score) => {
      copy.addNew(member, score);
    });
    return copy;
  }

  override get indexBytes(): number {
    return this.table.countedBytes;
  }

  override get treeBytes(): number {
    return this.tree.nodeBytes;
  }

  override defragment(mover: BlockMover, cursor: number, budget: number): number {
    return relocateSome(this.table, cursor, budget, (ref) => {
      const to = mover.destinationOf(ref);
      if (to !== ref) {
        this.tree.replaceRef(this.scoreOf(ref), ref, to);
        releaseEntry(this.arena, ref);
      }
      return to;
    });
  }

  freeSlice(budget: number): boolean {
    this.beforeChange();
    const treeFreed = this.tree.clearSome(Math.ceil(budget / LEAF_CAPACITY));
    const tableFreed = this.table.freeSlice(budget, (ref) => releaseEntry(this.arena, ref));
    return treeFreed && tableFreed;
  }

  /** Bytes of the longest member. O(n). */
  longestMember(): number {
    let longest = 0;
    this.table.forEach((ref) => {
      longest = Math.max(longest, keyLengthOf(this.arena, ref));
    });
    return longest;
  }

  // --- building a set whose scores are not final yet

  /** As `add`, but the member has no rank before `order` is called. Returns its entry. */
  addUnordered(member: Bytes, score: number): Ref {
    this.beforeChange();
    const ref = createEntry(this.arena, member.buffer, member.start, member.end, SCORE_BYTES, false, 0);
    this.setScore(ref, score);
    this.table.insert(ref, this.hash);
    return ref;
  }

  /** As `changeFound`, for a member that has no rank yet. */
  changeFoundUnordered(score: number): void {
    this.announceEditOfFound();
    this.setScore(this.foundRef, score);
  }

  /** To be called before the score of the found member changes: it lies in the member's entry. */
  private announceEditOfFound(): void {
    this.beforeChange();
    if (this.table.beforeBucketChange !== undefined) this.table.touchBucket(this.hash);
  }

  override visitAll(visit: VisitElement): void {
    this.table.forEach((ref) => this.showMember(ref, visit));
  }

  override takeImage(): CollectionImage {
    return new TableImage(this.table, (ref, visit) => this.showMember(ref, visit));
  }

  private showMember(ref: Ref, visit: VisitElement): void {
    this.readMember(ref, shown);
    visit(shown, nothing, this.scoreOf(ref));
  }

  /** Gives all members their ranks, if none has one yet. */
  order(): void {
    const { size } = this;
    const refs = new Int32Array(size);
    const scores = new Float64Array(size);
    let count = 0;
    this.table.forEach((ref) => {
      refs[count] = ref;
      scores[count++] = this.scoreOf(ref);
    });
    // Sorted by score first, as a tree that is filled in order is filled faster, and more densely.
    const places = new Uint32Array(size)
      .map((_, place) => place)
      .sort((a, b) => compareScores(scores[a], scores[b]));
    for (const place of places) this.tree.insert(scores[place], refs[place]);
  }

  private readMember(ref: Ref, into: Bytes): void {
    const buffer = this.arena.bufferOf(ref);
    const at = this.arena.offsetOf(ref);
    const start = keyOffsetAt(buffer, at);
    into.buffer = buffer;
    into.start = start;
    into.end = start + keyLengthAt(buffer, at);
  }

  private scoreOf(ref: Ref): number {
    return this.arena.bufferOf(ref).readDoubleLE(payloadOffsetOf(this.arena, ref));
  }

  private setScore(ref: Ref, score: number): void {
    this.arena.bufferOf(ref).writeDoubleLE(score, payloadOffsetOf(this.arena, ref));
  }
}

/** Not a difference, which infinities may not have. */
function compareScores(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

// For those who read an image; nobody else may hold the view.
const shown = new Bytes();
const nothing = new Bytes();
const cursor = new OrderCursor();
const refsAtOnce = new Int32Array(128);

/** The order of members that are the keys of entries. */
class KeyOrder implements MemberOrder {
  constructor(private readonly arena: Arena) {}

  compareRefs(a: Ref, b: Ref): number {
    const { arena } = this;
    const aBuffer = arena.bufferOf(a);
    const bBuffer = arena.bufferOf(b);
    const aStart = keyOffsetOf(arena, a);
    const bStart = keyOffsetOf(arena, b);
    const aLength = keyLengthOf(arena, a);
    const bLength = keyLengthOf(arena, b);
    const shorter = Math.min(aLength, bLength);
    if (shorter > BY_HAND)
      return aBuffer.compare(bBuffer, bStart, bStart + bLength, aStart, aStart + aLength);
    for (let i = 0; i < shorter; i++) {
      const difference = aBuffer[aStart + i] - bBuffer[bStart + i];
      if (difference !== 0) return difference;
    }
    return aLength - bLength;
  }

  compareToBytes(ref: Ref, bytes: Bytes): number {
    const { arena } = this;
    view.buffer = arena.bufferOf(ref);
    view.start = keyOffsetOf(arena, ref);
    view.end = view.start + keyLengthOf(arena, ref);
    return compareBytes(view, bytes);
  }
}

/** Members up to this length are compared here: the call into `Buffer.compare` costs more than they do. */
const BY_HAND = 64;
const view = new Bytes();
