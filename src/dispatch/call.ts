import type { Bytes } from '../bytes/bytes.js';
import type { Client } from '../clients/client.js';
import type { BlockOptions, Call, PropagatedArgument } from '../commands/command.js';
import type { Command } from '../commands/registry.js';
import type { ServerApi } from '../commands/server-api.js';
import type { Database } from '../keyspace/database.js';
import type { ValueType } from '../keyspace/events.js';
import type { ReplyWriter } from '../protocol/reply-writer.js';
import type { Dispatcher } from './dispatcher.js';

/** The one call object of a dispatcher: it is filled in anew for each command. */
export class DispatcherCall implements Call {
  client!: Client;
  database!: Database;
  command!: Command;
  args: Bytes[] = [];
  argc = 0;
  reply!: ReplyWriter;
  denyBlocking = false;
  retried = false;
  outcome: unknown = undefined;
  fromScript = false;

  constructor(
    readonly server: ServerApi,
    private readonly dispatcher: Dispatcher,
  ) {}

  /** Hot. What is the same as before is not stored: the collector's book-keeping makes that dear. */
  assign(client: Client, command: Command, args: Bytes[], argc: number): void {
    if (this.client !== client) this.client = client;
    if (this.database !== client.database) this.database = client.database;
    if (this.command !== command) this.command = command;
    this.args = args;
    this.argc = argc;
    if (this.reply !== client.reply) this.reply = client.reply;
  }

  block(
    keys: Bytes[],
    deadline: number,
    onTimeout: (reply: ReplyWriter) => void,
    type?: ValueType,
    how: BlockOptions = {},
  ): void {
    if (this.denyBlocking || this.client.repeats) onTimeout(this.reply);
    else this.dispatcher.blocking.block(this, keys, deadline, onTimeout, type, how);
  }

  waitFor(pending: Promise<unknown>): void {
    this.dispatcher.blocking.waitFor(this, pending);
  }

  unixTime(): number {
    return this.fromScript ? this.dispatcher.timeInScript() : this.server.clock.now();
  }

  get propagates(): boolean {
    return this.dispatcher.propagation.active;
  }

  propagateAs(...commands: (readonly PropagatedArgument[])[]): void {
    this.propagateAllAs(commands);
  }

  propagateAllAs(commands: readonly (readonly PropagatedArgument[])[]): void {
    this.dispatcher.propagation.replace(commands);
  }

  propagateToReplicas(): void {
    this.dispatcher.propagation.sendToReplicas();
  }
}
