import { basename } from 'node:path';
import { dataPath, writeWhole } from '../persistence/files.js';
import {
  type ArrivingSnapshot,
  FullSyncError,
  type LoadedSnapshot,
  type ReplicaHost,
} from './replica-host.js';

/** Where the bytes of a snapshot go. */
export interface SnapshotTarget {
  /** The bytes are valid during the call. */
  write(buffer: Buffer, start: number, end: number): void;
  /** All bytes were written. Resolves when they are the data set. */
  finish(): Promise<LoadedSnapshot>;
  /** The snapshot will not be whole. */
  abandon(): void;
}

export interface TargetEvents {
  /** Nothing is to be written before `release`. */
  hold(): void;
  release(): void;
  /** The present data are about to go. */
  replacing(): void;
  failed(error: unknown): void;
}

/** So many bytes are left to the operating system before it is told to write them to the disk. */
const unsyncedBytes = 8 * 1024 * 1024;
/**
 * Files begun by this process: each has a name of its own, for the one before may still be in the course of being
 * removed.
 */
let receivedFiles = 0;

/**
 * The snapshot becomes the server's own file, and is loaded from it: what was there is kept until the new one is whole.
 */
export function saveToFile(host: ReplicaHost, events: TargetEvents): SnapshotTarget {
  const { files, config, log } = host;
  const { dir, dbfilename } = config.values;
  const temporary = dataPath(dir, `temp-repl-${process.pid}.${++receivedFiles}.rdb`);
  const path = dataPath(dir, basename(dbfilename));
  const fd = files.openSync(temporary, 'w', 0o644);
  let open = true;
  let unsynced = 0;
  const close = () => {
    if (open) files.closeSync(fd);
    open = false;
  };
  return {
    write(buffer, start, end) {
      try {
        writeWhole(files, fd, buffer.subarray(start, end));
        unsynced += end - start;
        if (unsynced >= unsyncedBytes) {
          files.fdatasync(fd, () => {});
          unsynced = 0;
        }
      } catch (error) {
        events.failed(error);
      }
    },
    async finish() {
      await new Promise<void>((resolve, reject) =>
        files.fsync(fd, (error) => (error === null ? resolve() : reject(error))),
      );
      await host.loop.dispatcher.suspension.over();
      if (!open) throw new FullSyncError('given up');
      events.replacing();
      try {
        await host.snapshots.prepareFile();
        if (!open) throw new FullSyncError('given up');
        close();
        files.renameSync(temporary, path);
        log.notice('MASTER <-> REPLICA sync: Flushing old data');
        try {
          return await host.snapshots.replaceFromFile(path);
        } finally {
          if (isForSyncOnly(host)) removeSyncFile(host, path);
        }
      } finally {
        host.snapshots.settle();
      }
    },
    abandon() {
      if (!open) return;
      close();
      files.unlink(temporary, () => {});
    },
  };
}

/** True if the data are to be in no file of this server's: what a synchronization needs does not stay either. */
function isForSyncOnly({ config: { values } }: ReplicaHost): boolean {
  return values['rdb-del-sync-files'] && values.save.length === 0 && !values.appendonly;
}

function removeSyncFile({ files, log }: ReplicaHost, path: string): void {
  log.notice(
    'Removing the RDB file obtained from the master. This replica has persistence disabled and rdb-del-sync-files is set',
  );
  files.unlink(path, () => {});
}

/** The snapshot is loaded as it arrives; `aside` of the present data, which it replaces in the end. */
export function loadIntoMemory(
  host: ReplicaHost,
  total: number | undefined,
  aside: boolean,
  serving: boolean,
  events: TargetEvents,
): SnapshotTarget {
  return new MemoryTarget(host, total, aside, serving, events);
}

class MemoryTarget implements SnapshotTarget {
  private readonly arriving: ArrivingSnapshot;
  private state: 'done' | 'more' | 'paused' = 'more';
  private ended = false;
  private whenRead: (() => void) | undefined;

  constructor(
    private readonly host: ReplicaHost,
    total: number | undefined,
    private readonly aside: boolean,
    serving: boolean,
    private readonly events: TargetEvents,
  ) {
    if (!aside) events.replacing();
    host.snapshots.prepare();
    const { log, snapshots } = host;
    log.notice(
      aside
        ? 'MASTER <-> REPLICA sync: Loading DB in memory, beside the present data'
        : 'MASTER <-> REPLICA sync: Loading DB in memory',
    );
    this.arriving = aside ? snapshots.loadAside(total, serving) : snapshots.replaceFromStream(total);
  }

  write(buffer: Buffer, start: number, end: number): void {
    if (this.ended) return;
    try {
      this.arriving.feed(buffer, start, end);
      this.run();
    } catch (error) {
      this.events.failed(error);
    }
  }

  private run(): void {
    this.state = this.state === 'done' ? 'done' : this.arriving.run();
    if (this.state !== 'paused') return;
    this.events.hold();
    setImmediate(() => this.goOn());
  }

  private goOn(): void {
    if (this.ended) return;
    try {
      this.run();
    } catch (error) {
      return this.events.failed(error);
    }
    if (this.state === 'paused') return;
    if (this.whenRead !== undefined) this.whenRead();
    else this.events.release();
  }

  async finish(): Promise<LoadedSnapshot> {
    if (this.state === 'paused') await new Promise<void>((resolve) => (this.whenRead = resolve));
    await this.host.loop.dispatcher.suspension.over();
    try {
      if (this.ended) throw new FullSyncError('given up');
      if (this.state !== 'done' || this.arriving.surplus.length > 0) {
        throw new FullSyncError('the snapshot does not end where its data end');
      }
      if (this.aside) this.events.replacing();
      const snapshot = this.arriving.finish();
      this.end();
      return snapshot;
    } catch (error) {
      this.abandon();
      throw error;
    }
  }

  private end(): void {
    this.ended = true;
    this.host.snapshots.settle();
  }

  abandon(): void {
    if (this.ended) return;
    this.host.log.warning('Internal error in RDB: it is not whole, or cannot be used');
    this.arriving.abandon();
    this.end();
  }
}
