import type { Clock } from '../ambient/clock.js';
import type { Random } from '../ambient/random.js';
import type { Client } from '../clients/client.js';
import type { Monitors } from '../clients/monitors.js';
import type { ClientRegistry } from '../clients/registry.js';
import type { Config } from '../config/config.js';
import type { Database } from '../keyspace/database.js';
import type { Keyspace } from '../keyspace/keyspace.js';
import type { LinkCache } from '../links/link-cache.js';
import type { LatencyMonitor } from '../observation/latency-monitor.js';
import type { MemoryParts } from '../observation/memory-parts.js';
import type { SlowLog } from '../observation/slow-log.js';
import type { ClientTracking } from '../pubsub/client-tracking.js';
import type { PubSub } from '../pubsub/pubsub.js';
import type { Scripting } from '../scripting/scripting.js';
import type { CommandTable } from './registry.js';

export { redisVersion } from '../config/redis-version.js';

/** Log lines of four weights. */
export interface Log {
  debug(text: string): void;
  verbose(text: string): void;
  notice(text: string): void;
  warning(text: string): void;
}

/** Counters that INFO shows and CONFIG RESETSTAT clears. */
export interface ServerStatistics {
  connectionsReceived: number;
  connectionsRejected: number;
  commandsProcessed: number;
  /** Reads from sockets that brought something, and writes to them. */
  readsProcessed: number;
  writesProcessed: number;
  netInputBytes: number;
  netOutputBytes: number;
  /** The same of links between primaries and replicas, which are not counted there. */
  replicationInputBytes: number;
  replicationOutputBytes: number;
  totalErrorReplies: number;
  unexpectedErrorReplies: number;
  /** Wrong passwords and unknown users. */
  loginsRefused: number;
  /** Replies by error code; bounded. */
  errorCounts: Map<string, number>;
}

export interface ShutdownRequest {
  save: 'save' | 'nosave' | 'default';
  now: boolean;
  force: boolean;
}

/** The append-only file, as commands see it. */
export interface AppendOnlyApi {
  /** What the file system said when writing failed last. */
  readonly lastError: string;
  readonly enabled: boolean;
  /** How much was appended since the start, in bytes; and how much of it the disk has, -1 if there are no files yet. */
  readonly position: number;
  readonly durablePosition: number;
  /** Loads the files anew, while other clients are told so. Throws CommandError. */
  reload(): Promise<void>;
  /** Holds up each write so long. */
  delayWrites(microseconds: number): void;
  /** Asks for a rewrite; inside a transaction it begins when that is over. */
  request(inTransaction: boolean): 'started' | 'scheduled' | 'running' | 'failed';
}

/** Switches that only DEBUG turns. */
export interface DebugState {
  /** Scripts may run what they are denied. */
  scriptsMayAll: boolean;
  activeExpire: boolean;
  /** Checksums of RDB files and of RESTORE's payloads are not looked at. */
  skipChecksums: boolean;
  /** Holds back all periodic work. */
  cronPaused: boolean;
}

/** Where memory goes, in bytes. What INFO and MEMORY tell of it is worked out from this. */
export interface MemoryUsage {
  /** All that is counted. */
  used: number;
  peak: number;
  /** What was used before there was any data. */
  startup: number;
  /** Keys and values. */
  dataset: number;
  normalClients: number;
  replicaClients: number;
  /** Taken by the process, as the operating system sees it. */
  resident: number;
  /** By the arena: live blocks, pages that have any, and pages that were ever touched. */
  allocatorAllocated: number;
  allocatorActive: number;
  allocatorResident: number;
  /** Used, but not compared with `maxmemory`. */
  notCountedForEviction: number;
}

/** Saving the data set to its file. */
export interface SavingApi {
  /** A save in the background is under way. */
  readonly inProgress: boolean;
  /** Another snapshot is being written, for an append-only file or a replica. */
  readonly otherSnapshot: boolean;
  /** Unix time in s of the last save that succeeded, or of the start. */
  readonly lastSave: number;
  /** Saves now, and returns when that is done; false if it failed, of which the log has the reason. */
  save(): boolean;
  /** Begins to save in the background. There must be no snapshot. */
  start(): void;
  /** Begins to save in the background as soon as no other snapshot is being written. */
  schedule(): void;
  /** All keys are about to be removed: a save that is under way is pointless. */
  beforeFlush(): void;
  /** All keys were removed: the file is out of date. */
  afterFlush(): void;
}

/** The part that the server plays in replication, as commands see it. */
export interface ReplicationApi {
  readonly role: 'master' | 'replica';
  /** The history gets another name, which no replica knows. */
  renewHistory(): void;
  /** Sends replicas a command that was not run here. */
  sendToReplicas(command: string): void;
}

/** What a command can reach of the server that runs it. */
export interface ServerApi {
  readonly clock: Clock;
  readonly random: Random;
  readonly config: Config;
  readonly log: Log;
  readonly keyspace: Keyspace;
  readonly clients: ClientRegistry;
  readonly pubsub: PubSub;
  readonly tracking: ClientTracking;
  readonly commands: CommandTable;
  readonly scripting: Scripting;
  readonly statistics: ServerStatistics;
  readonly slowLog: SlowLog;
  readonly latency: LatencyMonitor;
  readonly monitors: Monitors;
  /** Connections to other servers. */
  readonly links: LinkCache;
  readonly debug: DebugState;
  /** Ends the process as a memory fault would. Undefined where the server is a guest in a process. */
  readonly crash: (() => void) | undefined;
  readonly appendOnly: AppendOnlyApi;
  readonly saving: SavingApi;
  readonly replication: ReplicationApi;
  /** A data set is being loaded. */
  readonly isLoading: boolean;
  /** Respite's own version. */
  readonly version: string;
  /** 40 hexadecimal digits, new with each start. */
  readonly runId: string;
  /** Unix time in ms. */
  readonly startedAt: number;
  /** The text of INFO for these sections (lower case names; empty: the default ones). */
  info(sections: string[]): string;
  /** Clears counters and peaks. */
  resetStatistics(): void;
  /**
   * Ends the server after the reply of the current command has left. False if the data set was to be saved first and
   * could not be: the server stays. A promise of that while it is being saved.
   */
  shutdown(request: ShutdownRequest): boolean | Promise<boolean>;
  /**
   * Saves all data, removes it, and loads it from its RDB file, or some of that; with `replace`, keys that are there
   * are replaced. Throws CommandError.
   */
  reload(options: { save: boolean; flush: boolean; replace: boolean }): void;
  /** True if a shutdown was under way and has been called off. */
  abortShutdown(): boolean;
  /** Wakes a blocked client: with an error, or as if its time were up. False if it is not blocked. */
  unblock(client: Client, how: 'timeout' | 'error'): boolean;
  /** What parts of the server outside the keyspace have in memory. */
  readonly memoryParts: MemoryParts;
  /** Where memory goes. */
  memoryUsage(): MemoryUsage;
  /** Gives the operating system what memory it can have at once. */
  purgeMemory(): void;
  /**
   * Evicts keys while more than `maxmemory` is in use, for a limited time. False if too much is in use and nothing can
   * be evicted: commands that take memory are to be refused. To be called before a command, not in the midst of one.
   */
  makeRoom(): boolean;
  /** What `makeRoom` found last, the other way round: too much is in use. */
  overMemoryLimit(): boolean;
  /**
   * Holds back commands until a unix time in ms: all of them, or those that may change data. Joins a pause
   * that lasts.
   */
  pauseClients(until: number, all: boolean): void;
  /** Ends the pause: what was held back runs. */
  unpauseClients(): void;
  watch(client: Client, database: Database, key: string): void;
  unwatchAll(client: Client): void;
  /** Ends a client's transaction, if there is one, and forgets its watched keys. */
  endTransaction(client: Client): void;
}
