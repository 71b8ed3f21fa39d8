import type { Clock } from '../ambient/clock.js';
import type { Bytes } from '../bytes/bytes.js';
import { noDatabase, SelectingEncoder } from '../protocol/selecting-encoder.js';
import type { FileSystem } from './files.js';

/** When what was written is forced to the disk: `appendfsync`. */
export type SyncPolicy = 'always' | 'everysec' | 'no';

/** How long a write waits for a sync that is under way: the kernel would let it wait, and all clients with it. */
const longestPostponementMs = 2000;
const syncIntervalMs = 1000;
/** Node hands less than 2 GiB to the operating system in one call, and a buffer has an end. */
const mostAtOnceBytes = 2 ** 30;

interface OpenFile {
  readonly fd: number;
  /** The thread pool is syncing it. */
  syncing: boolean;
}

/** What the writer tells of: failures and recoveries, in words for the log. */
export interface AofWriterEvents {
  /** A write or a sync has failed, for the first time or again. What was not written is kept. */
  failed(doing: 'write' | 'sync', error: unknown): void;
  /** It works again. */
  recovered(): void;
  /** A sync takes so long that writing goes on without it. */
  delayed(): void;
  /** More is on the disk than before. */
  synced(): void;
}

/**
 * Appends commands to the last file of an AOF. `append` only gathers; `write` hands over to the operating system, and
 * `commit` to the disk. What cannot be written stays gathered and is tried again, so a disk that was full for a while
 * leaves no gap.
 *
 * Works on the event loop but for the syncs of `everysec`, which are left to the thread pool.
 */
export class AofWriter {
  /** Bytes of the present file that are whole commands. */
  size = 0;
  /** How often writing went on without waiting for a sync. */
  delayedSyncs = 0;
  policy: SyncPolicy = 'everysec';
  /** Begin each second's first command with the time. */
  timestamps = false;
  /** Called before each write: DEBUG AOF-FLUSH-SLEEP holds it up here. */
  beforeWrite: (() => void) | undefined;
  /** Writes do not reach the file, or not the disk. */
  failing = false;
  /** A sync has failed: what the file holds of the last seconds is uncertain, even if later ones succeed. */
  uncertain = false;
  private file: OpenFile | undefined;
  private readonly encoder = new SelectingEncoder();
  /** Bytes that were written, or given up, since the start; and how many of them the disk has. */
  private written = 0;
  private durable = 0;
  /** Up to where the present file is synced. */
  private synced = 0;
  /** Syncs of files that were given up, under way: what follows in other files does not count before they are done. */
  private closing = 0;
  private lastTimestamp = 0;
  /** Something was written since the last sync began. */
  private unsynced = false;
  private lastSync = 0;
  private postponedSince = 0;

  constructor(
    private readonly files: FileSystem,
    private readonly clock: Clock,
    private readonly events: AofWriterEvents,
    /** Bytes that are written in one call, and with which gathered they are written before the end of the turn. */
    private readonly mostAtOnce = mostAtOnceBytes,
  ) {}

  get isOpen(): boolean {
    return this.file !== undefined;
  }

  /** A sync of the present file is under way. */
  get syncing(): boolean {
    return this.file?.syncing === true;
  }

  /** Bytes gathered since the start: a position to compare `durablePosition` with. */
  get position(): number {
    return this.written + this.encoder.length;
  }

  /** Up to where everything is on the disk. */
  get durablePosition(): number {
    return this.durable;
  }

  /** Bytes gathered that the file does not have yet. */
  get pendingBytes(): number {
    return this.encoder.length;
  }

  /**
   * Goes on in another file, at its end. What is still gathered goes there too, so `write` comes first. The file so far
   * is synced and closed in the background. Throws what the file system throws.
   */
  open(path: string): void {
    const fd = this.files.openSync(path, 'a');
    const { size } = this.files.fstatSync(fd);
    this.close();
    this.file = { fd, syncing: false };
    this.size = size;
    this.encoder.database = noDatabase;
    this.lastTimestamp = 0;
    this.lastSync = this.clock.now();
  }

  /** Gives the file up: it is synced, if anything is left to sync, and closed, both in the background. */
  close(): void {
    const { file, unsynced } = this;
    if (file === undefined) return;
    this.file = undefined;
    this.unsynced = false;
    if (unsynced || file.syncing) this.syncAndClose(file);
    else this.files.closeSync(file.fd);
  }

  private syncAndClose({ fd }: OpenFile): void {
    const { written } = this;
    this.closing++;
    this.files.fdatasync(fd, (error) => {
      this.closing--;
      this.files.closeSync(fd);
      if (error === null) this.noteDurable(written);
    });
  }

  /** The disk has what was written up to here. */
  private noteDurable(position: number): void {
    if (position > this.synced) this.synced = position;
    if (this.closing > 0 || this.synced <= this.durable) return;
    this.durable = this.synced;
    this.events.synced();
  }

  /** Forgets what was gathered. */
  discard(): void {
    this.written += this.encoder.length;
    this.encoder.drop(this.encoder.length);
    this.encoder.database = noDatabase;
    this.noteDurable(this.written); // nobody is to wait for it
  }

  /** Gathers a command for a database, or `noDatabase`. Hot. */
  append(database: number, args: readonly Bytes[], argc: number): void {
    if (this.encoder.length >= this.mostAtOnce) this.write(true, false);
    if (this.timestamps) this.noteTime();
    this.encoder.appendFor(database, args, argc);
  }

  private noteTime(): void {
    const seconds = Math.floor(this.clock.now() / 1000);
    if (seconds <= this.lastTimestamp) return;
    this.lastTimestamp = seconds;
    this.encoder.appendRaw(`#TS:${seconds}\r\n`);
  }

  /**
   * Hands what was gathered to the operating system, and to the disk as the policy says. False if it could not. With
   * `everysec` it waits up to two seconds for a sync that is under way, unless `urgent`. `maySync` is off while a
   * rewrite keeps the disk busy and the user wants no syncs then.
   */
  write(urgent = false, maySync = true): boolean {
    const { file } = this;
    if (file === undefined) return true;
    if (this.encoder.length > 0 && (urgent || !this.postpone()) && !this.writeGathered(file.fd)) return false;
    if (maySync && this.policy === 'everysec') this.syncEverySecond(file);
    return !this.failing;
  }

  /** True if it is better to wait for the sync that is under way. */
  private postpone(): boolean {
    if (!this.syncing || this.policy !== 'everysec') return false;
    const now = this.clock.now();
    if (this.postponedSince === 0) this.postponedSince = now;
    if (now - this.postponedSince < longestPostponementMs) return true;
    this.delayedSyncs++;
    this.postponedSince = 0;
    this.events.delayed();
    return false;
  }

  private writeGathered(fd: number): boolean {
    const { bytes } = this.encoder;
    const { files, policy } = this;
    this.postponedSince = 0;
    this.beforeWrite?.();
    let written = 0;
    let doing: 'write' | 'sync' = 'write';
    try {
      while (written < bytes.length) {
        written += files.writeSync(fd, bytes, written, Math.min(bytes.length - written, this.mostAtOnce));
      }
      doing = 'sync';
      if (policy === 'always') files.fdatasyncSync(fd);
    } catch (error) {
      this.takeBack(fd, written);
      this.fail(doing, error);
      return false;
    }
    this.encoder.drop(written);
    this.size += written;
    this.written += written;
    if (policy !== 'always') this.unsynced = true;
    else this.noteDurable(this.written);
    if (!this.uncertain) this.recover();
    return true;
  }

  /**
   * Cuts off what was written of commands that the file is not to hold yet, so that none is there in part, or twice.
   */
  private takeBack(fd: number, written: number): void {
    if (written === 0) return;
    try {
      this.files.ftruncateSync(fd, this.size);
    } catch {
      // It stays: then it is as written, and must not be written again.
      this.encoder.drop(written);
      this.size += written;
      this.written += written;
    }
  }

  private syncEverySecond(file: OpenFile): void {
    if (!this.unsynced || file.syncing || this.clock.now() - this.lastSync < syncIntervalMs) return;
    this.lastSync = this.clock.now();
    this.unsynced = false;
    file.syncing = true;
    const { written } = this;
    this.files.fdatasync(file.fd, (error) => {
      file.syncing = false;
      if (error === null) {
        this.noteDurable(written);
        if (file === this.file) this.recover();
        return;
      }
      this.unsynced = file === this.file;
      this.uncertain = true;
      this.fail('sync', error);
    });
  }

  /** Writes all, and waits until the disk has it. False if it could not. */
  commit(): boolean {
    const { file } = this;
    if (file === undefined) return true;
    if (this.encoder.length > 0 && !this.writeGathered(file.fd)) return false;
    if (!this.unsynced) return !this.failing;
    try {
      this.files.fdatasyncSync(file.fd);
    } catch (error) {
      this.uncertain = true;
      this.fail('sync', error);
      return false;
    }
    this.unsynced = false;
    this.lastSync = this.clock.now();
    this.noteDurable(this.written);
    this.recover();
    return true;
  }

  private fail(doing: 'write' | 'sync', error: unknown): void {
    this.failing = true;
    this.events.failed(doing, error);
  }

  private recover(): void {
    if (!this.failing) return;
    this.failing = false;
    this.events.recovered();
  }
}
