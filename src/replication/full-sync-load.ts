import { systemErrorText } from '../config/files.js';
import { lineFeed } from '../protocol/resp-bytes.js';
import { SnapshotBody } from './full-sync-load-body.js';
import { loadIntoMemory, saveToFile } from './full-sync-load-targets.js';
import { FullSyncError, type LoadedSnapshot, type ReplicaHost } from './replica-host.js';

/** Digits of the mark that ends a snapshot whose length is not known. */
const markLength = 40;
/** Longest line that announces a snapshot. */
const longestHeader = 1024;

/** What becomes of a full synchronization. */
export interface FullSyncLoadEvents {
  /** The bytes that follow have to wait: for the load to go on, or for its end. */
  hold(): void;
  /** They may come again. */
  release(): void;
  /** The present data are about to go. */
  replacing(): void;
  loaded(snapshot: LoadedSnapshot): void;
  /** The link is of no more use. The reason is in the log. */
  failed(): void;
}

/**
 * The receiving of one snapshot: its announcement, its bytes, their way into the data set. `$<length>` announces so
 * many bytes, `$EOF:<mark>` bytes that end where the mark is found.
 */
export class FullSyncLoad {
  /** Bytes of the snapshot; 0 while, or where, that is not known. */
  totalBytes = 0;
  /** Bytes of it that have arrived. */
  readBytes = 0;
  /** All bytes have arrived, and the data set is being replaced. */
  loading = false;
  private header = '';
  private body: SnapshotBody | undefined;
  private ended = false;

  constructor(
    private readonly host: ReplicaHost,
    /** The present data are an earlier state of those that come. */
    private readonly sameHistory: boolean,
    private readonly events: FullSyncLoadEvents,
  ) {}

  /** Takes bytes that arrived; returns how many of them are its own. */
  take(buffer: Buffer, start: number, end: number): number {
    let at = start;
    while (this.body === undefined && at < end && !this.ended) at = this.takeHeader(buffer, at, end);
    if (this.body === undefined || at === end || this.ended) return at - start;
    const taken = this.body.take(buffer, at, end);
    this.readBytes += taken;
    return at - start + taken;
  }

  /** Empty lines say that the snapshot is being made. */
  private takeHeader(buffer: Buffer, start: number, end: number): number {
    const found = buffer.subarray(start, end).indexOf(lineFeed);
    const stop = found < 0 ? end : start + found;
    this.header += buffer.toString('latin1', start, stop);
    if (found < 0) {
      if (this.header.length > longestHeader) this.refuse(this.header.slice(0, 100));
      return end;
    }
    const line = this.header.replace(/\r$/, '');
    this.header = '';
    if (line !== '') this.announced(line);
    return stop + 1;
  }

  private announced(line: string): void {
    const [, mark] = /^\$EOF:(.*)$/.exec(line) ?? [];
    const [, length] = /^\$(\d{1,15})$/.exec(line) ?? [];
    if (line.startsWith('-')) {
      this.host.log.warning(`MASTER aborted replication with an error: ${line.slice(1)}`);
      this.fail();
    } else if (mark?.length === markLength) this.begin(undefined, Buffer.from(mark, 'latin1'));
    else if (length !== undefined) this.begin(Number(length), undefined);
    else this.refuse(line);
  }

  private refuse(line: string): void {
    this.host.log.warning(
      `Bad protocol from MASTER, the first byte is not '$' (we received '${line}'), are you sure the host and port are right?`,
    );
    this.fail();
  }

  private begin(total: number | undefined, mark: Buffer | undefined): void {
    const { host } = this;
    this.totalBytes = total ?? 0;
    const where = this.intoMemory ? 'to parser' : 'to disk';
    const what =
      total === undefined
        ? `streamed RDB from master with EOF ${where}`
        : `${total} bytes from master ${where}`;
    host.log.notice(`MASTER <-> REPLICA sync: receiving ${what}`);
    try {
      const target = this.intoMemory
        ? loadIntoMemory(host, total, this.isAside, this.sameHistory, this.targetEvents)
        : saveToFile(host, this.targetEvents);
      this.body = new SnapshotBody(target, total, mark, () => this.arrived());
    } catch (error) {
      this.broken(error);
    }
  }

  private get intoMemory(): boolean {
    const { config, keyspace, keepsFiles } = this.host;
    const mode = config.values['repl-diskless-load'];
    if (!keepsFiles) return true;
    return mode === 'swapdb' || (mode === 'on-empty-db' && keyspace.size === 0);
  }

  private get isAside(): boolean {
    return this.host.config.values['repl-diskless-load'] === 'swapdb';
  }

  private readonly targetEvents = {
    hold: (): void => this.events.hold(),
    release: (): void => {
      if (!this.ended) this.events.release();
    },
    replacing: (): void => this.events.replacing(),
    failed: (error: unknown): void => this.broken(error),
  };

  /** The last byte is there. */
  private arrived(): void {
    const { body } = this;
    if (body === undefined || this.ended) return;
    this.loading = true;
    this.events.hold();
    body.target.finish().then(
      (snapshot) => {
        if (this.ended) return;
        this.ended = true;
        this.events.loaded(snapshot);
      },
      (error: unknown) => this.broken(error),
    );
  }

  private broken(error: unknown): void {
    if (this.ended) return;
    const reason = error instanceof FullSyncError ? error.message : systemErrorText(error);
    this.host.log.warning(`Failed trying to load the MASTER synchronization DB: ${reason}`);
    this.fail();
  }

  private fail(): void {
    this.abandon();
    this.events.failed();
  }

  /** The link is gone, or of no more use: forgets what there is of the snapshot. */
  abandon(): void {
    if (this.ended) return;
    this.ended = true;
    this.body?.target.abandon();
  }
}
