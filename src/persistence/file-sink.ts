import { Worker } from 'node:worker_threads';
import { type FileSystem, systemFiles } from './files.js';
import type { SnapshotSink } from './snapshot.js';
import { SnapshotFile, SnapshotFileError, type SnapshotFileOptions } from './snapshot-file.js';
import { Fate, type SnapshotThreadReport } from './snapshot-thread.js';

const mostSpare = 32;

/** A snapshot's way into a file. */
export interface FileSink extends SnapshotSink {
  /** Called once: the file is complete under its name (undefined), or there is none, for this reason. */
  onEnd: (failure: string | undefined) => void;
  /** All was written: ends the file. `onEnd` follows. */
  end(): void;
  /**
   * Gives the file up and removes it; one that just has, or is about to have, its name keeps that. `onEnd` is not
   * called any more. Resolves when nothing happens to the file any more.
   */
  abandon(): Promise<void>;
}

/**
 * Begins a file in the background. It is written by a thread of its own; where there is none to be had (another file
 * system than the machine's, TypeScript without compilation), in the event loop.
 */
export function openFileSink(files: FileSystem, options: SnapshotFileOptions): FileSink {
  const compiled = import.meta.url.endsWith('.js');
  return files === systemFiles && compiled ? new ThreadSink(files, options) : new LoopSink(files, options);
}

class ThreadSink implements FileSink {
  unsentBytes = 0;
  onEnd: (failure: string | undefined) => void = () => {};
  private readonly fate = new Int32Array(new SharedArrayBuffer(4));
  private readonly thread: Worker;
  private over = false;
  /** Memory of chunks that were written. */
  private readonly spare: Buffer[] = [];

  constructor(
    private readonly files: FileSystem,
    private readonly options: SnapshotFileOptions,
  ) {
    this.thread = new Worker(new URL('./snapshot-thread.js', import.meta.url), {
      workerData: { options, fate: this.fate },
      execArgv: [],
      stdin: false,
    });
    this.thread.unref();
    this.thread.on('message', (report: SnapshotThreadReport) => this.hear(report));
    this.thread.on('error', (error) => this.finish(error.message));
    this.thread.on('exit', () => this.finish('the thread that writes it ended'));
  }

  private hear(report: SnapshotThreadReport): void {
    if ('written' in report) {
      this.unsentBytes -= report.written.byteLength;
      if (this.spare.length < mostSpare) this.spare.push(Buffer.from(report.written.buffer));
    } else this.finish('failure' in report ? report.failure : undefined);
  }

  private finish(failure: string | undefined): void {
    void this.thread.terminate();
    if (this.over) return;
    this.over = true;
    this.unsentBytes = 0;
    this.onEnd(failure);
  }

  write(chunk: Buffer): Buffer | undefined {
    if (this.over) return undefined;
    this.unsentBytes += chunk.length;
    const { buffer } = chunk;
    // Chunks have memory of their own, which goes to the thread without being copied.
    this.thread.postMessage(chunk, buffer instanceof ArrayBuffer ? [buffer] : []);
    return this.spare.pop();
  }

  end(): void {
    if (!this.over) this.thread.postMessage(null);
  }

  async abandon(): Promise<void> {
    if (this.over) return;
    this.over = true;
    if (Atomics.compareExchange(this.fate, 0, Fate.open, Fate.abandoned) !== Fate.open) {
      // The thread gives it its name, says so, and ends.
      await new Promise((resolve) => this.thread.once('exit', resolve));
      return;
    }
    // The thread closes it and ends; the name is free at once.
    try {
      this.files.unlinkSync(this.options.temporary);
    } catch {
      // Not there yet: then the thread has not opened it, and finds out before it writes.
    }
    await this.thread.terminate();
    removeQuietly(this.files, this.options.temporary, this.fate);
  }
}

/** For a thread that opened the file just when it was given up. */
function removeQuietly(files: FileSystem, path: string, fate: Int32Array): void {
  if (Atomics.load(fate, 0) !== Fate.abandoned) return;
  try {
    files.unlinkSync(path);
  } catch {
    // It had not.
  }
}

class LoopSink implements FileSink {
  readonly unsentBytes = 0;
  onEnd: (failure: string | undefined) => void = () => {};
  private file: SnapshotFile | undefined;

  constructor(files: FileSystem, options: SnapshotFileOptions) {
    this.guarded(() => {
      this.file = new SnapshotFile(files, options);
    });
  }

  private guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof SnapshotFileError)) throw error;
      this.file = undefined;
      setImmediate(() => this.onEnd(error.message));
    }
  }

  write(chunk: Buffer): Buffer | undefined {
    let memory: Buffer | undefined;
    this.guarded(() => {
      memory = this.file?.write(chunk);
    });
    return memory;
  }

  end(): void {
    const { file } = this;
    if (file === undefined) return;
    this.guarded(() => {
      file.commit();
      setImmediate(() => this.onEnd(undefined));
    });
  }

  async abandon(): Promise<void> {
    this.file?.discard();
    this.file = undefined;
    this.onEnd = () => {};
  }
}
