import { join } from 'node:path';
import { randomHexId } from '../ambient/random.js';
import { Crc64 } from '../bytes/crc64.js';
import { systemErrorText } from '../config/files.js';
import type { EndingSink } from '../persistence/background-snapshot.js';
import { openFileSink } from '../persistence/file-sink.js';
import type { FileSystem } from '../persistence/files.js';
import type { Replica } from './replica.js';

/** A snapshot on its way to replicas. */
export interface SnapshotTransfer extends EndingSink {
  /** Where it goes, in the word that the log has for it. */
  readonly target: 'replicas sockets' | 'disk';
  /** All was written, or nothing more will be for this reason. Called once; not after `abandon`. */
  onWritten: (failure: string | undefined) => void;
  /** Gives up. */
  abandon(): void;
}

/** What a transfer does with its replicas. */
export interface TransferTarget {
  /** They may change while it is under way. */
  readonly replicas: readonly Replica[];
  /** Something is to be sent to them. */
  wake(): void;
}

/** So much waits for the slowest replica's socket; the event loop fills it again long before it is empty. */
const mostQueuedBytes = 2 * 1024 * 1024;

/**
 * Sends a snapshot as it is made. Its length is not known before, so it ends with a mark that was announced at the
 * beginning.
 */
export class SocketTransfer implements SnapshotTransfer {
  readonly target = 'replicas sockets';
  readonly mostUnsentBytes = mostQueuedBytes;
  onWritten: (failure: string | undefined) => void = () => {};
  private readonly mark = Buffer.from(randomHexId(), 'latin1');
  private readonly crc: Crc64 | undefined;

  constructor(
    private readonly to: TransferTarget,
    checksum: boolean,
  ) {
    this.crc = checksum ? new Crc64() : undefined;
    this.send(Buffer.concat([Buffer.from('$EOF:'), this.mark, Buffer.from('\r\n')]));
  }

  /** Bytes that the slowest replica has still to take. */
  get unsentBytes(): number {
    let most = 0;
    for (const replica of this.to.replicas) most = Math.max(most, replica.queuedBytes);
    return most;
  }

  write(chunk: Buffer): undefined {
    this.crc?.update(chunk);
    this.send(chunk);
  }

  private send(bytes: Buffer): void {
    for (const replica of this.to.replicas) replica.enqueue(bytes);
    this.to.wake();
  }

  end(): void {
    const checksum = Buffer.alloc(8);
    this.crc?.write(checksum, 0);
    this.send(Buffer.concat([checksum, this.mark]));
    this.onWritten(undefined);
  }

  abandon(): void {
    this.onWritten = () => {};
  }
}

/** Those that this server is sent as a replica itself are called otherwise: the two may be there at once. */
let filesSoFar = 0;

/** Writes a snapshot to a file first, and sends that, after its length, to everybody who has come until then. */
export class FileTransfer implements SnapshotTransfer {
  readonly target = 'disk';
  onWritten: (failure: string | undefined) => void = () => {};
  private readonly path: string;
  private readonly sink;

  constructor(
    private readonly files: FileSystem,
    private readonly to: TransferTarget,
    directory: string,
    checksum: boolean,
  ) {
    const name = `temp-sync-${process.pid}.${++filesSoFar}`;
    this.path = join(directory, `${name}.rdb`);
    this.sink = openFileSink(files, {
      temporary: join(directory, `${name}.part`),
      path: this.path,
      checksum: checksum ? 'crc64' : 'zero',
      incrementalSync: false,
    });
    this.sink.onEnd = (failure) => this.onWritten(failure ?? this.handOver());
  }

  get unsentBytes(): number {
    return this.sink.unsentBytes;
  }

  write(chunk: Buffer): Buffer | undefined {
    return this.sink.write(chunk);
  }

  end(): void {
    this.sink.end();
  }

  abandon(): void {
    void this.sink.abandon();
  }

  /** The file is complete: each replica reads it at its own pace. Returns why it cannot. */
  private handOver(): string | undefined {
    try {
      const file = new SharedFile(this.files, this.path);
      for (const replica of this.to.replicas) replica.enqueueFile(file.open());
      file.close();
      this.to.wake();
      return undefined;
    } catch (error) {
      return `Error opening the snapshot for replicas: ${systemErrorText(error)}`;
    }
  }
}

/** Bytes of a file that are read, and sent, at a time. */
const readBytes = 128 * 1024;

/** A file that several replicas read. It is removed when the last of them is through. */
class SharedFile {
  private readonly fd: number;
  private readonly size: number;
  private users = 1;

  /** Throws what the file system throws. */
  constructor(
    private readonly files: FileSystem,
    private readonly path: string,
  ) {
    this.fd = files.openSync(path, 'r');
    this.size = files.fstatSync(this.fd).size;
  }

  open(): FileReader {
    this.users++;
    return new FileReader(this.files, this.fd, this.size, () => this.close());
  }

  close(): void {
    if (--this.users > 0) return;
    this.files.closeSync(this.fd);
    try {
      this.files.unlinkSync(this.path);
    } catch {
      // Somebody was faster.
    }
  }
}

/** Reads a file from its beginning, in pieces. */
export class FileReader {
  private at = 0;
  private open = true;

  constructor(
    private readonly files: FileSystem,
    private readonly fd: number,
    readonly size: number,
    private readonly onClosed: () => void,
  ) {}

  /** Bytes that are still to be read. */
  get left(): number {
    return this.size - this.at;
  }

  /** The next piece; undefined at the end, after which it is closed. Throws what the file system throws. */
  next(): Buffer | undefined {
    if (this.left === 0) {
      this.close();
      return undefined;
    }
    const buffer = Buffer.allocUnsafeSlow(Math.min(readBytes, this.left));
    const length = this.files.readSync(this.fd, buffer, 0, buffer.length, this.at);
    if (length === 0) throw new Error('the file is shorter than it was');
    this.at += length;
    return length === buffer.length ? buffer : buffer.subarray(0, length);
  }

  close(): void {
    if (!this.open) return;
    this.open = false;
    this.onClosed();
  }
}
