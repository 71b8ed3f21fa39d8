import type { SnapshotTarget } from './full-sync-load-targets.js';

/** The bytes of a snapshot, of a known number or up to a mark, on their way to where they belong. */
export class SnapshotBody {
  private left: number;
  /** The last bytes, as many as may be the beginning of the mark. */
  private tail: Buffer = Buffer.alloc(0);
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
    const most = mark.length - 1;
    const { tail } = this;
    // A mark that begins in the tail is found here, and one in a short piece.
    const seam = Buffer.concat([tail, buffer.subarray(start, Math.min(end, start + most))]);
    const inSeam = seam.indexOf(mark);
    if (inSeam >= 0) {
      this.finish(seam, 0, inSeam);
      return inSeam + mark.length - tail.length;
    }
    if (end - start < mark.length) {
      const kept = Math.min(seam.length, most);
      this.tail = seam.subarray(seam.length - kept);
      this.target.write(seam, 0, seam.length - kept);
      return end - start;
    }
    this.target.write(tail, 0, tail.length);
    const found = buffer.subarray(start, end).indexOf(mark);
    if (found >= 0) {
      this.finish(buffer, start, start + found);
      return found + mark.length;
    }
    this.tail = Buffer.from(buffer.subarray(end - most, end));
    this.target.write(buffer, start, end - most);
    return end - start;
  }

  /** The last bytes. */
  private finish(buffer: Buffer, start: number, end: number): void {
    this.complete = true;
    this.target.write(buffer, start, end);
    this.arrived();
  }
}
