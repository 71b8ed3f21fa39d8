import { Bytes } from '../bytes/bytes.js';
import type { BlockedState, Client } from '../clients/client.js';
import type { BlockOptions, Call } from '../commands/command.js';
import type { ServerApi } from '../commands/server-api.js';
import { absent } from '../keyspace/database.js';
import type { ValueType } from '../keyspace/events.js';
import { CommandError, errors } from '../protocol/errors.js';
import type { ReplyWriter } from '../protocol/reply-writer.js';
import { mayWrite, ServerGate } from './admission.js';
import type { Dispatcher } from './dispatcher.js';
import { noKeys, type Waiting, WaitingClients } from './waiting.js';

/**
 * Commands that wait: for keys, or for something outside the keyspace. Their clients are blocked, and the commands
 * are run again when what they wait for may be there.
 */
export class Blocking {
  readonly waiting = new WaitingClients();
  private readonly resumed: Client[] = [];
  /** Commands that have what they waited for, but may not change anything now. */
  private readonly held: (() => void)[] = [];

  constructor(
    private readonly server: ServerApi,
    private readonly dispatcher: Dispatcher,
  ) {}

  /** Blocks the current client. See `Call.block`. */
  block(
    call: Call,
    keys: Bytes[],
    deadline: number,
    onTimeout: (reply: ReplyWriter) => void,
    type: ValueType | undefined,
    { evenWhenGone = false, args }: BlockOptions,
  ): void {
    this.dispatcher.unfinished = true;
    if (call.client.blocked !== undefined) return; // tried again in vain: keeps its place and its deadline
    const names = [...new Set(keys.map((key) => key.latin1()))];
    const state = this.stateOf(call, 'keys', { keys: names, type, evenWhenGone, deadline, onTimeout }, args);
    this.waiting.add(call.client, state);
    this.dispatcher.updateObserved();
  }

  /** See `Call.waitFor`. */
  waitFor(call: Call, pending: Promise<unknown>): void {
    const { client, command, args, argc } = call;
    const { dispatcher, server } = this;
    const writes = mayWrite(command.flagsFor(server, args, argc));
    dispatcher.unfinished = true;
    const state = this.stateOf(call, 'outside', noKeys);
    this.waiting.add(client, state);
    const proceed = (outcome: unknown): void => {
      if (writes && this.changesWait) this.held.push(() => proceed(outcome));
      else
        dispatcher.inBackground(() => this.proceed(client, state, writes ? this.admitted(outcome) : outcome));
    };
    pending.then(proceed, proceed);
  }

  /** Nothing may change in the middle of a script, during a pause, and while data are loaded. */
  private get changesWait(): boolean {
    const { busy, gate, pause } = this.dispatcher;
    return busy || pause.active || (gate & ServerGate.loading) !== 0;
  }

  /** The server may have become a replica, which changes nothing by itself, since the command came. */
  private admitted(outcome: unknown): unknown {
    const readOnly = (this.dispatcher.gate & ServerGate.readOnly) !== 0;
    return readOnly ? new CommandError(errors.readOnlyReplica) : outcome;
  }

  /** At the end of each batch: what had to wait goes on if it may. */
  releaseHeld(): void {
    if (this.held.length === 0 || this.changesWait) return;
    for (const proceed of this.held.splice(0)) setImmediate(proceed);
  }

  /** Keeps a command until somebody calls `letGo`. */
  postpone(client: Client, args: Bytes[]): void {
    const { database } = client;
    this.waiting.add(client, this.stateOf({ database, args, argc: args.length }, 'pause', noKeys));
  }

  private stateOf(
    { database, args, argc }: Pick<Call, 'database' | 'args' | 'argc'>,
    kind: 'keys' | 'outside' | 'pause',
    waiting: Waiting,
    later?: Bytes[],
  ): BlockedState {
    const sent = args.slice(0, argc).map((arg) => arg.copy());
    return {
      kind,
      database,
      args: later?.map((arg, i) => (arg === args[i] ? sent[i] : arg.copy())) ?? sent,
      sent: later === undefined ? undefined : sent,
      microseconds: 0,
      ticket: this.waiting.nextTicket(),
      ...waiting,
    };
  }

  /** What a command waited for outside is there: runs it again. */
  private proceed(client: Client, state: BlockedState, outcome: unknown): void {
    // Its client may be gone; then nobody is answered.
    if (client.blocked !== state) client.reply.muted = true;
    const answered = this.dispatcher.rerun(client, state, outcome);
    if (answered && client.blocked === state) this.release(client);
  }

  /** Runs the commands of those who wait for keys that were touched, until no more keys become ready. */
  serveWaiting(): void {
    const { server, dispatcher, waiting } = this;
    // What is being loaded is not there yet for those who wait for it.
    if ((dispatcher.gate & ServerGate.loading) !== 0) return;
    server.keyspace.tick(); // a key may have expired while the transaction that created it ran
    while (waiting.hasReady) {
      for (const [database, key] of waiting.takeReady()) {
        for (const client of waiting.waitingFor(database, key)) {
          if (client.blocked !== undefined && isReady(client.blocked, key)) this.retry(client);
        }
      }
    }
  }

  private retry(client: Client): void {
    const state = client.blocked;
    if (state !== undefined && this.dispatcher.rerun(client, state)) this.release(client);
  }

  /** A blocked client got its answer: it goes on with what it sent meanwhile. */
  release(client: Client): void {
    if (client.replyMode === 'skip') client.setReplyMode('on');
    this.server.clients.queueFlush(client);
    this.letGo(client);
    this.server.pubsub.sendHeld(client);
    this.dispatcher.endCaching(client);
    this.dispatcher.updateObserved();
  }

  /** A client is not blocked any more. */
  letGo(client: Client): void {
    this.waiting.remove(client);
    this.resumed.push(client);
  }

  /** Clients that were blocked and may go on. Taken by the server at the end of a batch. */
  takeResumed(): Client[] {
    return this.resumed.length === 0 ? this.resumed : this.resumed.splice(0);
  }

  /** Ends a client's waiting for CLIENT UNBLOCK, or because its time is up. False if it does not wait for keys. */
  unblock(client: Client, how: 'timeout' | 'error'): boolean {
    const state = client.blocked;
    if (state === undefined || state.kind === 'pause' || state.kind === 'outside') return false;
    if (state.kind === 'script') return false;
    this.answer(
      client,
      how === 'error'
        ? (reply) => reply.error('UNBLOCKED client unblocked via CLIENT UNBLOCK')
        : state.onTimeout,
    );
    return true;
  }

  /** Answers a blocked client in place of its command, and lets it go on. */
  answer(client: Client, write: (reply: ReplyWriter) => void): void {
    const state = client.blocked;
    if (state === undefined) return;
    const errorsBefore = client.reply.errors;
    write(client.reply);
    this.dispatcher.countWaitInVain(client, state, client.reply.errors !== errorsBefore);
    this.release(client);
  }

  /** Answers all who wait for keys with an error, and ends their connections: what they wait for will not come. */
  unblockAll(error: string): void {
    for (const client of this.server.clients.all()) {
      if (client.blocked?.kind !== 'keys') continue;
      this.answer(client, (reply) => reply.error(error));
      this.server.clients.disconnect(client, true);
    }
  }

  /** Answers those whose time is up. */
  expire(): void {
    for (const client of this.waiting.takeOverdue(this.server.clock.now())) this.unblock(client, 'timeout');
  }
}

/**
 * True if what a client waits for may be there: the key has a value of the right type, or its absence matters. A key
 * that has expired stays, for nobody touches it.
 */
function isReady({ database, type, evenWhenGone }: BlockedState, key: string): boolean {
  if (evenWhenGone) return true;
  const ref = database.peek(Bytes.of(key));
  return ref !== absent && !database.isExpired(ref) && (type === undefined || type === database.typeOf(ref));
}
