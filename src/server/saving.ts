import { basename } from 'node:path';
import type { SavingApi } from '../commands/server-api.js';
import { BackgroundSnapshot } from '../persistence/background-snapshot.js';
import { type FileSink, openFileSink } from '../persistence/file-sink.js';
import { dataPath, type FileSystem, systemFiles } from '../persistence/files.js';
import { RdbFormat, type SavedAccess } from '../persistence/rdb-format.js';
import { Snapshot, type SnapshotProgress, type SnapshotSink } from '../persistence/snapshot.js';
import { SnapshotFile, SnapshotFileError, type SnapshotFileOptions } from '../persistence/snapshot-file.js';
import type { SnapshotContents } from '../replication/full-sync.js';
import type { RespiteServer } from './server.js';

/** After a save has failed, the next one is not tried before so many seconds. */
const retrySeconds = 5;

interface Running {
  readonly background: BackgroundSnapshot;
  readonly sink: FileSink;
  /** Unix time in ms. */
  readonly begun: number;
  /** Count of changes that the file will contain. */
  readonly changes: number;
  /** The server's last save: called with how it ended. */
  readonly onLast: ((saved: boolean) => void) | undefined;
}

/** Saves the data set to its file: when it is told to, and when so much has changed in so much time. */
export class Saving implements SavingApi {
  /** How the last save in the background ended. */
  lastStatus: 'ok' | 'err' = 'ok';
  /** Seconds that it took; -1 before the first. */
  lastSeconds = -1;
  /** Bytes that the last save copied, or wrote early, because they were about to change. */
  lastCopiedBytes = 0;
  /** Saves since the start, in the background or not. */
  saves = 0;
  lastSave: number;
  scheduled = false;
  /** What the file contains: this many of all changes. */
  private savedChanges = 0;
  private running: Running | undefined;
  private lastTry = 0;
  private attempts = 0;

  constructor(
    private readonly server: RespiteServer,
    private readonly files: FileSystem = systemFiles,
  ) {
    this.lastSave = Math.floor(server.startedAt / 1000);
  }

  get inProgress(): boolean {
    return this.running !== undefined || this.server.replication.fullSync.inProgress;
  }

  get otherSnapshot(): boolean {
    return this.server.appendOnly.rewriting || this.server.keyspace.loadsAside;
  }

  get changesSinceSave(): number {
    return this.server.keyspace.dirty - this.savedChanges;
  }

  /** How far the save is that is under way, or the snapshot for replicas. */
  get progress(): SnapshotProgress | undefined {
    return this.running?.background.snapshot ?? this.server.replication.fullSync.progress;
  }

  /** Since when it is under way; -1 if there is none. */
  get secondsInProgress(): number {
    const begun = this.running?.begun ?? this.server.replication.fullSync.begun;
    return begun === undefined ? -1 : this.secondsSince(begun);
  }

  private secondsSince(begun: number): number {
    return Math.floor((this.server.clock.now() - begun) / 1000);
  }

  /** The data set was loaded from the file: nothing of it is unsaved. */
  loaded(): void {
    this.savedChanges = this.server.keyspace.dirty;
  }

  /** Begins the save that was scheduled, or that a save point asks for. */
  tick(): void {
    if (this.inProgress || this.otherSnapshot || this.server.loop.dispatcher.inUnit) return;
    const now = this.server.clock.now();
    const mayTry = this.lastStatus === 'ok' || now - this.lastTry > retrySeconds * 1000;
    if (!mayTry) return;
    if (this.scheduled) return this.start();
    const age = now / 1000 - this.lastSave;
    if (!this.server.savesByItself) return;
    const due = this.server.config.values.save.find(
      ({ seconds, changes }) => this.changesSinceSave >= changes && age > seconds,
    );
    if (due === undefined) return;
    this.server.log.notice(`${due.changes} changes in ${due.seconds} seconds. Saving...`);
    this.start();
  }

  schedule(): void {
    this.scheduled = true;
  }

  start(): void {
    this.lastTry = this.server.clock.now();
    this.begin(`temp-${process.pid}.${++this.attempts}.rdb`);
    this.server.log.notice(`Background saving started by pid ${process.pid}`);
  }

  /**
   * The server's last save. Nobody else wants the processor, but signals and SHUTDOWN ABORT must be heard: so it is
   * written in slices, too. `done` is called later, with whether all is saved; not after `stop`.
   */
  saveLast(done: (saved: boolean) => void): void {
    this.begin(`temp-${process.pid}.rdb`, done);
  }

  private begin(temporary: string, onLast?: (saved: boolean) => void): void {
    const { server, files } = this;
    this.scheduled = false;
    const sink = openFileSink(files, this.fileOptions(temporary));
    const snapshot = this.snapshot(sink, false);
    const background = new BackgroundSnapshot(server.clock, snapshot, sink, {
      keyDelay: () => server.config.values['rdb-key-save-delay'],
      onFailure: (error) => this.failed(`Internal error while saving: ${String(error)}`),
      alone: onLast !== undefined,
    });
    this.running = { background, sink, begun: server.clock.now(), changes: server.keyspace.dirty, onLast };
    sink.onEnd = (failure) => this.ended(failure);
  }

  private failed(why: string): void {
    const onLast = this.running?.onLast;
    void this.stop(why);
    onLast?.(false);
  }

  private ended(failure: string | undefined): void {
    const { running } = this;
    if (running === undefined) return;
    this.running = undefined;
    if (running.onLast === undefined) this.endedInBackground(running, failure);
    else this.endedLast(running, running.onLast, failure);
  }

  private endedLast(
    { background, changes }: Running,
    done: (saved: boolean) => void,
    failure?: string,
  ): void {
    const { log } = this.server;
    if (failure === undefined) {
      log.notice('DB saved on disk');
      this.succeeded(changes);
    } else {
      background.stop();
      log.warning(failure);
    }
    done(failure === undefined);
  }

  private endedInBackground(running: Running, failure: string | undefined): void {
    const { server } = this;
    this.lastSeconds = this.secondsSince(running.begun);
    this.lastCopiedBytes = running.background.snapshot.allCopiedBytes;
    if (failure !== undefined) {
      running.background.stop();
      server.log.warning(failure);
      server.log.warning('Background saving error');
      this.setStatus('err');
      return;
    }
    server.log.notice('DB saved on disk');
    server.log.notice('Background saving terminated with success');
    this.succeeded(running.changes);
  }

  private succeeded(changes: number): void {
    this.savedChanges = changes;
    this.lastSave = Math.floor(this.server.clock.now() / 1000);
    this.saves++;
    this.setStatus('ok');
  }

  private setStatus(status: 'ok' | 'err'): void {
    this.lastStatus = status;
    this.server.updateWriteGate();
  }

  /**
   * Ends a save that is under way, without a trace of it; says why in the log. Resolves when its file is certain to be
   * gone.
   */
  async stop(why: string): Promise<void> {
    const { running } = this;
    if (running === undefined) return;
    this.running = undefined;
    running.background.stop();
    if (running.onLast === undefined) this.lastSeconds = this.secondsSince(running.begun);
    this.server.log.warning(why);
    await running.sink.abandon();
  }

  save(): boolean {
    const { files, server } = this;
    const changes = server.keyspace.dirty;
    let file: SnapshotFile | undefined;
    try {
      const opened = new SnapshotFile(files, this.fileOptions(`temp-${process.pid}.rdb`));
      file = opened;
      this.snapshot({ write: (chunk) => opened.write(chunk), unsentBytes: 0 }, true).finish();
      opened.commit();
    } catch (error) {
      file?.discard();
      if (!(error instanceof SnapshotFileError)) throw error;
      server.log.warning(error.message);
      return false;
    }
    server.log.notice('DB saved on disk');
    this.succeeded(changes);
    return true;
  }

  beforeFlush(): void {
    void this.stop('Background saving terminated by signal 10');
    // Replicas that wait for what is about to go ask anew.
    this.server.replication.fullSync.stop();
  }

  afterFlush(): void {
    if (this.server.savesByItself) this.save();
  }

  private snapshot(sink: SnapshotSink, still: boolean): Snapshot {
    const { keyspace, config } = this.server;
    return new Snapshot(keyspace, this.format(false), sink, config.values.rdbcompression, still);
  }

  /** How a snapshot as of now is written; `aofBase`: it begins an append-only file. */
  format(aofBase: boolean, contents: Partial<SnapshotContents> = {}): RdbFormat {
    const ownFields = aofBase ? [] : this.server.replicaRole.savedFields();
    const { fields = ownFields, withoutFunctions = false } = contents;
    const { keyspace, config, clock, metrics, scripting } = this.server;
    const { values } = config;
    const options = {
      version: Number(values['rdb-version']),
      created: Math.floor(clock.now() / 1000),
      usedMemory: metrics.usedMemory,
      access: savedAccess(values['maxmemory-policy']),
      aofBase,
      fields,
      libraries: withoutFunctions ? [] : scripting.functions.sources(),
    };
    return new RdbFormat(options, keyspace.databases);
  }

  private fileOptions(temporary: string): SnapshotFileOptions {
    const {
      dir,
      dbfilename,
      rdbchecksum,
      'rdb-save-incremental-fsync': incremental,
    } = this.server.config.values;
    return {
      temporary: dataPath(dir, temporary),
      path: dataPath(dir, basename(dbfilename)),
      checksum: rdbchecksum ? 'crc64' : 'zero',
      incrementalSync: incremental,
    };
  }
}

function savedAccess(policy: string): SavedAccess {
  if (policy.endsWith('lru')) return 'idle';
  return policy.endsWith('lfu') ? 'frequency' : 'none';
}
