import { Bytes } from '../bytes/bytes.js';
import { type BlockedState, type Client, Gate } from '../clients/client.js';
import { type BlockOptions, type Call, CommandFlag } from '../commands/command.js';
import type { Command } from '../commands/registry.js';
import type { ServerApi } from '../commands/server-api.js';
import { absent, type Database } from '../keyspace/database.js';
import type { ValueType } from '../keyspace/events.js';
import { ArenaFullError } from '../memory/arena.js';
import { CommandError, errors, excerpt, wrongArity } from '../protocol/errors.js';
import type { ReplyWriter } from '../protocol/reply-writer.js';
import { Request } from '../protocol/request-decoder.js';
import { enqueue, isQueued, refusalOf, ServerGate } from './admission.js';
import { DispatcherCall } from './call.js';
import { LookAhead } from './look-ahead.js';
import { Pause, type PauseReason } from './pause.js';
import { Propagation } from './propagation.js';
import type { Continuation, SuspendedCommand } from './suspension.js';
import { WaitingClients } from './waiting.js';
import { WatchedKeys } from './watched-keys.js';

const maxErrorCodes = 128;
/** Who wants to hear of commands that take less than this, in µs, gets each of them measured by itself. */
const leastGroupedThreshold = 1000;

/** Of a command's runs in scripts, one in so many is measured while nobody wants to hear of each. A power of two. */
const measuredInScripts = 8;

/** In place of a count of changes: nobody wants to hear of them. */
const unobserved = -1;

/** A kind of error that INFO errorstats does not list by its own code once there are too many. */
const otherErrors = 'ERRORSTATS_OVERFLOW';

/**
 * The one place where a request becomes the run of a command. What holds for every command is done here:
 * arity, authentication, transactions, statistics, errors, waking those who wait for keys.
 *
 * Hot: `execute` of a plain command costs a look-up, one test of the gates and one reading of the clock.
 */
export class Dispatcher {
  readonly waiting = new WaitingClients();
  readonly watched = new WatchedKeys();
  readonly pause = new Pause();
  readonly propagation: Propagation;
  readonly lookAhead: LookAhead;
  /** Bits of ServerGate. */
  gate = 0;
  /** Not `finished` means that the command's client is blocked now: it will be run again. */
  onNoteworthy: (call: Call, microseconds: number, finished: boolean) => void = () => {};
  /** Runs work that no request caused, as a batch of its own. */
  inBackground: (work: () => void) => void = (work) => work();
  /** When the batch that is being run began, in µs. */
  batchBegan = 0;
  /** Keep a histogram of each command's run times (`latency-tracking`). */
  tracksLatency = true;
  /** Time in µs of commands that ran as a part of others, since the last reset. */
  nestedMicroseconds = 0;

  private noteworthyMicroseconds = Number.POSITIVE_INFINITY;
  /** The same for commands of scripts, of which fewer want to hear. */
  private noteworthyInScripts = Number.POSITIVE_INFINITY;
  private readonly call: DispatcherCall;
  /** The call of a script's command, so that the script's own stays as it is. */
  private readonly scriptCall: DispatcherCall;
  /**
   * When the command before this one ended; the beginning of the next, so that each command reads the clock
   * once.
   */
  private mark = 0;
  /** The command that is being run wants to wait, with no reply yet. */
  private parked = false;
  private depth = 0;
  private inGroup = false;
  /**
   * Commands that ran since the last reading of the clock: the first `unmeasuredCount`. Never made shorter, which would
   * give the memory back and take it anew with each group.
   */
  private readonly unmeasured: Command[] = [];
  private unmeasuredCount = 0;
  private readonly resumed: Client[] = [];
  /** How the command that is being run goes on after it has let others have their turn. */
  private continuation: Continuation | undefined;
  /** Commands that stopped in their middle, by depth: a script, under the EXEC that it is part of. */
  private readonly suspended: SuspendedCommand[] = [];
  /** The error reply of the present command was counted when it happened, as that of another command. */
  errorWasCounted = false;
  /** Unix time in ms that scripts see; it stands still while one runs. Undefined until the script asks. */
  private scriptTime: number | undefined;
  /**
   * Called when a command stopped in its middle, for the first time or again: `resumeSuspended` is to be called soon, in
   * a batch of its own.
   */
  onSuspended: (first: boolean) => void = () => {};

  constructor(private readonly server: ServerApi) {
    this.propagation = new Propagation(server.keyspace);
    this.lookAhead = new LookAhead(server.commands, server.keyspace.arena);
    this.call = new DispatcherCall(server, this);
    this.scriptCall = new DispatcherCall(server, this);
    this.scriptCall.denyBlocking = this.scriptCall.fromScript = true;
  }

  /**
   * From now on, commands that take at least so many µs are reported to `onNoteworthy`.
   *
   * @param inScripts the same for commands of scripts
   */
  reportFrom(microseconds: number, inScripts: number): void {
    this.noteworthyMicroseconds = microseconds;
    this.noteworthyInScripts = inScripts;
    if (microseconds < leastGroupedThreshold) this.endGroup();
  }

  /** Starts a batch of requests, or of work that no request caused: they share one reading of the time. */
  beginBatch(): void {
    const { keyspace } = this.server;
    // Nobody has a view of dropped memory now.
    if (keyspace.arena.returnableBytes > 0) keyspace.arena.returnMemory();
    this.mark = this.batchBegan = this.server.clock.microseconds();
    keyspace.tickAt(this.mark);
  }

  /** The time in µs, as it was read last: when the last measured command ended or the batch began. */
  get now(): number {
    return this.mark;
  }

  /** Time from the beginning of the batch to the end of its last command. */
  get batchMicroseconds(): number {
    return this.mark - this.batchBegan;
  }

  /**
   * Runs the requests of a look-ahead, from `first` on, as long as they are plain and nothing about the client or the server
   * is as it usually is not; stops when the client has `mostUnsent` bytes to read. Returns the index of the next one.
   *
   * Hot: most requests of a pipeline run here. What `execute` and `run` do for each command is done once for all of them.
   */
  executePlain(
    client: Client,
    requests: Request<Command>[],
    first: number,
    count: number,
    mostUnsent: number,
  ): number {
    const gate = client.gate | this.gate;
    if ((gate & ~ServerGate.memoryLimit) !== 0 || !this.inGroup) return first;
    const { call, propagation, waiting, unmeasured } = this;
    const { reply } = client;
    const propagates = propagation.active;
    client.lastInteraction = this.server.keyspace.now;
    let at = first;
    let last: Command | undefined;
    for (; at < count && !waiting.hasReady && reply.size < mostUnsent; at++) {
      const { command, args, argc } = requests[at];
      if (command === undefined || !command.plain || !command.accepts(argc)) break;
      if (gate !== 0 && !this.hasRoomFor(command, args, argc)) break;
      const dirtyBefore = propagates ? propagation.begin(client) : unobserved;
      call.assign(client, command, args, argc);
      const errorsBefore = reply.errors;
      try {
        command.handler!(call);
      } catch (error) {
        this.replyError(client, command, error);
      }
      if (propagates) propagation.ran(call, dirtyBefore, true);
      unmeasured[this.unmeasuredCount++] = last = command;
      if (reply.errors !== errorsBefore) this.countFailure(client, command);
    }
    if (last !== undefined) client.lastCommand = last.fullName;
    if (waiting.hasReady) this.serveWaiting();
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
    if (this.waiting.hasReady && !this.busy) this.serveWaiting();
  }

  /**
   * Finds the command a request names, unless it is known, and checks its arity. Replies with the error and
   * returns undefined otherwise.
   */
  private resolve(client: Client, args: Bytes[], argc: number, known?: Command): Command | undefined {
    const command = known ?? this.server.commands.find(args[0]);
    if (command === undefined) return this.reject(client, unknownCommand(args, argc));
    if (command.subcommands === undefined) {
      if (command.accepts(argc)) return command;
      return this.reject(client, wrongArity(command.fullName), command);
    }
    if (argc === 1 && command.handler !== undefined) return command;
    return this.resolveSubcommand(client, command, args, argc);
  }

  private resolveSubcommand(
    client: Client,
    container: Command,
    args: Bytes[],
    argc: number,
  ): Command | undefined {
    if (argc < 2) return this.reject(client, wrongArity(container.fullName), container);
    const command = container.subcommands!.get(args[1].latin1().toLowerCase());
    if (command === undefined) {
      const shown = excerpt(args[1].latin1());
      return this.reject(
        client,
        `ERR unknown subcommand '${shown}'. Try ${container.spec.name.toUpperCase()} HELP.`,
        container,
      );
    }
    if (!command.accepts(argc)) return this.reject(client, wrongArity(command.fullName), command);
    return command;
  }

  /** Refuses a request before it runs. */
  private reject(client: Client, message: string, command?: Command): undefined {
    if (client.transaction !== undefined) client.transaction.broken = true;
    if (command !== undefined) command.rejectedCalls++;
    const shown = command?.fullName === 'exec' ? this.abortTransaction(client, message) : message;
    if (client.replyMode === 'skip-next') client.setReplyMode('on');
    else client.reply.error(shown);
    this.countError(shown);
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
    if ((client.gate & Gate.repeating) !== 0) return this.runsNow(client, command, args, argc);
    const refusal = refusalOf(this.server, this.gate, client, command, args, argc);
    if (refusal !== undefined) {
      this.reject(client, refusal, command);
      return false;
    }
    if (
      (this.gate & ServerGate.paused) !== 0 &&
      this.pause.covers(this.server, client, command, args, argc)
    ) {
      this.postpone(client, command, args, argc);
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

  /** Time that passed since the last command and is not to be counted for the next. */
  excludeTime(microseconds: number): void {
    this.mark += microseconds;
  }

  /**
   * The slow way: runs a command if it may, when something about the client or the server is not as usual.
   */
  private executeGated(client: Client, command: Command, args: Bytes[], argc: number): void {
    if (client.replyMode === 'skip-next') client.setReplyMode('skip');
    // Whatever is answered to a replica ends it, and the log says what that was.
    if ((client.gate & Gate.replica) !== 0) client.lastCommand = command.fullName;
    // With the memory limit alone, `execute` has made room already.
    if (client.gate !== 0 && (this.gate & ServerGate.memoryLimit) !== 0) this.server.makeRoom();
    if (this.admits(client, command, args, argc)) this.runGated(client, command, args, argc);
    if (client.replyMode === 'skip' && client.blocked === undefined) client.setReplyMode('on');
  }

  /** As `run`, for a client of which something is to be kept in mind before and after each command. */
  private runGated(client: Client, command: Command, args: Bytes[], argc: number): boolean {
    const { keyspace, pubsub } = this.server;
    keyspace.marksAccess = (client.gate & Gate.noTouch) === 0 || command.fullName === 'touch';
    pubsub.beginCommand(client);
    const answered = this.run(client, command, args, argc);
    pubsub.endOfCommand();
    keyspace.marksAccess = true;
    return answered;
  }

  /**
   * Begins a pause, or joins it with the one that lasts. Nothing expires meanwhile: that would be a change
   * too.
   */
  pauseClients(until: number, all: boolean, reason?: PauseReason): void {
    this.pause.begin(until, all, reason);
    this.beginPause();
  }

  /** The server begins to write its data for the last time, or does not end after all: all clients wait meanwhile. */
  pauseForEnd(ending: boolean): void {
    const { pause } = this;
    if (pause.ending === ending) return;
    pause.ending = ending;
    if (ending) this.beginPause();
    else this.endPause();
  }

  private beginPause(): void {
    this.gate |= ServerGate.paused;
    this.server.keyspace.paused = true;
  }

  /** Ends the pause, as far as it was for that reason. */
  unpauseClients(reason: PauseReason): void {
    if (this.pause.end(reason)) this.endPause();
  }

  /** Ends what the pause was for up to now. */
  endOverduePause(): void {
    if (this.pause.endOverdue(this.server.clock.now())) this.endPause();
  }

  /**
   * The commands that were held back run at the end of the batch, in order of arrival; what another pause still covers
   * waits again.
   */
  private endPause(): void {
    if (!this.pause.active) {
      this.gate &= ~ServerGate.paused;
      this.server.keyspace.paused = false;
    }
    for (const client of this.pause.clients) {
      client.postponed = client.blocked?.args;
      this.waiting.remove(client);
      this.resumed.push(client);
    }
    this.pause.clients.clear();
    this.updateObserved();
  }

  /** Keeps a command until the pause is over. Its client waits; the others do not. */
  private postpone(client: Client, command: Command, args: Bytes[], argc: number): void {
    client.lastCommand = command.fullName;
    this.pause.clients.add(client);
    this.waiting.add(client, {
      kind: 'pause',
      database: client.database,
      keys: [],
      type: undefined,
      evenWhenGone: false,
      args: args.slice(0, argc).map((arg) => arg.copy()),
      deadline: Number.POSITIVE_INFINITY,
      onTimeout: () => {},
      microseconds: 0,
      ticket: this.waiting.nextTicket(),
    });
  }

  /** Runs a command that a pause held back. */
  executePostponed(client: Client): void {
    const request = new Request<Command>();
    request.args.push(...(client.postponed ?? []));
    request.argc = request.args.length;
    client.postponed = undefined;
    this.execute(client, request);
  }

  /** Runs a command whose turn it is, and keeps the books. False if its client has to wait. */
  private run(client: Client, command: Command, args: Bytes[], argc: number): boolean {
    const grouped = this.inGroup && command.brief;
    if (!grouped && this.unmeasuredCount > 0) this.settleGroup();
    const begin = this.mark;
    const { call, propagation } = this;
    const dirtyBefore = propagation.active ? propagation.begin(client) : unobserved;
    call.assign(client, command, args, argc);
    const errorsBefore = client.reply.errors;
    try {
      command.handler!(call);
    } catch (error) {
      this.replyError(client, command, error);
    }
    if (this.continuation !== undefined) return this.setAside(call, begin, dirtyBefore, errorsBefore);
    if (dirtyBefore !== unobserved) propagation.ran(call, dirtyBefore, this.depth === 0);
    client.lastCommand = command.fullName;
    if (grouped) {
      this.unmeasured[this.unmeasuredCount++] = command;
    } else {
      const now = this.server.clock.microseconds();
      this.mark = now;
      if (this.parked) return this.park(call, now - begin);
      this.finish(call, now - begin);
    }
    if (client.reply.errors !== errorsBefore) this.countFailure(client, command);
    return true;
  }

  /**
   * Between `beginGroup` and `endGroup` commands that take constant time share one reading of the clock,
   * which costs as much as a tenth of such a command. Groups are the requests of one look-ahead. There are
   * none while somebody wants to hear of commands that take less than a millisecond.
   */
  beginGroup(): void {
    this.inGroup = this.noteworthyMicroseconds >= leastGroupedThreshold;
  }

  endGroup(): void {
    this.inGroup = false;
    if (this.unmeasuredCount > 0) this.settleGroup();
  }

  /**
   * Counts the commands of a group so far, each with an even share of their time. A time that is noteworthy
   * is reported with the last of them.
   */
  private settleGroup(): void {
    const { unmeasured, unmeasuredCount: count } = this;
    const now = this.server.clock.microseconds();
    const took = now - this.mark;
    const share = took / count;
    this.mark = now;
    this.unmeasuredCount = 0;
    if (took >= this.noteworthyMicroseconds) this.onNoteworthy(this.call, took, true);
    this.server.statistics.commandsProcessed += count;
    for (let i = 0; i < count; ) {
      const command = unmeasured[i];
      const first = i;
      do i++;
      while (i < count && unmeasured[i] === command);
      command.countRuns(i - first, share, this.tracksLatency);
    }
  }

  /** A command is done: counts it. */
  private finish(call: Call, microseconds: number): void {
    const { command } = call;
    command.countRuns(1, microseconds, this.tracksLatency);
    this.server.statistics.commandsProcessed++;
    if (microseconds >= this.noteworthyMicroseconds) this.onNoteworthy(call, microseconds, true);
  }

  /**
   * A command waits: it is counted when it is done, with the time that all its runs took but not the time in
   * between.
   */
  private park(call: Call, microseconds: number): false {
    this.parked = false;
    if (call.client.blocked !== undefined) call.client.blocked.microseconds = microseconds;
    if (microseconds >= this.noteworthyMicroseconds) this.onNoteworthy(call, microseconds, false);
    return false;
  }

  private replyError(client: Client, command: Command, error: unknown): void {
    if (error instanceof CommandError) {
      client.reply.error(error.message);
      return;
    }
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    if (error instanceof ArenaFullError || isAllocationFailure(error)) {
      client.reply.error('OOM the server could not get the memory that the command needs');
      return;
    }
    this.server.log.warning(`Internal error in '${command.fullName}': ${text}`);
    client.reply.error(`ERR internal error in '${command.fullName}', see the server's log`);
  }

  private countFailure(client: Client, command: Command): void {
    const { lastError } = client.reply;
    // EXEC's own reply holds the errors of its commands, which were counted when they ran.
    if (
      command.fullName === 'exec' &&
      lastError !== errors.execAborted &&
      lastError !== errors.execWithoutMulti
    ) {
      return;
    }
    command.failedCalls++;
    if (this.errorWasCounted) this.errorWasCounted = false;
    else this.countError(client.reply.lastError);
  }

  /** Counts an error reply by its code, the first word. */
  countError(message: string): void {
    const { statistics } = this.server;
    statistics.totalErrorReplies++;
    const code = /^[^ ]*/.exec(message)![0];
    const counts = statistics.errorCounts;
    const key = counts.has(code) || counts.size < maxErrorCodes ? code : otherErrors;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }

  /**
   * Runs one command of a transaction. It cannot block and wakes nobody until the transaction is over. False if it
   * stopped in its middle: then the transaction is to stop, too.
   */
  runQueued(outer: Call, args: Bytes[], argc: number): boolean {
    const { client } = outer;
    const command = this.resolve(client, args, argc);
    if (command === undefined) return true;
    let finished = true;
    const saved = { command: outer.command, args: outer.args, argc: outer.argc, database: outer.database };
    const begin = this.mark;
    const { inGroup } = this;
    this.inGroup = false;
    this.depth++;
    this.call.denyBlocking = true;
    try {
      finished = this.run(client, command, args, argc);
    } finally {
      this.nestedMicroseconds += this.mark - begin;
      this.inGroup = inGroup;
      this.depth--;
      this.call.denyBlocking = this.depth > 0;
      Object.assign(outer, saved);
    }
    return finished;
  }

  /**
   * Runs a command of a script, as another client. It cannot block, and wakes nobody until the script is over. What
   * `run` does for the outermost command of a client is not needed for it.
   *
   * Hot. A reading of the clock costs a tenth of a short command, so that most runs are taken to last as long as the
   * last one that was measured.
   */
  runInScript(client: Client, command: Command, args: Bytes[], argc: number): void {
    const { scriptCall: call, propagation } = this;
    const measured =
      (command.calls & (measuredInScripts - 1)) === 0 ||
      command.microsecondsInScript === 0 ||
      this.noteworthyInScripts !== Number.POSITIVE_INFINITY;
    const begin = measured ? this.server.clock.microseconds() : 0;
    const dirtyBefore = propagation.active ? propagation.begin(client) : unobserved;
    call.assign(client, command, args, argc);
    const errorsBefore = client.reply.errors;
    this.depth++;
    try {
      command.handler!(call);
    } catch (error) {
      this.replyError(client, command, error);
    }
    this.depth--;
    if (dirtyBefore !== unobserved) propagation.ran(call, dirtyBefore, false);
    if (measured) command.microsecondsInScript = this.server.clock.microseconds() - begin;
    this.countInScript(call, command.microsecondsInScript);
    if (client.reply.errors !== errorsBefore) this.countFailure(client, command);
  }

  private countInScript(call: Call, microseconds: number): void {
    this.nestedMicroseconds += microseconds;
    call.command.countRuns(1, microseconds, this.tracksLatency);
    this.server.statistics.commandsProcessed++;
    if (microseconds >= this.noteworthyInScripts) this.onNoteworthy(call, microseconds, true);
  }

  /** When the command before the present one ended, which is when this one began, in µs. */
  get began(): number {
    return this.mark;
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

  /** A command stopped in its middle. Nothing else runs meanwhile but what is flagged `allow_busy`. */
  get busy(): boolean {
    return this.suspended.length > 0;
  }

  /** The command that stopped in its middle, and its arguments, for those who ask what takes so long. */
  get busyWith(): SuspendedCommand | undefined {
    return this.suspended.at(-1);
  }

  /**
   * Stops the command that is being run: its handler returns, and `continuation` is called in a later turn of the event
   * loop, to write the reply or to stop again.
   */
  suspend(continuation: Continuation): void {
    this.continuation = continuation;
  }

  /** Keeps what is to be known of a command that stopped. Until it is done, other commands run as parts of it. */
  private setAside(call: Call, begin: number, dirtyBefore: number, errorsBefore: number): false {
    const { client, command, args, argc, database } = call;
    const now = this.server.clock.microseconds();
    this.mark = now;
    this.suspended[this.depth] = {
      client,
      command,
      args: args.slice(0, argc).map((arg) => arg.copy()),
      argc,
      database,
      dirtyBefore,
      errorsBefore,
      microseconds: now - begin,
      continue: this.continuation!,
    };
    this.continuation = undefined;
    if (this.depth === 0) this.becomeBusy(client);
    return false;
  }

  private becomeBusy(client: Client): void {
    this.depth = 1;
    this.gate |= ServerGate.busy;
    this.server.keyspace.holdTime(true);
    this.waiting.holdForScript(client);
    this.onSuspended(true);
  }

  /** Goes on with what stopped, innermost first. */
  resumeSuspended(): void {
    while (this.busy) {
      const depth = this.suspended.length - 1;
      const state = this.suspended[depth];
      this.depth = depth;
      this.goOn(state);
      if (this.continuation !== undefined) {
        state.continue = this.continuation;
        this.continuation = undefined;
        this.depth = 1;
        return this.onSuspended(false);
      }
      this.suspended.length = depth;
      this.complete(state, depth);
      if (depth === 0) this.endBusy(state.client);
    }
  }

  private goOn(state: SuspendedCommand): void {
    const { client, command, args, argc } = state;
    const begin = this.mark;
    this.call.assign(client, command, args, argc);
    this.call.database = state.database;
    try {
      state.continue(this.call);
    } catch (error) {
      this.replyError(client, command, error);
    }
    this.mark = this.server.clock.microseconds();
    state.microseconds += this.mark - begin;
  }

  /** What `run` does after a command that did not stop. */
  private complete(state: SuspendedCommand, depth: number): void {
    const { client, command, args, argc, dirtyBefore } = state;
    this.call.assign(client, command, args, argc);
    this.call.database = state.database;
    if (dirtyBefore !== unobserved) this.propagation.ran(this.call, dirtyBefore, depth === 0);
    client.lastCommand = command.fullName;
    this.finish(this.call, state.microseconds);
    if (client.reply.errors !== state.errorsBefore) this.countFailure(client, command);
  }

  private endBusy(client: Client): void {
    this.depth = 0;
    this.gate &= ~ServerGate.busy;
    this.server.keyspace.holdTime(false);
    this.release(client);
    if (this.waiting.hasReady) this.serveWaiting();
  }

  /** Blocks the current client. See `Call.block`. */
  block(
    call: Call,
    keys: Bytes[],
    deadline: number,
    onTimeout: (reply: ReplyWriter) => void,
    type: ValueType | undefined,
    { evenWhenGone = false, args: later }: BlockOptions,
  ): void {
    const { client } = call;
    this.parked = true;
    if (client.blocked !== undefined) return; // tried again in vain: keeps its place and its deadline
    const args = (later ?? call.args.slice(0, call.argc)).map((arg) => arg.copy());
    this.waiting.add(client, {
      kind: 'keys',
      database: call.database,
      keys: [...new Set(keys.map((key) => key.latin1()))],
      type,
      evenWhenGone,
      args,
      deadline,
      onTimeout,
      microseconds: 0,
      ticket: this.waiting.nextTicket(),
    });
    this.updateObserved();
  }

  /** See `Call.waitFor`. */
  waitFor(call: Call, pending: Promise<unknown>): void {
    const { client } = call;
    this.parked = true;
    const state: BlockedState = {
      kind: 'outside',
      evenWhenGone: false,
      database: call.database,
      keys: [],
      type: undefined,
      args: call.args.slice(0, call.argc).map((arg) => arg.copy()),
      deadline: Number.POSITIVE_INFINITY,
      onTimeout: () => {},
      microseconds: 0,
      ticket: this.waiting.nextTicket(),
    };
    this.waiting.add(client, state);
    const proceed = (outcome: unknown) => this.inBackground(() => this.proceed(client, state, outcome));
    pending.then(proceed, proceed);
  }

  /** What a command waited for outside is there: runs it again. */
  private proceed(client: Client, state: BlockedState, outcome: unknown): void {
    // Its client may be gone; then nobody is answered.
    if (client.blocked !== state) client.reply.muted = true;
    this.call.outcome = outcome;
    const answered = this.rerun(client, state);
    this.call.outcome = undefined;
    if (answered && client.blocked === state) this.release(client);
  }

  /** Runs the commands of those who wait for keys that were touched, until no more keys become ready. */
  serveWaiting(): void {
    // What is being loaded is not there yet for those who wait for it.
    if ((this.gate & ServerGate.loading) !== 0) return;
    this.server.keyspace.tick(); // a key may have expired while the transaction that created it ran
    while (this.waiting.hasReady) {
      for (const [database, key] of this.waiting.takeReady()) {
        for (const client of this.waiting.waitingFor(database, key)) {
          if (client.blocked !== undefined && isReady(client.blocked, key)) this.retry(client);
        }
      }
    }
  }

  private retry(client: Client): void {
    const state = client.blocked;
    if (state !== undefined && this.rerun(client, state)) this.release(client);
  }

  /** Runs the command of a blocked client again. False if it goes on waiting. */
  private rerun(client: Client, state: BlockedState): boolean {
    const command = this.server.commands.find(state.args[0]);
    if (command === undefined) return false;
    const selected = client.database;
    client.database = state.database;
    this.call.retried = true;
    this.mark -= state.microseconds; // its earlier runs count
    const answered = this.runGated(client, command, state.args, state.args.length);
    this.call.retried = false;
    client.database = selected;
    return answered;
  }

  /** A blocked client got its answer: it goes on with what it sent meanwhile. */
  private release(client: Client): void {
    this.waiting.remove(client);
    if (client.replyMode === 'skip') client.setReplyMode('on');
    this.updateObserved();
    this.server.clients.queueFlush(client);
    this.resumed.push(client);
  }

  /** Gives up waiting for a client whose connection has ended. */
  forget(client: Client): void {
    this.waiting.remove(client);
    this.pause.clients.delete(client);
    this.watched.removeAll(client);
    this.updateObserved();
  }

  unblock(client: Client, how: 'timeout' | 'error'): boolean {
    const state = client.blocked;
    if (state === undefined || state.kind === 'pause' || state.kind === 'outside') return false;
    if (state.kind === 'script') return false;
    this.answerBlocked(
      client,
      how === 'error'
        ? (reply) => reply.error('UNBLOCKED client unblocked via CLIENT UNBLOCK')
        : state.onTimeout,
    );
    return true;
  }

  /** Answers a blocked client in place of its command, and lets it go on. */
  answerBlocked(client: Client, answer: (reply: ReplyWriter) => void): void {
    const state = client.blocked;
    if (state === undefined) return;
    const errorsBefore = client.reply.errors;
    answer(client.reply);
    this.giveUp(client, state, client.reply.errors !== errorsBefore);
    this.release(client);
  }

  /** Answers all who wait for keys with an error, and ends their connections: what they wait for will not come. */
  unblockAll(error: string): void {
    for (const client of this.server.clients.all()) {
      const kind = client.blocked?.kind;
      if (kind !== 'keys' && kind !== 'wait') continue;
      this.answerBlocked(client, (reply) => reply.error(error));
      this.server.clients.disconnect(client, true);
    }
  }

  /** Counts a command that waited in vain. */
  private giveUp(client: Client, { args, microseconds }: BlockedState, failed: boolean): void {
    const command = this.server.commands.find(args[0]);
    if (command === undefined) return;
    const call = new DispatcherCall(this.server, this); // the usual one may be in use by CLIENT UNBLOCK
    call.assign(client, command, args, args.length);
    this.finish(call, microseconds);
    if (failed) this.countFailure(client, command);
  }

  /** Answers those whose time is up. */
  expireBlocked(): void {
    for (const client of this.waiting.takeOverdue(this.server.clock.now())) this.unblock(client, 'timeout');
  }

  /** Clients that were blocked and may go on. Taken by the server at the end of a batch. */
  takeResumed(): Client[] {
    return this.resumed.length === 0 ? this.resumed : this.resumed.splice(0);
  }

  updateObserved(): void {
    this.server.keyspace.observed = this.waiting.size > 0 || this.watched.size > 0;
  }

  /** A key was changed. Part of the keyspace's observer. */
  keyModified(database: Database, key: Bytes): void {
    this.watched.touched(database, key);
    this.waiting.touched(database, key);
  }

  databaseReplaced(database: Database, replacement: Database | undefined): void {
    this.watched.databaseReplaced(database, replacement);
    this.waiting.touchedAll(database);
  }
}

/**
 * True if what a client waits for may be there: the key has a value of the right type, or its absence matters. A key that
 * has expired stays, for nobody touches it.
 */
function isReady({ database, type, evenWhenGone }: BlockedState, key: string): boolean {
  if (evenWhenGone) return true;
  const ref = database.peek(Bytes.of(key));
  return ref !== absent && !database.isExpired(ref) && (type === undefined || type === database.typeOf(ref));
}

/** The engine's ways of saying that there is no more memory, or not so much in one piece. */
function isAllocationFailure(error: unknown): boolean {
  return error instanceof RangeError && /allocation|Invalid typed array length/.test(error.message);
}

/** Names what was sent and the beginning of the arguments, at most 128 characters of each. */
function unknownCommand(args: Bytes[], argc: number): string {
  let shown = '';
  for (let i = 1; i < argc && shown.length < 128; i++) {
    shown += `'${args[i].latin1().slice(0, 128 - shown.length)}' `;
  }
  return `ERR unknown command '${excerpt(args[0].latin1())}', with args beginning with: ${shown}`;
}
