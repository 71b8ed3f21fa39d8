/** More entries than anything holds: for one who wants all, and where there is no limit. */
export const NO_LIMIT = Number.POSITIVE_INFINITY;

/** Redis's own limit where there is none: a node is never larger. */
const MOST_BYTES = 2 ** 30;

/** How big the nodes of streams may be. One object serves all streams; what it says holds for their next entry. */
export class StreamSettings {
  /** A node of so many bytes takes no more entries. */
  nodeBytes = 4096;
  /** Most entries of a node, deleted ones included; `NO_LIMIT` if bytes alone count. */
  nodeEntries = 100;

  /** Takes over `stream-node-max-bytes`; 0 is no limit. */
  setNodeBytes(bytes: number): void {
    this.nodeBytes = bytes === 0 ? MOST_BYTES : Math.min(bytes, MOST_BYTES);
  }

  /** Takes over `stream-node-max-entries`; 0 is no limit. */
  setNodeEntries(entries: number): void {
    this.nodeEntries = entries === 0 ? NO_LIMIT : entries;
  }
}
