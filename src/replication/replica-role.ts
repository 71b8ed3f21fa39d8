import { Bytes } from '../bytes/bytes.js';
import { clientLine } from '../commands/client-line.js';
import type { Call } from '../commands/command.js';
import { ServerGate } from '../dispatch/admission.js';
import { CommandError } from '../protocol/errors.js';
import { Failover, type FailoverRequest, isAt } from './failover.js';
import { LocalExpiry } from './local-expiry.js';
import { ReplicaLink } from './primary-link.js';
import type { HistoryPlace, ReplicaHost } from './replica-host.js';
import type { Replication } from './replication.js';
import { SyncedOffset } from './synced-offset.js';

const del = Bytes.of('DEL');
/** Who waits for a key on a server whose part changes would wait for something that comes another way now. */
const unblockedText =
  'UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)';

/**
 * Being a replica: becoming one, ceasing to be one, and what holds meanwhile for clients and keys.
 */
export class ReplicaRole {
  readonly failover: Failover;
  readonly localExpiry: LocalExpiry;
  private readonly synced: SyncedOffset;
  private link: ReplicaLink | undefined;
  /** The history that the data set is a part of is known. */
  private wentOn = false;
  /** Called when this server has become a replica, or a primary. */
  onChanged: (isReplica: boolean) => void = () => {};

  constructor(
    private readonly host: ReplicaHost,
    private readonly replication: Replication,
  ) {
    const { config } = host;
    this.failover = new Failover(host, replication, this);
    this.localExpiry = new LocalExpiry(host);
    this.synced = new SyncedOffset(host.appendOnly);
    replication.onFailover = (call, id) => this.takeOver(call, id);
    config.onChangeOfAny(['replica-read-only', 'replica-serve-stale-data'], () => this.adjustGates());
  }

  /** The link to the primary; undefined on a server that is one itself. */
  get primary(): ReplicaLink | undefined {
    return this.link;
  }

  /** At the start, before the data set is loaded: a replica's keys do not expire by themselves. */
  beginAtStart(): void {
    const address = this.host.config.values.replicaof;
    if (address !== null) this.setLink(this.newLink(address.host, address.port, undefined));
  }

  /** At the start: the data set was loaded from a file that says where in a history it is, or does not. */
  goOnFrom(place: HistoryPlace | undefined): void {
    if (place === undefined || this.wentOn) return;
    this.wentOn = true;
    const { link, replication } = this;
    replication.log.adopt(place.id, place.offset);
    if (link !== undefined) return link.continueWith(place.database);
    replication.log.shift();
    replication.keepBacklog();
  }

  /** At the start: a key of that file has expired meanwhile. Whoever follows has it still, and is to be told. */
  expiredAtStart(place: HistoryPlace | undefined, database: number, key: Bytes): void {
    this.goOnFrom(place);
    if (this.wentOn) this.replication.feed.propagate(database, [del, key], 2);
  }

  /** At the start, after the data set was loaded. */
  connectAtStart(): void {
    this.link?.connect();
  }

  /**
   * Makes this server a replica of another one, whatever it was before. `handsOver`: that one is to become a primary
   * first.
   */
  follow(host: string, port: number, handsOver = false): void {
    const { replication, host: server, link: former } = this;
    let continues: { database: number } | undefined;
    if (former === undefined) {
      server.log.notice(
        'Before turning into a replica, using my own master parameters to synthesize a cached master: I may be able to synchronize with the new master with just a partial transfer.',
      );
      continues = { database: Math.max(replication.feed.database, 0) };
      replication.keepBacklog();
    } else {
      if (former.mayContinue) continues = { database: former.database };
      former.stop();
    }
    server.config.assign({ replicaof: { host, port } });
    const link = this.newLink(host, port, continues);
    link.failover = handsOver;
    this.setLink(link);
    if (former === undefined) this.unblockClients();
    link.connect();
  }

  /** Makes this server a primary. What it has is the beginning of a history of its own. */
  promote(): void {
    const { link, replication, host } = this;
    if (link === undefined) return;
    const { log } = replication;
    link.stop();
    log.shift();
    host.config.assign({ replicaof: null });
    host.log.notice('Discarding previously cached master state.');
    host.log.warning(
      `Setting secondary replication ID to ${log.secondId}, valid up to offset: ${log.secondOffset}. New replication ID is ${log.id}`,
    );
    replication.disconnectReplicas();
    this.setLink(undefined);
  }

  /** The primary asks this replica to be the primary in its place. Throws CommandError. */
  private takeOver(call: Call, id: string): void {
    const { log } = this.host;
    log.warning(`Failover request received for replid ${id}.`);
    if (this.link === undefined) throw new CommandError("ERR PSYNC FAILOVER can't be sent to a master.");
    if (id !== this.replication.log.id)
      throw new CommandError('ERR PSYNC FAILOVER replid must match my replid.');
    this.promote();
    log.notice(`MASTER MODE enabled (failover request from '${clientLine(call.client, call)}')`);
  }

  /** Throws CommandError if nobody is there to hand over to. */
  requireTarget({ target, timeoutMs, force }: FailoverRequest): void {
    const { replicas } = this.replication;
    if (replicas.length === 0) throw new CommandError('ERR FAILOVER requires connected replicas.');
    if (force && (timeoutMs === 0 || target === undefined)) {
      throw new CommandError(
        'ERR FAILOVER with force option requires both a timeout and target HOST and IP.',
      );
    }
    if (target === undefined) return;
    const replica = replicas.find((each) => isAt(each, target));
    if (replica === undefined) throw new CommandError('ERR FAILOVER target HOST and PORT is not a replica.');
    if (replica.state !== 'online') throw new CommandError('ERR FAILOVER target replica is not online.');
  }

  tick(): void {
    this.link?.tick();
    const { localExpiry, host } = this;
    const { dispatcher } = host.loop;
    if (dispatcher.busy) return; // time stands still
    this.failover.tick();
    if (localExpiry.size > 0) dispatcher.inBackground(() => localExpiry.sweep());
  }

  stop(): void {
    this.link?.stop();
  }

  private newLink(host: string, port: number, continues: { database: number } | undefined): ReplicaLink {
    const { replication } = this;
    return new ReplicaLink(this.host, replication.log, host, port, continues, {
      historyEnds: () => {
        replication.disconnectReplicas();
        replication.dropBacklog();
        replication.log.renew();
      },
      synchronized: () => {
        replication.keepBacklog();
        this.localExpiry.forget();
        this.synced.forget();
      },
      continued: (renamed) => {
        replication.keepBacklog();
        // Those who follow us hear of the new id when they come back.
        if (renamed) replication.disconnectReplicas();
      },
      accepted: () => this.failover.succeeded(),
      rejected: () => this.failover.rejected(),
      changed: () => this.adjustGates(),
      relay: (buffer, start, end) => {
        replication.relay(buffer, start, end);
        if (this.host.appendOnly.enabled) this.synced.note(replication.log.offset);
      },
      syncedOffset: () => this.synced.value,
    });
  }

  private setLink(link: ReplicaLink | undefined): void {
    this.link = link;
    this.replication.primary = link;
    this.host.keyspace.followsPrimary = link !== undefined;
    this.adjustGates();
    this.onChanged(link !== undefined);
  }

  private adjustGates(): void {
    const { link, host } = this;
    const { config, loop } = host;
    const { 'replica-read-only': readOnly, 'replica-serve-stale-data': servesStale } = config.values;
    const { dispatcher } = loop;
    dispatcher.setGate(ServerGate.readOnly, link !== undefined && readOnly);
    this.localExpiry.listen(link !== undefined && !readOnly);
    const stale = link !== undefined && link.state !== 'connected' && !servesStale;
    dispatcher.setGate(ServerGate.stale, stale);
  }

  /** They waited for what clients of a primary do. */
  private unblockClients(): void {
    this.host.loop.dispatcher.blocking.unblockAll(unblockedText);
  }

  // --- what is told of it

  /**
   * What a snapshot says of the history that it is a part of, so that whoever loads it can go on from there. Nothing
   * while it would not be true: when nobody counts what changes, or the data are not those of the primary.
   */
  savedFields(): [name: string, value: string][] {
    const { link, replication } = this;
    const known = link === undefined ? replication.log.backlog !== undefined : link.mayContinue;
    return known ? replication.snapshotFields : [];
  }
}
