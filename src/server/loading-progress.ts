/** How far the load of a data set is. */
export class LoadingProgress {
  loadedBytes = 0;
  /** `used_memory` of the server that wrote the file, 0 while it is not known. */
  usedMemoryWhenSaved = 0;

  constructor(
    /** Unix time in ms. */
    readonly startedAt: number,
    /** Bytes of all files to load. */
    readonly totalBytes: number,
  ) {}

  get percent(): number {
    return this.totalBytes === 0 ? 100 : (this.loadedBytes / this.totalBytes) * 100;
  }

  /** Seconds that it will take still, if it goes on like this. */
  etaSeconds(now: number): number {
    const elapsed = Math.floor((now - this.startedAt) / 1000);
    if (elapsed === 0) return 1;
    return Math.floor((elapsed * (this.totalBytes - this.loadedBytes)) / (this.loadedBytes + 1));
  }
}
