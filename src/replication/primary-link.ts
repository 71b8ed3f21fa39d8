import type { Socket } from 'node:net';
import { Bytes } from '../bytes/bytes.js';
import type { Transport } from '../clients/client.js';
import { ConfigError } from '../config/config.js';
import { systemErrorText } from '../config/files.js';
import { RequestEncoder } from '../protocol/request-encoder.js';
import { FullSyncLoad } from './full-sync-load.js';
import { Handshake, type HandshakeOutcome } from './primary-link-handshake.js';
import { openLinkSocket } from './primary-link-socket.js';
import { PrimaryStream } from './primary-link-stream.js';
import type { LoadedSnapshot, ReplicaHost } from './replica-host.js';
import type { PrimaryLink, PrimaryState } from './replication.js';
import type { ReplicationLog } from './replication-log.js';

/**
 * How often the primary hears how far its stream was applied; and a new connection is tried so long after a failure.
 */
const periodMs = 1000;

/** What a link tells the one whose primary it leads to. */
export interface LinkEvents {
  /** The data are to be replaced by those of the primary, or have been lost in trying: nobody can follow us now. */
  historyEnds(): void;
  /** The data of the primary are there, `log` has its history, and its stream goes on. */
  synchronized(): void;
  /** The stream goes on where it broke. The history may have a new id now. */
  continued(renamed: boolean): void;
  /** With `failover`: the other server has taken over, or does not want to. */
  accepted(): void;
  rejected(): void;
  /** The state has changed. */
  changed(): void;
  /** How much of the stream is on this server's disk; undefined where nothing is written there. */
  syncedOffset(): number | undefined;
  /** Bytes of the stream that were applied, for those who follow us. Valid during the call. */
  relay(buffer: Buffer, start: number, end: number): void;
}

/**
 * The connection of a replica to its primary: set up, kept up, and followed. It is tried again for ever, until `stop`.
 */
export class ReplicaLink implements PrimaryLink {
  state: PrimaryState = 'connect';
  /** Unix time in ms of the last byte from the primary, or of the beginning of the try. */
  lastIo: number;
  /** Unix time in ms since when there is no stream any more; 0 if there was none. */
  downSince = 0;
  /** The snapshot that is being received. */
  transfer: FullSyncLoad | undefined;
  stream: PrimaryStream | undefined;
  /** What the next PSYNC asks for is to follow our own history; false: all data. */
  mayContinue: boolean;
  /** The primary-to-be is to take over from us: the next PSYNC says so. */
  failover = false;
  private socket: Socket | undefined;
  private handshake: Handshake | undefined;
  private pauses = 0;
  private leftover: Buffer | undefined;
  private looksAgain = false;
  /** Why the connection has ended while its snapshot was being loaded. */
  private lostWhileLoading: string | undefined;
  private lastTick = 0;
  private stopped = false;
  private streamDatabase = 0;
  private readonly encoder = new RequestEncoder();

  constructor(
    private readonly replica: ReplicaHost,
    private readonly log: ReplicationLog,
    readonly host: string,
    readonly port: number,
    continues: { database: number } | undefined,
    private readonly events: LinkEvents,
  ) {
    this.mayContinue = continues !== undefined;
    this.streamDatabase = continues?.database ?? 0;
    this.lastIo = replica.clock.now();
  }

  get offset(): number {
    return this.log.offset;
  }

  /** Bytes of the stream that have arrived. */
  get readOffset(): number {
    return this.log.offset + (this.stream?.unappliedBytes ?? 0) + (this.leftover?.length ?? 0);
  }

  /** The data are those of our history up to `log.offset`, in the midst of commands for that database. */
  continueWith(database: number): void {
    this.mayContinue = true;
    this.streamDatabase = database;
  }

  /** Database that the stream is in, for who goes on with it. */
  get database(): number {
    return this.stream?.database.index ?? this.streamDatabase;
  }

  /** `ip:port` of the primary as the stream's client shows it. */
  get remoteAddress(): string {
    return `${this.socket?.remoteAddress ?? this.host}:${this.port}`;
  }

  private setState(state: PrimaryState): void {
    if (this.state === state) return;
    this.state = state;
    this.events.changed();
  }

  // --- the connection

  /** In place of any connection that there is. The server's own files are loaded first: then `tick` connects. */
  connect(): void {
    const { replica, host, port } = this;
    this.close();
    if (replica.isLoading) return this.setState('connect');
    replica.log.notice(`Connecting to MASTER ${host}:${port}`);
    this.lastIo = replica.clock.now();
    try {
      this.socket = this.openSocket();
    } catch (error) {
      const reason = error instanceof ConfigError ? error.reason : systemErrorText(error);
      replica.log.warning(`Unable to connect to MASTER: ${reason}`);
      return this.setState('connect');
    }
    this.setState('connecting');
    replica.log.notice('MASTER <-> REPLICA sync started');
  }

  /** Throws what is wrong with addresses and certificates. */
  private openSocket(): Socket {
    const { replica, host, port } = this;
    const localAddress = replica.config.values['bind-source-addr'] || undefined;
    const socket = openLinkSocket(
      { host, port, localAddress, tls: replica.linkTls() },
      {
        connected: () => this.connected(socket),
        received: (buffer, length) => this.received(socket, buffer, length),
        ended: (reason) => this.disconnected(socket, reason),
      },
    );
    return socket;
  }

  private connected(socket: Socket): void {
    if (socket !== this.socket) return;
    const { replica, log } = this;
    replica.log.notice('Non blocking connect for SYNC fired the event.');
    this.handshake = new Handshake(replica, {
      continues: this.mayContinue ? { id: log.id, offset: log.offset + 1 } : undefined,
      failover: this.failover,
      send: (words) => this.send(...words),
      done: (outcome) => this.introduced(outcome),
    });
    this.handshake.begin();
    this.setState('handshake');
  }

  private send(...words: string[]): void {
    const { encoder, socket } = this;
    encoder.append(
      words.map((word) => Bytes.of(word)),
      words.length,
    );
    socket?.write(Buffer.from(encoder.bytes));
    encoder.drop(encoder.length);
  }

  private received(socket: Socket, buffer: Buffer, length: number): void {
    if (socket !== this.socket) return;
    this.lastIo = this.replica.clock.now();
    this.replica.statistics.replicationInputBytes += length;
    if (this.leftover !== undefined) this.keep(buffer, 0, length);
    else this.take(buffer, 0, length);
  }

  /** Hands bytes to whoever is to have them now; the rest to the next. */
  private take(buffer: Buffer, start: number, end: number): void {
    for (let at = start; at < end && this.socket !== undefined; ) {
      if (this.pauses > 0 || this.mustWait()) return this.keep(buffer, at, end);
      if (this.handshake !== undefined) at += this.handshake.take(buffer, at, end);
      else if (this.transfer !== undefined) at += this.transfer.take(buffer, at, end);
      else {
        this.stream?.received(buffer, at, end);
        return;
      }
    }
  }

  // --- bytes that have to wait

  /** Nothing is taken in the middle of a script; commands wait for the end of CLIENT PAUSE and DEBUG LOADAOF, too. */
  private mustWait(): boolean {
    const { isLoading, loop } = this.replica;
    const { busy, pause } = loop.dispatcher;
    return busy || (this.stream !== undefined && (pause.active || isLoading));
  }

  private keep(buffer: Buffer, start: number, end: number): void {
    const bytes = buffer.subarray(start, end);
    this.leftover = this.leftover === undefined ? Buffer.from(bytes) : Buffer.concat([this.leftover, bytes]);
    this.socket?.pause();
    if (this.pauses === 0) this.lookAgainSoon();
  }

  private hold(): void {
    this.pauses++;
    this.socket?.pause();
  }

  private release(): void {
    this.pauses = 0;
    this.lastIo = this.replica.clock.now();
    this.goOn();
  }

  /** Goes on with what was kept, if nothing holds it back. */
  private goOn(): void {
    const { socket, leftover } = this;
    if (socket === undefined || this.pauses > 0) return;
    if (this.mustWait()) return this.lookAgainSoon();
    this.leftover = undefined;
    if (leftover !== undefined) this.take(leftover, 0, leftover.length);
    if (this.socket === socket && this.leftover === undefined && this.pauses === 0) socket.resume();
  }

  private lookAgainSoon(): void {
    if (this.looksAgain) return;
    this.looksAgain = true;
    setTimeout(() => {
      this.looksAgain = false;
      this.goOn();
    }, 1);
  }

  // --- synchronization

  private introduced(outcome: HandshakeOutcome): void {
    this.handshake = undefined;
    if (outcome.kind === 'failed') return this.retryLater();
    if (outcome.kind === 'refused') {
      this.retryLater();
      return this.events.rejected();
    }
    if (this.failover) this.events.accepted();
    this.failover = false;
    if (outcome.kind === 'continue') return this.goOnWithStream(outcome.id);
    this.setState('sync');
    this.transfer = new FullSyncLoad(this.replica, outcome.id === this.log.id, {
      hold: () => this.hold(),
      release: () => this.release(),
      // Until now another primary of the same history could still be followed.
      replacing: () => {
        this.mayContinue = false;
        this.events.historyEnds();
      },
      loaded: (snapshot) => this.loaded(outcome.id, outcome.offset, snapshot),
      failed: () => this.retryLater(),
    });
  }

  private loaded(id: string, offset: number, { streamDatabase }: LoadedSnapshot): void {
    const { log, replica } = this;
    this.transfer = undefined;
    log.adopt(id, offset);
    this.streamDatabase = streamDatabase;
    this.beginStream();
    replica.log.notice('MASTER <-> REPLICA sync: Finished with success');
    this.events.synchronized();
    this.acknowledge();
    this.release();
    if (this.lostWhileLoading !== undefined) this.disconnected(this.socket, this.lostWhileLoading);
  }

  private goOnWithStream(id: string | undefined): void {
    const { log, replica } = this;
    const renamed = id !== undefined && id !== log.id;
    replica.log.notice('Successful partial resynchronization with master.');
    if (renamed) {
      log.rename(id);
      replica.log.warning('Master replication ID changed to '.concat(id));
    }
    this.beginStream();
    replica.log.notice('MASTER <-> REPLICA sync: Master accepted a Partial Resynchronization.');
    this.events.continued(renamed);
    this.acknowledge();
  }

  private beginStream(): void {
    const { replica, events } = this;
    const databases = replica.keyspace.databases;
    this.stream = new PrimaryStream(
      replica,
      this.transport(),
      databases[this.streamDatabase] ?? databases[0],
      {
        applied: (buffer, start, end) => events.relay(buffer, start, end),
        asked: () => this.acknowledge(),
        broken: (reason) => {
          replica.log.warning(`Protocol error from master: ${reason}`);
          this.mayContinue = false;
          this.disconnected(this.socket, reason);
        },
      },
    );
    this.mayContinue = true;
    this.setState('connected');
  }

  /** The stream's client, as CLIENT LIST shows it and CLIENT KILL ends it. */
  private transport(): Transport {
    const link = this;
    const { socket } = this;
    return {
      remoteAddress: this.remoteAddress,
      unixPath: undefined,
      localAddress: `${socket?.localAddress ?? ''}:${socket?.localPort ?? 0}`,
      fd: -1,
      get queryBufferUsed() {
        return link.stream?.partialBytes ?? 0;
      },
      get queryBufferCapacity() {
        return link.stream?.partialCapacity ?? 0;
      },
      get unsentBytes() {
        return socket?.writableLength ?? 0;
      },
      maxUnsentBytes: Number.POSITIVE_INFINITY,
      flush() {
        if (link.stream?.client.closing) link.disconnected(socket, 'closed');
      },
      close() {
        setImmediate(() => link.disconnected(socket, 'closed'));
      },
      enforceOutputLimit() {},
      gatherPackets() {},
      resume() {},
    };
  }

  // --- periodic

  /** To be called often: does, once a second, what is to be done by the clock. */
  tick(): void {
    const now = this.replica.clock.now();
    if (now - this.lastTick < periodMs) return;
    this.lastTick = now;
    if (this.stopped) return;
    if (this.isSilent(now)) this.timedOut();
    if (this.state === 'connect') this.connect();
    else if (this.state === 'connected') this.acknowledge();
    else if (this.transfer?.loading || this.pauses > 0) this.socket?.write('\n'); // we are still there
  }

  private isSilent(now: number): boolean {
    // What it has said waits.
    if (this.state === 'connect' || this.pauses > 0 || this.leftover !== undefined) return false;
    return now - this.lastIo > this.replica.config.values['repl-timeout'] * 1000;
  }

  private timedOut(): void {
    const { log } = this.replica;
    if (this.state === 'connected') log.warning('MASTER timeout: no data nor PING received...');
    else if (this.state === 'sync') {
      log.warning(
        "Timeout receiving bulk data from MASTER... If the problem persists try to set the 'repl-timeout' parameter in redis.conf to a larger value.",
      );
    } else log.warning('Timeout connecting to the MASTER...');
    this.disconnected(this.socket, 'timeout');
  }

  /** Tells the primary how far its stream was applied. */
  acknowledge(): void {
    if (this.stream === undefined) return;
    const synced = this.events.syncedOffset();
    const words = ['REPLCONF', 'ACK', String(this.log.offset)];
    if (synced !== undefined) words.push('FACK', String(synced));
    this.send(...words);
  }

  // --- ends

  /** The connection has ended. A stream that was there is looked for again at once, as its backlog is short. */
  private disconnected(socket: Socket | undefined, reason: string): void {
    if (socket === undefined || socket !== this.socket) return;
    const { replica, stream, handshake, transfer } = this;
    if (transfer?.loading) {
      // All bytes of the snapshot are here: the stream that it begins will be looked for again.
      this.lostWhileLoading = reason;
      return;
    }
    if (stream !== undefined) replica.log.warning('Connection with master lost.');
    else if (transfer !== undefined) {
      replica.log.warning(`I/O error trying to sync with MASTER: ${reason || 'connection lost'}`);
    } else if (handshake !== undefined) {
      replica.log.warning(`Failed to read response from the server: ${reason}`);
    } else replica.log.warning(`Error condition on socket for SYNC: ${reason}`);
    this.close();
    this.setState('connect');
    if (stream === undefined || this.stopped) return;
    replica.log.notice('Caching the disconnected master state.');
    replica.log.notice(`Reconnecting to MASTER ${this.host}:${this.port}`);
    this.connect();
  }

  private retryLater(): void {
    this.close();
    this.setState('connect');
  }

  /** Ends the connection and all that depends on it. */
  private close(): void {
    const { socket, stream, transfer } = this;
    this.socket = this.handshake = this.transfer = this.leftover = this.lostWhileLoading = undefined;
    this.pauses = 0;
    if (stream !== undefined) {
      this.streamDatabase = stream.database.index;
      this.stream = undefined;
      this.downSince = this.replica.clock.now();
      stream.end();
    }
    socket?.destroy();
    transfer?.abandon();
  }

  /** The link is not wanted any more. */
  stop(): void {
    if (this.stopped) return;
    this.stopped = true;
    this.close();
    this.setState('connect');
  }
}
