import { basename, dirname } from 'node:path';
import { Crc64 } from '../bytes/crc64.js';
import { systemErrorText } from '../config/files.js';
import { type FileSystem, syncDirectory, writeWhole } from './files.js';

/** So many bytes are handed to the disk at a time, with `rdb-save-incremental-fsync`. */
const syncBytes = 4 * 1024 * 1024;

export interface SnapshotFileOptions {
  /** Where it is written, and what it is called once it is complete. */
  temporary: string;
  path: string;
  /** What follows the last byte: a checksum, the same number of zeros, or nothing. */
  checksum: 'crc64' | 'zero' | 'none';
  /** Hand it to the disk while it is written, so that the end does not take long. */
  incrementalSync: boolean;
}

/** A file could not be written; the text says what failed and why, in the words of Redis. */
export class SnapshotFileError extends Error {}

/**
 * A file that appears under its name when it is complete and on the disk, or not at all. Works with blocking calls: in
 * the thread of `snapshot-thread.ts`, or in the event loop where that is wanted (SAVE).
 */
export class SnapshotFile {
  private readonly crc = new Crc64();
  private readonly fd: number;
  private unsynced = 0;
  private open = true;

  /** Throws SnapshotFileError. */
  constructor(
    private readonly files: FileSystem,
    private readonly options: SnapshotFileOptions,
  ) {
    try {
      this.fd = files.openSync(options.temporary, 'w');
    } catch (error) {
      throw new SnapshotFileError(
        `Failed opening the temp RDB file ${basename(options.temporary)} (in server root dir ` +
          `${dirname(options.temporary)}) for saving: ${systemErrorText(error)}`,
      );
    }
  }

  /** Throws SnapshotFileError; the file is gone then. */
  write(chunk: Buffer): void {
    const { files, fd, options } = this;
    this.attempt('write', () => {
      if (options.checksum === 'crc64') this.crc.update(chunk);
      writeWhole(files, fd, chunk);
      this.unsynced += chunk.length;
      if (!options.incrementalSync || this.unsynced < syncBytes) return;
      files.fdatasyncSync(fd);
      this.unsynced = 0;
    });
  }

  /**
   * Ends the file and gives it its name, unless `mayCommit` says at the last moment that nobody wants it. Throws
   * SnapshotFileError; the file is gone then.
   */
  commit(mayCommit: () => boolean = () => true): void {
    const { files, fd, options } = this;
    this.attempt('write', () => {
      const tail = Buffer.alloc(8);
      if (options.checksum === 'crc64') this.crc.write(tail, 0);
      if (options.checksum !== 'none') writeWhole(files, fd, tail);
      files.fsyncSync(fd);
      this.close();
    });
    if (!mayCommit()) return;
    this.attempt('rename', () => {
      files.renameSync(options.temporary, options.path);
      syncDirectory(files, dirname(options.path));
    });
  }

  private attempt(what: 'write' | 'rename', work: () => void): void {
    try {
      work();
    } catch (error) {
      this.discard();
      const { temporary, path } = this.options;
      const reason = systemErrorText(error);
      throw new SnapshotFileError(
        what === 'write'
          ? `Write error saving DB on disk(${basename(temporary)}): ${reason}`
          : `Error moving temp DB file ${basename(temporary)} on the final destination ${basename(path)} ` +
              `(in server root dir ${dirname(path)}): ${reason}`,
      );
    }
  }

  /** Closes and removes what was written. */
  discard(): void {
    try {
      if (this.open) this.close();
    } catch {
      // It could not be written to either.
    }
    try {
      this.files.unlinkSync(this.options.temporary);
    } catch {
      // It is not there, or the disk is out of reach: nothing is left to do.
    }
  }

  /** Closes it and leaves it to somebody else to remove it. */
  close(): void {
    if (!this.open) return;
    this.open = false;
    this.files.closeSync(this.fd);
  }
}
