import type { Bytes } from '../bytes/bytes.js';
import { absent, type Database } from '../keyspace/database.js';
import { CommandError, errors } from '../protocol/errors.js';
import { longArgument } from './arguments.js';
import type { Call, CommandSpec } from './command.js';

const flushing = {
  group: 'server' as const,
  since: '1.0.0',
  syntax: '[ASYNC | SYNC]',
  flags: ['write' as const],
  categories: ['keyspace', 'dangerous'],
  tips: ['request_policy:all_shards', 'response_policy:all_succeeded'],
  history: [
    ['4.0.0', 'Takes ASYNC.'],
    ['6.2.0', 'Takes SYNC.'],
  ] as [string, string][],
};

/** Commands for whole databases, and the time. */
export const databaseCommands: CommandSpec[] = [
  {
    name: 'dbsize',
    group: 'server',
    since: '1.0.0',
    summary: 'Counts the keys of the selected database.',
    complexity: 'O(1)',
    syntax: '',
    flags: ['readonly', 'fast'],
    categories: ['keyspace'],
    tips: ['request_policy:all_shards', 'response_policy:agg_sum'],
    handler: ({ database, reply }) => reply.integer(database.size),
  },
  {
    name: 'randomkey',
    group: 'generic',
    since: '1.0.0',
    summary: 'Picks a key by chance.',
    complexity: 'O(1)',
    syntax: '',
    flags: ['readonly'],
    tips: ['request_policy:all_shards', 'response_policy:special', 'nondeterministic_output'],
    touchesArbitraryKeys: true,
    handler: randomKey,
  },
  {
    ...flushing,
    name: 'flushdb',
    summary: 'Removes all keys of the selected database.',
    complexity: 'O(N) with N keys; O(1) when no other database has keys.',
    handler: flushDatabase,
  },
  {
    ...flushing,
    name: 'flushall',
    summary: 'Removes all keys of all databases.',
    complexity: 'O(1): the memory of all keys is given back as a whole.',
    handler: flushAll,
  },
  {
    name: 'swapdb',
    group: 'server',
    since: '4.0.0',
    summary: 'Exchanges the keys of two databases.',
    complexity: 'O(N) with N clients that watch, or wait for, keys of the two.',
    syntax: 'index1 index2',
    flags: ['write', 'fast'],
    categories: ['keyspace', 'dangerous'],
    handler: swapDatabases,
  },
  {
    name: 'time',
    group: 'server',
    since: '2.6.0',
    summary: "Tells the server's time.",
    complexity: 'O(1)',
    syntax: '',
    flags: ['loading', 'stale', 'fast'],
    tips: ['nondeterministic_output'],
    handler: time,
  },
];

function randomKey({ database, reply }: Call): void {
  const ref = database.randomKey();
  if (ref === absent) reply.null();
  else reply.bytes(database.keyOf(ref));
}

function flushDatabase(call: Call): void {
  const { database, reply, server } = call;
  const { keyspace } = server;
  const later = isAsync(call);
  if (database.size === keyspace.size) return removeAll(call, later);
  keyspace.observer.databaseReplaced(database, undefined);
  keyspace.observer.flushed();
  keyspace.dirty += database.size;
  if (later) database.flushLater();
  else database.flush();
  propagateAsCame(call);
  reply.ok();
}

/** Clearing the arena takes no longer for many keys than for few, so ASYNC leaves nothing for later. */
function flushAll(call: Call): void {
  const later = isAsync(call);
  call.server.saving.beforeFlush();
  removeAll(call, later);
  call.server.saving.afterFlush();
}

function removeAll(call: Call, later: boolean): void {
  const { keyspace } = call.server;
  const count = keyspace.size;
  if (later) keyspace.lazyFree.freedObjects += count;
  keyspace.dirty += count;
  keyspace.flushAll();
  propagateAsCame(call);
  call.reply.ok();
}

/** Flushing is repeated even where nothing was left to flush: whoever repeats it may have something. */
function propagateAsCame(call: Call): void {
  if (call.propagates) call.propagateAs(call.args.slice(0, call.argc));
}

/** Reads the mode of FLUSHDB and FLUSHALL. */
function isAsync({ args, argc, server }: Call): boolean {
  if (argc === 1) return server.config.values['lazyfree-lazy-user-flush'];
  if (argc === 2 && args[1].is('async')) return true;
  if (argc === 2 && args[1].is('sync')) return false;
  throw new CommandError(errors.syntax);
}

function swapDatabases(call: Call): void {
  const { args, reply, server } = call;
  const { keyspace } = server;
  const numbers = [
    databaseNumber(args[1], 'ERR invalid first DB index'),
    databaseNumber(args[2], 'ERR invalid second DB index'),
  ];
  const [first, second] = numbers.map((number) => keyspace.databases[number]);
  if (first === undefined || second === undefined) throw new CommandError(errors.databaseOutOfRange);
  if (first !== second) exchange(first, second);
  keyspace.dirty++;
  reply.ok();
}

function exchange(first: Database, second: Database): void {
  const { observer } = first.keyspace;
  observer.databaseReplaced(first, second);
  observer.databaseReplaced(second, first);
  first.swap(second);
}

function databaseNumber(argument: Bytes, message: string): number {
  const number = longArgument(argument, message);
  if (number !== (number | 0)) throw new CommandError(message);
  return number;
}

function time(call: Call): void {
  const { reply } = call;
  const microseconds = Math.floor(call.unixTime() * 1000);
  reply.array(2);
  reply.text(String(Math.floor(microseconds / 1e6)));
  reply.text(String(microseconds % 1e6));
}
