import { blockThread } from '../ambient/block-thread.js';
import type { Bytes } from '../bytes/bytes.js';
import type { Client } from '../clients/client.js';
import type { AppendOnlyApi } from '../commands/server-api.js';
import { ConfigError } from '../config/config.js';
import { systemErrorText } from '../config/files.js';
import { ServerGate } from '../dispatch/admission.js';
import { type PropagationSink, PropagationTarget } from '../dispatch/propagation.js';
import { AofDirectory, manifestErrorText } from '../persistence/aof-directory.js';
import { type AofFile, AofManifest } from '../persistence/aof-manifest.js';
import { AofWriter } from '../persistence/aof-writer.js';
import type { FileSystem } from '../persistence/files.js';
import type { SnapshotProgress } from '../persistence/snapshot.js';
import { CommandError } from '../protocol/errors.js';
import { LoadError } from './load-error.js';
import type { RespiteServer } from './server.js';

/** Failures of rewriting in a row from which on the next try waits, longer each time. */
const failuresBeforeDelay = 3;
const longestDelayMinutes = 60;
/** A failing disk is spoken of once in so long. */
const complaintIntervalMs = 30_000;
const extensions = { rdb: 'rdb', commands: 'aof' } as const satisfies Record<AofBaseFormat, string>;
/** Name of the file that gathers what changes while the first rewrite after `appendonly yes` is under way. */
const temporaryIncremental = (prefix: string) => `temp-${prefix}.incr`;

/** A snapshot of all data that is being written to a file. */
export interface RewriteJob {
  readonly progress: SnapshotProgress;
  cancel(): void;
}

/** How the append-only file gets snapshots. */
export interface SnapshotStarter {
  /** Another snapshot is being written. */
  readonly busy: boolean;
  /** Writes all data, as of now, to a file at once. Throws what the file system throws. */
  writeNow(file: SnapshotNames, format: AofBaseFormat): void;
  /**
   * Begins to write all data, as of now, to a file. `done` is called, later, when the file is durable under its name,
   * or with the reason why it could not be written; not after `cancel`.
   */
  start(file: SnapshotNames, format: AofBaseFormat, done: (failure: string | undefined) => void): RewriteJob;
}

/** What a base file is made of: a snapshot, or the commands that make the data. */
export type AofBaseFormat = 'rdb' | 'commands';

/** Paths of a file while it is in the making, and when it is complete. */
export interface SnapshotNames {
  temporary: string;
  path: string;
}

/** What INFO and the log show of rewriting. */
export interface RewriteStatistics {
  count: number;
  failuresInRow: number;
  lastOk: boolean;
  /** Unix time in ms at which the present rewrite began, or 0. */
  startedAt: number;
  /** Seconds that the last one took, or -1. */
  lastSeconds: number;
}

/**
 * The append-only file of a server: every change goes to its last file, and now and then a snapshot replaces the files
 * before that. With `appendfsync always`, what a turn of the event loop changed is written and synced once, before any
 * reply of that turn leaves.
 */
export class AppendOnly implements PropagationSink, AppendOnlyApi {
  readonly target = PropagationTarget.appendOnlyFile;
  readonly directory: AofDirectory;
  readonly writer: AofWriter;
  /** `starting`: switched on while running; the first rewrite is still to be finished. */
  state: 'off' | 'on' | 'starting' = 'off';
  manifest = new AofManifest();
  readonly rewrites: RewriteStatistics = {
    count: 0,
    failuresInRow: 0,
    lastOk: true,
    startedAt: 0,
    lastSeconds: -1,
  };
  /** A rewrite is to begin as soon as it can. */
  scheduled = false;
  /** Bytes of all files but the present one. */
  private otherBytes = 0;
  /** Bytes of all files after the last rewrite, or at the start. */
  baseSize = 0;
  private job: RewriteJob | undefined;
  private listening = false;
  private turnScheduled = false;
  /** Clients whose changes of this turn are not on the disk: with `always` they get no reply before that. */
  private readonly uncommitted = new Set<Client>();
  private lastComplaint = Number.NEGATIVE_INFINITY;
  private lastDelayMinutes = 0;
  private retryAt = 0;
  /** How many temporary files were named. */
  private temporaries = 0;

  constructor(
    private readonly server: RespiteServer,
    files: FileSystem,
    private readonly snapshots: SnapshotStarter,
  ) {
    const { values } = server.config;
    this.directory = new AofDirectory(files, () => ({
      dir: values.dir,
      folder: values.appenddirname,
      prefix: values.appendfilename,
    }));
    this.writer = new AofWriter(files, server.clock, {
      failed: (doing, error) => this.failed(doing, error),
      recovered: () => this.recovered(),
      synced: () => this.onSynced(),
      delayed: () =>
        server.log.notice(
          'Asynchronous AOF fsync is taking too long (disk is busy?). Writing the AOF buffer without waiting for fsync to complete, this may slow down the server.',
        ),
    });
    this.configure();
  }

  private configure(): void {
    const { config } = this.server;
    const { values } = config;
    const apply = () => {
      this.writer.policy = values.appendfsync;
      this.writer.timestamps = values['aof-timestamp-enabled'];
    };
    apply();
    config.onChangeOfAny(['appendfsync', 'aof-timestamp-enabled'], () => {
      this.commit();
      apply();
    });
    config.onChange('appendonly', (on) => {
      if (on) this.switchOn();
      else this.switchOff();
    });
    config.onChange('aof-disable-auto-gc', (off) => {
      if (!off) this.removeHistory();
    });
  }

  /** Called when more is on the disk than before, and when it is switched off. */
  onSynced: () => void = () => {};

  get enabled(): boolean {
    return this.state !== 'off';
  }

  get position(): number {
    return this.writer.position;
  }

  /** What was written before the first rewrite is done is in no file that would be loaded. */
  get durablePosition(): number {
    return this.state === 'on' ? this.writer.durablePosition : -1;
  }

  get rewriting(): boolean {
    return this.job !== undefined;
  }

  /** How far the rewrite is that is under way. */
  get progress(): SnapshotProgress | undefined {
    return this.job?.progress;
  }

  /** Bytes of all files, and of what is about to be written. */
  get currentSize(): number {
    return this.otherBytes + this.writer.size + this.writer.pendingBytes;
  }

  /** DEBUG LOADAOF: written, emptied and loaded again from its files. Throws CommandError. */
  async reload(): Promise<void> {
    const { server } = this;
    if (this.state === 'on' && !this.commit()) throw new CommandError('ERR Error trying to write the AOF');
    if (this.rewriting) {
      // When it is done it would remove files that are still to be loaded.
      this.cancel();
      this.scheduled = true;
    }
    this.listen(false);
    try {
      server.keyspace.flushAll();
      server.scripting.functions.clear();
      await server.dataSet.reloadAppendOnly();
    } catch (error) {
      if (!(error instanceof LoadError)) throw error;
      server.log.warning(error.message);
      throw new CommandError('ERR Error trying to load the AOF files, check server logs.');
    } finally {
      this.listen(this.state === 'on');
    }
    server.log.warning('Append Only File loaded by DEBUG LOADAOF');
  }

  /** DEBUG AOF-FLUSH-SLEEP. */
  delayWrites(microseconds: number): void {
    this.writer.beforeWrite = microseconds > 0 ? () => blockThread(microseconds / 1000) : undefined;
  }

  // --- what changes

  /** Hot: called for each change. */
  propagate(database: number, args: readonly Bytes[], argc: number): void {
    const { loop } = this.server;
    this.writer.append(database, args, argc);
    if (!this.turnScheduled) this.beginTurn();
    // A long reply may have left in this turn already, and what changed before it was written then.
    loop.beforeSending = this.writeTurn;
    if (this.writer.policy !== 'always') return;
    const { client } = loop.dispatcher.propagation;
    if (client !== undefined) this.uncommitted.add(client);
  }

  private beginTurn(): void {
    this.turnScheduled = true;
    setImmediate(this.endTurn);
  }

  private readonly endTurn = (): void => {
    this.turnScheduled = false;
    this.writeTurn();
  };

  /**
   * Before any reply leaves, what changed in this turn is with the operating system, so that it survives the end of the
   * process, and with `always` on the disk. Replies wait for the end of the turn, so there is one write for all.
   */
  private readonly writeTurn = (): void => {
    const { server } = this;
    server.loop.beforeSending = undefined;
    if (!this.writer.write(false, this.maySync) && this.uncommitted.size > 0) this.refuseUncommitted();
    this.uncommitted.clear();
  };

  /** Their changes may be lost, so they must not be told otherwise; what they were told before stands. */
  private refuseUncommitted(): void {
    for (const client of this.uncommitted) {
      client.reply.reset();
      this.server.clients.disconnect(client, false);
    }
  }

  private get maySync(): boolean {
    return !(
      this.server.config.values['no-appendfsync-on-rewrite'] &&
      (this.rewriting || this.snapshots.busy)
    );
  }

  /** Writes and syncs everything, whatever the policy. False if that failed. */
  commit(): boolean {
    return this.writer.commit();
  }

  // --- what fails

  private failed(doing: 'write' | 'sync', error: unknown): void {
    const { server } = this;
    server.loop.dispatcher.setGate(ServerGate.appendOnlyFailing, true);
    this.lastError = systemErrorText(error);
    const now = server.clock.now();
    if (now - this.lastComplaint < complaintIntervalMs) return;
    this.lastComplaint = now;
    const what = doing === 'write' ? 'Error writing to the AOF file' : 'Fail to fsync the AOF file';
    server.log.warning(`${what}: ${this.lastError}`);
  }

  /** What the file system said last. */
  lastError = '';

  private recovered(): void {
    const { server } = this;
    server.loop.dispatcher.setGate(ServerGate.appendOnlyFailing, false);
    this.lastComplaint = Number.NEGATIVE_INFINITY;
    server.log.warning('AOF write error looks solved. The server can write again.');
    // A sync that failed may have lost what the file seems to have: a snapshot has it for certain.
    if (this.writer.uncertain) this.scheduled = true;
  }

  // --- on and off

  /** Reads which files there are, at the start. Throws LoadError. */
  learn(): void {
    const { directory, server } = this;
    try {
      const manifest = directory.readManifest();
      const on = server.config.values.appendonly;
      this.manifest = (on ? directory.upgrade(manifest) : manifest) ?? new AofManifest();
    } catch (error) {
      throw new LoadError(
        manifestErrorText(error) ?? `Can't read the AOF directory: ${systemErrorText(error)}`,
      );
    }
  }

  /** After the data set was loaded: goes on where the files end. Throws LoadError. */
  open(): void {
    try {
      this.openLast();
    } catch (error) {
      throw new LoadError(`Can't open the append-only file: ${systemErrorText(error)}`);
    }
  }

  private openLast(): void {
    const { directory, server } = this;
    const known = this.manifest;
    directory.create();
    let manifest = known.files.length === 0 ? this.createBase(known) : known;
    if (manifest.incremental.length === 0) {
      manifest = directory.withIncremental(manifest);
      server.log.notice(`Creating AOF incr file ${manifest.incremental[0].name} on server start`);
    }
    this.writer.open(directory.path(manifest.incremental.at(-1)!.name));
    if (manifest !== known) directory.writeManifest(manifest);
    this.manifest = manifest;
    this.countOthers();
    this.baseSize = this.currentSize;
    this.state = 'on';
    this.listen(true);
    if (!server.config.values['aof-disable-auto-gc']) this.removeHistory();
  }

  private createBase(manifest: AofManifest): AofManifest {
    const base = manifest.nextBase(this.directory.prefix, extensions[this.format]);
    this.server.log.notice(`Creating AOF base file ${base.name} on server start`);
    this.snapshots.writeNow(this.namesOf(base), this.format);
    return new AofManifest(base);
  }

  private get format(): AofBaseFormat {
    return this.server.config.values['aof-use-rdb-preamble'] ? 'rdb' : 'commands';
  }

  /**
   * Each rewrite has a temporary file of its own: one that was given up may still be removed when the next has begun.
   */
  private namesOf(base: AofFile): SnapshotNames {
    const temporary = this.directory.pathBeside(
      `temp-rewriteaof-bg-${process.pid}-${++this.temporaries}.aof`,
    );
    return { temporary, path: this.directory.path(base.name) };
  }

  private listen(on: boolean): void {
    if (on === this.listening) return;
    this.listening = on;
    const { propagation } = this.server.loop.dispatcher;
    if (on) propagation.add(this);
    else propagation.remove(this);
  }

  /** `CONFIG SET appendonly yes`: it is on when the first rewrite is done. */
  switchOn(): void {
    if (this.state !== 'off') return;
    const { log } = this.server;
    this.state = 'starting';
    if (this.rewriting) {
      log.warning('AOF was enabled but there is already an AOF rewriting in background. Stopping it.');
      this.cancel();
    }
    // A snapshot in the middle of a transaction would have a part of it, and the file all of it once more.
    if (this.snapshots.busy || this.server.loop.dispatcher.inUnit) {
      this.scheduled = true;
      log.notice(
        'AOF was enabled but there is already another background operation. An AOF background was scheduled to start when possible.',
      );
    } else if (!this.rewrite()) {
      this.state = 'off';
      throw new ConfigError('Unable to turn on AOF. Check server logs.');
    }
  }

  /** `CONFIG SET appendonly no`: the files stay as they are. */
  switchOff(): void {
    if (this.state === 'off') return;
    this.listen(false);
    const wasOn = this.state === 'on';
    this.state = 'off';
    if (wasOn) this.writer.commit();
    else this.writer.discard();
    this.writer.close();
    this.onSynced();
    this.scheduled = false;
    if (this.rewriting) this.cancel();
    this.server.loop.dispatcher.setGate(ServerGate.appendOnlyFailing, false);
  }

  /** Before the server ends. False if what is gathered could not be written. */
  close(): boolean {
    if (this.rewriting) this.cancel();
    if (this.state === 'off') return true;
    const written = this.writer.commit();
    this.listen(false);
    this.writer.close();
    this.state = 'off';
    return written;
  }

  // --- rewriting

  /** BGREWRITEAOF. What came of it; `scheduled` begins when it can. */
  request(inTransaction: boolean): 'started' | 'scheduled' | 'running' | 'failed' {
    if (this.rewriting) return 'running';
    this.rewrites.failuresInRow = 0;
    if (this.snapshots.busy || inTransaction) {
      this.scheduled = true;
      return 'scheduled';
    }
    return this.rewrite() ? 'started' : 'failed';
  }

  private rewrite(): boolean {
    const { server, directory, snapshots } = this;
    this.scheduled = false;
    try {
      directory.create();
      this.beginIncremental();
    } catch (error) {
      server.log.warning(`Can't open the append-only file: ${systemErrorText(error)}`);
      this.noteFailure();
      return false;
    }
    this.rewrites.startedAt = server.clock.now();
    server.log.notice(`Background append only file rewriting started by pid ${process.pid}`);
    const { format } = this;
    const base = this.manifest.nextBase(directory.prefix, extensions[format]);
    this.job = snapshots.start(this.namesOf(base), format, (failure) => this.finished(base, failure));
    return true;
  }

  /** What changes from now on goes to another file: what comes before will be in the snapshot. */
  private beginIncremental(): void {
    const { directory, server, state, writer } = this;
    if (state === 'off') return;
    if (state === 'starting') {
      const path = directory.path(temporaryIncremental(directory.prefix));
      if (directory.exists(path)) this.files.unlinkSync(path);
      writer.discard();
      writer.open(path);
      this.listen(true);
      return;
    }
    if (!writer.write(true)) throw new Error(this.lastError);
    const manifest = directory.withIncremental(this.manifest);
    const { name } = manifest.incremental.at(-1)!;
    server.log.notice(`Creating AOF incr file ${name} on background rewrite`);
    // The file is listed before anything is written to it, and is there before it is listed.
    directory.createFile(name);
    directory.writeManifest(manifest);
    this.manifest = manifest;
    writer.open(directory.path(name));
    this.countOthers();
  }

  private finished(base: AofFile, failure: string | undefined): void {
    const { rewrites, server } = this;
    this.job = undefined;
    rewrites.lastSeconds = Math.floor((server.clock.now() - rewrites.startedAt) / 1000);
    rewrites.startedAt = 0;
    try {
      if (failure !== undefined) {
        this.removeNow(this.directory.path(base.name));
        throw new Error(failure);
      }
      server.log.notice('Background AOF rewrite terminated with success');
      this.adopt(base);
    } catch (error) {
      // A base that could not be adopted stays: the manifest on the disk may list it. The next rewrite replaces it.
      server.log.warning(`Background AOF rewrite failed: ${systemErrorText(error)}`);
      this.abandon();
      this.noteFailure();
      return;
    }
    rewrites.count++;
    rewrites.lastOk = true;
    rewrites.failuresInRow = 0;
    server.log.notice('Background AOF rewrite finished successfully');
  }

  /** The snapshot becomes the base, and all that it contains is history. */
  private adopt(base: AofFile): void {
    const { directory, server, state, writer } = this;
    server.log.notice(`Successfully created the AOF base file ${base.name}`);
    let manifest = this.manifest.rewritten(base, state === 'on' ? 1 : 0);
    if (state === 'starting') {
      manifest = directory.withIncremental(manifest);
      const { name } = manifest.incremental[0];
      if (!writer.commit()) throw new Error(this.lastError);
      this.files.renameSync(directory.path(temporaryIncremental(directory.prefix)), directory.path(name));
    }
    directory.writeManifest(manifest);
    this.manifest = manifest;
    if (state === 'starting') {
      this.state = 'on';
      this.onSynced();
    }
    writer.uncertain = false;
    this.countOthers();
    this.baseSize = this.currentSize;
    if (!server.config.values['aof-disable-auto-gc']) this.removeHistory();
  }

  private get files(): FileSystem {
    return this.server.files;
  }

  private abandon(): void {
    if (this.state !== 'starting') return;
    const { writer } = this;
    this.listen(false);
    writer.discard();
    writer.close();
    this.removeTemporaryIncremental();
    this.scheduled = true;
  }

  /** For a file whose name is not used again. */
  private remove(path: string): void {
    this.files.unlink(path, () => {});
  }

  /** For a file whose name the next rewrite gives to its own, which a removal in the background could hit. */
  private removeNow(path: string): void {
    if (!this.directory.exists(path)) return;
    try {
      this.files.unlinkSync(path);
    } catch (error) {
      this.server.log.warning(`Can't remove ${path}: ${systemErrorText(error)}`);
    }
  }

  private noteFailure(): void {
    const { rewrites } = this;
    rewrites.lastOk = false;
    rewrites.failuresInRow++;
    const beyond = rewrites.failuresInRow - failuresBeforeDelay;
    if (beyond < 0) return;
    const minutes = Math.min(2 ** beyond, longestDelayMinutes);
    this.retryAt = this.server.clock.now() + minutes * 60_000;
    if (minutes === this.lastDelayMinutes) return;
    this.lastDelayMinutes = minutes;
    this.server.log.warning(
      `Background AOF rewrite has repeatedly failed ${rewrites.failuresInRow} times and triggered the limit, will retry in ${minutes} minutes`,
    );
  }

  /** Failures in a row hold the next try back, unless somebody asks for it. */
  private get heldBack(): boolean {
    const { failuresInRow } = this.rewrites;
    if (failuresInRow < failuresBeforeDelay) this.lastDelayMinutes = 0;
    return failuresInRow >= failuresBeforeDelay && this.server.clock.now() < this.retryAt;
  }

  /** Ends a rewrite that is under way; what it has written is removed. */
  cancel(): void {
    const { job } = this;
    if (job === undefined) return;
    this.job = undefined;
    this.rewrites.startedAt = 0;
    this.server.log.notice('Killing running AOF rewrite child');
    job.cancel();
    if (this.state === 'off') this.removeTemporaryIncremental();
  }

  private removeTemporaryIncremental(): void {
    const { directory } = this;
    const name = temporaryIncremental(directory.prefix);
    if (!directory.exists(directory.path(name))) return;
    this.server.log.notice(`Removing the temp incr aof file ${name}`);
    this.removeNow(directory.path(name));
  }

  /** What a rewrite has made superfluous goes, once it is certain that no manifest lists it. */
  private removeHistory(): void {
    const { directory, manifest, server } = this;
    if (manifest.history.length === 0) return;
    try {
      if (!directory.writeManifest(manifest.withoutHistory())) return;
    } catch (error) {
      server.log.warning(`Can't write the AOF manifest: ${systemErrorText(error)}`);
      return;
    }
    this.manifest = manifest.withoutHistory();
    for (const { name } of manifest.history) {
      server.log.notice(`Removing the history file ${name} in the background`);
      this.remove(directory.path(name));
    }
  }

  private countOthers(): void {
    const { files, incremental } = this.manifest;
    const present: AofFile | undefined = incremental.at(-1);
    this.otherBytes = files
      .filter((file) => file !== present)
      .reduce((sum, { name }) => sum + this.directory.size(name), 0);
  }

  /** Periodic: what could not be written is tried again, and a rewrite begins if one is due. */
  tick(): void {
    if (this.state !== 'off') this.writer.write(false, this.maySync);
    if (this.rewriting || this.snapshots.busy || this.server.loop.dispatcher.inUnit) return;
    if (this.scheduled || this.hasGrown()) {
      if (!this.heldBack) this.rewrite();
      return;
    }
    if (this.state === 'starting') this.scheduled = true;
  }

  /** `auto-aof-rewrite-percentage` and `auto-aof-rewrite-min-size`. */
  private hasGrown(): boolean {
    const { 'auto-aof-rewrite-percentage': percent, 'auto-aof-rewrite-min-size': least } =
      this.server.config.values;
    if (this.state !== 'on' || percent === 0 || this.currentSize <= least) return false;
    const base = Math.max(this.baseSize, 1);
    const growth = Math.floor((this.currentSize * 100) / base) - 100;
    if (growth < percent) return false;
    if (!this.heldBack) this.server.log.notice(`Starting automatic rewriting of AOF on ${growth}% growth`);
    return true;
  }
}
