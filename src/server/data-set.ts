import { systemErrorText } from '../config/files.js';
import { ServerGate } from '../dispatch/admission.js';
import { dataPath } from '../persistence/files.js';
import type { RdbSummary } from '../persistence/rdb-load.js';
import { CommandError } from '../protocol/errors.js';
import type { HistoryPlace, LoadedSnapshot } from '../replication/replica-host.js';
import { AofLoading } from './aof-loading.js';
import { findForeign } from './foreign-aof.js';
import { LoadError } from './load-error.js';
import { LoadingProgress } from './loading-progress.js';
import { loadRdbFile, progressText, type RdbListener, type RdbLoadingOptions } from './rdb-loading.js';
import type { RespiteServer } from './server.js';

/** Files above this many bytes are spoken of in the log while they are loaded. */
const noteworthyBytes = 100 * 1024 * 1024;
/** A line in the log whenever so much more of the whole has been loaded. */
const notedPart = 0.1;

/**
 * A load: yields whenever others may have a turn, and does its work in between. The same steps are driven with turns at
 * the start, and without where a command does it.
 */
type LoadSteps = Generator<void, void>;

/** What a server does to have the data that its files hold: at its start, and where DEBUG RELOAD asks for it. */
export class DataSet {
  /** The load that is under way. */
  loading: LoadingProgress | undefined;
  /** The load of a data set that is to replace the one that is served meanwhile. */
  loadingAside: LoadingProgress | undefined;
  /** Of the last RDB file: what INFO shows. */
  keysLoaded = 0;
  keysExpired = 0;
  /** `key-load-delay`. Tests change it while a load is under way. */
  keyDelay = 0;
  private noted = 0;

  constructor(private readonly server: RespiteServer) {
    const { config } = server;
    config.follow('key-load-delay', (delay) => {
      this.keyDelay = delay;
    });
  }

  private get rdbPath(): string {
    const { dir, dbfilename } = this.server.config.values;
    return dataPath(dir, dbfilename);
  }

  /**
   * Loads what there is to load at the start, or, if it is given, the file that was asked for instead. Clients get a
   * turn meanwhile, and LOADING errors. Throws LoadError.
   */
  async loadAtStart(importFrom?: string): Promise<void> {
    const steps = importFrom === undefined ? this.stepsAtStart() : this.importSteps(importFrom);
    if (steps !== undefined) await this.runWithTurns(steps);
    if (importFrom === undefined) this.server.saving.loaded();
  }

  /** The one place that decides what a server begins with. Undefined: with nothing. */
  private stepsAtStart(): LoadSteps | undefined {
    const { server, rdbPath } = this;
    if (!server.keepsFiles) return undefined;
    if (server.config.values.appendonly) return this.appendOnlySteps();
    server.appendOnly.learn();
    if (server.config.values.dbfilename === '') return undefined;
    return this.sizeOf(rdbPath) === undefined ? undefined : this.ownFileSteps(rdbPath);
  }

  /** The file that this server wrote before it ended tells where in a history of changes it was. */
  private *ownFileSteps(path: string): LoadSteps {
    const { replicaRole } = this.server;
    const fields = new Map<string, string>();
    const listener: RdbListener = {
      onAuxiliary: (name, text) => fields.set(name, text),
      // What is gone meanwhile is a change that comes after that place.
      onExpired: (database, key) => replicaRole.expiredAtStart(savedHistory(fields), database.index, key),
    };
    yield* this.rdbSteps(path, listener);
    replicaRole.goOnFrom(savedHistory(fields));
  }

  /**
   * Loads the append-only file, and goes on with it. Where there is none yet, the snapshot is not left aside: its data
   * becomes the base of the append-only file.
   */
  private *appendOnlySteps(): LoadSteps {
    const { appendOnly, config } = this.server;
    appendOnly.learn();
    if (appendOnly.manifest.files.length > 0) {
      const load = new AofLoading(this.server, appendOnly.directory, appendOnly.manifest);
      yield* load.steps(this.begin(load.totalBytes));
    } else if (config.values.dbfilename !== '' && this.sizeOf(this.rdbPath) !== undefined) {
      yield* this.rdbSteps(this.rdbPath);
    }
    appendOnly.open();
  }

  /**
   * DEBUG LOADAOF: the append-only file is loaded anew, into databases that are empty now, as at the start. Throws
   * LoadError.
   */
  async reloadAppendOnly(): Promise<void> {
    const { directory, manifest } = this.server.appendOnly;
    const load = new AofLoading(this.server, directory, manifest);
    await this.runWithTurns(load.steps(this.begin(load.totalBytes)));
  }

  /**
   * Loads what another server has left behind: a snapshot or an append-only file. It is this server's own with the next
   * save, or at once with `appendonly yes`.
   */
  private importSteps(path: string): LoadSteps {
    const there = this.dataSetThere();
    if (there !== undefined && there !== path) {
      throw new LoadError(
        `Can't import ${path}: there is a data set already, ${there}. Move it away, or leave out --import`,
      );
    }
    return this.imported(path);
  }

  /** The file that this server would begin with by itself. */
  private dataSetThere(): string | undefined {
    const { keepsFiles, config, appendOnly } = this.server;
    if (!keepsFiles) return undefined;
    appendOnly.learn();
    if (config.values.appendonly && appendOnly.manifest.files.length > 0)
      return appendOnly.directory.path('');
    if (config.values.dbfilename === '') return undefined;
    return this.sizeOf(this.rdbPath) === undefined ? undefined : this.rdbPath;
  }

  private *imported(path: string): LoadSteps {
    const { keyspace, log, files, keepsFiles, config, appendOnly } = this.server;
    const found = findForeign(files, path);
    log.notice(`Importing ${path}`);
    if (found === 'snapshot') yield* this.rdbSteps(path);
    else {
      const load = new AofLoading(this.server, found.directory, found.manifest, true);
      yield* load.steps(this.begin(load.totalBytes));
    }
    this.server.saving.loaded();
    keyspace.dirty += keyspace.size;
    if (keepsFiles && config.values.appendonly) appendOnly.open();
  }

  /** Bytes of a file, undefined if there is none. */
  private sizeOf(path: string): number | undefined {
    try {
      return this.server.files.statSync(path, { throwIfNoEntry: false })?.size;
    } catch (error) {
      throw new LoadError(`Fatal error loading the DB from ${path}: ${systemErrorText(error)}. Exiting.`);
    }
  }

  private *rdbSteps(path: string, options: RdbLoadingOptions = {}): LoadSteps {
    const { clock, log } = this.server;
    const begin = clock.microseconds();
    const progress = this.begin(this.sizeOf(path) ?? 0);
    this.note(yield* loadRdbFile(this.server, path, progress, options));
    this.server.saving.loaded();
    log.notice(`DB loaded from disk: ${((clock.microseconds() - begin) / 1e6).toFixed(3)} seconds`);
  }

  /** Remembers what the last file brought. */
  note({ keysLoaded, keysExpired }: RdbSummary): void {
    this.keysLoaded = keysLoaded;
    this.keysExpired = keysExpired;
  }

  /** A load of so many bytes begins; it ends with its steps. */
  begin(totalBytes: number): LoadingProgress {
    this.noted = 0;
    this.loading = new LoadingProgress(this.server.clock.now(), totalBytes);
    return this.loading;
  }

  /** Drives a load to its end; before each step the event loop has a turn, for a command may have asked for it. */
  async runWithTurns(steps: LoadSteps): Promise<void> {
    this.closeGate();
    try {
      do {
        this.noteProgress();
        await new Promise<void>((resolve) => setImmediate(resolve));
        if (this.server.isClosing) return;
        this.server.keyspace.tick();
      } while (steps.next().done !== true);
    } finally {
      steps.return();
      this.openGate();
    }
  }

  /** Drives a load to its end, and nobody has a turn. */
  runAtOnce(steps: LoadSteps): void {
    this.closeGate();
    try {
      while (steps.next().done !== true);
    } finally {
      this.openGate();
    }
  }

  /** Loads the RDB file now, while a command waits for it. Throws CommandError; the log says why. */
  reload(replace: boolean): void {
    try {
      this.runAtOnce(this.rdbSteps(this.rdbPath, { replace }));
    } catch (error) {
      if (!(error instanceof LoadError)) throw error;
      this.server.log.warning(error.message);
      throw new CommandError('ERR Error trying to load the RDB dump, check server logs.');
    }
  }

  /** Loads the snapshot of a primary, which is this server's own file now, in turns. Rejects with LoadError. */
  async loadFromPrimary(path: string): Promise<LoadedSnapshot> {
    const snapshot: LoadedSnapshot = { streamDatabase: 0 };
    const onAuxiliary = (name: string, text: string) => {
      if (name === 'repl-stream-db') snapshot.streamDatabase = Number(text);
    };
    await this.runWithTurns(this.rdbSteps(path, { onAuxiliary }));
    if (this.server.isClosing) throw new LoadError('The server ends');
    return snapshot;
  }

  /** A load that somebody else drives begins; clients get LOADING errors until `endGated`. */
  beginGated(totalBytes: number): LoadingProgress {
    this.closeGate();
    return this.begin(totalBytes);
  }

  endGated(): void {
    this.openGate();
  }

  /** As `beginGated`, but clients are served meanwhile. */
  beginAside(totalBytes: number): LoadingProgress {
    this.loadingAside = new LoadingProgress(this.server.clock.now(), totalBytes);
    this.server.loop.dispatcher.setGate(ServerGate.loadingAside, true);
    return this.loadingAside;
  }

  endAside(): void {
    this.loadingAside = undefined;
    this.server.loop.dispatcher.setGate(ServerGate.loadingAside, false);
  }

  private closeGate(): void {
    this.server.loop.dispatcher.setGate(ServerGate.loading, true);
  }

  private openGate(): void {
    const { loop, memoryLimit } = this.server;
    this.loading = undefined;
    loop.dispatcher.setGate(ServerGate.loading, false);
    // What is above the limit had to stay until everything was whole.
    if (memoryLimit.limit > 0) this.server.continueEviction();
  }

  private noteProgress(): void {
    const { loading, server } = this;
    if (loading === undefined || loading.totalBytes < noteworthyBytes) return;
    const part = Math.floor(loading.percent / 100 / notedPart);
    if (part <= this.noted) return;
    this.noted = part;
    server.log.notice(progressText(loading, server.keyspace.size));
  }
}

/** The place in a history of changes that a file is at, if its fields say so. */
function savedHistory(fields: ReadonlyMap<string, string>): HistoryPlace | undefined {
  const id = fields.get('repl-id') ?? '';
  const offset = Number(fields.get('repl-offset') ?? -1);
  if (id.length !== 40 || !Number.isSafeInteger(offset) || offset < 0) return undefined;
  return { id, offset, database: Number(fields.get('repl-stream-db') ?? 0) };
}
