import type { Bytes } from '../bytes/bytes.js';
import { type BlockedState, type Client, Gate, noCommand } from '../clients/client.js';
import { type Call, CommandFlag } from '../commands/command.js';
import { keysOf } from '../commands/keys-of.js';
import type { Command } from '../commands/registry.js';
import type { ServerApi } from '../commands/server-api.js';
import type { Database } from '../keyspace/database.js';
import { Request } from '../protocol/request-decoder.js';
import { CommandAccounts } from './accounts.js';
import { enqueue, isQueued, refusalOf, ServerGate } from './admission.js';
import { Blocking } from './blocking.js';
import { DispatcherCall } from './call.js';
import { errorReply } from './error-reply.js';
import { LookAhead } from './look-ahead.js';
import { Pause } from './pause.js';
import { Propagation } from './propagation.js';
import { isOfHttp, resolve, Unresolved } from './resolution.js';
import { type SuspendedCommand, Suspension } from './suspension.js';
import { WatchedKeys } from './watched-keys.js';

/** Age in µs from which on the time is read anew between the commands of a batch. */
const staleAfterMicroseconds = 1000;

/** In place of a count of changes: nobody wants to hear of them. */
const unobserved = -1;

/**
 * The one place where a request becomes the run of a command. What holds for every command is done here:
 * arity, authentication, transactions, statistics, errors, waking those who wait for keys.
 *
 * Hot: `execute` of a plain command costs a look-up, one test of the gates and one reading of the clock.
 */
export class Dispatcher {
  readonly accounts: CommandAccounts;
  readonly blocking: Blocking;
  readonly lookAhead: LookAhead;
  readonly pause: Pause;
  readonly propagation: Propagation;
  readonly suspension: Suspension;
  readonly watched = new WatchedKeys();
  /** Bits of ServerGate: see `setGate`. */
  gate = 0;
  /** Commands that run as parts of others: transactions and scripts around the present command. */
  depth = 0;
  /** The command that is being run has no reply yet: it wants to wait, or stops in its middle. */
  unfinished = false;
  /** Runs work that no request caused, as a batch of its own. */
  inBackground: (work: () => void) => void = (work) => work();

  private readonly call: DispatcherCall;
  /** The call of a script's command, so that the script's own stays as it is. */
  private readonly scriptCall: DispatcherCall;
  private toldOfHttpAt = Number.NEGATIVE_INFINITY;
  /** When the time was read that the commands see, in µs. */
  private tickedAt = 0;
  /** Unix time in ms that scripts see; it stands still while one runs. Undefined until the script asks. */
  private scriptTime: number | undefined;

  constructor(private readonly server: ServerApi) {
    this.call = new DispatcherCall(server, this);
    this.scriptCall = new DispatcherCall(server, this);
    this.scriptCall.denyBlocking = this.scriptCall.fromScript = true;
    this.accounts = new CommandAccounts(server, this.call);
    this.blocking = new Blocking(server, this);
    this.lookAhead = new LookAhead(server.commands, server.keyspace.arena);
    this.pause = new Pause(server, this);
    this.propagation = new Propagation(server.keyspace);
    this.suspension = new Suspension(server, this);
  }

  setGate(bit: number, on: boolean): void {
    this.gate = on ? this.gate | bit : this.gate & ~bit;
  }

  /** A command stopped in its middle. Nothing else runs meanwhile but what is flagged `allow_busy`. */
  get busy(): boolean {
    return this.suspension.busy;
  }

  /** Starts a batch of requests, or of work that no request caused: they share one reading of the time. */
  beginBatch(): void {
    const { arena } = this.server.keyspace;
    // Nobody has a view of dropped memory now.
    if (arena.returnableBytes > 0) arena.returnMemory();
    this.tickedAt = this.accounts.beginBatch();
    this.server.keyspace.tickAt(this.tickedAt);
  }

  /** The commands of a batch share one reading of the time, as long as they are quick. */
  private keepTime(): void {
    const { mark } = this.accounts;
    if (mark - this.tickedAt < staleAfterMicroseconds || this.depth > 0) return;
    this.tickedAt = mark;
    this.server.keyspace.tickAt(mark);
  }

  /**
   * Runs the requests of a look-ahead, from `first` on, as long as they are plain and everything about the client and
   * the server is as usual; stops when one makes its client wait, and when the client has `mostUnsent` bytes to read.
   * Returns the index of the next one.
   *
   * Hot: most requests of a pipeline run here. What `execute` asks for each of them is asked once.
   */
  executePlain(
    client: Client,
    requests: Request<Command>[],
    first: number,
    count: number,
    mostUnsent: number,
  ): number {
    const gate = client.gate | this.gate;
    if ((gate & ~ServerGate.memoryLimit) !== 0 || !this.accounts.inGroup) return first;
    const { waiting } = this.blocking;
    client.lastInteraction = this.server.keyspace.now;
    let at = first;
    while (at < count && !waiting.hasReady && client.reply.size < mostUnsent) {
      const { command, args, argc } = requests[at];
      if (command === undefined || !command.plain || !command.accepts(argc)) break;
      at++;
      if (gate !== 0 && !this.hasRoomFor(command, args, argc)) this.executeGated(client, command, args, argc);
      else if (!this.run(client, command, args, argc)) break;
    }
    if (waiting.hasReady) this.blocking.serveWaiting();
    return at;
  }

  /** Runs one request of a client, or queues or refuses it. */
  execute(client: Client, request: Request<Command>): void {
    client.lastInteraction = this.server.keyspace.now;
    const { args, argc } = request;
    const command = this.resolve(client, args, argc, request.command);
    if (command === undefined) return;
    const gate = client.gate | this.gate;
    if (
      gate === 0 ||
      (gate === ServerGate.memoryLimit && this.hasRoomFor(command, args, argc)) ||
      // Most of what a replica is asked.
      (gate === ServerGate.readOnly && command.has(CommandFlag.readonly))
    ) {
      this.run(client, command, args, argc);
    } else this.executeGated(client, command, args, argc);
    if (this.blocking.waiting.hasReady && !this.busy) this.blocking.serveWaiting();
  }

  /**
   * Finds the command a request names, unless it is known, and checks its arity. Replies with the error and
   * returns undefined otherwise.
   */
  private resolve(client: Client, args: Bytes[], argc: number, known?: Command): Command | undefined {
    const command = known ?? this.commandNamed(client, args[0]);
    if (command !== undefined && command.subcommands === undefined && command.accepts(argc)) return command;
    if (command === undefined && isOfHttp(args[0])) {
      this.refuseHttp(client);
      return undefined;
    }
    const resolved = resolve(command, args, argc);
    if (!(resolved instanceof Unresolved)) return resolved;
    client.lastCommand = resolved.command?.fullName ?? noCommand;
    return this.reject(client, resolved.message, resolved.command);
  }

  private commandNamed(client: Client, name: Bytes): Command | undefined {
    const { commands } = this.server;
    return client.repeats ? commands.findOriginal(name) : commands.find(name);
  }

  /**
   * Somebody has a web browser send requests to this server: nothing that follows is to run. Told once a minute at
   * most.
   */
  private refuseHttp(client: Client): void {
    const { server } = this;
    const now = server.clock.now();
    if (now - this.toldOfHttpAt >= 60_000) {
      this.toldOfHttpAt = now;
      server.log.warning(
        'Possible SECURITY ATTACK detected. POST or Host: was sent to this server, as when a web page is used to reach it ' +
          `(cross protocol scripting). Connection from ${client.transport.remoteAddress} aborted.`,
      );
    }
    server.clients.disconnect(client, false);
  }

  /** Refuses a request before it runs. */
  private reject(client: Client, message: string, command?: Command): undefined {
    if (client.transaction !== undefined) client.transaction.broken = true;
    if (command !== undefined) command.rejectedCalls++;
    this.endCaching(client, command);
    const shown = command?.fullName === 'exec' ? this.abortTransaction(client, message) : message;
    if (client.replyMode === 'skip-next') client.setReplyMode('on');
    else client.reply.error(shown);
    this.accounts.countError(shown);
    return undefined;
  }

  /** An EXEC that is refused ends the transaction all the same. Returns the error to reply. */
  private abortTransaction(client: Client, reason: string): string {
    this.endTransaction(client);
    return `EXECABORT Transaction discarded because of: ${reason.replace(/^ERR /, '')}`;
  }

  /** Ends a client's transaction, if there is one, and forgets its watched keys. */
  endTransaction(client: Client): void {
    client.transaction = undefined;
    client.setGate(Gate.transaction, false);
    this.server.unwatchAll(client);
  }

  /** The slow half of the way in: something about the client or the server is not as usual. */
  private admits(client: Client, command: Command, args: Bytes[], argc: number): boolean {
    if (client.repeats) return this.runsNow(client, command, args, argc);
    const refusal = refusalOf(this.server, this.gate, client, command, args, argc);
    if (refusal !== undefined) {
      this.reject(client, refusal, command);
      return false;
    }
    if ((this.gate & ServerGate.paused) !== 0 && this.pause.covers(client, command, args, argc)) {
      this.pause.postpone(client, args, argc);
      return false;
    }
    return this.runsNow(client, command, args, argc);
  }

  /** True of a command that does not wait for EXEC; else it is kept. */
  private runsNow(client: Client, command: Command, args: Bytes[], argc: number): boolean {
    if (!isQueued(client, command)) return true;
    enqueue(this.server, client.transaction!, command, args, argc);
    client.reply.simple('QUEUED');
    return false;
  }

  /** Evicts if need be. False if the command takes memory and there is none. */
  private hasRoomFor(command: Command, args: Bytes[], argc: number): boolean {
    const { server } = this;
    return server.makeRoom() || (command.flagsFor(server, args, argc) & CommandFlag.denyoom) === 0;
  }

  /**
   * The slow way: runs a command if it may, when something about the client or the server is not as usual.
   */
  private executeGated(client: Client, command: Command, args: Bytes[], argc: number): void {
    if (client.replyMode === 'skip-next') client.setReplyMode('skip');
    // Even if it is refused, queued or held back. What is answered to a replica ends it, and the log says which it was.
    client.lastCommand = command.fullName;
    // With the memory limit alone, that was tried already.
    if (client.gate !== 0 && (this.gate & ServerGate.memoryLimit) !== 0) this.server.makeRoom();
    if (this.admits(client, command, args, argc)) this.runGated(client, command, args, argc);
    if (client.blocked !== undefined) return;
    this.endCaching(client, command);
    if (client.replyMode === 'skip') client.setReplyMode('on');
  }

  /** As `run`, for a client of which something is to be kept in mind before and after each command. */
  private runGated(client: Client, command: Command, args: Bytes[], argc: number): boolean {
    const { keyspace, pubsub } = this.server;
    keyspace.marksAccess = marksAccess(client, command);
    pubsub.beginCommand(client);
    const answered = this.run(client, command, args, argc);
    if (client.tracking !== undefined) this.trackReads(client, command, args, argc);
    pubsub.endOfCommand();
    keyspace.marksAccess = true;
    return answered;
  }

  /** Remembers which keys a command has read, for a client that keeps copies of their values. */
  trackReads(client: Client, command: Command, args: Bytes[], argc: number): void {
    // A script's own commands tell what it reads.
    if (!command.has(CommandFlag.readonly) || command.spec.group === 'scripting') return;
    const keys = keysOf(command, args, argc);
    if (keys !== undefined)
      this.server.tracking.remember(
        client,
        keys.map(({ position }) => args[position]),
      );
  }

  /** CLIENT CACHING holds for the command that follows it, however long that waits, or for the transaction. */
  endCaching({ transaction, tracking }: Client, command?: Command): void {
    if (tracking === undefined || transaction !== undefined || command?.fullName.startsWith('client|'))
      return;
    tracking.cachingGiven = false;
  }

  /** Runs a command that a pause held back. */
  executePostponed(client: Client): void {
    const request = new Request<Command>();
    for (const argument of client.postponed ?? []) request.args.push(argument);
    request.argc = request.args.length;
    client.postponed = undefined;
    this.execute(client, request);
  }

  /** Runs a command whose turn it is, and keeps the books. False if its client has to wait. */
  private run(client: Client, command: Command, args: Bytes[], argc: number): boolean {
    const { accounts, call, propagation } = this;
    const grouped = accounts.inGroup && command.brief;
    if (!grouped) {
      accounts.settleGroup();
      this.keepTime();
    }
    const began = accounts.mark;
    const dirtyBefore = propagation.active ? propagation.begin(client) : unobserved;
    call.assign(client, command, args, argc);
    const errorsBefore = client.reply.errors;
    try {
      command.handler!(call);
    } catch (error) {
      client.reply.error(errorReply(this.server, command, error));
    }
    if (this.unfinished) return this.leave(call, began, dirtyBefore, errorsBefore);
    if (dirtyBefore !== unobserved) propagation.ran(call, dirtyBefore, this.depth === 0);
    client.lastCommand = command.fullName;
    if (grouped) accounts.addToGroup(command);
    else {
      accounts.finish(call, accounts.since(began));
      this.keepTime();
    }
    if (client.reply.errors !== errorsBefore) accounts.countFailure(client, command);
    return true;
  }

  /** The command that ran is not finished: it stopped in its middle, or it waits and will be run again. */
  private leave(call: Call, began: number, dirtyBefore: number, errorsBefore: number): false {
    const { accounts, propagation, suspension } = this;
    this.unfinished = false;
    if (suspension.stopping) {
      suspension.setAside(call, began, dirtyBefore, errorsBefore);
      return false;
    }
    if (dirtyBefore !== unobserved) propagation.ran(call, dirtyBefore, this.depth === 0);
    call.client.lastCommand = call.command.fullName;
    accounts.park(call, accounts.since(began));
    return false;
  }

  /**
   * Runs one command of a transaction. It cannot block and wakes nobody until the transaction is over. False if it
   * stopped in its middle: then the transaction is to stop, too.
   */
  runQueued(outer: Call, args: Bytes[], argc: number): boolean {
    const { client } = outer;
    const { accounts } = this;
    const command = this.resolve(client, args, argc);
    if (command === undefined) return true;
    let finished = true;
    const saved = { command: outer.command, args: outer.args, argc: outer.argc, database: outer.database };
    const began = accounts.mark;
    const { inGroup } = accounts;
    accounts.inGroup = false;
    this.depth++;
    this.call.denyBlocking = true;
    this.server.keyspace.marksAccess = marksAccess(client, command);
    try {
      finished = this.run(client, command, args, argc);
      if (client.tracking !== undefined) this.trackReads(client, command, args, argc);
    } finally {
      accounts.nestedMicroseconds += accounts.mark - began;
      accounts.inGroup = inGroup;
      this.depth--;
      this.call.denyBlocking = this.depth > 0;
      Object.assign(outer, saved);
    }
    return finished;
  }

  /**
   * Runs a command of a script, as another client. It cannot block, and wakes nobody until the script is over. What
   * `run` does for the outermost command of a client is not needed for it. Hot.
   */
  runInScript(client: Client, command: Command, args: Bytes[], argc: number): void {
    const { accounts, scriptCall: call, propagation, server } = this;
    const measured = accounts.measuresInScript(command);
    const began = measured ? server.clock.microseconds() : 0;
    const dirtyBefore = propagation.active ? propagation.begin(client) : unobserved;
    call.assign(client, command, args, argc);
    const errorsBefore = client.reply.errors;
    this.depth++;
    try {
      command.handler!(call);
    } catch (error) {
      client.reply.error(errorReply(this.server, command, error));
    }
    this.depth--;
    if (dirtyBefore !== unobserved) propagation.ran(call, dirtyBefore, false);
    if (measured) command.microsecondsInScript = server.clock.microseconds() - began;
    accounts.finishInScript(call, measured);
    if (client.reply.errors !== errorsBefore) accounts.countFailure(client, command);
  }

  /** Unix time in ms as the script that runs sees it. */
  timeInScript(): number {
    this.scriptTime ??= this.server.clock.now();
    return this.scriptTime;
  }

  /** A script begins: its time is to be read anew. */
  forgetScriptTime(): void {
    this.scriptTime = undefined;
  }

  /** A transaction or a script is being run. */
  get inUnit(): boolean {
    return this.depth > 0;
  }

  /** A command that stopped in its middle goes on. */
  continueSuspended(state: SuspendedCommand): void {
    const { accounts, call } = this;
    const { client, command, args, argc } = state;
    const began = accounts.mark;
    call.assign(client, command, args, argc);
    call.database = state.database;
    this.server.keyspace.marksAccess = marksAccess(client, command);
    try {
      state.continue(call);
    } catch (error) {
      client.reply.error(errorReply(this.server, command, error));
    }
    this.server.keyspace.marksAccess = true;
    state.microseconds += accounts.since(began);
  }

  /** What `run` does after a command that did not stop. */
  completeSuspended(state: SuspendedCommand, outermost: boolean): void {
    const { accounts, call } = this;
    const { client, command, args, argc, dirtyBefore } = state;
    call.assign(client, command, args, argc);
    call.database = state.database;
    if (dirtyBefore !== unobserved) this.propagation.ran(call, dirtyBefore, outermost);
    client.lastCommand = command.fullName;
    accounts.finish(call, state.microseconds);
    if (client.reply.errors !== state.errorsBefore) accounts.countFailure(client, command);
  }

  /**
   * Runs the command of a blocked client again. False if it goes on waiting.
   *
   * @param outcome what it waited for, see `Call.waitFor`
   */
  rerun(client: Client, state: BlockedState, outcome?: unknown): boolean {
    const { accounts, call } = this;
    const command = this.server.commands.find(state.args[0]);
    if (command === undefined) return false;
    accounts.settleGroup(); // before the mark is moved: what ran until now has its own time
    const selected = client.database;
    client.database = state.database;
    call.retried = true;
    call.outcome = outcome;
    accounts.excludeTime(-state.microseconds); // its earlier runs count
    const answered = this.runGated(client, command, state.args, state.args.length);
    call.retried = false;
    call.outcome = undefined;
    client.database = selected;
    return answered;
  }

  /** Counts a command whose client was answered in its place. */
  countWaitInVain(client: Client, { args, microseconds }: BlockedState, failed: boolean): void {
    const command = this.server.commands.find(args[0]);
    if (command === undefined) return;
    const call = new DispatcherCall(this.server, this); // the usual one may be in use by CLIENT UNBLOCK
    call.assign(client, command, args, args.length);
    call.retried = true;
    this.accounts.finish(call, microseconds);
    if (failed) this.accounts.countFailure(client, command);
  }

  /** Gives up what a client whose connection has ended waits for. */
  forget(client: Client): void {
    this.blocking.waiting.remove(client);
    this.pause.clients.delete(client);
    this.watched.removeAll(client);
    this.updateObserved();
  }

  updateObserved(): void {
    const { keyspace, tracking } = this.server;
    keyspace.observed = this.blocking.waiting.size > 0 || this.watched.size > 0 || tracking.active;
  }

  /** A key was changed. Part of the keyspace's observer. */
  keyModified(database: Database, key: Bytes, vanished = false): void {
    const { tracking } = this.server;
    if (tracking.active) tracking.keyModified(key, vanished ? undefined : this.call.client);
    this.watched.touched(database, key);
    this.keyReady(database, key);
  }

  keyReady(database: Database, key: Bytes): void {
    this.blocking.waiting.touched(database, key);
  }

  databaseReplaced(database: Database, replacement: Database | undefined): void {
    this.watched.databaseReplaced(database, replacement);
    this.blocking.waiting.touchedAll(database);
  }
}

/** True if keys that a client's command meets count as used then (CLIENT NO-TOUCH). */
function marksAccess({ gate }: Client, command: Command): boolean {
  return (gate & Gate.noTouch) === 0 || command.fullName === 'touch';
}
