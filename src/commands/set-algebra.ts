import { Bytes } from '../bytes/bytes.js';
import { absent } from '../keyspace/database.js';
import type { Place } from '../keyspace/elements.js';
import { EventClass, ValueType } from '../keyspace/events.js';
import { readTogether, siftMembers } from '../keyspace/member-sieve.js';
import { GatheredSet, SetValue } from '../keyspace/set-value.js';
import { CommandError, errors } from '../protocol/errors.js';
import { ArgumentReader, countArgument } from './arguments.js';
import { type Call, type CommandSpec, type KeySpec, manyKeys } from './command.js';

const about = { group: 'set' as const, since: '1.0.0' };
const reads = {
  ...about,
  syntax: 'key ...',
  flags: ['readonly' as const],
  keys: manyKeys('RO access'),
  tips: ['nondeterministic_output_order'],
};
const stores = { ...about, syntax: 'destination key ...', flags: ['write' as const, 'denyoom' as const] };

function storeKeys(destinationFlags: string): KeySpec[] {
  return [
    { flags: destinationFlags, begin: 1, find: { last: 0, step: 1 } },
    { flags: 'RO access', begin: 2, find: { last: -1, step: 1 } },
  ];
}

const intersecting = 'O(N*M) worst case, with N the size of the smallest set and M the number of sets.';
const subtracting = 'O(N*M) worst case, with N the size of the first set and M the number of sets.';
const uniting = 'O(N) with N the number of members of all sets together.';

/** The commands that combine several sets. */
export const setAlgebraCommands: CommandSpec[] = [
  {
    ...reads,
    name: 'sdiff',
    summary: 'Gives the members of the first set that no other set has.',
    complexity: subtracting,
    handler: (call) => replyMembers(call, difference),
  },
  {
    ...stores,
    name: 'sdiffstore',
    summary: 'Stores the members of the first set that no other set has.',
    complexity: subtracting,
    keys: storeKeys('OW update'),
    handler: (call) => storeMembers(call, difference, 'sdiffstore'),
  },
  {
    ...reads,
    name: 'sinter',
    summary: 'Gives the members that all sets have.',
    complexity: intersecting,
    handler: (call) => replyMembers(call, intersection),
  },
  {
    ...about,
    name: 'sintercard',
    since: '7.0.0',
    summary: 'Counts the members that all sets have.',
    complexity: intersecting,
    syntax: 'numkeys key ... [LIMIT limit]',
    types: { limit: 'integer' },
    flags: ['readonly'],
    keys: [{ flags: 'RO access', begin: 1, find: { keyCountAt: 0, firstKey: 1, step: 1 } }],
    handler: sintercard,
  },
  {
    ...stores,
    name: 'sinterstore',
    summary: 'Stores the members that all sets have.',
    complexity: intersecting,
    keys: storeKeys('RW update'),
    handler: (call) => storeMembers(call, intersection, 'sinterstore'),
  },
  {
    ...reads,
    name: 'sunion',
    summary: 'Gives the members that any of the sets has.',
    complexity: uniting,
    handler: sunion,
  },
  {
    ...stores,
    name: 'sunionstore',
    summary: 'Stores the members that any of the sets has.',
    complexity: uniting,
    keys: storeKeys('OW update'),
    handler: (call) => storeMembers(call, union, 'sunionstore'),
  },
];

/**
 * Visits the members of a combination of sets, absent ones being undefined: in which set it is, and where.
 */
type Operation = (
  sets: (SetValue | undefined)[],
  visit: (set: SetValue, place: Place) => void,
  limit?: number,
) => void;

/** Sets that are open at the same time; reused by the next command. */
const pool: SetValue[] = [];
const view = new Bytes();

/** The sets under the arguments `from` to `to`. Throws CommandError if one is of another type. */
function openSets({ args, database }: Call, from: number, to: number): (SetValue | undefined)[] {
  const sets: (SetValue | undefined)[] = [];
  for (let i = from; i < to; i++) {
    const ref = database.read(args[i]);
    if (ref !== absent && database.typeOf(ref) !== ValueType.set) throw new CommandError(errors.wrongType);
    if (pool.length === sets.length) pool.push(new SetValue());
    sets.push(ref === absent ? undefined : pool[sets.length].open(database, ref));
  }
  return sets;
}

/**
 * Asks the other sets about the members of the smallest, the smaller ones first: they are the most likely to
 * say no. Stops after `limit` members.
 */
const intersection: Operation = (sets, visit, limit = Number.POSITIVE_INFINITY) => {
  const present = sets.filter((set) => set !== undefined);
  if (present.length < sets.length) return;
  const [smallest, ...others] = present.sort((a, b) => a.size - b.size);
  if (limit === Number.POSITIVE_INFINITY) return siftMembers(smallest, others, true, visit);
  let left = limit;
  const check = (place: Place) => {
    smallest.nameAt(place, view);
    for (const other of others) if (!other.has(view)) return;
    if (left-- > 0) visit(smallest, place);
  };
  let cursor = 0;
  do cursor = smallest.scan(cursor, check);
  while (cursor !== 0 && left > 0);
};

/**
 * Asks the other sets about the members of the first, the larger ones first: they are the most likely to say
 * yes.
 */
const difference: Operation = ([first, ...rest], visit) => {
  if (first === undefined) return;
  const others = rest.filter((set) => set !== undefined).sort((a, b) => b.size - a.size);
  siftMembers(first, others, false, visit);
};

/** Visits members of several sets several times. */
const union: Operation = (sets, visit) => {
  for (const set of sets) set?.forEach((place) => visit(set, place));
};

/**
 * SINTER and SDIFF, whose members are all of one set: they are noted by their places, for their number has to be told
 * first.
 */
function replyMembers(call: Call, operation: Operation): void {
  const { reply } = call;
  if (call.database.keyspace.repeatedMembers) return replyDistinct(call, operation);
  let owner: SetValue | undefined;
  const places: Place[] = [];
  operation(openSets(call, 1, call.argc), (set, place) => {
    owner = set;
    places.push(place);
  });
  reply.set(places.length);
  if (owner === undefined) return;
  const set = owner as SetValue;
  readTogether(set, places, (place) => {
    set.nameAt(place, view);
    reply.bytes(view);
  });
}

function gather(call: Call, sets: (SetValue | undefined)[], operation: Operation): GatheredSet {
  const gathered = new GatheredSet(call.database);
  operation(sets, (set, place) => {
    set.nameAt(place, view);
    gathered.add(view);
  });
  return gathered;
}

function sunion(call: Call): void {
  replyDistinct(call, union);
}

/** Gathers the members first, so that each is told once. */
function replyDistinct(call: Call, operation: Operation): void {
  const { reply } = call;
  const gathered = gather(call, openSets(call, 1, call.argc), operation);
  reply.set(gathered.size);
  gathered.forEach((member) => reply.bytes(member));
  gathered.discard();
}

/** SINTERSTORE, SUNIONSTORE, SDIFFSTORE. */
function storeMembers(call: Call, operation: Operation, event: string): void {
  const { args, argc, database, reply } = call;
  const destination = args[1];
  const result = gather(call, openSets(call, 2, argc), operation);
  const { size } = result;
  if (size === 0) {
    database.removeAndTell(destination);
    return reply.integer(0);
  }
  result.store(destination, call.server.config.values);
  reply.integer(size);
  database.modified(destination, EventClass.set, event);
}

function sintercard(call: Call): void {
  const { args, argc, reply } = call;
  const numkeys = countArgument(args[1], 1, errors.numkeysNotPositive);
  if (numkeys > argc - 2) throw new CommandError(errors.tooManyKeys);
  const reader = new ArgumentReader(args, argc, 2 + numkeys);
  let limit = 0;
  while (!reader.done) {
    if (!reader.take('limit')) throw new CommandError(errors.syntax);
    limit = countArgument(reader.next(), 0, errors.limitNegative);
  }
  let count = 0;
  const sets = openSets(call, 2, 2 + numkeys);
  intersection(sets, () => count++, limit === 0 ? Number.POSITIVE_INFINITY : limit);
  reply.integer(count);
}
