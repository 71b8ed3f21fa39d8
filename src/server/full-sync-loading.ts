import { ConfigError } from '../config/config.js';
import { Database } from '../keyspace/database.js';
import { RdbLoad, type RdbLoadOptions } from '../persistence/rdb-load.js';
import { CommandError } from '../protocol/errors.js';
import {
  type ArrivingSnapshot,
  FullSyncError,
  type LoadedSnapshot,
  type SnapshotLoader,
} from '../replication/replica-host.js';
import { LoadError } from './load-error.js';
import type { LoadingProgress } from './loading-progress.js';
import { loadOptions, type RdbListener, reasonOf } from './rdb-loading.js';
import type { RespiteServer } from './server.js';

/** An append-only file that could not be begun anew is tried again after so long. */
const retryMs = 1000;

/** How the snapshot of a primary becomes this server's data. */
export class FullSyncLoading implements SnapshotLoader {
  /**
   * What this has to do with the append-only file, which goes on with the new data: nothing, or it has ended it, or it
   * could not begin it anew so far.
   */
  private appendOnly: 'left alone' | 'ended' | 'due' = 'left alone';
  /** Unix time in ms of the last try. */
  private triedAt = 0;
  /** Clients wait for what `prepareFile` waits for. */
  private gated = false;

  constructor(private readonly server: RespiteServer) {}

  prepare(): void {
    void this.endWriting();
  }

  async prepareFile(): Promise<void> {
    // From here on the server counts as loading, so that no save begins. One that had its file complete may just be
    // giving it its name.
    this.server.dataSet.beginGated(0);
    this.gated = true;
    await this.endWriting();
  }

  /** Resolves when the file of the save that was under way, if there was one, is not touched any more. */
  private endWriting(): Promise<void> {
    const { saving, appendOnly } = this.server;
    const stopped = saving.stop(
      'Replica is about to load the RDB file received from the master: background saving stopped',
    );
    if (appendOnly.rewriting) appendOnly.cancel();
    if (appendOnly.state !== 'off' || this.appendOnly === 'due') this.appendOnly = 'ended';
    appendOnly.switchOff();
    return stopped;
  }

  settle(): void {
    if (this.gated) this.server.dataSet.endGated();
    this.gated = false;
    if (this.appendOnly === 'ended') this.resumeAppendOnly();
  }

  /** Periodic: does what could not be done before. */
  tick(): void {
    const now = this.server.clock.now();
    if (this.appendOnly === 'due' && now - this.triedAt >= retryMs) this.resumeAppendOnly();
  }

  private resumeAppendOnly(): void {
    this.appendOnly = 'left alone';
    const { appendOnly, clock, config, log, isClosing } = this.server;
    if (isClosing || !config.values.appendonly || appendOnly.state !== 'off') return;
    try {
      appendOnly.switchOn();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      this.appendOnly = 'due';
      this.triedAt = clock.now();
      log.warning(
        `The append-only file could not be begun anew after the synchronization, and is tried again: ${error.reason}`,
      );
    }
  }

  async replaceFromFile(path: string): Promise<LoadedSnapshot> {
    const { server } = this;
    this.empty();
    server.log.notice('MASTER <-> REPLICA sync: Loading DB in memory');
    try {
      return await server.dataSet.loadFromPrimary(path);
    } catch (error) {
      this.empty();
      if (error instanceof LoadError) throw new FullSyncError(error.message);
      throw error;
    }
  }

  replaceFromStream(total: number | undefined): ArrivingSnapshot {
    const { server } = this;
    this.empty();
    const progress = server.dataSet.beginGated(total ?? 0);
    return new Arriving(server, progress, total, {
      databases: undefined,
      succeeded: () => server.dataSet.endGated(),
      failed: () => {
        server.dataSet.endGated();
        this.empty();
      },
    });
  }

  loadAside(total: number | undefined, serving: boolean): ArrivingSnapshot {
    const { server } = this;
    const { keyspace } = server;
    const databases = keyspace.databases.map(({ index }) => new Database(keyspace, index));
    const progress = serving ? server.dataSet.beginAside(total ?? 0) : server.dataSet.beginGated(total ?? 0);
    keyspace.loadsAside = true;
    const end = () => {
      keyspace.loadsAside = false;
      if (serving) server.dataSet.endAside();
      else server.dataSet.endGated();
      for (const database of databases) database.flushLater();
    };
    return new Arriving(server, progress, total, {
      databases,
      succeeded: () => {
        this.replaceBy(databases);
        end();
      },
      failed: end,
    });
  }

  private replaceBy(databases: Database[]): void {
    const { keyspace, saving } = this.server;
    void saving.stop('The data set is replaced: background saving stopped');
    keyspace.observer.flushed();
    for (const [index, database] of keyspace.databases.entries()) {
      keyspace.observer.databaseReplaced(database, databases[index]);
      database.swap(databases[index]);
    }
  }

  private empty(): void {
    const { server } = this;
    server.keyspace.flushAll();
    server.scripting.functions.clear();
  }
}

interface ArrivingEnd {
  /** Where the data go; undefined: into the databases themselves. */
  databases: readonly Database[] | undefined;
  succeeded(): void;
  failed(): void;
}

class Arriving implements ArrivingSnapshot {
  private readonly load: RdbLoad;
  private readonly libraries: Buffer[] = [];
  private readonly snapshot: LoadedSnapshot = { streamDatabase: 0 };
  private turnAt: number;
  private ended = false;

  constructor(
    private readonly server: RespiteServer,
    private readonly progress: LoadingProgress,
    total: number | undefined,
    private readonly end: ArrivingEnd,
  ) {
    this.load = new RdbLoad(server.keyspace, this.options(), total);
    this.turnAt = this.everyBytes;
  }

  private get everyBytes(): number {
    return this.server.config.values['loading-process-events-interval-bytes'];
  }

  private options(): RdbLoadOptions {
    const { server, progress, snapshot, libraries, end } = this;
    const listener: RdbListener = {
      onAuxiliary(name, text) {
        if (name === 'repl-stream-db') snapshot.streamDatabase = Number(text);
      },
    };
    return {
      ...loadOptions(server, progress, false, false, listener),
      databases: end.databases,
      // They become known all at once when the rest is there.
      onFunction: (source) => {
        libraries.push(source.copy().buffer);
      },
    };
  }

  feed(buffer: Buffer, start: number, end: number): void {
    for (let at = start; at < end; ) {
      const room = this.load.room();
      const count = buffer.copy(room.buffer, room.at, at, Math.min(end, at + room.end - room.at));
      this.load.received(count);
      at += count;
    }
  }

  run(): 'done' | 'more' | 'paused' {
    const { load, progress } = this;
    try {
      const state = load.run(this.turnAt);
      progress.loadedBytes = load.loadedBytes;
      if (state !== 'paused') return state;
      this.turnAt = load.loadedBytes + this.everyBytes;
      return state;
    } catch (error) {
      throw fullSyncError(error);
    }
  }

  get surplus(): Buffer {
    return this.load.surplus;
  }

  finish(): LoadedSnapshot {
    const { server, load } = this;
    try {
      server.scripting.functions.restore(this.libraries, 'flush');
    } catch (error) {
      throw fullSyncError(error);
    }
    this.ended = true;
    server.dataSet.note(load.summary);
    this.end.succeeded();
    server.saving.loaded();
    const { keysLoaded, keysExpired, emptyKeysSkipped } = load.summary;
    server.log.notice(
      `Done loading RDB, keys loaded: ${keysLoaded}, keys expired: ${keysExpired}, empty keys skipped: ${emptyKeysSkipped}.`,
    );
    return this.snapshot;
  }

  abandon(): void {
    if (this.ended) return;
    this.ended = true;
    this.load.abandon();
    this.end.failed();
  }
}

function fullSyncError(error: unknown): unknown {
  if (error instanceof CommandError) return new FullSyncError(error.message);
  const reason = reasonOf(error);
  return reason === undefined ? error : new FullSyncError(reason);
}
