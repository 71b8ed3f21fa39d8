import type { Client, OutputFeed } from '../clients/client.js';
import type { BacklogBlock } from './backlog.js';
import type { ReplicationLog } from './replication-log.js';
import type { FileReader } from './snapshot-transfer.js';

/**
 * How far a replica is: it waits for a snapshot to begin, for its end (if it goes to a file first), is being sent it,
 * or follows the stream. One that only wanted a snapshot has all it wanted in the end.
 */
export type ReplicaState = 'waiting' | 'snapshot' | 'transfer' | 'online' | 'transmitted';

/** What a client said of itself with REPLCONF before it asked to be a replica. */
export interface ReplicaTraits {
  listeningPort: number;
  /** Empty for the address of the connection. */
  announcedAddress: string;
  /** Can tell the end of a snapshot by its last bytes, so that its length need not be known before. */
  knowsEndMark: boolean;
  /** Understands that the history goes on under another id. */
  knowsNewIds: boolean;
  /** Wants a snapshot only. */
  snapshotOnly: boolean;
  /** Wants no keys in it, or no functions. */
  withoutData: boolean;
  withoutFunctions: boolean;
}

/** Of one that has said nothing. */
export function newTraits(): ReplicaTraits {
  return {
    listeningPort: 0,
    announcedAddress: '',
    knowsEndMark: false,
    knowsNewIds: false,
    snapshotOnly: false,
    withoutData: false,
    withoutFunctions: false,
  };
}

/** What a replica tells of itself to whoever looks after it. */
export interface ReplicaEvents {
  /** It was sent the whole snapshot. */
  transferred(replica: Replica): void;
  /** It cannot be sent the rest of the snapshot. */
  failed(replica: Replica, error: unknown): void;
  /** What it is to be sent next of the stream is not kept any more. */
  lost(replica: Replica): void;
  /** One of its commands was answered. */
  interrupted(replica: Replica): void;
}

/** A replica that is connected to this server: what it is sent, and what it has said. */
export class Replica implements OutputFeed {
  state: ReplicaState = 'waiting';
  /** Position in the stream up to which it was sent everything. */
  sent = 0;
  /** Up to where it has said to have applied the stream, and to have it on its disk. */
  acknowledged = 0;
  synced = -1;
  /** Unix time in ms at which it asked for synchronization. */
  readonly attachedAt: number;
  /** Unix time in ms at which it acknowledged something last. */
  acknowledgedAt: number;
  /** Unix time in ms at which it was sent something last. */
  private movedAt: number;
  /** It has to say that it has the snapshot before the stream follows: else it could not tell where that ends. */
  awaitsAcknowledgement = false;
  /** It follows the stream and says nothing, as replicas did before PSYNC: it does not count, and is not timed out. */
  silent = false;
  /** What is to be sent before the stream. */
  private queue: Buffer[] = [];
  private queued = 0;
  private file: FileReader | undefined;
  /** Nothing will be added to the snapshot. */
  private snapshotComplete = false;
  private block: BacklogBlock | undefined;

  constructor(
    readonly client: Client,
    readonly traits: ReplicaTraits,
    private readonly log: ReplicationLog,
    private readonly now: () => number,
    private readonly events: ReplicaEvents,
  ) {
    this.attachedAt = this.acknowledgedAt = this.movedAt = now();
  }

  /** Where it can be reached, as far as it is known. */
  get address(): string {
    const { announcedAddress } = this.traits;
    return announcedAddress !== '' ? announcedAddress : hostOf(this.client.transport.remoteAddress);
  }

  /** As the log names it: where it listens, as far as it has said. */
  get name(): string {
    const { listeningPort } = this.traits;
    return `${this.address}:${listeningPort > 0 ? listeningPort : '<unknown-replica-port>'}`;
  }

  /** Bytes of the snapshot that wait. */
  get queuedBytes(): number {
    return this.queued;
  }

  /**
   * True if something waits for it to read, since before `oldest` (Unix time in ms). One that has taken all there is
   * waits itself, perhaps for a snapshot that another replica holds up.
   */
  hasStalledSince(oldest: number): boolean {
    const waits = this.queued > 0 || this.client.transport.unsentBytes > 0;
    return waits && this.movedAt < oldest;
  }

  /** The stream alone: a snapshot is made only as fast as it is taken. */
  get pendingBytes(): number {
    return this.followsStream ? this.log.offset - this.sent : 0;
  }

  /** It is to be sent the stream, now or later. */
  get followsStream(): boolean {
    return this.state !== 'waiting' && this.state !== 'transmitted' && !this.traits.snapshotOnly;
  }

  /** Sends this before the stream, or in place of it. */
  enqueue(bytes: Buffer): void {
    this.queue.push(bytes);
    this.queued += bytes.length;
  }

  /** The same of a file, after its length. There is only one. */
  enqueueFile(file: FileReader): void {
    this.enqueue(Buffer.from(`$${file.size}\r\n`));
    this.file = file;
  }

  /** All of the snapshot is in the queue. */
  completeSnapshot(): void {
    this.snapshotComplete = true;
  }

  /** Its connection has ended. */
  close(): void {
    this.file?.close();
    this.file = undefined;
    this.queue = [];
    this.queued = 0;
    this.block = undefined;
  }

  /** The stream follows from here on. */
  startAt(position: number): void {
    this.sent = position;
    this.block = undefined;
  }

  next(): Buffer | undefined {
    let bytes = this.queue.length > 0 ? this.nextOfQueue() : this.nextOfFile();
    if (bytes === undefined && this.state === 'transfer' && this.snapshotComplete)
      this.events.transferred(this);
    bytes ??= this.nextOfStream();
    if (bytes !== undefined) this.movedAt = this.now();
    return bytes;
  }

  private nextOfQueue(): Buffer {
    const bytes = this.queue.shift()!;
    this.queued -= bytes.length;
    return bytes;
  }

  private nextOfFile(): Buffer | undefined {
    if (this.file === undefined) return undefined;
    try {
      const bytes = this.file.next();
      if (bytes === undefined) this.file = undefined;
      return bytes;
    } catch (error) {
      this.close();
      this.snapshotComplete = false;
      this.events.failed(this, error);
      return undefined;
    }
  }

  private nextOfStream(): Buffer | undefined {
    const { log } = this;
    if (this.state !== 'online' || this.awaitsAcknowledgement || this.sent === log.offset) return undefined;
    let block = this.block ?? log.backlog?.find(this.sent);
    if (block !== undefined && this.sent === block.start + block.used) block = block.next;
    this.block = block;
    if (block === undefined) {
      this.events.lost(this);
      return undefined;
    }
    const bytes = block.buffer.subarray(this.sent - block.start, block.used);
    this.sent += bytes.length;
    return bytes;
  }

  interrupted(): void {
    this.events.interrupted(this);
  }
}

/** Of `ip:port`, the first; ports follow the last colon. */
function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(':')).replace(/^\[|\]$/g, '');
}
