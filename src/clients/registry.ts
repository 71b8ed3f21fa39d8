import type { Clock } from '../ambient/clock.js';
import type { Database } from '../keyspace/database.js';
import { ChunkPool } from '../protocol/chunk-pool.js';
import { Client, Gate, type Transport } from './client.js';
import { memoryBesideReplies } from './client-memory.js';
import { ReplyBuffers } from './reply-buffers.js';

/** All connected clients, and the list of those that have something to send. */
export class ClientRegistry {
  readonly pool = new ChunkPool();
  readonly replyBuffers = new ReplyBuffers();
  /**
   * Called when a connection is ended at once: whoever holds the client lets go of it before the next command
   * runs. What a key gets must not be given to a client that is gone.
   */
  onEnded: (client: Client) => void = () => {};
  /** Called when a turn has ended and its replies have left, with how many clients had some. */
  onTurnEnd: ((answered: number) => void) | undefined;
  /** A batch has ended whose replies have not left. */
  repliesWait = false;
  private readonly byId = new Map<number, Client>();
  private nextId = 1;
  private turnEndAwaited = false;
  private answeredInTurn = 0;
  /** Those who have replies to come. */
  private readonly answered: Client[] = [];
  /** Those who were sent something that they did not ask for, as subscribers and replicas are. */
  private readonly addressed: Client[] = [];

  constructor(
    private readonly clock: Clock,
    /** Runs a job when the present turn of the event loop ends. */
    private readonly afterTurn: (job: () => void) => void,
  ) {}

  /** Bytes that `countedBytes` of all clients add up to. */
  private countedBytes = 0;

  /**
   * Bytes of memory that all clients take. Costs one addition: each client is counted anew whenever it was sent
   * something or something of it was read, and replies are counted as they are written.
   */
  get memory(): number {
    return this.countedBytes + this.pool.held;
  }

  /** Counts a client's memory anew. To be called after anything that may have changed it, but for replies. */
  recount(client: Client): void {
    if (!client.connected) return;
    const bytes = memoryBesideReplies(client);
    this.countedBytes += bytes - client.countedBytes;
    client.countedBytes = bytes;
  }

  get size(): number {
    return this.byId.size;
  }

  connect(database: Database, transport: Transport): Client {
    const client = new Client(this.nextId++, this.clock.now(), database, this.pool, transport);
    this.byId.set(client.id, client);
    client.connected = true;
    this.recount(client);
    return client;
  }

  /** Forgets a client whose connection has ended. */
  forget(client: Client): void {
    this.byId.delete(client.id);
    this.countedBytes -= client.countedBytes;
    client.countedBytes = 0;
    client.closing = true;
    client.connected = false;
    client.reply.reset();
  }

  get(id: number): Client | undefined {
    return this.byId.get(id);
  }

  /** In the order of connection. */
  all(): IterableIterator<Client> {
    return this.byId.values();
  }

  /** The client's replies leave at the end of the turn, or with the next `flushReplies`. */
  queueFlush(client: Client): void {
    this.queue(client, this.answered);
  }

  /**
   * What is written for the client leaves at the end of the turn and not before: all that several publishers sent to
   * one subscriber in a turn is one write.
   */
  queueFlushAtTurnEnd(client: Client): void {
    this.queue(client, this.addressed);
  }

  private queue(client: Client, clients: Client[]): void {
    if (client.flushQueued) return;
    client.flushQueued = true;
    clients.push(client);
    if (this.turnEndAwaited) return;
    this.turnEndAwaited = true;
    this.afterTurn(this.endTurn);
  }

  private readonly endTurn = (): void => {
    this.turnEndAwaited = false;
    this.flushReplies();
    flushAll(this.addressed);
    const answered = this.answeredInTurn;
    this.answeredInTurn = 0;
    this.onTurnEnd?.(answered);
  };

  /** Sends the replies that wait for the end of the turn. */
  flushReplies(): void {
    this.repliesWait = false;
    this.answeredInTurn += this.answered.length;
    flushAll(this.answered);
  }

  /**
   * Ends the connections of clients that sent nothing for `seconds` (0: never), unless they wait for
   * something.
   */
  closeIdle(seconds: number): void {
    if (seconds === 0) return;
    const oldest = this.clock.now() - seconds * 1000;
    for (const client of this.byId.values()) {
      if (client.lastInteraction < oldest && !waits(client)) this.disconnect(client, false);
    }
  }

  /** Ends the connections of clients that do not read what they are sent. */
  enforceOutputLimits(): void {
    for (const { transport } of this.byId.values()) transport.enforceOutputLimit();
  }

  /** Fits the buffers of all clients to what they need. To be called periodically. */
  adaptReplyBuffers(): void {
    this.replyBuffers.adapt(this.byId.values(), this.clock.now());
  }

  /** Ends a client's connection; what it was sent already still goes out if `afterReplies`. */
  disconnect(client: Client, afterReplies: boolean): void {
    // One that waits for its replies to be read may still have to go at once.
    if (client.closing && (afterReplies || !this.byId.has(client.id))) return;
    client.closing = true;
    if (afterReplies) this.queueFlush(client);
    client.transport.close(afterReplies ? 'after-flush' : 'now');
    if (!afterReplies) this.onEnded(client);
  }
}

/** Flushing may queue others, so the list is walked as it grows. */
function flushAll(clients: Client[]): void {
  for (let i = 0; i < clients.length; i++) {
    const client = clients[i];
    client.flushQueued = false;
    client.transport.flush();
  }
  empty(clients);
}

/** Not `length = 0`: that gives the array's memory back, to be taken anew with the next batch. */
function empty(clients: Client[]): void {
  while (clients.length > 0) clients.pop();
}

/** Silent by nature: what it sends next, if anything, comes after something that it is to be sent. */
function waits(client: Client): boolean {
  return (
    client.blocked !== undefined ||
    client.postponed !== undefined ||
    (client.gate & (Gate.subscriber | Gate.monitor | Gate.replica | Gate.primary)) !== 0
  );
}
