import type { Bytes } from '../bytes/bytes.js';
import { absent, type Database } from '../keyspace/database.js';
import { EventClass, typeNames } from '../keyspace/events.js';
import { kinds } from '../keyspace/kinds.js';
import { CommandError, errors } from '../protocol/errors.js';
import { ArgumentReader, int32Argument } from './arguments.js';
import { type Call, type CommandSpec, manyKeys, oneKey } from './command.js';

const generic = { group: 'generic' as const };
const shardedSum = ['request_policy:multi_shard', 'response_policy:agg_sum'];

/** Key specs of a command that makes one key out of another. */
function sourceAndDestination(source: string, destination: string) {
  return [...oneKey(source), { ...oneKey(destination)[0], begin: 2 }];
}

/** Commands for keys of any type: remove, look, rename, copy, move. */
export const keyCommands: CommandSpec[] = [
  {
    ...generic,
    name: 'del',
    since: '1.0.0',
    summary: 'Removes keys, and tells how many there were.',
    complexity: 'O(N) with N keys; for a collection, O(M) with M elements is added.',
    syntax: 'key [key ...]',
    flags: ['write'],
    keys: manyKeys('RM delete'),
    tips: shardedSum,
    handler: remove,
  },
  {
    ...generic,
    name: 'unlink',
    since: '4.0.0',
    summary: 'Removes keys; the memory of big values is given back later.',
    complexity: 'O(1) for each key. The memory is freed between other commands, in O(N) for N elements.',
    brief: true,
    syntax: 'key [key ...]',
    flags: ['write', 'fast'],
    keys: manyKeys('RM delete'),
    tips: shardedSum,
    handler: remove,
  },
  {
    ...generic,
    name: 'exists',
    since: '1.0.0',
    summary: 'Counts how many of the keys exist; a key given twice counts twice.',
    complexity: 'O(N) with N keys.',
    syntax: 'key [key ...]',
    flags: ['readonly', 'fast'],
    keys: manyKeys('RO'),
    tips: shardedSum,
    history: [['3.0.3', 'Takes more than one key.']],
    handler: exists,
  },
  {
    ...generic,
    name: 'touch',
    since: '3.2.1',
    summary: 'Marks keys as accessed just now, and counts those that exist.',
    complexity: 'O(N) with N keys.',
    syntax: 'key [key ...]',
    flags: ['readonly', 'fast'],
    keys: manyKeys('RO'),
    tips: shardedSum,
    handler: touch,
  },
  {
    ...generic,
    name: 'type',
    since: '1.0.0',
    summary: "Names the type of a key's value.",
    complexity: 'O(1)',
    syntax: 'key',
    flags: ['readonly', 'fast'],
    keys: oneKey('RO'),
    handler: type,
  },
  {
    ...generic,
    name: 'rename',
    since: '1.0.0',
    summary: 'Gives a key another name, in place of any key that has it.',
    complexity: 'O(1)',
    syntax: 'key newkey',
    flags: ['write'],
    keys: sourceAndDestination('RW access delete', 'OW update'),
    handler: rename,
  },
  {
    ...generic,
    name: 'renamenx',
    since: '1.0.0',
    summary: 'Gives a key another name, unless a key has it already.',
    complexity: 'O(1)',
    syntax: 'key newkey',
    flags: ['write', 'fast'],
    keys: sourceAndDestination('RW access delete', 'OW insert'),
    history: [['3.2.0', 'Replies 0, not an error, when both names are the same.']],
    handler: renameUnlessTaken,
  },
  {
    ...generic,
    name: 'copy',
    since: '6.2.0',
    summary: 'Copies a value, with its expiry, to another key.',
    complexity: 'O(N) with N elements of a collection, O(1) for a string.',
    syntax: 'source destination [DB destination-db] [REPLACE]',
    flags: ['write', 'denyoom'],
    keys: sourceAndDestination('RO access', 'OW update'),
    handler: copy,
  },
  {
    ...generic,
    name: 'move',
    since: '1.0.0',
    summary: 'Moves a key to another database, unless the key exists there.',
    complexity: 'O(1)',
    syntax: 'key db',
    flags: ['write', 'fast'],
    keys: oneKey('RW access update'),
    handler: move,
  },
];

function remove({ database, args, argc, reply }: Call): void {
  let removed = 0;
  for (let i = 1; i < argc; i++) {
    if (database.removeAndTell(args[i])) removed++;
  }
  reply.integer(removed);
}

function exists({ database, args, argc, reply }: Call): void {
  let found = 0;
  for (let i = 1; i < argc; i++) if (database.look(args[i]) !== absent) found++;
  reply.integer(found);
}

function touch({ database, args, argc, reply }: Call): void {
  let found = 0;
  for (let i = 1; i < argc; i++) if (database.read(args[i]) !== absent) found++;
  reply.integer(found);
}

function type({ database, args, reply }: Call): void {
  const ref = database.look(args[1]);
  reply.simple(ref === absent ? 'none' : typeNames[database.typeOf(ref)]);
}

function rename(call: Call): void {
  const { database, args, reply } = call;
  const ref = existing(call);
  if (!args[1].equals(args[2])) {
    database.remove(args[2]);
    renameEntry(database, ref, args[1], args[2]);
  }
  reply.ok();
}

function renameUnlessTaken(call: Call): void {
  const { database, args, reply } = call;
  const ref = existing(call);
  if (args[1].equals(args[2]) || database.has(args[2])) return reply.integer(0);
  renameEntry(database, ref, args[1], args[2]);
  reply.integer(1);
}

/** The entry of the first argument, which must exist. */
function existing({ database, args }: Call): number {
  const ref = database.write(args[1]);
  if (ref === absent) throw new CommandError(errors.noSuchKey);
  return ref;
}

function renameEntry(database: Database, ref: number, from: Bytes, to: Bytes): void {
  database.move(ref, database, to);
  database.modified(from, EventClass.generic, 'rename_from');
  database.alsoModified(to, EventClass.generic, 'rename_to');
}

function copy(call: Call): void {
  const { database, args, reply } = call;
  const { target, replace } = copyOptions(call);
  const [, from, to] = args;
  if (target === database && from.equals(to)) throw new CommandError(errors.sameObject);
  const ref = database.read(from);
  if (ref === absent || (target.has(to) && !replace)) return reply.integer(0);
  target.remove(to);
  const when = database.expiry(ref);
  const duplicate = database.copyTo(ref, target, to);
  if (target.kindOf(duplicate) === kinds.string) target.edit(duplicate, kinds.copiedString);
  if (when >= 0) target.setExpiry(duplicate, when);
  target.modified(to, EventClass.generic, 'copy_to');
  reply.integer(1);
}

function copyOptions(call: Call): { target: Database; replace: boolean } {
  const options = new ArgumentReader(call.args, call.argc, 3);
  let target = call.database;
  let replace = false;
  while (!options.done) {
    if (options.take('replace')) replace = true;
    else if (options.left > 1 && options.take('db')) target = databaseArgument(call, options.next());
    else throw new CommandError(errors.syntax);
  }
  return { target, replace };
}

function move(call: Call): void {
  const { database, args, reply } = call;
  const key = args[1];
  const target = databaseArgument(call, args[2]);
  if (target === database) throw new CommandError(errors.sameObject);
  const ref = database.write(key);
  if (ref === absent || target.has(key)) return reply.integer(0);
  database.move(ref, target, key);
  database.modified(key, EventClass.generic, 'move_from');
  target.alsoModified(key, EventClass.generic, 'move_to');
  reply.integer(1);
}

/** The database with the number that the argument gives. */
function databaseArgument({ server }: Call, argument: Bytes): Database {
  const database = server.keyspace.databases[int32Argument(argument)];
  if (database === undefined) throw new CommandError(errors.databaseOutOfRange);
  return database;
}
