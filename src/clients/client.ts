import type { Bytes } from '../bytes/bytes.js';
import type { Database } from '../keyspace/database.js';
import type { ValueType } from '../keyspace/events.js';
import type { ChunkPool } from '../protocol/chunk-pool.js';
import { ReplyWriter } from '../protocol/reply-writer.js';
import type { TrackingState } from './tracking-state.js';

/** The socket side of a client, as the rest of the server sees it. */
export interface Transport {
  /** Remote end as `ip:port`, or the socket's path followed by `:0`. */
  readonly remoteAddress: string;
  /** Path of the Unix socket or named pipe that the client came by, if it did. */
  readonly unixPath: string | undefined;
  /** Own end, in the same form. */
  readonly localAddress: string;
  /** File descriptor, or -1 where the platform has none to show. */
  readonly fd: number;
  /** Bytes received that do not yet make a whole request. */
  readonly queryBufferUsed: number;
  /** Bytes held for receiving. */
  readonly queryBufferCapacity: number;
  /** Bytes handed to the operating system that it has not taken yet. */
  readonly unsentBytes: number;
  /** Above this many unsent bytes the connection ends; Infinity for no limit. */
  readonly maxUnsentBytes: number;
  /** Sends what the client's reply writer holds. */
  flush(): void;
  /** Ends the connection; after what is unsent, or at once. */
  close(when: 'after-flush' | 'now'): void;
  /** Ends the connection if more is unsent than its class may have, or has been so for too long. */
  enforceOutputLimit(): void;
  /** Goes on with requests that were received while the client was blocked or paused. */
  resume(): void;
  /** Small packets wait for more (or not), which spares packets at the price of delay. */
  gatherPackets(on: boolean): void;
}

/** What a client is sent of itself, without asking: a snapshot, then the stream of changes. Only replicas have one. */
export interface OutputFeed {
  /** Bytes that wait to be sent. */
  readonly pendingBytes: number;
  /** The bytes to be sent next; undefined if there are none for now. They are never changed. */
  next(): Buffer | undefined;
  /** The client has written a reply between them, which nobody expects. */
  interrupted(): void;
}

/**
 * Reasons why a client's commands need more than the direct way through the dispatcher. A bit each, below those of
 * `ServerGate`: both are looked at as one.
 */
export const Gate = {
  /** Has not authenticated. */
  unauthenticated: 1,
  /** Between MULTI and EXEC. */
  transaction: 2,
  /**
   * Is subscribed to something: in RESP2 it may do little else, and messages to itself follow its replies.
   */
  subscriber: 4,
  /** CLIENT REPLY is not ON. */
  replyMuted: 8,
  /** Reads keys without marking them as used. */
  noTouch: 16,
  /** Repeats what was accepted before, from a file or from a master: nothing is refused, and nothing waits. */
  repeating: 32,
  /** Watches all commands, and must leave the keys alone. */
  monitor: 256,
  /** Gets the stream of changes: it may ask for nothing else. */
  replica: 512,
  /** The server that this one is a replica of: its commands are the stream of changes. */
  primary: 1024,
  /** May be told at any time that keys have changed: that follows its replies. See `TrackingState`. */
  invalidated: 2048,
} as const;

/** In place of a command's name: there is none, or what was sent names none. */
export const noCommand = 'NULL';

/** A command kept for later: its arguments are copies. */
export type QueuedArguments = Bytes[];

/** The state of a MULTI. */
export class Transaction {
  readonly queue: { args: QueuedArguments; argc: number }[] = [];
  /** Set when a queued command was refused: EXEC will discard. */
  broken = false;
  /** Set when a queued command may take memory: EXEC is refused above the memory limit. */
  needsMemory = false;
  /** Set when a queued command may change data: EXEC waits while writing is paused. */
  mayWrite = false;
  /** Set when a queued command is flagged as writing: EXEC is refused without enough replicas. */
  writes = false;
  /** Set when a queued command is not flagged as `stale`: EXEC is refused by a replica whose data may be too old. */
  readsData = false;
  /** Bytes held by the queued arguments. */
  bytes = 0;
}

/** A key a client watches. */
export interface WatchedKey {
  database: Database;
  /** Latin1. */
  key: string;
  /** The key had expired already when it was watched: its removal is not a change. */
  expired: boolean;
}

/** What a blocked client waits for. */
export interface BlockedState {
  kind: 'keys' | 'pause' | 'outside' | 'script';
  database: Database;
  /** Latin1 keys, without repetition. */
  keys: string[];
  /** What a key must hold to be ready; undefined if anything will do. */
  type: ValueType | undefined;
  /** It is ready too when it is gone, or holds something else: the command has an error to tell then. */
  evenWhenGone: boolean;
  /** Copies, for the command is run again when a key becomes ready. */
  args: Bytes[];
  /** What the client sent, if it is not these arguments. Copies. */
  sent: Bytes[] | undefined;
  /** Unix time in ms at which the client gives up, or Infinity. */
  deadline: number;
  /** Writes the reply of a client that gave up. */
  onTimeout: (reply: ReplyWriter) => void;
  /** Time that the command has run so far. */
  microseconds: number;
  /** Position in the order of arrival. */
  ticket: number;
}

/** What a client is subscribed to. Names are latin1. */
export class Subscriptions {
  readonly channel = new Set<string>();
  readonly pattern = new Set<string>();
  readonly shard = new Set<string>();
  /** Bytes of all names. */
  nameBytes = 0;

  get size(): number {
    return this.channel.size + this.pattern.size + this.shard.size;
  }
}

/** A connected client: its identity and the state that commands leave behind between requests. */
export class Client {
  readonly reply: ReplyWriter;
  database: Database;
  /** Latin1. */
  name = '';
  libraryName = '';
  libraryVersion = '';
  user = 'default';
  /** Bits of `Gate`. */
  gate = 0;
  transaction: Transaction | undefined;
  /** The transaction whose commands EXEC is running. */
  executing: Transaction | undefined;
  watched: WatchedKey[] = [];
  /** Bytes of the keys in `watched`. */
  watchedBytes = 0;
  /** A watched key changed. */
  watchBroken = false;
  blocked: BlockedState | undefined;
  /** The command that a pause held back, to be run next. */
  postponed: Bytes[] | undefined;
  /** Absent unless the client is subscribed to something. */
  subscriptions: Subscriptions | undefined;
  /** Set while the client is told of keys that change. */
  tracking: TrackingState | undefined;
  /** Full name of the command that was sent last, or `noCommand`, for CLIENT LIST. */
  lastCommand = noCommand;
  /** Somebody is at its other end. */
  connected = false;
  /** Unix time in ms. */
  lastInteraction: number;
  closing = false;
  /** What `ClientRegistry.memory` counts for this client, beside its replies. */
  countedBytes = 0;
  /** Set while the client waits in the list of those to flush. */
  flushQueued = false;
  /** CLIENT NO-EVICT. */
  noEvict = false;
  /**
   * CLIENT REPLY: `off` mutes all replies, `skip` that of the present command, `skip-next` that of the next
   * one.
   */
  replyMode: 'on' | 'off' | 'skip' | 'skip-next' = 'on';
  transport: Transport;
  /** Set for a replica. */
  feed: OutputFeed | undefined;
  /** Where the replication stream was after the last change that this client made. */
  writeOffset = 0;

  constructor(
    readonly id: number,
    readonly createdAt: number,
    database: Database,
    pool: ChunkPool,
    transport: Transport,
  ) {
    this.reply = new ReplyWriter(pool, () => this.transport.maxUnsentBytes);
    this.database = database;
    this.lastInteraction = createdAt;
    this.transport = transport;
  }

  setReplyMode(mode: 'on' | 'off' | 'skip' | 'skip-next'): void {
    this.replyMode = mode;
    this.reply.muted = mode === 'off' || mode === 'skip';
    this.setGate(Gate.replyMuted, mode !== 'on');
  }

  /** What it asks for was accepted before: limits of today are not for it. See `Gate.repeating`. */
  get repeats(): boolean {
    return (this.gate & Gate.repeating) !== 0;
  }

  setGate(bit: number, on: boolean): void {
    this.gate = on ? this.gate | bit : this.gate & ~bit;
  }
}
