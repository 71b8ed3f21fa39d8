import type { Bytes } from '../bytes/bytes.js';
import { absent, type Database } from '../keyspace/database.js';
import { EventClass } from '../keyspace/events.js';
import { kinds } from '../keyspace/kinds.js';
import type { Ref } from '../memory/arena.js';
import { CommandError, excerpt } from '../protocol/errors.js';
import { CorruptHyperLogLog, countRegisters, HyperLogLog, REGISTER_COUNT } from '../values/hyperloglog.js';
import { selfTest } from '../values/hyperloglog-self-test.js';
import { type Call, type CommandSpec, oneKey } from './command.js';
import { requireString } from './string-values.js';

const debugSubcommands = ['getreg', 'decode', 'encoding', 'todense'] as const;

export const hyperLogLogCommands: CommandSpec[] = [
  {
    name: 'pfadd',
    group: 'hyperloglog',
    since: '2.8.9',
    summary: 'Adds elements to a HyperLogLog, which is created if it is missing.',
    complexity: 'O(1) to add every element.',
    brief: true,
    syntax: 'key [element [element ...]]',
    flags: ['write', 'denyoom', 'fast'],
    keys: oneKey('RW insert'),
    handler: sound(pfadd),
  },
  {
    name: 'pfcount',
    group: 'hyperloglog',
    since: '2.8.9',
    summary: 'Estimates how many different elements a HyperLogLog has seen, or several of them together.',
    complexity:
      'O(1) with a very small average constant time when called with a single key. O(N) with N being the number of keys, ' +
      'and much bigger constant times, when called with multiple keys.',
    syntax: 'key [key ...]',
    flags: ['readonly', 'may_replicate'],
    keys: [
      {
        flags: 'RW access',
        begin: 1,
        find: { last: -1, step: 1 },
        notes: 'RW because it may change the internal representation of the key, and propagate to replicas',
      },
    ],
    handler: sound(pfcount),
  },
  {
    name: 'pfmerge',
    group: 'hyperloglog',
    since: '2.8.9',
    summary: 'Adds what some HyperLogLogs have seen to another one, which is created if it is missing.',
    complexity: 'O(N) to merge N HyperLogLogs, but with high constant times.',
    syntax: 'destkey [sourcekey [sourcekey ...]]',
    flags: ['write', 'denyoom'],
    keys: [
      { flags: 'RW access insert', begin: 1, find: { last: 0, step: 1 } },
      { flags: 'RO access', begin: 2, find: { last: -1, step: 1 } },
    ],
    handler: sound(pfmerge),
  },
  {
    name: 'pfdebug',
    group: 'hyperloglog',
    since: '2.8.9',
    summary: 'Shows or changes how a HyperLogLog is stored.',
    complexity: 'N/A',
    syntax: 'subcommand key',
    flags: ['write', 'denyoom', 'admin'],
    docFlags: ['syscmd'],
    keys: [{ flags: 'RW access', begin: 2, find: { last: 0, step: 1 } }],
    handler: sound(pfdebug),
  },
  {
    name: 'pfselftest',
    group: 'hyperloglog',
    since: '2.8.9',
    summary: 'Tests the implementation of HyperLogLogs.',
    complexity: 'N/A',
    syntax: '',
    flags: ['admin'],
    docFlags: ['syscmd'],
    handler: pfselftest,
  },
];

/** A handler that refuses values whose registers make no sense. */
function sound(handler: (call: Call) => void): (call: Call) => void {
  return (call) => {
    try {
      handler(call);
    } catch (error) {
      if (error instanceof CorruptHyperLogLog)
        throw new CommandError('INVALIDOBJ Corrupted HLL object detected');
      throw error;
    }
  };
}

/** The HyperLogLog of an entry. Throws CommandError if it holds something else. */
function hyperLogLogOf(database: Database, ref: Ref): HyperLogLog {
  requireString(database, ref);
  const found = HyperLogLog.of(database.payload(ref));
  if (found === undefined) throw new CommandError('WRONGTYPE Key is not a valid HyperLogLog string value.');
  return found;
}

/**
 * Looks up a HyperLogLog that is to be changed; `edit` it before the change. A missing one is new and empty.
 */
function forChange(database: Database, key: Bytes): { ref: Ref; value: HyperLogLog } {
  const ref = database.write(key);
  if (ref === absent) return { ref, value: HyperLogLog.empty() };
  const value = hyperLogLogOf(database, ref);
  database.edit(ref, kinds.editedString);
  return { ref, value };
}

/** Stores what was changed, unless it was changed in place. */
function store(database: Database, key: Bytes, ref: Ref, value: HyperLogLog): void {
  if (!value.moved) return;
  const stored =
    ref === absent ? database.put(key, kinds.editedString, value.length) : database.resize(ref, value.length);
  const { buffer, start } = database.payload(stored);
  value.copyTo(buffer, start);
}

function pfadd({ server, database, args, argc, reply }: Call): void {
  const { ref, value } = forChange(database, args[1]);
  const limit = server.config.values['hll-sparse-max-bytes'];
  let changes = ref === absent ? 1 : 0;
  for (let i = 2; i < argc; i++) if (value.add(args[i], limit)) changes++;
  if (changes > 0) {
    value.invalidate();
    store(database, args[1], ref, value);
    reply.integer(1);
    database.modified(args[1], EventClass.string, 'pfadd', changes);
  } else {
    reply.integer(0);
  }
}

function pfcount(call: Call): void {
  const { database, args, argc, reply } = call;
  if (argc > 2) return reply.integer(countRegisters(mergedRegisters(call, 1)));
  const ref = database.read(args[1]);
  if (ref === absent) return reply.integer(0);
  const value = hyperLogLogOf(database, ref);
  const { cached } = value;
  if (cached !== undefined) return reply.bigint(cached);
  const count = value.count();
  database.edit(ref, kinds.editedString);
  value.cache(count);
  reply.integer(count);
  database.modified(args[1], 0, ''); // the stored bytes changed, but nobody is notified
}

/** The registers of all HyperLogLogs from an argument on together; missing keys have none. */
function mergedRegisters({ database, args, argc }: Call, from: number): Uint8Array {
  const registers = new Uint8Array(REGISTER_COUNT);
  for (let i = from; i < argc; i++) {
    const ref = database.read(args[i]);
    if (ref !== absent) hyperLogLogOf(database, ref).mergeInto(registers);
  }
  return registers;
}

function pfmerge(call: Call): void {
  const { server, database, args, argc, reply } = call;
  const registers = mergedRegisters(call, 1);
  const dense = args.slice(1, argc).some((key) => {
    const ref = database.live(key);
    return ref !== absent && hyperLogLogOf(database, ref).dense;
  });
  const { ref, value } = forChange(database, args[1]);
  if (dense) value.toDense();
  const limit = server.config.values['hll-sparse-max-bytes'];
  for (let i = 0; i < REGISTER_COUNT; i++) if (registers[i] > 0) value.raise(i, registers[i], limit);
  value.invalidate();
  store(database, args[1], ref, value);
  reply.ok();
  database.modified(args[1], EventClass.string, 'pfadd');
}

function pfdebug(call: Call): void {
  const { database, args, reply } = call;
  const ref = database.write(args[2]);
  if (ref === absent) throw new CommandError('ERR The specified key does not exist');
  const value = hyperLogLogOf(database, ref);
  const action = debugSubcommands.find((name) => args[1].is(name));
  if (action === undefined) throw new CommandError(`ERR Unknown PFDEBUG subcommand '${excerpt(args[1])}'`);
  if (action === 'encoding') return reply.simple(value.dense ? 'dense' : 'sparse');
  if (action === 'decode') {
    if (value.dense) throw new CommandError('ERR HLL encoding is not sparse');
    return reply.text(value.describeRuns());
  }
  const converted = !value.dense;
  if (converted) makeDense(call, ref, value);
  if (action === 'todense') return reply.integer(converted ? 1 : 0);
  const registers = mergedRegisters(call, 2);
  reply.array(REGISTER_COUNT);
  for (const register of registers) reply.integer(register);
}

function makeDense({ database, args }: Call, ref: Ref, value: HyperLogLog): void {
  value.toDense();
  database.edit(ref, kinds.editedString);
  store(database, args[2], ref, value);
  database.keyspace.dirty++;
}

function pfselftest({ server, reply }: Call): void {
  const failure = selfTest(server.random);
  if (failure === undefined) reply.ok();
  else throw new CommandError(`TESTFAILED ${failure}`);
}
