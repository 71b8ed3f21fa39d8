import { Bytes } from '../bytes/bytes.js';
import { Client, Gate } from '../clients/client.js';
import { type Call, CommandFlag } from '../commands/command.js';
import type { Command } from '../commands/registry.js';
import type { ServerApi } from '../commands/server-api.js';
import { errors } from '../protocol/errors.js';
import type { ScriptHost, ScriptLogLevel } from '../scripting/script-host.js';
import { ServerGate, writeRefusal } from './admission.js';
import type { Dispatcher } from './dispatcher.js';
import { everywhere } from './propagation.js';
import { nowhere } from './replay.js';

/** In µs. */
const leastEffortOfSlow = 60;

/**
 * Runs the commands of scripts: as a client of its own, whose replies nobody is sent, with the rules that hold for
 * commands in scripts only. There is one for all scripts, as only one runs at a time.
 */
export class ScriptCaller implements ScriptHost<Command> {
  private readonly client: Client;
  private readonly reply = new Bytes();
  private readOnly = false;
  /** Whose script it is. */
  private caller: Client | undefined;
  /** Above the memory limit when the script began. */
  private outOfMemory = false;
  /** The present script ran a command that writes: it is not to be stopped half-way for reasons beyond its control. */
  wrote = false;
  effort = 0;

  constructor(
    private readonly server: ServerApi,
    private readonly dispatcher: Dispatcher,
  ) {
    this.client = new Client(0, server.clock.now(), server.keyspace.databases[0], server.clients.pool, {
      ...nowhere,
      remoteAddress: 'lua',
    });
  }

  /** A script begins. `allowOom`: it may take memory above the limit. */
  begin({ client, database }: Call, readOnly: boolean, allowOom: boolean): void {
    const { client: own, dispatcher } = this;
    own.database = database;
    this.caller = client;
    own.user = client.user;
    own.gate = client.gate & Gate.repeating;
    own.reply.protocol = 2;
    this.readOnly = readOnly;
    this.wrote = false;
    this.outOfMemory =
      (dispatcher.gate & ServerGate.memoryLimit) !== 0 && !allowOom && this.server.overMemoryLimit();
    dispatcher.forgetScriptTime();
    dispatcher.propagation.targets = everywhere;
  }

  /** The script has ended. What it said of its changes does not hold for those of others. */
  end(): void {
    this.dispatcher.propagation.targets = everywhere;
  }

  /** The protocol that the script chose. */
  get protocol(): 2 | 3 {
    return this.client.reply.protocol;
  }

  /** The script is repeated from a file: what it did then is not refused now. */
  private get repeats(): boolean {
    return this.client.repeats;
  }

  find(name: Bytes): Command | undefined {
    return this.server.commands.find(name);
  }

  call(named: Command | undefined, args: Bytes[], argc: number): Bytes {
    const { client, reply } = this;
    const command = this.resolve(named, args, argc);
    const refusal = typeof command === 'string' ? command : this.refusalOf(command);
    if (refusal !== undefined) this.refuse(refusal, command);
    else this.run(command as Command, args, argc);
    client.reply.collect(reply);
    return reply;
  }

  private run(command: Command, args: Bytes[], argc: number): void {
    if (command.has(CommandFlag.write)) this.wrote = true;
    this.dispatcher.runInScript(this.client, command, args, argc);
    if (this.caller?.tracking !== undefined) this.dispatcher.trackReads(this.caller, command, args, argc);
    // Not every run is measured, and the first one of a slow command is to be noticed soon.
    this.effort += command.microsecondsInScript + (command.has(CommandFlag.fast) ? 1 : leastEffortOfSlow);
  }

  /** The command that the words name, or why there is none. */
  private resolve(named: Command | undefined, args: Bytes[], argc: number): Command | string {
    let command = named;
    if (command?.subcommands !== undefined && argc > 1) {
      command = command.subcommand(args[1]);
    }
    if (command === undefined) return 'ERR Unknown Redis command called from script';
    if (!command.accepts(argc) || command.handler === undefined)
      return 'ERR Wrong number of args calling Redis command from script';
    return command;
  }

  /** Why a script may not run a command now. */
  private refusalOf(command: Command): string | undefined {
    const { flags } = command;
    if ((flags & CommandFlag.noscript) !== 0 && !this.server.debug.scriptsMayAll) {
      return 'ERR This Redis command is not allowed from script';
    }
    const { gate } = this.dispatcher;
    if ((gate & ServerGate.stale) !== 0 && (flags & CommandFlag.stale) === 0 && !this.repeats) {
      return 'ERR Can not execute the command on a stale replica';
    }
    if ((flags & (CommandFlag.write | CommandFlag.may_replicate)) !== 0 && this.readOnly) {
      return 'ERR Write commands are not allowed from read-only scripts.';
    }
    if (this.wrote || this.repeats) return undefined;
    if ((flags & CommandFlag.write) !== 0) {
      if ((gate & ServerGate.readOnly) !== 0) return errors.readOnlyReplica;
      const refusal = writeRefusal(this.server, gate);
      if (refusal !== undefined) return refusal;
    }
    if ((flags & CommandFlag.denyoom) !== 0 && this.outOfMemory) return errors.outOfMemory;
    return undefined;
  }

  private refuse(refusal: string, command: Command | string): void {
    if (typeof command !== 'string') command.rejectedCalls++;
    this.dispatcher.accounts.countError(refusal);
    this.client.reply.error(refusal);
  }

  setProtocol(version: 2 | 3): void {
    this.client.reply.protocol = version;
  }

  permits(args: Bytes[]): boolean | undefined {
    return this.find(args[0]) === undefined ? undefined : true;
  }

  setPropagation(targets: number): void {
    this.dispatcher.propagation.targets = targets;
  }

  log(level: ScriptLogLevel, text: string): void {
    this.server.log[level](text);
  }
}
