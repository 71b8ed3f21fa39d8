import { randomHexId } from '../ambient/random.js';
import { type Client, Gate } from '../clients/client.js';
import type { Call } from '../commands/command.js';
import type { ReplicationApi, ServerApi } from '../commands/server-api.js';
import { ServerGate } from '../dispatch/admission.js';
import type { Dispatcher } from '../dispatch/dispatcher.js';
import { AcknowledgementWaits } from './acknowledgement-waits.js';
import { ReplicationFeed } from './feed.js';
import { FullSync, type FullSyncHost } from './full-sync.js';
import { newTraits, Replica, type ReplicaTraits } from './replica.js';
import { ReplicationLog } from './replication-log.js';

/** What replication needs of the server around it. */
export interface ReplicationHost extends ServerApi {
  readonly loop: { readonly dispatcher: Dispatcher };
}

/** How far the link to the primary is. */
export type PrimaryState = 'connect' | 'connecting' | 'handshake' | 'sync' | 'connected';

/** The link of a replica to its primary, as the rest of replication sees it. */
export interface PrimaryLink {
  readonly host: string;
  readonly port: number;
  readonly state: PrimaryState;
  /** How much of the stream was applied. */
  readonly offset: number;
  /** Unix time in ms at which the primary was heard last; 0 if never. */
  readonly lastIo: number;
  /** Number of the database that its stream is in. */
  readonly database: number;
}

/** Counters that INFO shows and CONFIG RESETSTAT clears. */
export interface SyncStatistics {
  full: number;
  partialAccepted: number;
  partialRefused: number;
}

/**
 * How a replica asks for synchronization: where it is, or that it has nothing; `undefined` for SYNC, which cannot
 * say.
 */
export type SyncRequest = { id: string; offset: number } | undefined;

const secondMs = 1000;
const acknowledgementRequest = ['REPLCONF', 'GETACK', '*'] as const;
const newline = Buffer.from('\n');

/** The part that a server plays in replication: its history, who follows it, and whom it follows. */
export class Replication implements ReplicationApi {
  readonly log: ReplicationLog;
  readonly feed: ReplicationFeed;
  /** In the order in which they came. */
  readonly replicas: Replica[] = [];
  readonly statistics: SyncStatistics = { full: 0, partialAccepted: 0, partialRefused: 0 };
  readonly fullSync: FullSync;
  /** Clients of WAIT and WAITAOF. */
  readonly waits: AcknowledgementWaits;
  /** Replicas that are online and were heard of within `min-replicas-max-lag`. */
  goodReplicas = 0;
  /** The stream is to stay as it is: a replica is to have all of it. */
  holdsPings = false;
  /**
   * A replica of this server's primary asks for a change of the primary: see `PSYNC ... FAILOVER`. Throws
   * CommandError.
   */
  onFailover: (call: Call, id: string) => void = () => {};
  private link: PrimaryLink | undefined;
  private feeding = false;
  /** What clients said of themselves with REPLCONF. */
  private readonly traits = new WeakMap<Client, ReplicaTraits>();
  private acknowledgementsWanted = false;
  private checkScheduled = false;
  private lastSecond = 0;
  private lastPing = 0;
  /** Unix time in ms since when there is no replica. */
  private aloneSince: number;

  constructor(private readonly host: FullSyncHost) {
    const { config } = host;
    this.aloneSince = host.clock.now();
    this.log = new ReplicationLog(randomHexId, {
      backlogSize: () => config.values['repl-backlog-size'],
      neededFrom: () => this.neededFrom,
    });
    this.feed = new ReplicationFeed(this.log, host.loop.dispatcher.propagation, () => this.wakeReplicas());
    this.fullSync = new FullSync(
      host,
      () => this.log.offset,
      () => this.snapshotFields,
      {
        begun: (replica, position) => this.snapshotBegun(replica, position),
        failed: ({ client }) => host.clients.disconnect(client, false),
      },
    );
    this.waits = new AcknowledgementWaits(
      host,
      () => host.loop.dispatcher,
      () => this.askReplicas(),
    );
    config.onChange('repl-backlog-size', (bytes) => {
      this.log.backlog?.resize(bytes);
      this.countMemory();
    });
    config.onChangeOfAny(['min-replicas-to-write', 'min-replicas-max-lag'], () => this.countGoodReplicas());
    this.countGoodReplicas();
  }

  // --- role and history

  get role(): 'master' | 'replica' {
    return this.link === undefined ? 'master' : 'replica';
  }

  /** The link to the primary; undefined for a server that is one itself. */
  get primary(): PrimaryLink | undefined {
    return this.link;
  }

  /**
   * From now on this server is a replica, or (undefined) is not. What becomes of the history is the caller's affair.
   */
  set primary(link: PrimaryLink | undefined) {
    this.link = link;
    this.adjustFeed();
  }

  /** Keeps the stream from now on, for replicas that come or come back. Does nothing if it is kept already. */
  keepBacklog(): void {
    if (this.log.backlog === undefined) this.log.createBacklog();
    this.adjustFeed();
    this.countMemory();
  }

  dropBacklog(): void {
    this.log.dropBacklog();
    this.adjustFeed();
    this.countMemory();
  }

  /** Commands make the stream while there is one and it does not come from a primary. */
  private adjustFeed(): void {
    const wanted = this.link === undefined && this.log.backlog !== undefined;
    if (wanted === this.feeding) return;
    this.feeding = wanted;
    const { propagation } = this.host.loop.dispatcher;
    if (wanted) propagation.add(this.feed);
    else propagation.remove(this.feed);
    this.feed.forgetDatabase();
  }

  /** A part of the primary's stream that was applied: the replicas of this one get it unchanged. */
  relay(bytes: Buffer, start = 0, end = bytes.length): void {
    this.log.append(bytes, start, end);
    this.wakeReplicas();
  }

  /** The beginning of a snapshot names the history that it belongs to. */
  get snapshotFields(): [string, string][] {
    const database = this.link?.database ?? this.feed.database;
    return [
      ['repl-stream-db', String(Math.max(0, database))],
      ['repl-id', this.log.id],
      ['repl-offset', String(this.log.offset)],
    ];
  }

  // --- replicas come and go

  /** What a client said of itself so far; to be added to. */
  traitsOf(client: Client): ReplicaTraits {
    let traits = this.traits.get(client);
    if (traits === undefined) this.traits.set(client, (traits = newTraits()));
    return traits;
  }

  replicaOf(client: Client): Replica | undefined {
    return this.replicas.find((replica) => replica.client === client);
  }

  /** Makes a client a replica: it goes on where it is if that is possible, or gets a snapshot. */
  attach(client: Client, request: SyncRequest): void {
    const { host, log } = this;
    const replica = new Replica(client, this.traitsOf(client), log, () => host.clock.now(), {
      transferred: (replica) => this.transferred(replica),
      failed: (replica, error) => this.transferFailed(replica, error),
      lost: (replica) => this.positionLost(replica),
      interrupted: (replica) => this.interrupted(replica),
    });
    host.log.notice(`Replica ${replica.name} asks for synchronization`);
    if (request !== undefined && this.continueWith(replica, request)) return;
    replica.silent = request === undefined;
    this.statistics.full++;
    if (log.backlog === undefined) {
      // Nothing was counted so far: the history begins now.
      if (this.role === 'master') log.renew();
      this.keepBacklog();
      host.log.notice(
        `Replication backlog created, my new replication IDs are '${log.id}' and '${log.secondId}'`,
      );
    }
    this.add(replica);
    this.fullSync.add(replica);
  }

  private add(replica: Replica): void {
    const { client } = replica;
    client.feed = replica;
    client.transport.gatherPackets(this.host.config.values['repl-disable-tcp-nodelay']);
    if (this.replicas.length === 0) this.lastPing = this.host.clock.now();
    client.setGate(Gate.replica, true);
    this.replicas.push(replica);
  }

  /** True if the replica can go on where it is. */
  private continueWith(replica: Replica, { id, offset }: { id: string; offset: number }): boolean {
    const { host, log } = this;
    if (!log.canContinue(id, offset)) {
      if (id !== '?') this.refusePartial(replica, id, offset);
      return false;
    }
    this.statistics.partialAccepted++;
    replica.enqueue(Buffer.from(replica.traits.knowsNewIds ? `+CONTINUE ${log.id}\r\n` : '+CONTINUE\r\n'));
    replica.startAt(offset - 1);
    replica.state = 'online';
    this.add(replica);
    host.log.notice(
      `Partial resynchronization request from ${replica.name} accepted. Sending ${log.offset - offset + 1} bytes of backlog starting from offset ${offset}.`,
    );
    this.wake(replica);
    this.countGoodReplicas();
    return true;
  }

  private refusePartial(replica: Replica, id: string, offset: number): void {
    const { host, log } = this;
    this.statistics.partialRefused++;
    const why = log.knows(id, offset)
      ? `offset ${offset} is not in the backlog`
      : `its history is '${id}' at ${offset}, mine '${log.id}' and '${log.secondId}' up to ${log.secondOffset}`;
    host.log.notice(`Partial resynchronization not possible for ${replica.name}: ${why}`);
  }

  /** There is a snapshot for this replica, of that position of the stream. */
  private snapshotBegun(replica: Replica, position: number): void {
    const { log } = this;
    replica.state = 'snapshot';
    if (!replica.silent) replica.enqueue(Buffer.from(`+FULLRESYNC ${log.id} ${position}\r\n`));
    // It has selected no database yet.
    this.feed.forgetDatabase();
    this.wake(replica);
  }

  private transferred(replica: Replica): void {
    const { host } = this;
    if (replica.traits.snapshotOnly) {
      replica.state = 'transmitted';
      host.log.notice(
        `RDB transfer completed, rdb only replica (${replica.name}) should be disconnected asap`,
      );
    } else {
      replica.state = 'online';
      replica.acknowledgedAt = host.clock.now();
      host.log.notice(`Synchronization with replica ${replica.name} succeeded`);
    }
    this.fullSync.transferred(replica);
    this.countGoodReplicas();
  }

  private transferFailed(replica: Replica, error: unknown): void {
    const { clients, log } = this.host;
    log.warning(`Read error sending DB to replica: ${String(error)}`);
    clients.disconnect(replica.client, false);
  }

  private positionLost({ name, client, sent }: Replica): void {
    const { clients, log } = this.host;
    log.warning(`Disconnecting replica ${name}: what follows offset ${sent} is not in the backlog any more`);
    clients.disconnect(client, false);
  }

  private interrupted({ client }: Replica): void {
    const { clients, log } = this.host;
    const { reply, lastCommand } = client;
    if (reply.lastError !== '') {
      log.warning(
        `== CRITICAL == This master is sending an error to its replica: '${reply.lastError}' after processing the command '${lastCommand}'`,
      );
    }
    const shown = Buffer.concat(reply.take()).toString('latin1').slice(0, 128).replaceAll(/\r\n/g, '\\r\\n');
    log.warning(`Replica generated a reply to command '${lastCommand}', disconnecting it: ${shown}`);
    clients.disconnect(client, false);
  }

  /** The client's connection has ended. */
  forget(client: Client): void {
    const at = this.replicas.findIndex((replica) => replica.client === client);
    if (at < 0) return;
    const [replica] = this.replicas.splice(at, 1);
    const { clock, log } = this.host;
    replica.close();
    this.fullSync.forget(replica);
    if (this.replicas.length === 0) this.aloneSince = clock.now();
    log.notice(`Connection with replica ${replica.name} lost.`);
    this.log.backlog?.trim();
    this.countMemory();
    this.countGoodReplicas();
  }

  /** Ends the connections of all replicas: they have to come back, and to ask anew. */
  disconnectReplicas(): void {
    for (const { client } of [...this.replicas]) this.host.clients.disconnect(client, false);
  }

  /** A replica tells how much of the stream it has applied, and has on its disk. */
  acknowledge(replica: Replica, applied: number, synced: number | undefined): void {
    if (applied > replica.acknowledged) replica.acknowledged = applied;
    if (synced !== undefined && synced > replica.synced) replica.synced = synced;
    replica.acknowledgedAt = this.host.clock.now();
    if (replica.awaitsAcknowledgement && replica.state === 'online') {
      replica.awaitsAcknowledgement = false;
      this.wake(replica);
    }
    this.waits.check();
    this.countGoodReplicas();
  }

  /** More of the append-only file is on the disk than before, or it is switched off. */
  diskChanged(): void {
    if (this.waits.size === 0 || this.checkScheduled) return;
    this.checkScheduled = true;
    setImmediate(() => {
      this.checkScheduled = false;
      this.host.loop.dispatcher.inBackground(() => this.waits.check());
    });
  }

  /** Replicas that have applied the stream up to here, and those of them that have it on their disks. */
  copiesAt(offset: number): { applied: number; synced: number } {
    const online = this.replicas.filter(({ state }) => state === 'online');
    return {
      applied: online.filter(({ acknowledged }) => acknowledged >= offset).length,
      synced: online.filter(({ synced }) => synced >= offset).length,
    };
  }

  /** Asks all replicas, with the end of this turn, to tell how far they are. */
  private askReplicas(): void {
    if (this.acknowledgementsWanted) return;
    this.acknowledgementsWanted = true;
    setImmediate(() => this.sendRequest());
  }

  /** Asks all replicas to tell how far they are, pause or not. */
  askReplicasNow(): void {
    if (this.feeding) this.feed.command(...acknowledgementRequest);
  }

  /** Not during a pause: the stream would grow, and whoever paused wants it to stay. */
  private sendRequest(): void {
    if (!this.acknowledgementsWanted || this.host.loop.dispatcher.pause.active) return;
    this.acknowledgementsWanted = false;
    this.askReplicasNow();
  }

  // --- the stream

  private get neededFrom(): number {
    let least = Number.POSITIVE_INFINITY;
    for (const replica of this.replicas)
      if (replica.followsStream && replica.sent < least) least = replica.sent;
    return least;
  }

  /** The stream has grown. What all replicas are sent in one turn of the event loop leaves together. */
  private wakeReplicas(): void {
    this.countMemory();
    for (const replica of this.replicas) if (replica.state === 'online') this.wake(replica);
  }

  private wake({ client }: Replica): void {
    this.host.clients.queueFlushAtTurnEnd(client);
  }

  private countMemory(): void {
    const { memoryParts } = this.host;
    const memory = this.log.backlog?.memory ?? 0;
    const size = this.log.backlog?.size ?? 0;
    const ownPart = this.replicas.length > 0 ? Math.min(memory, size) : memory;
    memoryParts.replicationBacklog = ownPart;
    memoryParts.replicaBuffers = memory - ownPart;
  }

  sendToReplicas(command: string): void {
    if (this.feeding) this.feed.command(command);
  }

  renewHistory(): void {
    this.log.renew();
  }

  // --- what time brings

  /** To be called some times a second. */
  tick(): void {
    this.fullSync.check();
    this.sendRequest();
    const now = this.host.clock.now();
    if (now - this.lastSecond < secondMs) return;
    this.lastSecond = now;
    this.pingReplicas(now);
    this.keepAlive();
    this.endSilent(now);
    this.endBacklog(now);
    this.countGoodReplicas();
  }

  private pingReplicas(now: number): void {
    const period = this.host.config.values['repl-ping-replica-period'] * secondMs;
    if (!this.feeding || this.holdsPings || this.replicas.length === 0) return;
    if (now - this.lastPing < period) return;
    this.lastPing = now;
    this.feed.command('PING');
  }

  /** Replicas that wait for a snapshot hear that somebody is there. */
  private keepAlive(): void {
    for (const replica of this.replicas) {
      if (replica.state !== 'waiting' && replica.state !== 'snapshot') continue;
      replica.enqueue(newline);
      this.wake(replica);
    }
  }

  private endSilent(now: number): void {
    const { clients, config, log } = this.host;
    const oldest = now - config.values['repl-timeout'] * secondMs;
    for (const replica of [...this.replicas]) {
      const { state, silent, client } = replica;
      if (state === 'online' && !silent && replica.acknowledgedAt < oldest) {
        log.warning(`Disconnecting timedout replica (streaming sync): ${replica.name}`);
        clients.disconnect(client, false);
      } else if (state === 'transfer' && replica.hasStalledSince(oldest)) {
        log.warning(`Disconnecting timedout replica (full sync): ${replica.name}`);
        clients.disconnect(client, false);
      }
    }
  }

  private endBacklog(now: number): void {
    const ttl = this.host.config.values['repl-backlog-ttl'] * secondMs;
    if (!this.feeding || this.replicas.length > 0 || ttl === 0 || now - this.aloneSince <= ttl) return;
    // What changes from now on is not counted: nobody must take it for the same history.
    this.log.renew();
    this.dropBacklog();
    this.host.log.notice(
      `Replication backlog freed after ${ttl / secondMs} seconds without connected replicas.`,
    );
  }

  /** Keeps the gate for `min-replicas-to-write`. */
  private countGoodReplicas(): void {
    const { clock, config, loop } = this.host;
    const { 'min-replicas-to-write': least, 'min-replicas-max-lag': maxLag } = config.values;
    const heardSince = clock.now() - maxLag * secondMs - (secondMs - 1);
    this.goodReplicas = this.replicas.filter(
      ({ state, acknowledgedAt }) => state === 'online' && acknowledgedAt >= heardSince,
    ).length;
    const tooFew = this.role === 'master' && least > 0 && maxLag > 0 && this.goodReplicas < least;
    loop.dispatcher.setGate(ServerGate.tooFewReplicas, tooFew);
  }

  resetStatistics(): void {
    this.statistics.full = this.statistics.partialAccepted = this.statistics.partialRefused = 0;
  }

  /** The server ends. */
  close(): void {
    this.fullSync.stop();
  }
}
