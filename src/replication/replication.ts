import { randomHexId } from '../ambient/random.js';
import type { Client } from '../clients/client.js';
import type { ServerApi } from '../commands/server-api.js';
import type { Dispatcher } from '../dispatch/dispatcher.js';
import { noDatabase } from '../dispatch/propagation.js';
import { ReplicationFeed } from './feed.js';
import { Replica, type ReplicaTraits } from './replica.js';
import { ReplicationLog } from './replication-log.js';

/** What replication needs of the server around it. */
export interface ReplicationHost extends ServerApi {
  readonly loop: { readonly dispatcher: Dispatcher };
}

/** How far the link to the primary is. */
export type PrimaryState = 'connect' | 'connecting' | 'sync' | 'connected';

/** The link of a replica to its primary, as the rest of replication sees it. */
export interface PrimaryLink {
  readonly host: string;
  readonly port: number;
  readonly state: PrimaryState;
  /** How much of the stream was applied. */
  readonly offset: number;
  /** Unix time in ms at which the primary was heard last; 0 if never. */
  readonly lastIo: number;
}

/** The part that a server plays in replication: its history, who follows it, and whom it follows. */
export class Replication {
  readonly log: ReplicationLog;
  readonly feed: ReplicationFeed;
  /** In the order in which they came. */
  readonly replicas: Replica[] = [];
  private link: PrimaryLink | undefined;
  private feeding = false;

  constructor(private readonly host: ReplicationHost) {
    const { config } = host;
    this.log = new ReplicationLog(randomHexId, {
      backlogSize: () => config.values['repl-backlog-size'],
      neededFrom: () => this.neededFrom,
    });
    this.feed = new ReplicationFeed(this.log, host.loop.dispatcher.propagation, () => this.wakeReplicas());
    config.onChange('repl-backlog-size', (bytes) => {
      this.log.backlog?.resize(bytes);
      this.countMemory();
    });
  }

  get role(): 'master' | 'replica' {
    return this.link === undefined ? 'master' : 'replica';
  }

  /** The link to the primary; undefined for a server that is one itself. */
  get primary(): PrimaryLink | undefined {
    return this.link;
  }

  /** From now on this server is a replica, or (undefined) is not. What becomes of the history is the caller's affair. */
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
    this.feed.database = noDatabase;
  }

  /** A part of the primary's stream that was applied: the replicas of this one get it unchanged. */
  relay(bytes: Buffer, start = 0, end = bytes.length): void {
    this.log.append(bytes, start, end);
    this.wakeReplicas();
  }

  /** Makes a client a replica. It is to be told how it goes on. */
  attach(client: Client, traits: ReplicaTraits): Replica {
    const replica = new Replica(
      client,
      traits,
      this.log,
      () => this.host.clock.now(),
      () => {},
    );
    this.replicas.push(replica);
    client.feed = replica;
    return replica;
  }

  /** The client's connection has ended. */
  forget(client: Client): void {
    const at = this.replicas.findIndex((replica) => replica.client === client);
    if (at >= 0) this.replicas.splice(at, 1);
  }

  private get neededFrom(): number {
    let least = Number.POSITIVE_INFINITY;
    for (const replica of this.replicas)
      if (replica.followsStream && replica.sent < least) least = replica.sent;
    return least;
  }

  /** The stream has grown. What all replicas are sent in one turn of the event loop leaves together. */
  private wakeReplicas(): void {
    this.countMemory();
    for (const { client, state } of this.replicas) {
      if (state === 'online') this.host.clients.queueFlushAtTurnEnd(client);
    }
  }

  private countMemory(): void {
    const { memoryParts } = this.host;
    const memory = this.log.backlog?.memory ?? 0;
    const size = this.log.backlog?.size ?? 0;
    const ownPart = this.replicas.length > 0 ? Math.min(memory, size) : memory;
    memoryParts.replicationBacklog = ownPart;
    memoryParts.replicaBuffers = memory - ownPart;
  }
}
