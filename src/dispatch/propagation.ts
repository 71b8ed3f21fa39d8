import { Bytes } from '../bytes/bytes.js';
import type { Client } from '../clients/client.js';
import type { Call, PropagatedArgument } from '../commands/command.js';
import type { Database } from '../keyspace/database.js';
import type { Keyspace } from '../keyspace/keyspace.js';
import { noDatabase } from '../protocol/selecting-encoder.js';

/** Where changes go. A bit each. */
export const PropagationTarget = { appendOnlyFile: 1 << 0, replicas: 1 << 1 } as const;
/** Bits of all of them. */
export const everywhere = PropagationTarget.appendOnlyFile | PropagationTarget.replicas;

/** Someone who repeats what changes the data: the append-only file, the stream to replicas. */
export interface PropagationSink {
  /** Bit of `PropagationTarget`. */
  readonly target: number;
  /**
   * Takes a command, to be run in this database (or `noDatabase`). The views of the first `argc` arguments are valid
   * until it returns.
   */
  propagate(database: number, args: readonly Bytes[], argc: number): void;
}

interface PropagatedCommand {
  database: number;
  args: Bytes[];
  targets: number;
}

/**
 * Hands on what changes the data. What one command, transaction or script changes is one unit, with what expired
 * meanwhile: it leaves when the unit ends, between MULTI and EXEC if it is several commands, so whoever repeats it
 * never stands in the middle.
 *
 * Hot while there is a sink: a command that changed something and propagates as it came costs two comparisons and the
 * sink's own work, and nothing is copied.
 */
export class Propagation {
  /** There is a sink. Nothing else here is called while there is none. */
  active = false;
  /**
   * Bits of `PropagationTarget`: where the changes of the present command go. A script may narrow it, for what it runs
   * itself and until it ends.
   */
  targets: number = everywhere;
  /** Whose command the present unit is, if it is a command's. */
  client: Client | undefined;
  private sinks: PropagationSink[] = [];
  /** Targets that there is a sink for. */
  private reached = 0;
  private inUnit = false;
  private pending: PropagatedCommand[] = [];
  /** What the present command wants propagated in place of itself. */
  private inPlace: Bytes[][] | undefined;
  /** Replicas are to have the present command, whatever it changes. */
  private forReplicas = false;

  constructor(private readonly keyspace: Keyspace) {}

  add(sink: PropagationSink): void {
    this.sinks.push(sink);
    this.adjust();
  }

  remove(sink: PropagationSink): void {
    this.sinks = this.sinks.filter((each) => each !== sink);
    this.adjust();
  }

  private adjust(): void {
    this.active = this.keyspace.propagates = this.sinks.length > 0;
    this.reached = this.sinks.reduce((targets, { target }) => targets | target, 0);
  }

  /** A client's command is about to run. Returns the count of changes so far, which `ran` wants to know. */
  begin(client: Client): number {
    // What a script runs belongs to the client that runs the script.
    if (!this.inUnit) this.client = client;
    this.inUnit = true;
    return this.keyspace.dirty;
  }

  /** See `Call.propagateAs`. */
  replace(commands: readonly (readonly PropagatedArgument[])[]): void {
    if (this.active) this.inPlace = commands.map((args) => args.map(copied));
  }

  /** See `Call.propagateToReplicas`. */
  sendToReplicas(): void {
    this.forReplicas = (this.reached & PropagationTarget.replicas) !== 0;
  }

  /** A command ran. `outermost` says that no transaction or script is around it: the unit ends. */
  ran(call: Call, dirtyBefore: number, outermost: boolean): void {
    const { inPlace } = this;
    if (inPlace !== undefined) {
      this.inPlace = undefined;
      for (const args of inPlace) this.append(call.database.index, args);
    } else if (this.keyspace.dirty !== dirtyBefore) {
      if (outermost && this.pending.length === 0) {
        this.emit(call.database.index, call.args, call.argc, this.targets);
      } else {
        const args = call.args.slice(0, call.argc);
        this.append(call.database.index, args.map(copied));
      }
    } else if (this.forReplicas) this.emitForReplicas(call, outermost);
    this.forReplicas = false;
    if (outermost) this.endUnit(call.command.spec.touchesArbitraryKeys === true);
  }

  private emitForReplicas({ database, args, argc }: Call, outermost: boolean): void {
    const targets = PropagationTarget.replicas & this.targets;
    if (outermost && this.pending.length === 0) this.emit(database.index, args, argc, targets);
    else this.pending.push({ database: database.index, args: args.slice(0, argc).map(copied), targets });
  }

  /** What was changed since the unit began leaves, as one transaction unless it is to go `apart`. */
  endUnit(apart = false): void {
    this.inUnit = false;
    if (this.pending.length > 0) this.emitPending(apart);
    this.client = undefined;
  }

  private emitPending(apart: boolean): void {
    const { pending } = this;
    this.pending = [];
    const isTransaction = pending.length > 1 && !apart;
    const together = pending.reduce((targets, command) => targets | command.targets, 0);
    if (isTransaction) this.emit(noDatabase, multi, 1, together);
    for (const { database, args, targets } of pending) this.emit(database, args, args.length, targets);
    if (isTransaction) this.emit(noDatabase, exec, 1, together);
  }

  /** Adds a change to the present unit; it is a unit of its own if none is open. */
  append(database: number, args: Bytes[], targets = this.targets): void {
    if ((targets & this.reached) === 0) return;
    if (this.inUnit) this.pending.push({ database, args: args.map(copied), targets });
    else this.emit(database, args, args.length, targets);
  }

  /**
   * A key is gone without a command that says so: wherever the changes of a script go that came upon it, everybody has
   * the key still. `freedLater` says that it is freed in the background.
   */
  keyVanished(database: Database, key: Bytes, freedLater: boolean): void {
    this.append(database.index, [freedLater ? unlink : del, key], everywhere);
  }

  /** The same of a field of a hash. */
  fieldVanished(database: Database, key: Bytes, field: Bytes): void {
    this.append(database.index, [hdel, key, field], everywhere);
  }

  private emit(database: number, args: readonly Bytes[], argc: number, targets: number): void {
    for (const sink of this.sinks) if ((sink.target & targets) !== 0) sink.propagate(database, args, argc);
  }
}

const multi = [Bytes.of('MULTI')];
const exec = [Bytes.of('EXEC')];
const del = Bytes.of('DEL');
const unlink = Bytes.of('UNLINK');
const hdel = Bytes.of('HDEL');

function copied(argument: PropagatedArgument): Bytes {
  return argument instanceof Bytes ? argument.copy() : Bytes.of(String(argument));
}
