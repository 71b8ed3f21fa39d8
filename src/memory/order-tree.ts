import type { Bytes } from '../bytes/bytes.js';
import { INNER_CAPACITY, LEAF_CAPACITY, type OrderNodes } from './order-nodes.js';

/**
 * The order of a big sorted set: (score, member) pairs sorted by score and then by the member's bytes, with
 * O(log n) insertion, removal, rank of a pair, and pair of a rank.
 *
 * It is a B+ tree (Bayer and McCreight 1972; Comer 1979) whose inner nodes also count the pairs below each
 * child. Pairs are in the leaves only, and the leaves are linked in order. A member is a ref to an entry that
 * holds its bytes; the tree compares members only where scores are equal. Its nodes are off the JavaScript
 * heap (`OrderNodes`): about 13 bytes a pair when filled in order, 18 when filled at random.
 *
 * Inner nodes repeat the smallest pair of each child, and always exactly that, so that no ref outlives its
 * pair. Whoever moves a member's entry says so with `replaceRef`.
 *
 * NaN is no score. -0 and 0 are equal; a pair keeps the one that it was given.
 */

/** How the members that refs name compare, as memcmp and then length: negative, 0 or positive. */
export interface MemberOrder {
  /** Two members. */
  compareRefs(a: number, b: number): number;
  /** A member and some bytes. */
  compareToBytes(ref: number, bytes: Bytes): number;
}

/**
 * A pair of the tree, and a place from which to go on in both directions. Any change of the tree invalidates
 * it.
 */
export class OrderCursor {
  score = 0;
  ref = 0;
  /** Where the pair is; for the tree only. */
  leaf = 0;
  index = 0;
}

/** Neighbours become one node when that leaves this much room in it. */
const MERGE_SLACK = 8;
const MAX_HEIGHT = 16;

// The way down to a leaf: by level the inner node, and which of its children was taken. Level 0 is just above
// the leaves. All trees share it, as no operation leaves anything in it.
const pathNodes = new Int32Array(MAX_HEIGHT);
const pathIndexes = new Int32Array(MAX_HEIGHT);

export class OrderTree {
  /** Number of pairs. */
  size = 0;
  private root = 0;
  /** Levels of inner nodes. With none the root is a leaf. */
  private height = 0;
  // Where the way down ended: a leaf, and an index in it.
  private leaf = 0;
  private index = 0;

  constructor(
    private readonly nodes: OrderNodes,
    private readonly members: MemberOrder,
  ) {}

  /** Adds a pair. The member must not be in the tree yet, with whatever score. */
  insert(score: number, ref: number): void {
    if (this.root === 0) this.root = this.nodes.newLeaf(0, 0);
    this.descend(score, ref);
    if (this.nodes.leafCount(this.leaf) === LEAF_CAPACITY) this.splitLeaf();
    this.nodes.insertPair(this.leaf, this.index, score, ref);
    if (this.index === 0) this.setSmallest(0, score, ref);
    this.addToSizes(1);
  }

  /** Removes a pair; false if the tree does not have it. */
  delete(score: number, ref: number): boolean {
    if (!this.locate(score, ref)) return false;
    this.removeLocated();
    return true;
  }

  /**
   * Removes the pair of that rank, which must be below the size, and leaves its score and ref in `removed`.
   */
  deleteAt(rank: number, removed: OrderCursor): void {
    this.descendToRank(rank);
    this.pointAt(this.leaf, this.index, removed);
    this.removeLocated();
  }

  /**
   * Gives a member another score; false if the pair is not there. If the member keeps its place, it is not
   * moved.
   */
  update(score: number, ref: number, newScore: number): boolean {
    if (!this.locate(score, ref)) return false;
    if (this.keepsPlace(newScore, ref)) {
      this.nodes.setPair(this.leaf, this.index, newScore, ref);
      if (this.index === 0) this.setSmallest(0, newScore, ref);
    } else {
      this.removeLocated();
      this.insert(newScore, ref);
    }
    return true;
  }

  /**
   * Says that a member has another ref from now on; false if the pair is not there. The old one must still be
   * readable.
   */
  replaceRef(score: number, ref: number, newRef: number): boolean {
    if (!this.locate(score, ref)) return false;
    this.nodes.setPair(this.leaf, this.index, this.nodes.scoreAt(this.leaf, this.index), newRef);
    if (this.index === 0) this.setSmallest(0, score, newRef);
    return true;
  }

  /** The number of pairs before this one, or -1 if the tree does not have it. */
  rank(score: number, ref: number): number {
    if (!this.locate(score, ref)) return -1;
    let rank = this.index;
    for (let level = 0; level < this.height; level++) {
      rank += this.nodes.sizeBefore(pathNodes[level], pathIndexes[level]);
    }
    return rank;
  }

  /** The number of pairs whose score is below this one, or, with `inclusive`, at most this one. */
  countBelow(score: number, inclusive: boolean): number {
    if (this.root === 0) return 0;
    const { nodes } = this;
    let node = this.root;
    let before = 0;
    for (let level = this.height; level > 0; level--) {
      const base = nodes.innerScoreBase(node);
      const below = scoresBelow(nodes.innerScores(node), base, nodes.childCount(node), score, inclusive);
      const child = Math.max(0, below - 1);
      before += nodes.sizeBefore(node, child);
      node = nodes.childAt(node, child);
    }
    const base = nodes.leafScoreBase(node);
    return before + scoresBelow(nodes.leafScores(node), base, nodes.leafCount(node), score, inclusive);
  }

  /**
   * The number of pairs whose member is below these bytes, or, with `inclusive`, at most these bytes. Has a
   * meaning only where all scores are equal, which is what ranges by lexicographical order are for.
   */
  countBelowMember(bytes: Bytes, inclusive: boolean): number {
    if (this.root === 0) return 0;
    const { nodes } = this;
    let node = this.root;
    let before = 0;
    for (let level = this.height; level > 0; level--) {
      const base = nodes.innerRefBase(node);
      const below = this.membersBelow(nodes.innerWords(node), base, nodes.childCount(node), bytes, inclusive);
      const child = Math.max(0, below - 1);
      before += nodes.sizeBefore(node, child);
      node = nodes.childAt(node, child);
    }
    const base = nodes.leafRefBase(node);
    return before + this.membersBelow(nodes.leafWords(node), base, nodes.leafCount(node), bytes, inclusive);
  }

  /** Points the cursor at the pair of that rank; false if there is none. */
  select(rank: number, cursor: OrderCursor): boolean {
    if (rank < 0 || rank >= this.size) return false;
    this.descendToRank(rank);
    return this.pointAt(this.leaf, this.index, cursor);
  }

  /**
   * Visits `count` pairs from that rank on, of which there must be so many; backwards if asked to. `visit`
   * must not change the tree. Hot: about 5 ns a pair, without what `visit` costs.
   */
  visit(rank: number, count: number, backwards: boolean, visit: (ref: number, score: number) => void): void {
    if (count <= 0) return;
    const { nodes } = this;
    this.descendToRank(rank);
    let { leaf, index } = this;
    const step = backwards ? -1 : 1;
    for (let left = count; ; ) {
      const words = nodes.leafWords(leaf);
      const refs = nodes.leafRefBase(leaf);
      const scores = nodes.leafScores(leaf);
      const base = nodes.leafScoreBase(leaf);
      const here = Math.min(left, backwards ? index + 1 : nodes.leafCount(leaf) - index);
      for (let i = 0; i < here; i++, index += step) visit(words[refs + index], scores[base + index]);
      left -= here;
      if (left === 0) return;
      leaf = backwards ? nodes.previousLeaf(leaf) : nodes.nextLeaf(leaf);
      index = backwards ? nodes.leafCount(leaf) - 1 : 0;
    }
  }

  /** As `visit`, without the scores: writes the refs to the beginning of an array. Hot: about 2 ns a pair. */
  refs(rank: number, count: number, backwards: boolean, into: Int32Array): void {
    if (count <= 0) return;
    const { nodes } = this;
    this.descendToRank(rank);
    let { leaf, index } = this;
    for (let done = 0; ; ) {
      const words = nodes.leafWords(leaf);
      const refs = nodes.leafRefBase(leaf);
      const end = done + Math.min(count - done, backwards ? index + 1 : nodes.leafCount(leaf) - index);
      if (backwards) while (done < end) into[done++] = words[refs + index--];
      else while (done < end) into[done++] = words[refs + index++];
      if (done === count) return;
      leaf = backwards ? nodes.previousLeaf(leaf) : nodes.nextLeaf(leaf);
      index = backwards ? nodes.leafCount(leaf) - 1 : 0;
    }
  }

  /** Moves the cursor to the next pair; false if there is none. */
  next(cursor: OrderCursor): boolean {
    const { leaf, index } = cursor;
    if (index + 1 < this.nodes.leafCount(leaf)) return this.pointAt(leaf, index + 1, cursor);
    const next = this.nodes.nextLeaf(leaf);
    return next !== 0 && this.pointAt(next, 0, cursor);
  }

  /** Moves the cursor to the pair before; false if there is none. */
  previous(cursor: OrderCursor): boolean {
    const { leaf, index } = cursor;
    if (index > 0) return this.pointAt(leaf, index - 1, cursor);
    const previous = this.nodes.previousLeaf(leaf);
    return previous !== 0 && this.pointAt(previous, this.nodes.leafCount(previous) - 1, cursor);
  }

  /** Bytes of the tree's nodes, counted by a walk over them. */
  get nodeBytes(): number {
    return this.root === 0 ? 0 : this.bytesBelow(this.root, this.height);
  }

  private bytesBelow(node: number, height: number): number {
    if (height === 0) return this.nodes.leafBytes;
    let bytes = this.nodes.innerBytes;
    const children = this.nodes.childCount(node);
    for (let i = 0; i < children; i++) bytes += this.bytesBelow(this.nodes.childAt(node, i), height - 1);
    return bytes;
  }

  /** Removes all pairs: a few ns for each. */
  clear(): void {
    this.clearSome(Number.POSITIVE_INFINITY);
  }

  /**
   * Releases up to that many leaves; true once nothing is left. For a tree that nobody uses any more, so that
   * a big one can be freed in slices: until then it is good for nothing else.
   */
  clearSome(leaves: number): boolean {
    this.size = 0;
    for (; this.root !== 0 && leaves > 0; leaves--) this.releaseLastLeaf();
    return this.root === 0;
  }

  // --- the way down

  /** Goes to where the pair belongs, behind it if it is there. */
  private descend(score: number, ref: number): void {
    const { nodes } = this;
    let node = this.root;
    for (let level = this.height - 1; level >= 0; level--) {
      const scores = nodes.innerScores(node);
      const words = nodes.innerWords(node);
      const base = nodes.innerScoreBase(node);
      const upTo = this.pairsUpTo(
        scores,
        base,
        words,
        nodes.innerRefBase(node),
        nodes.childCount(node),
        score,
        ref,
      );
      const child = upTo === 0 ? 0 : upTo - 1;
      pathNodes[level] = node;
      pathIndexes[level] = child;
      node = nodes.childAt(node, child);
    }
    const scores = nodes.leafScores(node);
    const base = nodes.leafScoreBase(node);
    const words = nodes.leafWords(node);
    this.leaf = node;
    this.index = this.pairsUpTo(
      scores,
      base,
      words,
      nodes.leafRefBase(node),
      nodes.leafCount(node),
      score,
      ref,
    );
  }

  /** Goes to the pair; false if it is not there. */
  private locate(score: number, ref: number): boolean {
    if (this.root === 0) return false;
    this.descend(score, ref);
    if (this.index === 0) return false;
    this.index--;
    return (
      this.nodes.refAt(this.leaf, this.index) === ref && this.nodes.scoreAt(this.leaf, this.index) === score
    );
  }

  private descendToRank(rank: number): void {
    let node = this.root;
    for (let level = this.height - 1; level >= 0; level--) {
      let child = 0;
      for (let size = this.nodes.sizeAt(node, 0); rank >= size; size = this.nodes.sizeAt(node, child)) {
        rank -= size;
        child++;
      }
      pathNodes[level] = node;
      pathIndexes[level] = child;
      node = this.nodes.childAt(node, child);
    }
    this.leaf = node;
    this.index = rank;
  }

  /** How many of `count` pairs in order are not above (score, ref). */
  private pairsUpTo(
    scores: Float64Array,
    scoreBase: number,
    words: Int32Array,
    refBase: number,
    count: number,
    score: number,
    ref: number,
  ): number {
    let low = 0;
    let high = count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = scores[scoreBase + middle];
      if (other > score || (other === score && this.isAbove(words[refBase + middle], ref))) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  private isAbove(a: number, b: number): boolean {
    return a !== b && this.members.compareRefs(a, b) > 0;
  }

  private membersBelow(
    words: Int32Array,
    base: number,
    count: number,
    bytes: Bytes,
    inclusive: boolean,
  ): number {
    let low = 0;
    let high = count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const order = this.members.compareToBytes(words[base + middle], bytes);
      if (order < 0 || (inclusive && order === 0)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private pointAt(leaf: number, index: number, cursor: OrderCursor): boolean {
    cursor.leaf = leaf;
    cursor.index = index;
    cursor.score = this.nodes.scoreAt(leaf, index);
    cursor.ref = this.nodes.refAt(leaf, index);
    return true;
  }

  /** True if the located pair would stay between its neighbours with that score. */
  private keepsPlace(score: number, ref: number): boolean {
    const { nodes, leaf, index } = this;
    const before = index > 0 ? leaf : nodes.previousLeaf(leaf);
    if (before !== 0) {
      const at = index > 0 ? index - 1 : nodes.leafCount(before) - 1;
      const other = nodes.scoreAt(before, at);
      if (other > score || (other === score && this.isAbove(nodes.refAt(before, at), ref))) return false;
    }
    const isLast = index + 1 === nodes.leafCount(leaf);
    const after = isLast ? nodes.nextLeaf(leaf) : leaf;
    if (after === 0) return true;
    const at = isLast ? 0 : index + 1;
    const other = nodes.scoreAt(after, at);
    return other > score || (other === score && this.isAbove(nodes.refAt(after, at), ref));
  }

  // --- keeping the path's nodes true

  private addToSizes(pairs: number): void {
    for (let level = 0; level < this.height; level++) {
      this.nodes.addToSize(pathNodes[level], pathIndexes[level], pairs);
    }
    this.size += pairs;
  }

  /**
   * Records the smallest pair of what lies below the path at `level`, there and wherever it is the smallest
   * too.
   */
  private setSmallest(level: number, score: number, ref: number): void {
    for (; level < this.height; level++) {
      this.nodes.setSmallest(pathNodes[level], pathIndexes[level], score, ref);
      if (pathIndexes[level] > 0) return;
    }
  }

  // --- growing

  /**
   * Makes room in the full leaf at the end of the path, and moves path, leaf and index to where the pair
   * belongs then. At the ends of the tree the full leaf stays full and an empty one is put beside it, so that
   * pairs that come in order fill the leaves; elsewhere it is halved.
   */
  private splitLeaf(): void {
    const { nodes, leaf, index } = this;
    const next = nodes.nextLeaf(leaf);
    const atEnd = index === LEAF_CAPACITY && next === 0;
    const atStart = index === 0 && nodes.previousLeaf(leaf) === 0;
    const kept = atEnd ? LEAF_CAPACITY : atStart ? 0 : LEAF_CAPACITY / 2;
    const added = nodes.newLeaf(leaf, next);
    nodes.movePairs(leaf, kept, added);
    const goesRight = atEnd || index > kept;
    this.addSibling(0, leaf, kept, added, LEAF_CAPACITY - kept, goesRight);
    if (goesRight) {
      this.leaf = added;
      this.index -= kept;
    }
  }

  /**
   * Puts `right` behind `left`, which the path takes at `level`, and the path leads to the one that is asked
   * for. The smallest pair of an empty leaf is recorded when it gets its first pair.
   */
  private addSibling(
    level: number,
    left: number,
    leftSize: number,
    right: number,
    rightSize: number,
    goesRight: boolean,
  ): void {
    const { nodes } = this;
    if (level === this.height) this.growRoot(left);
    else if (nodes.childCount(pathNodes[level]) === INNER_CAPACITY) this.splitInner(level);
    const node = pathNodes[level];
    const index = pathIndexes[level];
    nodes.setSize(node, index, leftSize);
    nodes.insertChild(node, index + 1, right, rightSize);
    if (level > 0)
      nodes.setSmallest(node, index + 1, nodes.smallestScoreAt(right, 0), nodes.smallestRefAt(right, 0));
    else nodes.setSmallest(node, index + 1, nodes.scoreAt(right, 0), nodes.refAt(right, 0));
    if (goesRight) pathIndexes[level] = index + 1;
  }

  /** Puts a new root above the old one, and on the path. */
  private growRoot(child: number): void {
    const { nodes, height } = this;
    if (height === MAX_HEIGHT) throw new Error('an order tree cannot be that high');
    const root = nodes.newInner();
    nodes.insertChild(root, 0, child, this.size);
    if (height > 0)
      nodes.setSmallest(root, 0, nodes.smallestScoreAt(child, 0), nodes.smallestRefAt(child, 0));
    else nodes.setSmallest(root, 0, nodes.scoreAt(child, 0), nodes.refAt(child, 0));
    pathNodes[height] = root;
    pathIndexes[height] = 0;
    this.root = root;
    this.height = height + 1;
  }

  /**
   * Halves the full inner node of the path at `level`. One that grows at its end keeps all but its last
   * child.
   */
  private splitInner(level: number): void {
    const { nodes } = this;
    const full = pathNodes[level];
    const index = pathIndexes[level];
    const kept = index === INNER_CAPACITY - 1 ? INNER_CAPACITY - 1 : INNER_CAPACITY / 2;
    const added = nodes.newInner();
    nodes.moveChildren(full, kept, added);
    const goesRight = index >= kept;
    const leftSize = nodes.sizeBefore(full, kept);
    const rightSize = nodes.sizeBefore(added, INNER_CAPACITY - kept);
    this.addSibling(level + 1, full, leftSize, added, rightSize, goesRight);
    if (goesRight) {
      pathNodes[level] = added;
      pathIndexes[level] = index - kept;
    }
  }

  // --- shrinking

  /** Removes the pair that the path leads to. */
  private removeLocated(): void {
    const { nodes, leaf, index } = this;
    nodes.removePair(leaf, index);
    this.addToSizes(-1);
    if (nodes.leafCount(leaf) === 0) {
      nodes.releaseLeaf(leaf);
      this.removeFromPath(0);
    } else {
      if (index === 0) this.setSmallest(0, nodes.scoreAt(leaf, 0), nodes.refAt(leaf, 0));
      if (this.height > 0 && nodes.leafCount(leaf) < LEAF_CAPACITY / 2) this.mergeLeaf();
    }
    while (this.height > 0 && nodes.childCount(this.root) === 1) this.dropRoot();
  }

  /**
   * Takes the child, empty and released, that the path takes at `level` out of its node, which may empty in
   * turn.
   */
  private removeFromPath(level: number): void {
    if (level === this.height) {
      this.root = 0;
      this.height = 0;
      return;
    }
    const { nodes } = this;
    const node = pathNodes[level];
    nodes.removeChild(node, pathIndexes[level]);
    if (nodes.childCount(node) === 0) {
      nodes.releaseInner(node);
      this.removeFromPath(level + 1);
      return;
    }
    if (pathIndexes[level] === 0) {
      this.setSmallest(level + 1, nodes.smallestScoreAt(node, 0), nodes.smallestRefAt(node, 0));
    }
    this.mergeInner(level);
  }

  /**
   * Joins the leaf of the path with a neighbour below the same parent, if both fit one leaf with room to
   * spare.
   */
  private mergeLeaf(): void {
    const { nodes, leaf } = this;
    const parent = pathNodes[0];
    const index = pathIndexes[0];
    const count = nodes.leafCount(leaf);
    const most = LEAF_CAPACITY - MERGE_SLACK - count;
    if (index + 1 < nodes.childCount(parent) && nodes.sizeAt(parent, index + 1) <= most)
      this.joinLeaves(index);
    else if (index > 0 && nodes.sizeAt(parent, index - 1) <= most) this.joinLeaves(index - 1);
    else return;
    this.mergeInner(0);
  }

  /** Moves the pairs of the leaf behind `index` to that leaf. */
  private joinLeaves(index: number): void {
    const { nodes } = this;
    const parent = pathNodes[0];
    const right = nodes.childAt(parent, index + 1);
    nodes.movePairs(right, 0, nodes.childAt(parent, index));
    nodes.releaseLeaf(right);
    nodes.addToSize(parent, index, nodes.sizeAt(parent, index + 1));
    nodes.removeChild(parent, index + 1);
  }

  /**
   * As mergeLeaf, for the inner node of the path at `level` if it has become small, and then for those above.
   */
  private mergeInner(level: number): void {
    const { nodes } = this;
    for (; level + 1 < this.height; level++) {
      const count = nodes.childCount(pathNodes[level]);
      if (count >= INNER_CAPACITY / 2) return;
      const parent = pathNodes[level + 1];
      const index = pathIndexes[level + 1];
      const most = INNER_CAPACITY - MERGE_SLACK - count;
      const right = index + 1 < nodes.childCount(parent) ? nodes.childAt(parent, index + 1) : 0;
      const left = index > 0 ? nodes.childAt(parent, index - 1) : 0;
      if (right !== 0 && nodes.childCount(right) <= most) this.joinInner(parent, index);
      else if (left !== 0 && nodes.childCount(left) <= most) this.joinInner(parent, index - 1);
      else return;
    }
  }

  private joinInner(parent: number, index: number): void {
    const { nodes } = this;
    const right = nodes.childAt(parent, index + 1);
    nodes.moveChildren(right, 0, nodes.childAt(parent, index));
    nodes.releaseInner(right);
    nodes.addToSize(parent, index, nodes.sizeAt(parent, index + 1));
    nodes.removeChild(parent, index + 1);
  }

  private dropRoot(): void {
    const { root } = this;
    this.root = this.nodes.childAt(root, 0);
    this.nodes.releaseInner(root);
    this.height--;
  }

  private releaseLastLeaf(): void {
    const { nodes } = this;
    let node = this.root;
    for (let level = this.height - 1; level >= 0; level--) {
      const last = nodes.childCount(node) - 1;
      pathNodes[level] = node;
      pathIndexes[level] = last;
      node = nodes.childAt(node, last);
    }
    nodes.releaseLeaf(node);
    for (let level = 0; level < this.height; level++) {
      nodes.removeChild(pathNodes[level], pathIndexes[level]);
      if (nodes.childCount(pathNodes[level]) > 0) return;
      nodes.releaseInner(pathNodes[level]);
    }
    this.root = 0;
    this.height = 0;
  }
}

/** How many of `count` ascending scores are below this one, or, with `inclusive`, at most this one. */
function scoresBelow(
  scores: Float64Array,
  base: number,
  count: number,
  score: number,
  inclusive: boolean,
): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const other = scores[base + middle];
    if (other < score || (inclusive && other === score)) low = middle + 1;
    else high = middle;
  }
  return low;
}
