/**
 * Numbered nodes of equal size in chunks of typed arrays: every node has some doubles and some 32-bit words.
 * The pool grows and shrinks by a chunk at a time, so nothing big is ever copied. Many trees share one pool,
 * and a small tree takes no more than its nodes.
 *
 * Node `n` has its doubles in `doubles[n >>> CHUNK_BITS]` from `(n & CHUNK_MASK) * doublesPerNode`, and its
 * words likewise. 0 is no node.
 */

/** Nodes in a chunk, as a power of two. */
export const CHUNK_BITS = 7;
const CHUNK_NODES = 1 << CHUNK_BITS;
export const CHUNK_MASK = CHUNK_NODES - 1;

const NO_DOUBLES = new Float64Array(0);
const NO_WORDS = new Int32Array(0);

export class NodePool {
  readonly doubles: Float64Array[] = [];
  readonly words: Int32Array[] = [];
  /** Nodes that are in use. */
  nodes = 0;
  /**
   * By chunk: how many nodes are in use, how many ever were, and the first released one; the next is in its
   * first word.
   */
  private readonly used: number[] = [];
  private readonly fresh: number[] = [];
  private readonly released: number[] = [];
  /** No chunk below this one has a free node. */
  private lowestRoom = 0;
  /** A chunk that is empty but kept, so that a load that swings around its edge costs nothing; or -1. */
  private spare = -1;

  constructor(
    readonly doublesPerNode: number,
    readonly wordsPerNode: number,
  ) {}

  /** Bytes of a node. */
  get nodeBytes(): number {
    return this.doublesPerNode * 8 + this.wordsPerNode * 4;
  }

  /** Bytes of all nodes in use. */
  get allocated(): number {
    return this.nodes * this.nodeBytes;
  }

  /** A node whose content is whatever was there before. O(1). */
  allocate(): number {
    const chunk = this.chunkWithRoom();
    let node = this.released[chunk];
    if (node !== 0) {
      this.released[chunk] = this.words[chunk][(node & CHUNK_MASK) * this.wordsPerNode];
    } else {
      node = (chunk << CHUNK_BITS) + this.fresh[chunk]++;
    }
    if (chunk === this.spare) this.spare = -1;
    this.used[chunk]++;
    this.nodes++;
    return node;
  }

  /** Gives a node back. O(1). Chunks that empty are dropped, but for one. */
  release(node: number): void {
    const chunk = node >>> CHUNK_BITS;
    this.words[chunk][(node & CHUNK_MASK) * this.wordsPerNode] = this.released[chunk];
    this.released[chunk] = node;
    this.nodes--;
    if (chunk < this.lowestRoom) this.lowestRoom = chunk;
    if (--this.used[chunk] > 0) return;
    if (this.spare === -1) this.spare = chunk;
    else this.drop(chunk);
  }

  private chunkWithRoom(): number {
    while (this.lowestRoom < this.words.length && !this.hasRoom(this.lowestRoom)) this.lowestRoom++;
    const chunk = this.lowestRoom;
    if (chunk === this.words.length || this.words[chunk] === NO_WORDS) this.add(chunk);
    return chunk;
  }

  private hasRoom(chunk: number): boolean {
    return this.released[chunk] !== 0 || this.fresh[chunk] < CHUNK_NODES;
  }

  private add(chunk: number): void {
    this.doubles[chunk] = new Float64Array(CHUNK_NODES * this.doublesPerNode);
    this.words[chunk] = new Int32Array(CHUNK_NODES * this.wordsPerNode);
    this.used[chunk] = 0;
    this.fresh[chunk] = chunk === 0 ? 1 : 0; // node 0 is no node
    this.released[chunk] = 0;
  }

  /** Leaves the chunk without memory but with room: it is added again when it is its turn. */
  private drop(chunk: number): void {
    this.doubles[chunk] = NO_DOUBLES;
    this.words[chunk] = NO_WORDS;
    this.fresh[chunk] = 0;
    this.released[chunk] = 0;
  }
}
