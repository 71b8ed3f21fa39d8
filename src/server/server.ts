import { tmpdir } from 'node:os';
import type { ConnectionOptions } from 'node:tls';
import type { Clock } from '../ambient/clock.js';
import { SystemClock } from '../ambient/clock.js';
import { type Random, randomHexId, unpredictableRandom } from '../ambient/random.js';
import { Bytes } from '../bytes/bytes.js';
import type { Client } from '../clients/client.js';
import { Monitors } from '../clients/monitors.js';
import { ClientRegistry } from '../clients/registry.js';
import type { CommandSpec } from '../commands/command.js';
import { CommandTable } from '../commands/registry.js';
import type {
  DebugState,
  Log,
  MemoryUsage,
  ServerStatistics,
  ShutdownRequest,
} from '../commands/server-api.js';
import type { Config } from '../config/config.js';
import { ServerGate } from '../dispatch/admission.js';
import { CommandObserver } from '../dispatch/command-observer.js';
import type { ScriptRunner } from '../dispatch/script-commands.js';
import type { Database } from '../keyspace/database.js';
import { ExpirySweeper } from '../keyspace/expiry.js';
import { FieldExpirySweeper } from '../keyspace/field-expiry.js';
import { Keyspace } from '../keyspace/keyspace.js';
import { LinkCache } from '../links/link-cache.js';
import { LatencyMonitor } from '../observation/latency-monitor.js';
import { MemoryParts } from '../observation/memory-parts.js';
import { SlowLog } from '../observation/slow-log.js';
import { dataPath, type FileSystem, systemFiles } from '../persistence/files.js';
import type { RdbFormat } from '../persistence/rdb-format.js';
import { busyError, CommandError, errors } from '../protocol/errors.js';
import { noDatabase } from '../protocol/selecting-encoder.js';
import { ClientTracking } from '../pubsub/client-tracking.js';
import { publishEvent } from '../pubsub/notifications.js';
import { PubSub } from '../pubsub/pubsub.js';
import type { FullSyncHost, SnapshotContents } from '../replication/full-sync.js';
import type { ReplicaHost } from '../replication/replica-host.js';
import { ReplicaRole } from '../replication/replica-role.js';
import { Replication } from '../replication/replication.js';
import type { Scripting } from '../scripting/scripting.js';
import { ActiveDefrag } from './active-defrag.js';
import { commandSpecs } from './all-commands.js';
import { AofSnapshots } from './aof-snapshots.js';
import { AppendOnly } from './append-only.js';
import { applyConfig } from './apply-config.js';
import { DataSet } from './data-set.js';
import { EventLoop } from './event-loop.js';
import { FullSyncLoading } from './full-sync-loading.js';
import { renderInfo } from './info.js';
import { Listeners } from './listeners.js';
import { MemoryLimit } from './memory-limit.js';
import { Metrics } from './metrics.js';
import { fitMaxClients } from './open-files.js';
import { coalesceRequests, type RequestCoalescing } from './request-coalescing.js';
import { Saving } from './saving.js';
import { connectScripting } from './scripting.js';
import { Shutdown } from './shutdown.js';
import { StallWatch } from './stall-watch.js';
import { Timers } from './timers.js';
import { tlsClientOptions } from './tls.js';
import { respiteVersion } from './version.js';

/** Longest time the expiry sweeper works without letting clients have their turn. */
const expirySliceMicroseconds = 2000;
/** Pause between slices while there is clearly more to expire. */
const expiryPauseMs = 2;

const flushAllCommand = [Bytes.of('FLUSHALL')];

export interface ServerOptions {
  config: Config;
  log: Log;
  clock?: Clock;
  random?: Random;
  /** Commands beyond the built-in ones. */
  extraCommands?: CommandSpec[];
  /** The disk; tests put one in its place that fails on demand. */
  files?: FileSystem;
  /** Loads its data set at the start. Default true; an embedded server does so only if it was told where. */
  keepsFiles?: boolean;
  /** Loads this file at the start instead of its own. */
  importFrom?: string;
  /** Nothing else runs in this thread, so it may sleep for a moment where that saves work (`request-coalescing`). */
  ownsThread?: boolean;
  /** With `port 0`, listen on a port that the operating system chooses, instead of not at all. */
  anyPort?: boolean;
}

/**
 * The composition root: owns every part of one server and connects them. Several in one process share
 * nothing.
 */
export class RespiteServer implements FullSyncHost, ReplicaHost {
  readonly config: Config;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  readonly files: FileSystem;
  /** The data set is in files: loaded at the start, saved when its time has come. */
  readonly keepsFiles: boolean;
  readonly dataSet: DataSet;
  readonly keyspace: Keyspace;
  readonly clients: ClientRegistry;
  readonly pubsub: PubSub;
  readonly tracking: ClientTracking;
  readonly commands: CommandTable;
  readonly scripting: Scripting;
  readonly loop: EventLoop;
  readonly listeners: Listeners;
  readonly metrics: Metrics;
  readonly timers: Timers;
  readonly memoryParts = new MemoryParts();
  readonly memoryLimit: MemoryLimit;
  readonly defrag: ActiveDefrag;
  readonly appendOnly: AppendOnly;
  readonly saving: Saving;
  readonly ending = new Shutdown(this);
  readonly statistics = noStatistics();
  readonly slowLog = new SlowLog();
  readonly latency = new LatencyMonitor(() => this.clock.now());
  readonly monitors: Monitors;
  readonly links = new LinkCache();
  readonly debug: DebugState = {
    activeExpire: true,
    skipChecksums: false,
    cronPaused: false,
    scriptsMayAll: false,
  };
  readonly version = respiteVersion;
  readonly runId = randomHexId();
  readonly replication: Replication;
  readonly replicaRole: ReplicaRole;
  readonly snapshots = new FullSyncLoading(this);
  readonly startedAt: number;
  /** Called when a client asked for SHUTDOWN and its reply, if any, has left. */
  onShutdown: ((request: ShutdownRequest) => void) | undefined;
  crash: (() => void) | undefined;
  private readonly sweeper: ExpirySweeper;
  private readonly fieldSweeper: FieldExpirySweeper;
  private readonly scriptRunner: ScriptRunner;
  readonly observer: CommandObserver;
  /** Only where the server may put its thread to sleep. */
  readonly coalescing: RequestCoalescing | undefined;
  private readonly stalls: StallWatch;
  private closing: Promise<void> | undefined;

  constructor(private readonly options: ServerOptions) {
    this.config = options.config;
    this.log = options.log;
    this.clock = options.clock ?? new SystemClock();
    this.random = options.random ?? unpredictableRandom();
    this.files = options.files ?? systemFiles;
    this.keepsFiles = options.keepsFiles ?? true;
    this.dataSet = new DataSet(this);
    this.startedAt = this.clock.now();
    this.keyspace = new Keyspace(this.clock, this.random, this.config.values.databases);
    this.clients = new ClientRegistry(this.clock, setImmediate);
    this.clients.onEnded = (client) => this.forget(client);
    this.monitors = new Monitors(this.clients);
    this.pubsub = new PubSub((client) => this.clients.queueFlushAtTurnEnd(client));
    this.tracking = new ClientTracking(this.clients, this.pubsub, () =>
      this.loop.dispatcher.updateObserved(),
    );
    const { extraCommands = [] } = options;
    this.commands = new CommandTable([
      ...commandSpecs({
        dispatcher: () => this.loop.dispatcher,
        scriptRunner: () => this.scriptRunner,
        replication: () => this.replication,
        replicaRole: () => this.replicaRole,
      }),
      ...extraCommands,
    ]);
    for (const { name } of extraCommands) this.commands.named(name)?.checkSyntax();
    this.loop = new EventLoop(this);
    const { scripting, runner } = connectScripting(this);
    this.scripting = scripting;
    this.scriptRunner = runner;
    this.observer = new CommandObserver(this, this.loop.dispatcher.accounts);
    this.stalls = new StallWatch(this.latency, this.clock);
    this.stalls.adjust();
    if (options.ownsThread && process.platform === 'linux') this.coalescing = coalesceRequests(this);
    this.metrics = new Metrics(this);
    this.memoryLimit = new MemoryLimit(this);
    this.defrag = new ActiveDefrag(this);
    this.saving = new Saving(this, this.files);
    this.replication = new Replication(this);
    this.appendOnly = new AppendOnly(this, this.files, new AofSnapshots(this));
    this.replicaRole = new ReplicaRole(this, this.replication);
    this.appendOnly.onSynced = () => this.replication.diskChanged();
    this.memoryParts.measureTracking = () => this.tracking.bytes;
    this.memoryParts.measureAofBuffer = () => this.appendOnly.writer.pendingBytes;
    this.listeners = new Listeners(this);
    this.sweeper = new ExpirySweeper(this.keyspace);
    this.fieldSweeper = new FieldExpirySweeper(this.keyspace);
    this.timers = new Timers(
      this.clock,
      () => this.tick(),
      () => this.ringDeadlines(),
    );
    this.keyspace.observer = {
      keyModified: (database, key, vanished) => this.loop.dispatcher.keyModified(database, key, vanished),
      keyReady: (database, key) => this.loop.dispatcher.keyReady(database, key),
      databaseReplaced: (database, replacement) =>
        this.loop.dispatcher.databaseReplaced(database, replacement),
      flushed: () => this.tracking.flushed(),
      keyVanished: (database, key, why) => this.keyVanished(database, key, why),
      fieldVanished: (database, key, field) =>
        this.loop.dispatcher.propagation.fieldVanished(database, key, field),
      event: (_class, event, key, database) =>
        publishEvent(this.pubsub, this.keyspace.eventMask, event, key, database.index),
    };
    this.loop.onBatchEnd = (began) => this.stalls.batchEnded(began);
    this.config.onChange('latency-monitor-threshold', () => this.stalls.adjust());
    this.loop.dispatcher.inBackground = (work) => {
      this.loop.dispatcher.beginBatch();
      work();
      this.afterBackgroundWork();
    };
    this.loop.onDeadlines = () => this.setAlarm();
    this.keyspace.lazyFree.onWork = () => this.timers.soon('sweep', 0, () => this.sweep());
    applyConfig(this);
  }

  /** Starts listening, then loads the data set. Throws ListenError and LoadError. */
  async start(): Promise<void> {
    fitMaxClients(this.config, this.log);
    try {
      await this.listeners.open(this.config, this.options.anyPort === true);
      // Whoever waits for this line connects at once.
      this.log.notice('Server initialized');
      this.timers.start(1000 / this.config.values.hz);
      this.replicaRole.beginAtStart();
      await this.dataSet.loadAtStart(this.options.importFrom);
    } catch (error) {
      await this.close();
      throw error;
    }
    if (this.isClosing) return;
    this.replicaRole.connectAtStart();
    if (this.listeners.port > 0) this.log.notice('Ready to accept connections tcp');
    if (this.listeners.tlsPort > 0) this.log.notice('Ready to accept connections tls');
    if (this.config.values.unixsocket !== '') this.log.notice('Ready to accept connections unix');
  }

  /** From before the first byte of a file is read, whatever that holds. */
  get isLoading(): boolean {
    return (this.loop.dispatcher.gate & ServerGate.loading) !== 0;
  }

  get isClosing(): boolean {
    return this.closing !== undefined;
  }

  /** Ends all connections, stops all timers, and leaves no open handle. */
  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  private async end(): Promise<void> {
    this.timers.stop();
    this.stalls.stop();
    this.links.closeAll();
    this.replicaRole.stop();
    void this.saving.stop('Background saving terminated: the server ends');
    this.replication.close();
    this.appendOnly.close();
    await this.listeners.close();
  }

  /** The periodic work: metrics, and what time does to keys and clients. */
  tick(): void {
    if (this.debug.cronPaused) return this.stalls.forgetTick();
    this.stalls.ticked(1000 / this.config.values.hz);
    this.clock.synchronize();
    this.keyspace.tick();
    const begin = this.clock.microseconds();
    this.countScripts();
    this.metrics.sample();
    this.tickClients();
    this.ending.tick();
    this.replication.tick();
    this.replicaRole.tick();
    if (!this.isLoading) {
      this.sweep();
      this.defrag.check();
    }
    this.tickFiles();
    this.metrics.cronMicroseconds += this.clock.microseconds() - begin;
  }

  private tickFiles(): void {
    if (this.isLoading) return;
    this.saving.tick();
    this.appendOnly.tick();
    this.snapshots.tick();
  }

  private tickClients(): void {
    this.clients.closeIdle(this.config.values.timeout);
    this.clients.enforceOutputLimits();
    this.clients.adaptReplyBuffers();
    this.loop.clientEviction.enforce();
  }

  private sweep(): void {
    if (this.loop.dispatcher.busy) return; // time stands still
    this.loop.dispatcher.beginBatch();
    const expiring = this.debug.activeExpire && this.expire();
    const freeing = this.keyspace.lazyFree.step(expirySliceMicroseconds);
    this.afterBackgroundWork();
    if (expiring || freeing) this.timers.soon('sweep', expiryPauseMs, () => this.sweep());
  }

  /** Removes expired keys for a while. True if there are clearly more. */
  private expire(): boolean {
    const begin = this.clock.microseconds();
    const expiringKeys = this.sweeper.run(expirySliceMicroseconds, this.effort());
    const expiring = this.fieldSweeper.run(expirySliceMicroseconds) || expiringKeys;
    this.latency.note('expire-cycle', (this.clock.microseconds() - begin) / 1000);
    return expiring;
  }

  private effort(): number {
    return this.config.values['active-expire-effort'];
  }

  private ringDeadlines(): void {
    const { dispatcher } = this.loop;
    if (dispatcher.busy) return; // time stands still; `endBatch` sets the alarm again
    dispatcher.beginBatch();
    dispatcher.blocking.expire();
    const { until } = dispatcher.pause;
    if (until > 0 && this.clock.now() >= until) dispatcher.pause.endOverdue();
    this.afterBackgroundWork();
    this.setAlarm();
  }

  /** Sees to it that `ringDeadlines` runs when the next blocked client gives up, and when a pause ends. */
  private setAlarm(): void {
    const { blocking, pause } = this.loop.dispatcher;
    this.timers.wakeAt(blocking.waiting.nextDeadline);
    if (pause.until > 0) this.timers.wakeAt(pause.until);
  }

  /** Wakes and answers whoever was affected by work that no request caused. */
  private afterBackgroundWork(): void {
    const { dispatcher } = this.loop;
    // Those who wait for keys of a script are served when it is done.
    if (dispatcher.blocking.waiting.hasReady && !dispatcher.busy) dispatcher.blocking.serveWaiting();
    this.loop.endBatch();
  }

  /** With a manual clock: does at once what the passing of time would have done. */
  afterTimePassed(): void {
    this.ringDeadlines();
    this.tickClients();
    this.keyspace.tick();
    while (this.debug.activeExpire && this.sweeper.run(Number.POSITIVE_INFINITY, this.effort()));
    if (this.debug.activeExpire) this.fieldSweeper.run(Number.POSITIVE_INFINITY);
    while (this.keyspace.lazyFree.step(expirySliceMicroseconds));
    this.afterBackgroundWork();
    this.tickFiles();
  }

  /** As FLUSHALL, whatever that is called here. Throws CommandError when that would be refused. */
  flushAll(): void {
    const { keyspace, loop, saving } = this;
    const { propagation } = loop.dispatcher;
    if (this.isLoading || this.dataSet.loadingAside !== undefined) throw new CommandError(errors.loading);
    if (loop.dispatcher.busy) throw new CommandError(busyError(undefined));
    if ((loop.dispatcher.gate & ServerGate.readOnly) !== 0) throw new CommandError(errors.readOnlyReplica);
    loop.dispatcher.inBackground(() => {
      saving.beforeFlush();
      keyspace.dirty += keyspace.size;
      keyspace.flushAll();
      if (propagation.active) propagation.append(noDatabase, flushAllCommand);
      saving.afterFlush();
    });
  }

  private keyVanished(database: Database, key: Bytes, why: 'expired' | 'evicted'): void {
    const { values } = this.config;
    const lazily = why === 'expired' ? values['lazyfree-lazy-expire'] : values['lazyfree-lazy-eviction'];
    this.loop.dispatcher.propagation.keyVanished(database, key, lazily);
  }

  forget(client: Client): void {
    this.loop.dispatcher.forget(client);
    this.scriptRunner.debugging.delete(client);
    this.monitors.remove(client);
    this.pubsub.forget(client);
    this.tracking.disable(client);
    this.replication.forget(client);
    this.clients.forget(client);
  }

  info(sections: string[]): string {
    return renderInfo(this, sections);
  }

  resetStatistics(): void {
    const { statistics, keyspace } = this;
    for (const command of this.commands.all()) command.resetStatistics();
    this.loop.resetStatistics();
    Object.assign(statistics, noStatistics());
    keyspace.resetStatistics();
    this.memoryLimit.resetStatistics();
    this.defrag.resetStatistics();
    this.loop.clientEviction.evictedClients = 0;
    this.replication.resetStatistics();
    this.clients.replyBuffers.shrinks = this.clients.replyBuffers.expands = 0;
    this.metrics.reset();
  }

  shutdown(request: ShutdownRequest): boolean | Promise<boolean> {
    return this.ending.now(request);
  }

  /** Save points are set, and it is known where the file belongs. */
  get savesByItself(): boolean {
    return this.keepsFiles && this.config.values.save.length > 0;
  }

  /** Writing is refused while the data set is to be saved and the last save failed. */
  updateWriteGate(): void {
    const { saving, config, loop } = this;
    const { save, 'stop-writes-on-bgsave-error': stops } = config.values;
    loop.dispatcher.setGate(ServerGate.cannotSave, saving.lastStatus === 'err' && stops && save.length > 0);
  }

  reload({ save, flush, replace }: { save: boolean; flush: boolean; replace: boolean }): void {
    if (save && !this.saving.save()) throw new CommandError('ERR');
    if (flush) {
      void this.saving.stop('All data is about to be loaded anew: background saving stopped');
      this.keyspace.flushAll();
      this.scripting.functions.clear();
    }
    this.dataSet.reload(replace);
    this.log.warning('DB reloaded by DEBUG RELOAD');
  }

  abortShutdown(): boolean {
    return this.ending.abort();
  }

  unblock(client: Client, how: 'timeout' | 'error'): boolean {
    return this.loop.dispatcher.blocking.unblock(client, how);
  }

  makeRoom(): boolean {
    return this.memoryLimit.makeRoom();
  }

  overMemoryLimit(): boolean {
    return this.memoryLimit.exceeded;
  }

  /**
   * Nothing is evicted while changes are held back, nor by a replica that leaves it to its master; nor while data are
   * loaded, for a key that is not whole yet would go on from nothing, nor in the midst of a script.
   */
  get evictionSuspended(): boolean {
    const { replicaRole, config, dataSet } = this;
    const { pause, busy } = this.loop.dispatcher;
    const leftToPrimary = replicaRole.primary !== undefined && config.values['replica-ignore-maxmemory'];
    return leftToPrimary || pause.active || busy || this.isLoading || dataSet.loadingAside !== undefined;
  }

  /** `replica-announce-port`, or the port of the kind of connection that replication uses. */
  get announcedPort(): number {
    const { config, listeners } = this;
    const { 'replica-announce-port': announced, 'tls-replication': secure } = config.values;
    return announced || (secure && listeners.tlsPort > 0 ? listeners.tlsPort : listeners.port);
  }

  linkTls(): ConnectionOptions | undefined {
    const { values } = this.config;
    return values['tls-replication'] ? tlsClientOptions(values) : undefined;
  }

  /** Goes on evicting between events. */
  continueEviction(): void {
    this.timers.soon('eviction', 0, () => {
      this.loop.dispatcher.beginBatch();
      this.memoryLimit.makeRoom();
      this.afterBackgroundWork();
    });
  }

  memoryUsage(): MemoryUsage {
    this.countScripts();
    return this.metrics.memoryUsage();
  }

  private countScripts(): void {
    const { memoryParts, scripting } = this;
    memoryParts.scripts = scripting.scripts.memory;
    memoryParts.functions = scripting.functions.memory;
  }

  purgeMemory(): void {
    this.keyspace.arena.purge();
    this.timers.soon('purge', 0, () => this.keyspace.arena.returnMemory());
  }

  pauseClients(until: number, all: boolean): void {
    this.loop.dispatcher.pause.begin(until, all);
    this.setAlarm();
  }

  unpauseClients(): void {
    this.loop.dispatcher.pause.end('client');
  }

  watch(client: Client, database: Database, key: string): void {
    this.loop.dispatcher.watched.add(client, database, key);
    this.loop.dispatcher.updateObserved();
  }

  endTransaction(client: Client): void {
    this.loop.dispatcher.endTransaction(client);
  }

  unwatchAll(client: Client): void {
    if (client.watched.length === 0) {
      client.watchBroken = false;
      return;
    }
    this.loop.dispatcher.watched.removeAll(client);
    this.loop.dispatcher.updateObserved();
  }

  /** A server that keeps no files has none of its own. */
  get temporaryDirectory(): string {
    return this.keepsFiles ? dataPath(this.config.values.dir) : tmpdir();
  }

  replicaSnapshotFormat(contents: SnapshotContents): RdbFormat {
    return this.saving.format(false, contents);
  }
}

function noStatistics(): ServerStatistics {
  return {
    connectionsReceived: 0,
    connectionsRejected: 0,
    commandsProcessed: 0,
    readsProcessed: 0,
    writesProcessed: 0,
    netInputBytes: 0,
    netOutputBytes: 0,
    replicationInputBytes: 0,
    replicationOutputBytes: 0,
    totalErrorReplies: 0,
    unexpectedErrorReplies: 0,
    loginsRefused: 0,
    errorCounts: new Map(),
  };
}
