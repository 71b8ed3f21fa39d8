import { IdCursor, type IdIndex } from './id-index.js';
import { ID_BYTES, StreamId } from './stream-id.js';

/**
 * The number of nodes that a radix tree over the index's IDs would have: what XINFO STREAM calls radix-tree-nodes.
 * Redis keeps such a tree; here it is only counted. A branch is where neighbouring keys part; a run of bytes without
 * a branch is one node, and every key ends in a node. O(n).
 */
export function radixTreeNodes(index: IdIndex): number {
  if (index.size === 0) return 1;
  const cursor = new IdCursor();
  const previous = new StreamId();
  const id = new StreamId();
  /** Depths of the branches on the way to the present key. */
  const branches: number[] = [];
  let nodes = 0;
  cursor.first(index).readId(previous);
  // A branch at depth d is reached over the byte behind its parent's depth; what lies between is a run.
  const runBelow = (parent: number, depth: number) => (depth > parent + 1 ? 1 : 0);
  const close = (depth: number) => {
    const parent = branches.at(-1) ?? -1;
    nodes += 1 + runBelow(parent, depth);
  };
  const leaf = (parent: number) => {
    nodes += 1 + runBelow(parent, ID_BYTES);
  };
  let before = -1;
  for (cursor.next(); !cursor.done; cursor.next()) {
    cursor.readId(id);
    const common = commonBytes(previous, id);
    leaf(Math.max(before, common));
    while (branches.length > 0 && branches[branches.length - 1] > common) {
      const depth = branches.pop()!;
      const outer = Math.max(branches.at(-1) ?? -1, common);
      nodes += 1 + runBelow(outer, depth);
    }
    if (branches.at(-1) !== common) branches.push(common);
    before = common;
    previous.assign(id);
  }
  leaf(before);
  while (branches.length > 0) close(branches.pop()!);
  return nodes;
}

/** How many of the leading bytes of two keys are the same. */
function commonBytes(a: StreamId, b: StreamId): number {
  const words: [number, number][] = [
    [a.msHigh, b.msHigh],
    [a.msLow, b.msLow],
    [a.seqHigh, b.seqHigh],
    [a.seqLow, b.seqLow],
  ];
  for (const [i, [x, y]] of words.entries()) {
    if (x !== y) return i * 4 + (Math.clz32(x ^ y) >> 3);
  }
  return ID_BYTES;
}
