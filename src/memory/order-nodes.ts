import { CHUNK_BITS, CHUNK_MASK, NodePool } from './node-pool.js';

/**
 * The nodes of order trees, in memory that any number of trees share: one OrderNodes per database, or per
 * process.
 *
 * A leaf has up to LEAF_CAPACITY pairs (score, ref) and the leaves before and after it. An inner node has up
 * to INNER_CAPACITY children, and by child the smallest pair and the number of pairs in it. 0 is no node.
 */

export const LEAF_CAPACITY = 64;
export const INNER_CAPACITY = 64;

// Words of a leaf: number of pairs, the leaves before and after, then the refs. Its doubles are the scores.
const COUNT = 0;
const PREVIOUS = 1;
const NEXT = 2;
const REFS = 4;
const LEAF_WORDS = REFS + LEAF_CAPACITY;

// Words of an inner node: number of children; then by child the ref of its smallest pair, the node, and the
// number of pairs. Its doubles are the scores of the smallest pairs. Refs are where they are in leaves.
const CHILDREN = REFS + INNER_CAPACITY;
const SIZES = CHILDREN + INNER_CAPACITY;
const INNER_WORDS = SIZES + INNER_CAPACITY;

export class OrderNodes {
  private readonly leaves = new NodePool(LEAF_CAPACITY, LEAF_WORDS);
  private readonly inner = new NodePool(INNER_CAPACITY, INNER_WORDS);

  /** Bytes of all nodes in use. */
  get allocated(): number {
    return this.leaves.allocated + this.inner.allocated;
  }

  /** Bytes of a leaf, and of an inner node. */
  get leafBytes(): number {
    return this.leaves.nodeBytes;
  }

  get innerBytes(): number {
    return this.inner.nodeBytes;
  }

  // --- leaves

  /** A leaf without pairs between two others, either of which may be 0. */
  newLeaf(previous: number, next: number): number {
    const leaf = this.leaves.allocate();
    const words = this.leafWords(leaf);
    const base = leafBase(leaf);
    words[base + COUNT] = 0;
    words[base + PREVIOUS] = previous;
    words[base + NEXT] = next;
    if (previous !== 0) this.leafWords(previous)[leafBase(previous) + NEXT] = leaf;
    if (next !== 0) this.leafWords(next)[leafBase(next) + PREVIOUS] = leaf;
    return leaf;
  }

  releaseLeaf(leaf: number): void {
    const previous = this.previousLeaf(leaf);
    const next = this.nextLeaf(leaf);
    if (previous !== 0) this.leafWords(previous)[leafBase(previous) + NEXT] = next;
    if (next !== 0) this.leafWords(next)[leafBase(next) + PREVIOUS] = previous;
    this.leaves.release(leaf);
  }

  previousLeaf(leaf: number): number {
    return this.leafWords(leaf)[leafBase(leaf) + PREVIOUS];
  }

  nextLeaf(leaf: number): number {
    return this.leafWords(leaf)[leafBase(leaf) + NEXT];
  }

  leafCount(leaf: number): number {
    return this.leafWords(leaf)[leafBase(leaf) + COUNT];
  }

  scoreAt(leaf: number, index: number): number {
    return this.leafScores(leaf)[(leaf & CHUNK_MASK) * LEAF_CAPACITY + index];
  }

  refAt(leaf: number, index: number): number {
    return this.leafWords(leaf)[leafBase(leaf) + REFS + index];
  }

  setPair(leaf: number, index: number, score: number, ref: number): void {
    this.leafScores(leaf)[(leaf & CHUNK_MASK) * LEAF_CAPACITY + index] = score;
    this.leafWords(leaf)[leafBase(leaf) + REFS + index] = ref;
  }

  /** Puts a pair before the one at `index` of a leaf that is not full. */
  insertPair(leaf: number, index: number, score: number, ref: number): void {
    const scores = this.leafScores(leaf);
    const words = this.leafWords(leaf);
    const scoreBase = (leaf & CHUNK_MASK) * LEAF_CAPACITY;
    const base = leafBase(leaf);
    const count = words[base + COUNT]++;
    for (let i = count; i > index; i--) {
      scores[scoreBase + i] = scores[scoreBase + i - 1];
      words[base + REFS + i] = words[base + REFS + i - 1];
    }
    scores[scoreBase + index] = score;
    words[base + REFS + index] = ref;
  }

  removePair(leaf: number, index: number): void {
    const scores = this.leafScores(leaf);
    const words = this.leafWords(leaf);
    const scoreBase = (leaf & CHUNK_MASK) * LEAF_CAPACITY;
    const base = leafBase(leaf);
    const last = --words[base + COUNT];
    for (let i = index; i < last; i++) {
      scores[scoreBase + i] = scores[scoreBase + i + 1];
      words[base + REFS + i] = words[base + REFS + i + 1];
    }
  }

  /** Moves the pairs from `index` on to the end of another leaf, which has room for them. */
  movePairs(from: number, index: number, to: number): void {
    const count = this.leafCount(from);
    const target = this.leafCount(to);
    for (let i = index; i < count; i++) {
      this.setPair(to, target + i - index, this.scoreAt(from, i), this.refAt(from, i));
    }
    this.leafWords(from)[leafBase(from) + COUNT] = index;
    this.leafWords(to)[leafBase(to) + COUNT] = target + count - index;
  }

  /** The scores of a leaf, for searching; they begin at `leafScoreBase`. */
  leafScores(leaf: number): Float64Array {
    return this.leaves.doubles[leaf >>> CHUNK_BITS];
  }

  leafScoreBase(leaf: number): number {
    return (leaf & CHUNK_MASK) * LEAF_CAPACITY;
  }

  /** The array with the refs of a leaf, for searching; they begin at `leafRefBase`. */
  leafWords(leaf: number): Int32Array {
    return this.leaves.words[leaf >>> CHUNK_BITS];
  }

  leafRefBase(leaf: number): number {
    return leafBase(leaf) + REFS;
  }

  // --- inner nodes

  /** An inner node without children. */
  newInner(): number {
    const node = this.inner.allocate();
    this.innerWords(node)[innerBase(node) + COUNT] = 0;
    return node;
  }

  releaseInner(node: number): void {
    this.inner.release(node);
  }

  childCount(node: number): number {
    return this.innerWords(node)[innerBase(node) + COUNT];
  }

  childAt(node: number, index: number): number {
    return this.innerWords(node)[innerBase(node) + CHILDREN + index];
  }

  sizeAt(node: number, index: number): number {
    return this.innerWords(node)[innerBase(node) + SIZES + index];
  }

  /** Pairs in the children before `index`. */
  sizeBefore(node: number, index: number): number {
    const words = this.innerWords(node);
    const base = innerBase(node) + SIZES;
    let size = 0;
    for (let i = 0; i < index; i++) size += words[base + i];
    return size;
  }

  smallestScoreAt(node: number, index: number): number {
    return this.innerScores(node)[this.innerScoreBase(node) + index];
  }

  smallestRefAt(node: number, index: number): number {
    return this.innerWords(node)[innerBase(node) + REFS + index];
  }

  addToSize(node: number, index: number, pairs: number): void {
    this.innerWords(node)[innerBase(node) + SIZES + index] += pairs;
  }

  setSize(node: number, index: number, pairs: number): void {
    this.innerWords(node)[innerBase(node) + SIZES + index] = pairs;
  }

  setSmallest(node: number, index: number, score: number, ref: number): void {
    this.innerScores(node)[this.innerScoreBase(node) + index] = score;
    this.innerWords(node)[innerBase(node) + REFS + index] = ref;
  }

  /**
   * Puts a child with its size before the one at `index` of a node that is not full; its smallest pair is set
   * apart.
   */
  insertChild(node: number, index: number, child: number, size: number): void {
    const words = this.innerWords(node);
    const base = innerBase(node);
    const count = words[base + COUNT]++;
    for (let i = count; i > index; i--) this.copyChild(node, i - 1, node, i);
    words[base + CHILDREN + index] = child;
    words[base + SIZES + index] = size;
  }

  removeChild(node: number, index: number): void {
    const last = --this.innerWords(node)[innerBase(node) + COUNT];
    for (let i = index; i < last; i++) this.copyChild(node, i + 1, node, i);
  }

  /** Moves the children from `index` on to the end of another node, which has room for them. */
  moveChildren(from: number, index: number, to: number): void {
    const count = this.childCount(from);
    const target = this.childCount(to);
    for (let i = index; i < count; i++) this.copyChild(from, i, to, target + i - index);
    this.innerWords(from)[innerBase(from) + COUNT] = index;
    this.innerWords(to)[innerBase(to) + COUNT] = target + count - index;
  }

  /** The smallest scores of an inner node's children, for searching; they begin at `innerScoreBase`. */
  innerScores(node: number): Float64Array {
    return this.inner.doubles[node >>> CHUNK_BITS];
  }

  innerScoreBase(node: number): number {
    return (node & CHUNK_MASK) * INNER_CAPACITY;
  }

  /**
   * The array with the smallest refs of an inner node's children, for searching; they begin at
   * `innerRefBase`.
   */
  innerWords(node: number): Int32Array {
    return this.inner.words[node >>> CHUNK_BITS];
  }

  innerRefBase(node: number): number {
    return innerBase(node) + REFS;
  }

  private copyChild(from: number, index: number, to: number, target: number): void {
    const source = this.innerWords(from);
    const at = innerBase(from) + index;
    const words = this.innerWords(to);
    const base = innerBase(to) + target;
    words[base + REFS] = source[at + REFS];
    words[base + CHILDREN] = source[at + CHILDREN];
    words[base + SIZES] = source[at + SIZES];
    this.innerScores(to)[this.innerScoreBase(to) + target] = this.smallestScoreAt(from, index);
  }
}

function leafBase(leaf: number): number {
  return (leaf & CHUNK_MASK) * LEAF_WORDS;
}

function innerBase(node: number): number {
  return (node & CHUNK_MASK) * INNER_WORDS;
}
