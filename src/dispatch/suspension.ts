import type { Bytes } from '../bytes/bytes.js';
import type { Client } from '../clients/client.js';
import type { Call } from '../commands/command.js';
import type { Command } from '../commands/registry.js';
import type { ServerApi } from '../commands/server-api.js';
import type { Database } from '../keyspace/database.js';
import { ServerGate } from './admission.js';
import type { Dispatcher } from './dispatcher.js';

/** Goes on with a command that stopped in its middle: writes its reply, or stops again. */
export type Continuation = (call: Call) => void;

/** A command that stopped in its middle, and what is to be known to end it as any other. */
export interface SuspendedCommand {
  client: Client;
  command: Command;
  /** Copies. */
  args: Bytes[];
  argc: number;
  database: Database;
  /** Count of changes before it began. */
  dirtyBefore: number;
  /** Errors that its client had been sent before it began. */
  errorsBefore: number;
  /** Time that it has run so far, in µs. */
  microseconds: number;
  continue: Continuation;
}

/**
 * Commands that stop in their middle, so that other clients have their turn: scripts that take long, and an EXEC with
 * one.
 */
export class Suspension {
  /**
   * Called when a command stopped in its middle, for the first time or again: `resume` is to be called soon, in a
   * batch of its own.
   */
  onSuspended: (first: boolean) => void = () => {};
  /** How the command that is being run goes on after it has let others have their turn. */
  private continuation: Continuation | undefined;
  /** Those that stopped, by depth: a script, under the EXEC that it is part of. */
  private readonly stopped: SuspendedCommand[] = [];
  /** Those who wait until nothing is stopped. */
  private readonly awaiting: (() => void)[] = [];

  constructor(
    private readonly server: ServerApi,
    private readonly dispatcher: Dispatcher,
  ) {}

  /** A command stopped in its middle. Nothing else runs meanwhile but what is flagged `allow_busy`. */
  get busy(): boolean {
    return this.stopped.length > 0;
  }

  /** Resolves when no command is stopped in its middle: for those who change data without being asked by a client. */
  async over(): Promise<void> {
    while (this.busy) await new Promise<void>((resolve) => this.awaiting.push(resolve));
  }

  /** The command that stopped in its middle, and its arguments, for those who ask what takes so long. */
  get innermost(): SuspendedCommand | undefined {
    return this.stopped.at(-1);
  }

  /**
   * Stops the command that is being run: its handler returns, and `continuation` is called in a later turn of the event
   * loop, to write the reply or to stop again.
   */
  stop(continuation: Continuation): void {
    this.continuation = continuation;
    this.dispatcher.unfinished = true;
  }

  /** The command that is being run called `stop`. */
  get stopping(): boolean {
    return this.continuation !== undefined;
  }

  /** Keeps what is to be known of a command that stopped. Until it is done, other commands run as parts of it. */
  setAside(call: Call, began: number, dirtyBefore: number, errorsBefore: number): void {
    const { client, command, args, argc, database } = call;
    const { dispatcher } = this;
    this.stopped[dispatcher.depth] = {
      client,
      command,
      args: args.slice(0, argc).map((arg) => arg.copy()),
      argc,
      database,
      dirtyBefore,
      errorsBefore,
      microseconds: dispatcher.accounts.since(began),
      continue: this.continuation!,
    };
    this.continuation = undefined;
    if (dispatcher.depth === 0) this.becomeBusy(client);
  }

  private becomeBusy(client: Client): void {
    const { dispatcher, server } = this;
    dispatcher.depth = 1;
    dispatcher.setGate(ServerGate.busy, true);
    server.keyspace.holdTime(true);
    dispatcher.blocking.waiting.holdForScript(client);
    this.onSuspended(true);
  }

  /** Goes on with what stopped, innermost first. */
  resume(): void {
    const { dispatcher, stopped } = this;
    while (this.busy) {
      const depth = stopped.length - 1;
      const state = stopped[depth];
      dispatcher.depth = depth;
      dispatcher.continueSuspended(state);
      if (this.continuation !== undefined) {
        state.continue = this.continuation;
        this.continuation = undefined;
        dispatcher.unfinished = false;
        dispatcher.depth = 1;
        return this.onSuspended(false);
      }
      stopped.length = depth;
      dispatcher.completeSuspended(state, depth === 0);
      if (depth === 0) this.endBusy(state.client);
    }
  }

  private endBusy(client: Client): void {
    const { dispatcher, server } = this;
    dispatcher.depth = 0;
    dispatcher.setGate(ServerGate.busy, false);
    server.keyspace.holdTime(false);
    dispatcher.blocking.release(client);
    if (dispatcher.blocking.waiting.hasReady) dispatcher.blocking.serveWaiting();
    for (const resolve of this.awaiting.splice(0)) resolve();
  }
}
