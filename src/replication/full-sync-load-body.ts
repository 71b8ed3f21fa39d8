import type { SnapshotTarget } from './full-sync-load-targets.js';

/** The bytes of a snapshot, of a known number or up to a mark, on their way to where they belong. */
export class SnapshotBody {
  private left: number;
  /** The last bytes, as many as may be the beginning of the mark. */
  private tail = Buffer.alloc(0);
  private complete = false;

  constructor(
    readonly target: SnapshotTarget,
    total: number | undefined,
    private readonly mark: Buffer | undefined,
    private readonly arrived: () => void,
  ) {
    this.left = total ?? 0;
  }

  /** Takes bytes; returns how many of them belong to the snapshot or its mark. */
  take(buffer: Buffer, start: number, end: number): number {
    if (this.complete) return 0;
    return this.mark === undefined
      ? this.takeCounted(buffer, start, end)
      : this.takeMarked(this.mark, buffer, start, end);
  }

  private takeCounted(buffer: Buffer, start: number, end: number): number {
    const count = Math.min(this.left, end - start);
    this.left -= count;
    this.complete = this.left === 0;
    this.target.write(buffer, start, start + count);
    if (this.complete) this.arrived();
    return count;
  }

  /** The mark is random, so that it is not among the data; it may be cut anywhere. */
  private takeMarked(mark: Buffer, buffer: Buffer, start: number, end: number): number {
    const { tail } = this;
    const bytes = Buffer.concat([tail, buffer.subarray(start, end)]);
    const found = bytes.indexOf(mark);
    if (found >= 0) {
      this.complete = true;
      this.target.write(bytes, 0, found);
      this.arrived();
      return found + mark.length - tail.length;
    }
    const kept = Math.min(bytes.length, mark.length - 1);
    this.tail = Buffer.from(bytes.subarray(bytes.length - kept));
    if (bytes.length > kept) this.target.write(bytes, 0, bytes.length - kept);
    return end - start;
  }
}
