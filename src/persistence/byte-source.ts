import type { FileSystem } from './files.js';

/** Where the bytes of a data set come from: a file, memory. They are read once, in order. */
export interface ByteSource {
  /** All bytes that there will be, if that is known. */
  readonly total: number | undefined;
  /** Fills `into[at, end)` as far as bytes are there, at least one; 0 at the end. */
  read(into: Buffer, at: number, end: number): number;
}

/** An open file, from a position on. Whoever opened it closes it. */
export class FileSource implements ByteSource {
  readonly total: number;
  private position: number;

  constructor(
    private readonly files: FileSystem,
    private readonly fd: number,
    from = 0,
  ) {
    this.position = from;
    this.total = files.fstatSync(fd).size - from;
  }

  read(into: Buffer, at: number, end: number): number {
    const count = this.files.readSync(this.fd, into, at, end - at, this.position);
    this.position += count;
    return count;
  }
}
