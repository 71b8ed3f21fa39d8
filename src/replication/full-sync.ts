import { BackgroundSnapshot } from '../persistence/background-snapshot.js';
import type { FileSystem } from '../persistence/files.js';
import type { RdbFormat } from '../persistence/rdb-format.js';
import { RdbWriter } from '../persistence/rdb-writer.js';
import { Snapshot, type SnapshotProgress } from '../persistence/snapshot.js';
import type { Replica } from './replica.js';
import type { ReplicationHost } from './replication.js';
import { FileTransfer, type SnapshotTransfer, SocketTransfer } from './snapshot-transfer.js';

/** What is written into a snapshot beside the keys. */
export interface SnapshotContents {
  fields: readonly (readonly [name: string, value: string])[];
  withoutFunctions: boolean;
}

/** What a full synchronization needs of the server around it. */
export interface FullSyncHost extends ReplicationHost {
  readonly files: FileSystem;
  /** Where a snapshot that goes to a file is put: a path. */
  readonly temporaryDirectory: string;
  /** How a snapshot for replicas is written, as of now. */
  replicaSnapshotFormat(contents: SnapshotContents): RdbFormat;
}

/** What happens to the replicas of a snapshot. */
export interface FullSyncEvents {
  /** What changes from that position of the stream on is not in the snapshot. */
  begun(replica: Replica, position: number): void;
  /** The snapshot cannot be had. */
  failed(replica: Replica): void;
}

interface Running {
  readonly transfer: SnapshotTransfer;
  readonly replicas: Replica[];
  background: BackgroundSnapshot | undefined;
  /** Position of the stream that the snapshot is of. */
  readonly position: number;
  /** Unix time in ms. */
  readonly begun: number;
}

/**
 * Gives replicas a snapshot: all that wait when one begins get the same. There is no fork; it is written in slices
 * between events, see `Snapshot`.
 */
export class FullSync {
  private readonly waiting: Replica[] = [];
  private running: Running | undefined;

  constructor(
    private readonly host: FullSyncHost,
    /** Position of the stream. */
    private readonly position: () => number,
    private readonly fields: () => SnapshotContents['fields'],
    private readonly events: FullSyncEvents,
  ) {}

  /** A snapshot is being written. */
  get inProgress(): boolean {
    return this.running !== undefined;
  }

  /** Unix time in ms at which the snapshot that is being written began. */
  get begun(): number | undefined {
    return this.running?.begun;
  }

  /** How far it is; undefined if it holds no keys. */
  get progress(): SnapshotProgress | undefined {
    return this.running?.background?.snapshot;
  }

  /** Adds a replica that wants a snapshot, and begins one if that may be. */
  add(replica: Replica): void {
    const { log } = this.host;
    if (this.joins(replica)) return;
    this.waiting.push(replica);
    if (this.running !== undefined)
      log.notice('Waiting for the end of a snapshot for other replicas, for SYNC');
    else if (this.isBusy) log.notice('Waiting for the end of another snapshot, for SYNC');
    this.check();
    if (replica.state === 'waiting' && !this.isBusy) log.notice('Delay next BGSAVE for diskless SYNC');
  }

  /** A snapshot that goes to a file first is good for those who come while it is written. */
  private joins(replica: Replica): boolean {
    const { running } = this;
    if (running?.transfer.target !== 'disk' || !sameContents(replica, running.replicas[0])) return false;
    if (!replica.traits.snapshotOnly && !isFollowed(running)) return false;
    this.host.log.notice('The snapshot for other replicas serves this one, too');
    this.events.begun(replica, running.position);
    replica.startAt(running.position);
    running.replicas.push(replica);
    return true;
  }

  /** In the middle of a transaction a snapshot would have a part of it, and the stream all of it once more. */
  private get isBusy(): boolean {
    const { saving, isLoading, loop } = this.host;
    const { busy, inUnit } = loop.dispatcher;
    return saving.inProgress || saving.otherSnapshot || isLoading || busy || inUnit;
  }

  /** Begins a snapshot for those who wait if it is time. To be called now and then. */
  check(): void {
    if (this.waiting.length > 0 && !this.isBusy && this.isDue) this.begin();
  }

  /** A snapshot that is sent as it is made waits a little for others who might want it. */
  private get isDue(): boolean {
    const { config, clock } = this.host;
    const { 'repl-diskless-sync-delay': delay, 'repl-diskless-sync-max-replicas': enough } = config.values;
    const group = this.nextGroup();
    if (delay === 0 || !this.goesToSockets(group)) return true;
    if (enough > 0 && group.length >= enough) return true;
    return group.some((replica) => clock.now() - replica.attachedAt >= delay * 1000);
  }

  /** Those who wait and want the same as the first. */
  private nextGroup(): Replica[] {
    return this.waiting.filter((replica) => sameContents(replica, this.waiting[0]));
  }

  private goesToSockets(replicas: Replica[]): boolean {
    const { 'repl-diskless-sync': diskless } = this.host.config.values;
    const { withoutData, withoutFunctions } = replicas[0].traits;
    const wanted = diskless || withoutData || withoutFunctions;
    return wanted && replicas.every(({ traits }) => traits.knowsEndMark);
  }

  private begin(): void {
    const { host } = this;
    const replicas = this.nextGroup();
    this.waiting.splice(
      0,
      Number.POSITIVE_INFINITY,
      ...this.waiting.filter((each) => !replicas.includes(each)),
    );
    const position = this.position();
    for (const replica of replicas) {
      this.events.begun(replica, position);
      replica.startAt(position);
    }
    const transfer = this.openTransfer(replicas);
    host.log.notice(`Starting BGSAVE for SYNC with target: ${transfer.target}`);
    const running: Running = { transfer, replicas, background: undefined, position, begun: host.clock.now() };
    this.running = running;
    transfer.onWritten = (failure) => this.written(running, failure);
    this.write(running);
  }

  private openTransfer(replicas: Replica[]): SnapshotTransfer {
    const { clients, config, files, temporaryDirectory } = this.host;
    const { rdbchecksum } = config.values;
    const target = {
      replicas,
      wake: () => {
        for (const { client } of replicas) clients.queueFlushAtTurnEnd(client);
      },
    };
    if (!this.goesToSockets(replicas))
      return new FileTransfer(files, target, temporaryDirectory, rdbchecksum);
    for (const replica of replicas) {
      replica.state = 'transfer';
      replica.awaitsAcknowledgement = true;
    }
    return new SocketTransfer(target, rdbchecksum);
  }

  private write(running: Running): void {
    const { host } = this;
    const { transfer } = running;
    const { withoutData, withoutFunctions } = running.replicas[0].traits;
    const format = host.replicaSnapshotFormat({ fields: this.fields(), withoutFunctions });
    if (withoutData) {
      const writer = new RdbWriter(false, (chunk) => transfer.write(chunk));
      format.begin(writer);
      format.end(writer);
      writer.handOver();
      transfer.end();
      return;
    }
    const { rdbcompression } = host.config.values;
    running.background = new BackgroundSnapshot(
      host.clock,
      new Snapshot(host.keyspace, format, transfer, rdbcompression),
      transfer,
      {
        keyDelay: () => host.config.values['rdb-key-save-delay'],
        onFailure: (error) =>
          this.written(running, `Internal error while writing a snapshot for replicas: ${String(error)}`),
      },
    );
    if (transfer.target === 'disk') host.log.notice(`Background saving started by pid ${process.pid}`);
    else host.log.notice(`Background RDB transfer started by pid ${process.pid}`);
  }

  private written(running: Running, failure: string | undefined): void {
    if (this.running !== running) return;
    const { log } = this.host;
    if (failure !== undefined) {
      this.abandon(running);
      log.warning(failure);
      log.warning('SYNC failed. BGSAVE child returned an error');
      for (const replica of running.replicas.splice(0)) this.events.failed(replica);
      return this.check();
    }
    for (const replica of running.replicas) {
      replica.state = 'transfer';
      replica.completeSnapshot();
    }
    if (running.transfer.target === 'disk') {
      log.notice('Background saving terminated with success');
      this.ended();
    } else {
      log.notice(
        `Diskless rdb transfer, done reading from pipe, ${running.replicas.length} replicas still up.`,
      );
    }
  }

  /** Replicas that were sent a snapshot as it was made are through, or gone. */
  private endIfAllThrough(): void {
    const { running } = this;
    if (running === undefined || running.replicas.length > 0) return;
    this.ended();
  }

  private ended(): void {
    this.running = undefined;
    this.check();
  }

  private abandon(running: Running): void {
    running.background?.stop();
    running.transfer.abandon();
    this.running = undefined;
  }

  /** A replica was sent everything. */
  transferred(replica: Replica): void {
    if (remove(this.running?.replicas, replica)) this.endIfAllThrough();
  }

  /** A replica is gone. A snapshot that nobody wants any more is given up. */
  forget(replica: Replica): void {
    remove(this.waiting, replica);
    const { running } = this;
    if (running === undefined || !remove(running.replicas, replica) || running.replicas.length > 0) return;
    if (running.transfer.target !== 'disk') {
      this.host.log.notice('Diskless rdb transfer, last replica dropped, killing fork child.');
    }
    this.abandon(running);
    this.check();
  }

  /** Ends what is under way; those who wanted it have to ask anew. */
  stop(): void {
    const { running } = this;
    if (running === undefined) return;
    this.abandon(running);
    for (const replica of running.replicas.splice(0)) this.events.failed(replica);
  }
}

/** True if the stream is kept from the snapshot's position on, for one who will follow it from there. */
function isFollowed({ replicas }: Running): boolean {
  return replicas.some(({ followsStream }) => followsStream);
}

function sameContents({ traits: a }: Replica, { traits: b }: Replica): boolean {
  return a.withoutData === b.withoutData && a.withoutFunctions === b.withoutFunctions;
}

/** True if it was there. */
function remove(replicas: Replica[] | undefined, replica: Replica): boolean {
  const at = replicas?.indexOf(replica) ?? -1;
  if (at >= 0) replicas?.splice(at, 1);
  return at >= 0;
}
