import type { Clock } from '../ambient/clock.js';
import type { Client } from '../clients/client.js';
import type { Call } from '../commands/command.js';
import type { Command } from '../commands/registry.js';
import type { ServerApi, ServerStatistics } from '../commands/server-api.js';
import { errors } from '../protocol/errors.js';

const maxErrorCodes = 128;
/** A kind of error that INFO errorstats does not list by its own code once there are too many. */
const otherErrors = 'ERRORSTATS_OVERFLOW';
/** Who wants to hear of commands that take less than this, in µs, gets each of them measured by itself. */
const leastGroupedThreshold = 1000;
/** Of a command's runs in scripts, one in so many is measured while nobody wants to hear of each. A power of two. */
const measuredInScripts = 8;

/**
 * The books on the commands that run: how often, how long, and with which errors.
 *
 * Hot: a command begins, for this purpose, when the one before it ended, so that each reads the clock once; those of
 * a group share a reading.
 */
export class CommandAccounts {
  /** Not `finished` means that the command's client is blocked now: it will be run again. */
  onNoteworthy: (call: Call, microseconds: number, finished: boolean) => void = () => {};
  /** Keep a histogram of each command's run times (`latency-tracking`). */
  tracksLatency = true;
  /** Time in µs of commands that ran as a part of others, since the last reset. */
  nestedMicroseconds = 0;
  /** When the batch that is being run began, in µs. */
  batchBegan = 0;
  /**
   * The time in µs as it was read last: when the last measured command ended, which is when this one began, or the
   * batch.
   */
  mark = 0;
  /** The commands that run are those of one look-ahead: see `beginGroup`. */
  inGroup = false;
  /** The error reply of the present command was counted when it happened, as that of another command. */
  errorWasCounted = false;

  private noteworthyMicroseconds = Number.POSITIVE_INFINITY;
  /**
   * Commands that ran since the last reading of the clock: the first `unmeasuredCount`. Never made shorter, which would
   * give the memory back and take it anew with each group.
   */
  private readonly unmeasured: Command[] = [];
  private unmeasuredCount = 0;

  private readonly clock: Clock;
  private readonly statistics: ServerStatistics;

  /** @param call the call that is being run; it is reported with a group that took long */
  constructor(
    { clock, statistics }: ServerApi,
    private readonly call: Call,
  ) {
    this.clock = clock;
    this.statistics = statistics;
  }

  /** From now on, commands that take at least so many µs are reported to `onNoteworthy`. */
  reportFrom(microseconds: number): void {
    this.noteworthyMicroseconds = microseconds;
    if (microseconds < leastGroupedThreshold) this.endGroup();
  }

  /** A batch of requests begins. Returns the time in µs. */
  beginBatch(): number {
    this.mark = this.batchBegan = this.clock.microseconds();
    return this.mark;
  }

  /** Time from the beginning of the batch to the end of its last command. */
  get batchMicroseconds(): number {
    return this.mark - this.batchBegan;
  }

  /** Time that passed since the last command and is not to be counted for the next. */
  excludeTime(microseconds: number): void {
    this.mark += microseconds;
  }

  /**
   * Reads the clock: the command has ended that began then, which is what `mark` was. Returns how long it took, in
   * µs.
   */
  since(began: number): number {
    this.mark = this.clock.microseconds();
    return this.mark - began;
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
    this.settleGroup();
  }

  /** A command of the group has run. */
  addToGroup(command: Command): void {
    this.unmeasured[this.unmeasuredCount++] = command;
  }

  /**
   * Counts the commands of a group so far, each with an even share of their time. A time that is noteworthy
   * is reported with the last of them.
   */
  settleGroup(): void {
    const { unmeasured, unmeasuredCount: count } = this;
    if (count === 0) return;
    this.unmeasuredCount = 0;
    const took = this.since(this.mark);
    const share = took / count;
    if (took >= this.noteworthyMicroseconds) this.onNoteworthy(this.call, took, true);
    this.statistics.commandsProcessed += count;
    for (let i = 0; i < count; ) {
      const command = unmeasured[i];
      const first = i;
      do i++;
      while (i < count && unmeasured[i] === command);
      command.countRuns(i - first, share, this.tracksLatency);
    }
  }

  /** A command is done: counts it. */
  finish(call: Call, microseconds: number): void {
    this.count(call, microseconds, this.noteworthyMicroseconds);
  }

  private count(call: Call, microseconds: number, noteworthy: number): void {
    call.command.countRuns(1, microseconds, this.tracksLatency);
    this.statistics.commandsProcessed++;
    if (microseconds >= noteworthy) this.onNoteworthy(call, microseconds, true);
  }

  /**
   * A command waits: it is counted when it is done, with the time that all its runs took but not the time in between.
   */
  park(call: Call, microseconds: number): void {
    if (call.client.blocked !== undefined) call.client.blocked.microseconds = microseconds;
    if (microseconds >= this.noteworthyMicroseconds) this.onNoteworthy(call, microseconds, false);
  }

  /**
   * True if this run of a command in a script is to be measured. Most of the brief ones are taken to last as long as
   * the last one that was, for a reading of the clock costs a tenth of a short command.
   */
  measuresInScript(command: Command): boolean {
    return (
      !command.brief ||
      (command.calls & (measuredInScripts - 1)) === 0 ||
      command.microsecondsInScript === 0 ||
      this.noteworthyMicroseconds < leastGroupedThreshold
    );
  }

  /** A command of a script is done. */
  finishInScript(call: Call, measured: boolean): void {
    const { microsecondsInScript } = call.command;
    this.nestedMicroseconds += microsecondsInScript;
    this.count(call, microsecondsInScript, measured ? this.noteworthyMicroseconds : Number.POSITIVE_INFINITY);
  }

  /** A command was answered with an error. */
  countFailure(client: Client, command: Command): void {
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
    else this.countError(lastError);
  }

  /** Counts an error reply by its code, the first word. */
  countError(message: string): void {
    const { statistics } = this;
    statistics.totalErrorReplies++;
    const code = /^[^ ]*/.exec(message)![0];
    const counts = statistics.errorCounts;
    const key = counts.has(code) || counts.size < maxErrorCodes ? code : otherErrors;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
}
