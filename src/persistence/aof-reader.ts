import { Bytes } from '../bytes/bytes.js';
import { arrayMark, bulkMark, carriageReturn, lineFeed, zero } from '../protocol/resp-bytes.js';
import type { FileSystem } from './files.js';

/** What a line that is no command begins with, such as a time: #. */
const noteMark = 0x23;

/** Larger values than a request can bring. */
const maxBulkLength = 4 * 1024 * 1024 * 1024;
const windowBytes = 1024 * 1024;
/** A line: the sign, at most so many digits, the line end. */
const maxDigits = 10;
/** Arguments of one command. Each takes five bytes of the file at least, so a hostile count costs nothing before. */
const maxArguments = 1024 * 1024 * 1024;

/** The file is not an append-only file from `offset` on. */
export class AofFormatError extends Error {
  constructor(
    readonly offset: number,
    what: string,
  ) {
    super(`${what}, at offset ${offset}`);
  }
}

/**
 * Reads the commands of an append-only file one by one, in a window of bounded size that grows only for a command that
 * is larger, and never beyond what the file has.
 */
export class AofReader {
  /** The command that `next` found: the first `argc` views are valid until it is called again. */
  readonly args: Bytes[] = [];
  argc = 0;
  /** Where the next command begins: all before is whole. */
  offset: number;
  /** Unix time in s of the last `#TS:` line, or 0. */
  timestamp = 0;
  private window: Buffer;
  /** The part of the window that is filled and not yet read, and where `at` is in the file. */
  private at = 0;
  private end = 0;

  /** Reads from `offset` to `size`, in bytes. */
  constructor(
    private readonly files: FileSystem,
    private readonly fd: number,
    offset: number,
    private readonly size: number,
  ) {
    this.offset = offset;
    this.window = Buffer.allocUnsafeSlow(Math.min(windowBytes, Math.max(size - offset, 16)));
  }

  /**
   * Finds the next command: `false` at the end of the file, `'truncated'` if it ends inside a command. Throws
   * AofFormatError, and what the file system throws.
   */
  next(): boolean | 'truncated' {
    for (;;) {
      const parsed = this.parse();
      if (parsed === 'note') continue;
      if (parsed === 'command') return true;
      if (parsed === 'cut') return 'truncated';
      if (!this.refill()) return this.end > this.at ? 'truncated' : false;
    }
  }

  /** Position in the file of a place in the window. */
  private fileOffset(at: number): number {
    return this.offset + (at - this.at);
  }

  /** Reads more of the file. False if there is no more. */
  private refill(): boolean {
    const from = this.fileOffset(this.end);
    if (from >= this.size) return false;
    this.window.copyWithin(0, this.at, this.end);
    this.end -= this.at;
    this.at = 0;
    if (this.end === this.window.length) this.grow();
    const length = Math.min(this.window.length - this.end, this.size - from);
    const count = this.files.readSync(this.fd, this.window, this.end, length, from);
    this.end += count;
    return count > 0;
  }

  private grow(): void {
    const left = this.size - this.offset;
    const larger = Buffer.allocUnsafeSlow(Math.min(this.window.length * 2, Math.max(left, 16)));
    this.window.copy(larger, 0, 0, this.end);
    this.window = larger;
  }

  /**
   * Takes one command, or one line of annotation, from the window; 'more' if it has not all of it, 'cut' if not even
   * the file has.
   */
  private parse(): 'command' | 'note' | 'more' | 'cut' {
    const { window, end } = this;
    if (this.at === end) return 'more';
    if (window[this.at] === noteMark) return this.parseNote();
    this.lineEnd = this.at;
    const argc = this.readLine(arrayMark, maxArguments);
    if (argc < 0) return 'more';
    if (argc === 0) throw new AofFormatError(this.offset, 'A command without a name');
    if (argc * 5 > this.size - this.fileOffset(this.lineEnd)) return 'cut';
    for (let i = 0; i < argc; i++) {
      const length = this.readLine(bulkMark, maxBulkLength);
      if (length > this.size - this.fileOffset(this.lineEnd)) return 'cut';
      if (length < 0 || end - this.lineEnd < length + 2) return 'more';
      this.setArgument(i, this.lineEnd, length);
      this.lineEnd += length;
      if (window[this.lineEnd] !== carriageReturn || window[this.lineEnd + 1] !== lineFeed) {
        throw new AofFormatError(this.fileOffset(this.lineEnd), 'Expected \\r\\n');
      }
      this.lineEnd += 2;
    }
    this.argc = argc;
    this.advance();
    return 'command';
  }

  /** Where the line ends that was read last. */
  private lineEnd = 0;

  private advance(): void {
    this.offset = this.fileOffset(this.lineEnd);
    this.at = this.lineEnd;
  }

  private setArgument(i: number, start: number, length: number): void {
    let view = this.args[i];
    if (view === undefined) {
      view = new Bytes(this.window);
      this.args.push(view);
    }
    view.buffer = this.window;
    view.start = start;
    view.end = start + length;
    view.hash = 0;
  }

  /** The number on a line that begins with `sign`, at `lineEnd`, which moves behind it; -1 if the window ends in it. */
  private readLine(sign: number, max: number): number {
    const { window, end, lineEnd: start } = this;
    if (start === end) return -1;
    if (window[start] !== sign) {
      throw new AofFormatError(this.fileOffset(start), `Expected '${String.fromCharCode(sign)}'`);
    }
    let n = 0;
    let at = start + 1;
    for (; at < end && window[at] !== carriageReturn; at++) {
      const digit = window[at] - zero;
      if (digit < 0 || digit > 9 || at - start > maxDigits) {
        throw new AofFormatError(this.fileOffset(start), 'Expected a number');
      }
      n = n * 10 + digit;
    }
    if (at + 1 >= end) return -1;
    if (window[at + 1] !== lineFeed || at === start + 1 || n > max) {
      throw new AofFormatError(this.fileOffset(start), 'Expected a number');
    }
    this.lineEnd = at + 2;
    return n;
  }

  /** A line that begins with `#`. */
  private parseNote(): 'note' | 'more' {
    const { window, at, end } = this;
    const noteEnd = window.subarray(0, end).indexOf(lineFeed, at);
    if (noteEnd < 0) {
      if (end - at > 1024) throw new AofFormatError(this.offset, 'An annotation that does not end');
      return 'more';
    }
    const time = /^#TS:(\d{1,15})\r$/.exec(window.toString('latin1', at, noteEnd));
    if (time !== null) this.timestamp = Number(time[1]);
    this.lineEnd = noteEnd + 1;
    this.advance();
    return 'note';
  }
}
