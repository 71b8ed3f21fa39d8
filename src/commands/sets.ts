import { Bytes } from '../bytes/bytes.js';
import { absent } from '../keyspace/database.js';
import type { Place } from '../keyspace/elements.js';
import { EventClass, ValueType } from '../keyspace/events.js';
import { SetValue } from '../keyspace/set-value.js';
import type { Ref } from '../memory/arena.js';
import { CommandError, errors } from '../protocol/errors.js';
import { countArgument } from './arguments.js';
import { type Call, type CommandSpec, oneKey, type PropagatedArgument } from './command.js';
import { pickCountArgument, pickInSlices } from './pick-count.js';
import { propagateRemoval } from './propagation-forms.js';
import { cursorArgument, readScanOptions, replyEmptyScan, replyScan } from './scan-options.js';
import { setAlgebraCommands } from './set-algebra.js';

const about = { group: 'set' as const, since: '1.0.0', complexity: 'O(1)' };

export const setCommands: CommandSpec[] = [
  {
    ...about,
    name: 'sadd',
    summary: 'Adds members to a set, which is created if it is missing.',
    complexity: 'O(N) with N the number of members to add.',
    syntax: 'key member ...',
    flags: ['write', 'denyoom', 'fast'],
    keys: oneKey('RW insert'),
    history: [['2.4.0', 'Takes several members.']],
    handler: sadd,
  },
  {
    ...about,
    name: 'scard',
    summary: 'Counts the members of a set.',
    syntax: 'key',
    flags: ['readonly', 'fast'],
    keys: oneKey('RO'),
    handler: (call) => call.reply.integer(setToRead(call)?.size ?? 0),
  },
  ...setAlgebraCommands,
  {
    ...about,
    name: 'sismember',
    summary: 'Tells whether a set has a member.',
    syntax: 'key member',
    flags: ['readonly', 'fast'],
    keys: oneKey('RO'),
    handler: (call) => call.reply.integer(setToRead(call)?.has(call.args[2]) === true ? 1 : 0),
  },
  {
    ...about,
    name: 'smembers',
    summary: 'Gives all members of a set.',
    complexity: 'O(N) with N the size of the set.',
    syntax: 'key',
    flags: ['readonly'],
    keys: oneKey('RO access'),
    tips: ['nondeterministic_output_order'],
    handler: smembers,
  },
  {
    ...about,
    name: 'smismember',
    since: '6.2.0',
    summary: 'Tells of several members whether a set has them.',
    complexity: 'O(N) with N the number of members asked for.',
    syntax: 'key member ...',
    flags: ['readonly', 'fast'],
    keys: oneKey('RO access'),
    handler: smismember,
  },
  {
    ...about,
    name: 'smove',
    summary: 'Moves a member from one set to another.',
    syntax: 'source destination member',
    flags: ['write', 'fast'],
    keys: [
      { flags: 'RW access delete', begin: 1, find: { last: 0, step: 1 } },
      { flags: 'RW insert', begin: 2, find: { last: 0, step: 1 } },
    ],
    handler: smove,
  },
  {
    ...about,
    name: 'spop',
    summary: 'Takes random members out of a set and gives them.',
    complexity: 'O(N) with N the count, O(1) without it.',
    syntax: 'key [count]',
    flags: ['write', 'fast'],
    keys: oneKey('RW access delete'),
    tips: ['nondeterministic_output'],
    history: [['3.2.0', 'Takes a count.']],
    handler: spop,
  },
  {
    ...about,
    name: 'srandmember',
    summary: 'Gives random members of a set.',
    complexity: 'O(N) with N the absolute count, O(1) without it.',
    syntax: 'key [count]',
    flags: ['readonly'],
    keys: oneKey('RO access'),
    tips: ['nondeterministic_output'],
    history: [['2.6.0', 'Takes a count.']],
    handler: srandmember,
  },
  {
    ...about,
    name: 'srem',
    summary: 'Removes members from a set, and the key with the last of them.',
    complexity: 'O(N) with N the number of members to remove.',
    syntax: 'key member ...',
    flags: ['write', 'fast'],
    keys: oneKey('RW delete'),
    history: [['2.4.0', 'Takes several members.']],
    handler: srem,
  },
  {
    ...about,
    name: 'sscan',
    since: '2.8.0',
    summary: 'Lists the members of a set bit by bit.',
    complexity: 'O(COUNT) for each call, O(N) for all of N members.',
    syntax: 'key cursor [MATCH pattern] [COUNT count]',
    flags: ['readonly'],
    keys: oneKey('RO access'),
    tips: ['nondeterministic_output'],
    handler: sscan,
  },
];

// Two sets at a time are worked on at most, so these serve all commands and nothing is allocated.
const set = new SetValue();
const otherSet = new SetValue();
const view = new Bytes();

/** Throws CommandError if the entry holds something else than a set. */
function requireSet({ database }: Call, ref: Ref): void {
  if (ref !== absent && database.typeOf(ref) !== ValueType.set) throw new CommandError(errors.wrongType);
}

/** The set under the command's key, or undefined. Throws CommandError for another type. Hot. */
function setToRead(call: Call): SetValue | undefined {
  const ref = call.database.read(call.args[1]);
  requireSet(call, ref);
  return ref === absent ? undefined : set.open(call.database, ref);
}

/** The same for a command that changes it. Hot. */
function setToChange(call: Call): SetValue | undefined {
  const ref = call.database.write(call.args[1]);
  requireSet(call, ref);
  if (ref === absent) return undefined;
  set.open(call.database, ref).announceChange();
  return set;
}

function sadd(call: Call): void {
  const { args, argc, database, reply } = call;
  const limits = call.server.config.values;
  let target = setToChange(call);
  if (target === undefined) target = set.create(database, args[1], args[2], argc - 2, limits);
  else if (argc > 3) target.expectMembers(argc - 2, limits);
  let added = 0;
  for (let i = 2; i < argc; i++) if (target.add(args[i], limits)) added++;
  reply.integer(added);
  if (added === 0) return;
  database.modified(args[1], EventClass.set, 'sadd', added);
}

function srem(call: Call): void {
  const { args, argc, reply } = call;
  const target = setToChange(call);
  let removed = 0;
  for (let i = 2; target !== undefined && target.size > 0 && i < argc; i++) {
    if (target.remove(args[i])) removed++;
  }
  reply.integer(removed);
  if (target !== undefined && removed > 0) membersRemoved(call, target, removed, 'srem');
}

function membersRemoved({ args, database }: Call, from: SetValue, removed: number, event: string): void {
  database.elementsRemoved(args[1], from.ref, from.size, EventClass.set, event, removed);
}

function smembers(call: Call): void {
  const found = setToRead(call);
  call.reply.set(found?.size ?? 0);
  found?.forEach((place) => writeMember(call, place));
}

function writeMember({ reply }: Call, place: Place): void {
  set.nameAt(place, view);
  reply.bytes(view);
}

function smismember(call: Call): void {
  const { args, argc, reply } = call;
  const found = setToRead(call);
  reply.array(argc - 2);
  for (let i = 2; i < argc; i++) reply.integer(found?.has(args[i]) === true ? 1 : 0);
}

function smove(call: Call): void {
  const { args, database, reply } = call;
  const [, source, destination, member] = args;
  const limits = call.server.config.values;
  const from = database.write(source);
  const to = database.write(destination);
  requireSet(call, from);
  if (from === absent) return reply.integer(0);
  requireSet(call, to);
  set.open(database, from);
  if (from === to) return reply.integer(set.has(member) ? 1 : 0);
  set.announceChange();
  if (!set.remove(member)) return reply.integer(0);
  membersRemoved(call, set, 1, 'srem');
  if (to === absent) otherSet.create(database, destination, member, 1, limits);
  else otherSet.open(database, to).announceChange();
  const added = otherSet.add(member, limits);
  reply.integer(1);
  if (added) database.modified(destination, EventClass.set, 'sadd');
}

function spop(call: Call): void {
  const { args, argc, reply } = call;
  if (argc > 3) throw new CommandError(errors.syntax);
  if (argc === 3) return popSeveral(call, countArgument(args[2], 0, errors.notPositive));
  const target = setToChange(call);
  if (target === undefined) return reply.null();
  const place = target.random();
  writeMember(call, place);
  if (call.propagates) call.propagateAs(['SREM', call.args[1], view]);
  target.removeAt(place);
  membersRemoved(call, target, 1, 'spop');
}

function popSeveral(call: Call, count: number): void {
  const { database, reply, args, server } = call;
  const target = setToChange(call);
  const popped = Math.min(count, target?.size ?? 0);
  reply.set(popped);
  if (target === undefined || popped === 0) return;
  if (popped === target.size) {
    database.keyspace.statistics.hits++; // Redis reads the whole set like any other
    target.forEach((place) => writeMember(call, place));
    database.elementsRemoved(args[1], target.ref, 0, EventClass.set, 'spop', popped);
    return propagateRemoval(call, args[1], server.config.values['lazyfree-lazy-server-del']);
  }
  const places: Place[] = [];
  target.pickDistinct(popped, (place) => places.push(place));
  for (const place of places) writeMember(call, place);
  if (call.propagates) propagateRemoved(call, places);
  // From the last on, for removing one from a packed set moves those behind it.
  for (const place of places.reverse()) target.removeAt(place);
  membersRemoved(call, target, popped, 'spop');
}

/** Members that one propagated command names at most. */
const membersPerCommand = 1024;

/** Which members were chosen is said in a few commands, before they are removed. */
function propagateRemoved(call: Call, places: Place[]): void {
  const commands: PropagatedArgument[][] = [];
  for (let from = 0; from < places.length; from += membersPerCommand) {
    const members = places.slice(from, from + membersPerCommand).map((place) => {
      set.nameAt(place, view);
      return view.copy();
    });
    commands.push(['SREM', call.args[1], ...members]);
  }
  call.propagateAllAs(commands);
}

function srandmember(call: Call): void {
  const { args, argc, reply } = call;
  if (argc > 3) throw new CommandError(errors.syntax);
  if (argc === 2) {
    const found = setToRead(call);
    if (found === undefined) reply.null();
    else writeMember(call, found.random());
    return;
  }
  const count = pickCountArgument(args[2]);
  const found = setToRead(call);
  if (found === undefined) return reply.array(0);
  const length = count < 0 ? -count : Math.min(count, found.size);
  reply.array(length);
  const take = (place: Place) => writeMember(call, place);
  if (count < 0) pickInSlices(reply, length, (slice) => found.pickRepeatedly(slice, take));
  else found.pickDistinct(length, take);
}

function sscan(call: Call): void {
  const cursor = cursorArgument(call.args[2]);
  const found = setToRead(call);
  if (found === undefined) return replyEmptyScan(call);
  const options = readScanOptions(call, 3, () => false);
  replyScan(call, found, cursor, options, 1, (place) => writeMember(call, place));
}
