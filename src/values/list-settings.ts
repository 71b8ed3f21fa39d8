/** What a listpack of a list may hold where only the number of elements is limited. */
const SAFE_BYTES = 8192;
/** The node sizes that the settings -1 to -5 stand for. */
const sizes = [4096, 8192, 16384, 32768, 65536];
const USUAL_PLAIN_BYTES = 2 ** 30;

/**
 * How big the pieces of a list may be. One object serves all lists; what it says holds for their next change.
 */
export class ListSettings {
  /** Most bytes of a listpack: of a whole small list, or of a node of a big one. */
  bytes = sizes[1];
  /** Most elements of a listpack. */
  count = Number.POSITIVE_INFINITY;
  /**
   * Below these a big list of one node becomes a listpack again: half, so that it does not swing to and fro.
   */
  shrunkBytes = sizes[1] / 2;
  shrunkCount = Number.POSITIVE_INFINITY;
  /** An element of so many bytes gets a node that takes no other. */
  plainBytes = USUAL_PLAIN_BYTES;

  /** Takes over `list-max-listpack-size`: a number of elements, or -1 to -5 for 4 to 64 KiB. */
  setMaxListpackSize(setting: number): void {
    const byCount = setting >= 0;
    this.bytes = byCount ? SAFE_BYTES : sizes[Math.min(-setting, sizes.length) - 1];
    this.count = byCount ? Math.max(setting, 1) : Number.POSITIVE_INFINITY;
    this.shrunkBytes = byCount ? Number.POSITIVE_INFINITY : this.bytes / 2;
    this.shrunkCount = Math.floor(this.count / 2);
  }

  /** For tests of large elements with small ones. 0 is the usual 1 GiB. */
  setPlainBytes(bytes: number): void {
    this.plainBytes = bytes === 0 ? USUAL_PLAIN_BYTES : bytes;
  }

  /** True if a listpack of so many bytes and elements is too big. */
  exceeded(bytes: number, count: number): boolean {
    return bytes > this.bytes || count > this.count;
  }
}
