import type { Bytes } from '../bytes/bytes.js';
import { type Client, Gate, type Transaction } from '../clients/client.js';
import { CommandFlag } from '../commands/command.js';
import type { Command } from '../commands/registry.js';
import type { ServerApi } from '../commands/server-api.js';
import { busyError, errors, onlyForSubscribers } from '../protocol/errors.js';

/** States of the server that keep some commands from running. A bit each. */
export const ServerGate = {
  /** A data set is being loaded. */
  loading: 1 << 16,
  /** A memory limit is set, so that commands flagged denyoom must ask. */
  memoryLimit: 1 << 17,
  /** CLIENT PAUSE. */
  paused: 1 << 18,
  /** Fewer replicas than `min-replicas-to-write` are there: writing is refused. */
  tooFewReplicas: 1 << 19,
  /** The last save has failed: writing is refused, and PING tells it. */
  cannotSave: 1 << 20,
  /** A replica refuses to change its data by itself. */
  readOnly: 1 << 21,
  /** A replica without a link to its primary, which is not to answer from what it has. */
  stale: 1 << 22,
  /** A data set is being loaded that will replace the one that is served. */
  loadingAside: 1 << 23,
  /** Changes do not reach the append-only file: writing is refused. */
  appendOnlyFailing: 1 << 24,
  /** A script takes so long that it lets others have their turn. */
  busy: 1 << 25,
} as const;

/** Commands that MULTI does not queue. */
const runsInsideMulti = new Set(['exec', 'discard', 'multi', 'watch', 'quit', 'reset']);
const touchesKeys = CommandFlag.write | CommandFlag.readonly | CommandFlag.may_replicate;
/**
 * What a RESP2 client may do while it is subscribed: its connection carries messages, and replies would look
 * like them.
 */
const forSubscribers = new Set([
  'subscribe',
  'unsubscribe',
  'psubscribe',
  'punsubscribe',
  'ssubscribe',
  'sunsubscribe',
  'ping',
  'quit',
  'reset',
]);

/**
 * Why a command may not run now, as an error reply, or undefined. Asked only while some gate of the client or
 * the server is closed. `gate` are the bits of ServerGate.
 */
export function refusalOf(
  server: ServerApi,
  gate: number,
  client: Client,
  command: Command,
  args: Bytes[],
  argc: number,
): string | undefined {
  const flags = command.flagsFor(server, args, argc);
  if ((client.gate & Gate.unauthenticated) !== 0 && !command.has(CommandFlag.no_auth)) return errors.noAuth;
  if (
    (gate & ServerGate.memoryLimit) !== 0 &&
    needsMemory(client, command, flags) &&
    server.overMemoryLimit()
  ) {
    return errors.outOfMemory;
  }
  if (command.fullName === 'ping') {
    const problem = diskRefusal(server, gate);
    if (problem !== undefined) return problem;
  } else if (writes(client, command, flags)) {
    const problem = writeRefusal(server, gate);
    if (problem !== undefined) return problem;
    if ((gate & ServerGate.readOnly) !== 0) return errors.readOnlyReplica;
  }
  if (isSubscribed(client) && !forSubscribers.has(command.fullName))
    return onlyForSubscribers(command.fullName);
  if ((gate & ServerGate.stale) !== 0 && !answersWhileStale(client, command, flags))
    return errors.staleReplica;
  if ((gate & ServerGate.loading) !== 0 && !command.has(CommandFlag.loading)) return errors.loading;
  if ((gate & ServerGate.loadingAside) !== 0 && command.has(CommandFlag.no_async_loading))
    return errors.loading;
  if ((gate & ServerGate.busy) !== 0 && !command.has(CommandFlag.allow_busy))
    return busyError(server.scripting.running?.kind);
  if ((client.gate & (Gate.monitor | Gate.replica)) !== 0 && command.has(touchesKeys))
    return errors.monitorAndKeys;
  if (isQueued(client, command) && command.has(CommandFlag.no_multi)) {
    return 'ERR Command not allowed inside a transaction';
  }
  return undefined;
}

/** Why nothing may be written now. `gate` are the bits of ServerGate. */
export function writeRefusal(server: ServerApi, gate: number): string | undefined {
  const problem = diskRefusal(server, gate);
  if (problem !== undefined) return problem;
  return (gate & ServerGate.tooFewReplicas) !== 0 ? errors.tooFewReplicas : undefined;
}

/** What is written does not reach the disk; PING tells it, too. */
function diskRefusal(server: ServerApi, gate: number): string | undefined {
  if ((gate & ServerGate.appendOnlyFailing) !== 0) {
    return errors.appendOnlyFailing(server.appendOnly.lastError);
  }
  return (gate & ServerGate.cannotSave) !== 0 ? errors.cannotSave : undefined;
}

/** True of a RESP2 client whose connection carries messages. */
function isSubscribed(client: Client): boolean {
  return (client.gate & Gate.subscriber) !== 0 && client.reply.protocol === 2;
}

/** True of a command that waits for EXEC. */
export function isQueued(client: Client, command: Command): boolean {
  return (client.gate & Gate.transaction) !== 0 && !runsInsideMulti.has(command.fullName);
}

/**
 * True of a command that may take memory. Queueing may, for a queue can grow without end, and an EXEC does if
 * it holds such a command.
 */
function needsMemory(client: Client, command: Command, flags: number): boolean {
  const executing = command.fullName === 'exec' && client.transaction?.needsMemory === true;
  return executing || isQueued(client, command) || (flags & CommandFlag.denyoom) !== 0;
}

/** True of a command whose answer does not depend on data that may be old, and of an EXEC of such commands. */
function answersWhileStale(client: Client, command: Command, flags: number): boolean {
  if (command.fullName === 'exec' && client.transaction?.readsData === true) return false;
  return (flags & CommandFlag.stale) !== 0;
}

/** True of a command that may change data, and of an EXEC that holds one. */
function writes(client: Client, command: Command, flags: number): boolean {
  return (
    (flags & CommandFlag.write) !== 0 || (command.fullName === 'exec' && client.transaction?.writes === true)
  );
}

/** Keeps a command for EXEC. */
export function enqueue(
  server: ServerApi,
  transaction: Transaction,
  command: Command,
  args: Bytes[],
  argc: number,
): void {
  const flags = command.flagsFor(server, args, argc);
  if ((flags & CommandFlag.denyoom) !== 0) transaction.needsMemory = true;
  const copies = args.slice(0, argc).map((arg) => arg.copy());
  if (mayWrite(flags)) transaction.mayWrite = true;
  if ((flags & CommandFlag.write) !== 0) transaction.writes = true;
  if ((flags & CommandFlag.stale) === 0) transaction.readsData = true;
  transaction.bytes += copies.reduce((sum, arg) => sum + arg.length + 64, 0);
  transaction.queue.push({ args: copies, argc });
}

/** True of commands with these bits of CommandFlag that could change data or reach replicas. */
export function mayWrite(flags: number): boolean {
  return (flags & (CommandFlag.write | CommandFlag.may_replicate)) !== 0;
}
