import { Gate, Transaction } from '../clients/client.js';
import { type Call, type CommandSpec, manyKeys } from '../commands/command.js';
import { CommandError, errors } from '../protocol/errors.js';
import type { Dispatcher } from './dispatcher.js';

/** MULTI and its companions. They are declared here, not in commands/, because EXEC runs other commands. */
export function transactionCommands(dispatcher: () => Dispatcher): CommandSpec[] {
  const common = { group: 'transactions' as const, syntax: '' };
  return [
    {
      ...common,
      name: 'multi',
      since: '1.2.0',
      summary: 'Starts a transaction: the commands that follow are queued until EXEC.',
      complexity: 'O(1)',
      flags: ['noscript', 'loading', 'stale', 'fast', 'allow_busy'],
      handler: multi,
    },
    {
      ...common,
      name: 'exec',
      since: '1.2.0',
      summary: 'Runs all queued commands, with nothing in between.',
      complexity: 'Depends on commands in the transaction',
      flags: ['noscript', 'loading', 'stale', 'skip_slowlog'],
      handler: (call) => exec(call, dispatcher()),
    },
    {
      ...common,
      name: 'discard',
      since: '2.0.0',
      summary: 'Drops the queued commands and ends the transaction.',
      complexity: 'O(N), when N is the number of queued commands',
      flags: ['noscript', 'loading', 'stale', 'fast', 'allow_busy'],
      handler: (call) => discard(call, dispatcher()),
    },
    {
      ...common,
      name: 'watch',
      since: '2.2.0',
      summary: 'Makes the next transaction depend on keys that nobody changes until then.',
      complexity: 'O(1) for every key.',
      brief: true,
      syntax: 'key [key ...]',
      flags: ['noscript', 'loading', 'stale', 'fast', 'allow_busy'],
      keys: manyKeys('RO'),
      handler: watch,
    },
    {
      ...common,
      name: 'unwatch',
      since: '2.2.0',
      summary: 'Forgets all watched keys.',
      complexity: 'O(1)',
      flags: ['noscript', 'loading', 'stale', 'fast', 'allow_busy'],
      handler: ({ server, client, reply }) => {
        server.unwatchAll(client);
        reply.ok();
      },
    },
  ];
}

function multi({ client, reply }: Call): void {
  if (client.transaction !== undefined) throw new CommandError('ERR MULTI calls can not be nested');
  client.transaction = new Transaction();
  client.setGate(Gate.transaction, true);
  reply.ok();
}

function exec(call: Call, dispatcher: Dispatcher): void {
  const { client, reply } = call;
  const { transaction } = client;
  if (transaction === undefined) throw new CommandError(errors.execWithoutMulti);
  const changed = client.watchBroken || dispatcher.watched.hasExpired(client);
  dispatcher.endTransaction(client);
  if (transaction.broken) throw new CommandError(errors.execAborted);
  if (changed) return reply.nullArray();
  reply.array(transaction.queue.length);
  client.executing = transaction;
  runQueue(call, dispatcher, transaction.queue, 0);
}

/** Runs what is queued from a position on. A script among it may take long: then the rest follows when it is done. */
function runQueue(call: Call, dispatcher: Dispatcher, queue: Transaction['queue'], from: number): void {
  for (let i = from; i < queue.length; i++) {
    if (dispatcher.runQueued(call, queue[i].args, queue[i].argc)) continue;
    return dispatcher.suspension.stop((call) => runQueue(call, dispatcher, queue, i + 1));
  }
  call.client.executing = undefined;
  call.propagateAs(); // its commands were
}

function discard({ client, reply }: Call, dispatcher: Dispatcher): void {
  if (client.transaction === undefined) throw new CommandError('ERR DISCARD without MULTI');
  dispatcher.endTransaction(client);
  reply.ok();
}

function watch({ client, server, args, argc, database, reply }: Call): void {
  if (client.transaction !== undefined) throw new CommandError('ERR WATCH inside MULTI is not allowed');
  if (!client.watchBroken) for (let i = 1; i < argc; i++) server.watch(client, database, args[i].latin1());
  reply.ok();
}
