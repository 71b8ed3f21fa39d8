import { Bytes } from '../bytes/bytes.js';
import { absent } from '../keyspace/database.js';
import { EventClass } from '../keyspace/events.js';
import type { ListValue } from '../keyspace/list-value.js';
import { EncodedElement } from '../memory/listpack-format.js';
import { CommandError, errors, wrongArity } from '../protocol/errors.js';
import { ListCursor } from '../values/list-cursor.js';
import { ArgumentReader, countArgument, longArgument } from './arguments.js';
import { type Call, type CommandSpec, oneKey } from './command.js';
import {
  type AtStart,
  checkIsList,
  elementsRemoved,
  endArgument,
  listOf,
  pushArguments,
  replyMove,
  replyPop,
  replyPopSeveral,
} from './list-ends.js';
import { readLposOptions } from './lpos-options.js';

const about = { group: 'list' as const, since: '1.0.0' };

const pushing = {
  ...about,
  complexity: 'O(1) for each element, O(N) for N of them.',
  brief: true,
  syntax: 'key element ...',
  flags: ['write' as const, 'denyoom' as const, 'fast' as const],
  keys: oneKey('RW insert'),
};
const popping = {
  ...about,
  complexity: 'O(1) for each element, O(N) for N of them.',
  brief: true,
  syntax: 'key [count]',
  flags: ['write' as const, 'fast' as const],
  keys: oneKey('RW access delete'),
  history: [['6.2.0', 'Takes a `count`.']] satisfies [string, string][],
};
const severalElements = (since: string): [string, string][] => [[since, 'Takes several elements.']];

/** The keys of a command that moves from the first to the second. */
export const moveKeys = [
  ...oneKey('RW access delete'),
  { flags: 'RW insert', begin: 2, find: { last: 0, step: 1 } },
];

export const listCommands: CommandSpec[] = [
  {
    ...about,
    name: 'lindex',
    summary: 'Gives the element with an index; negative indexes count from the end.',
    complexity: 'O(N) with N the number of elements between the index and the nearer end.',
    syntax: 'key index',
    flags: ['readonly'],
    keys: oneKey('RO access'),
    handler: lindex,
  },
  {
    ...about,
    name: 'linsert',
    since: '2.2.0',
    summary: 'Puts an element before or behind the first one that equals the pivot.',
    complexity: 'O(N) with N the number of elements up to the pivot.',
    syntax: 'key <BEFORE | AFTER> pivot element',
    flags: ['write', 'denyoom'],
    keys: oneKey('RW insert'),
    handler: linsert,
  },
  {
    ...about,
    name: 'llen',
    summary: 'Counts the elements of a list.',
    complexity: 'O(1)',
    syntax: 'key',
    flags: ['readonly', 'fast'],
    keys: oneKey('RO'),
    handler: llen,
  },
  {
    ...about,
    name: 'lmove',
    since: '6.2.0',
    summary: 'Takes an element from an end of a list, adds it to an end of another one, and gives it.',
    complexity: 'O(1)',
    syntax: 'source destination <LEFT | RIGHT> <LEFT | RIGHT>',
    flags: ['write', 'denyoom'],
    keys: moveKeys,
    handler: lmove,
  },
  {
    ...about,
    name: 'lmpop',
    since: '7.0.0',
    summary: 'Takes elements from the first of several lists that is not empty.',
    complexity: 'O(N+M) with N the number of keys and M the number of elements returned.',
    syntax: 'numkeys key [key ...] <LEFT | RIGHT> [COUNT count]',
    flags: ['write'],
    keys: [{ flags: 'RW access delete', begin: 1, find: { keyCountAt: 0, firstKey: 1, step: 1 } }],
    handler: lmpop,
  },
  {
    ...popping,
    name: 'lpop',
    summary: 'Takes elements from the beginning of a list.',
    handler: (call) => pop(call, true),
  },
  {
    ...about,
    name: 'lpos',
    since: '6.0.6',
    summary: 'Gives the indexes of elements that equal a given one.',
    complexity: 'O(N) with N the number of elements looked at, at most MAXLEN.',
    syntax: 'key element [RANK rank] [COUNT num-matches] [MAXLEN len]',
    flags: ['readonly'],
    keys: oneKey('RO access'),
    handler: lpos,
  },
  {
    ...pushing,
    name: 'lpush',
    summary: 'Adds elements at the beginning of a list, which is created if it is missing.',
    history: severalElements('2.4.0'),
    handler: (call) => push(call, true, true),
  },
  {
    ...pushing,
    name: 'lpushx',
    since: '2.2.0',
    summary: 'Adds elements at the beginning of a list that exists.',
    history: severalElements('4.0.0'),
    handler: (call) => push(call, true, false),
  },
  {
    ...about,
    name: 'lrange',
    summary: 'Gives the elements between two indexes, both included.',
    complexity: 'O(S+N) with S the distance of start from the nearer end and N the number of elements.',
    syntax: 'key start stop',
    flags: ['readonly'],
    keys: oneKey('RO access'),
    handler: lrange,
  },
  {
    ...about,
    name: 'lrem',
    summary:
      'Removes elements that equal a given one: count from the beginning, -count from the end, or all.',
    complexity: 'O(N+M) with N the length of the list and M the number of elements removed.',
    syntax: 'key count element',
    flags: ['write'],
    keys: oneKey('RW delete'),
    handler: lrem,
  },
  {
    ...about,
    name: 'lset',
    summary: 'Replaces the element with an index.',
    complexity: 'O(N) with N the number of elements between the index and the nearer end.',
    syntax: 'key index element',
    flags: ['write', 'denyoom'],
    keys: oneKey('RW update'),
    handler: lset,
  },
  {
    ...about,
    name: 'ltrim',
    summary: 'Removes all elements but those between two indexes, both included.',
    complexity: 'O(N) with N the number of elements removed.',
    syntax: 'key start stop',
    flags: ['write'],
    keys: oneKey('RW delete'),
    handler: ltrim,
  },
  {
    ...popping,
    name: 'rpop',
    summary: 'Takes elements from the end of a list.',
    handler: (call) => pop(call, false),
  },
  {
    ...about,
    name: 'rpoplpush',
    since: '1.2.0',
    summary: 'Takes the last element of a list, adds it at the beginning of another one, and gives it.',
    complexity: 'O(1)',
    syntax: 'source destination',
    flags: ['write', 'denyoom'],
    keys: moveKeys,
    deprecated: { since: '6.2.0', replacedBy: '`LMOVE` with the `RIGHT` and `LEFT` arguments' },
    handler: (call) => moveOne(call, false, true),
  },
  {
    ...pushing,
    name: 'rpush',
    summary: 'Adds elements at the end of a list, which is created if it is missing.',
    history: severalElements('2.4.0'),
    handler: (call) => push(call, false, true),
  },
  {
    ...pushing,
    name: 'rpushx',
    since: '2.2.0',
    summary: 'Adds elements at the end of a list that exists.',
    history: severalElements('4.0.0'),
    handler: (call) => push(call, false, false),
  },
];

const item = new Bytes();
const cursor = new ListCursor();
const searched = new EncodedElement();

function push({ database, args, argc, reply }: Call, atStart: AtStart, mayCreate: boolean): void {
  const key = args[1];
  const ref = database.write(key);
  checkIsList(database, ref);
  if (ref === absent && !mayCreate) return reply.integer(0);
  reply.integer(pushArguments(database, key, ref, args, 2, argc, atStart));
}

function pop({ database, args, argc, reply, command }: Call, atStart: AtStart): void {
  if (argc > 3) throw new CommandError(wrongArity(command.fullName));
  const key = args[1];
  const count = argc === 3 ? countArgument(args[2], 0, errors.notPositive) : -1;
  const ref = database.write(key);
  checkIsList(database, ref);
  if (count >= 0) {
    if (ref === absent) reply.nullArray();
    else replyPopSeveral(database, key, ref, atStart, count, reply);
  } else if (ref === absent) reply.null();
  else replyPop(database, key, ref, atStart, reply);
}

/** The list under the call's first key, for reading; undefined if there is none. */
function listToRead({ database, args }: Call): ListValue | undefined {
  const ref = database.read(args[1]);
  return ref === absent ? undefined : listOf(database, ref);
}

function listToChange({ database, args }: Call): ListValue | undefined {
  const ref = database.write(args[1]);
  return ref === absent ? undefined : listOf(database, ref);
}

function llen(call: Call): void {
  call.reply.integer(listToRead(call)?.length ?? 0);
}

function lindex(call: Call): void {
  const { args, reply } = call;
  const list = listToRead(call);
  if (list === undefined) return reply.null();
  if (list.seek(cursor, longArgument(args[2])).done) return reply.null();
  cursor.read(item);
  reply.bytes(item);
}

function lset(call: Call): void {
  const { database, args, reply } = call;
  const list = listToChange(call);
  if (list === undefined) throw new CommandError(errors.noSuchKey);
  const index = longArgument(args[2]);
  if (list.seek(cursor, index).done) throw new CommandError(errors.outOfRange);
  list.grow(args[3].length, 1);
  list.replace(list.seek(cursor, index), args[3]);
  reply.ok();
  list.shrink();
  database.modified(args[1], EventClass.list, 'lset');
}

/**
 * Brings two indexes into the list: `start` from 0 on, `count` elements, none if there are none in between.
 */
function rangeOf(start: number, stop: number, length: number): { start: number; count: number } {
  const first = Math.max(start < 0 ? start + length : start, 0);
  const last = Math.min(stop < 0 ? stop + length : stop, length - 1);
  return { start: first, count: Math.max(last - first + 1, 0) };
}

function lrange(call: Call): void {
  const { args, reply } = call;
  const from = longArgument(args[2]);
  const to = longArgument(args[3]);
  const list = listToRead(call);
  if (list === undefined) return reply.array(0);
  const { start, count } = rangeOf(from, to, list.length);
  reply.array(count);
  if (count === 0) return;
  list.seek(cursor, start);
  for (let left = count; left > 0; left--) {
    cursor.read(item);
    reply.bytes(item);
    cursor.next();
  }
}

function ltrim(call: Call): void {
  const { database, args, reply } = call;
  const from = longArgument(args[2]);
  const to = longArgument(args[3]);
  const list = listToChange(call);
  if (list === undefined) return reply.ok();
  const { length } = list;
  const { start, count } = rangeOf(from, to, length);
  const end = count === 0 ? 0 : start + count;
  list.removeRange(end, length - end);
  if (count > 0) list.removeRange(0, start);
  reply.ok();
  elementsRemoved(database, args[1], list, 'ltrim', length - count);
}

function lrem(call: Call): void {
  const { database, args, reply } = call;
  const count = longArgument(args[2]);
  const list = listToChange(call);
  if (list === undefined) return reply.integer(0);
  const limit = count === 0 ? Number.POSITIVE_INFINITY : Math.abs(count);
  const removed = list.removeEqual(args[3], limit, count >= 0);
  reply.integer(removed);
  if (removed > 0) elementsRemoved(database, args[1], list, 'lrem', removed);
}

function linsert(call: Call): void {
  const { database, args, reply } = call;
  const before = args[2].is('before');
  if (!before && !args[2].is('after')) throw new CommandError(errors.syntax);
  const list = listToChange(call);
  if (list === undefined) return reply.integer(0);
  list.grow(args[4].length, 1);
  if (list.find(list.seek(cursor, 0), args[3]).done) return reply.integer(-1);
  list.insert(cursor, args[4], before);
  reply.integer(list.length);
  database.modified(args[1], EventClass.list, 'linsert');
}

function lpos(call: Call): void {
  const { args, argc, reply } = call;
  const { rank, count, maxLength } = readLposOptions(new ArgumentReader(args, argc, 3));
  const found = positions(listToRead(call), args[2], rank, count ?? 1, maxLength);
  if (count === undefined) {
    if (found.length === 0) reply.null();
    else reply.integer(found[0]);
    return;
  }
  reply.array(found.length);
  for (const index of found) reply.integer(index);
}

/** Indexes of up to `count` (0: all) elements equal to `bytes`, from the match with that rank on. */
function positions(
  list: ListValue | undefined,
  bytes: Bytes,
  rank: number,
  count: number,
  maxLength: number,
): number[] {
  const found: number[] = [];
  if (list === undefined) return found;
  const { length } = list;
  const forward = rank > 0;
  const wanted = searched.set(bytes);
  let skip = Math.abs(rank) - 1;
  list.seek(cursor, forward ? 0 : -1);
  for (let seen = 0; !cursor.done && (maxLength === 0 || seen < maxLength); seen++) {
    if (cursor.matches(wanted) && skip-- <= 0) {
      found.push(forward ? seen : length - 1 - seen);
      if (found.length === count) break;
    }
    if (forward) cursor.next();
    else cursor.previous();
  }
  return found;
}

function lmove(call: Call): void {
  const reader = new ArgumentReader(call.args, call.argc, 3);
  moveOne(call, endArgument(reader), endArgument(reader));
}

function moveOne({ database, args, reply }: Call, fromStart: AtStart, toStart: AtStart): void {
  const ref = database.write(args[1]);
  checkIsList(database, ref);
  if (ref === absent) return reply.null();
  replyMove(database, ref, { source: args[1], destination: args[2], fromStart, toStart }, reply);
}

function lmpop(call: Call): void {
  const { keys, atStart, count } = readMultiPop(new ArgumentReader(call.args, call.argc, 1));
  if (!popFromFirst(call, keys, atStart, count)) call.reply.nullArray();
}

/** `numkeys key [key ...] <LEFT | RIGHT> [COUNT count]` */
export function readMultiPop(reader: ArgumentReader): { keys: Bytes[]; atStart: AtStart; count: number } {
  const numkeys = countArgument(reader.next(), 1, errors.numkeysNotPositive);
  if (numkeys >= reader.left) throw new CommandError(errors.syntax);
  const keys = Array.from({ length: numkeys }, () => reader.next());
  const atStart = endArgument(reader);
  let count: number | undefined;
  while (!reader.done) {
    if (count !== undefined || !reader.take('count')) throw new CommandError(errors.syntax);
    count = countArgument(reader.next(), 1, errors.countNotPositive);
  }
  return { keys, atStart, count: count ?? 1 };
}

/**
 * Replies with the first of the keys that holds a list and its elements. False, without a reply, if none
 * does.
 */
export function popFromFirst(call: Call, keys: Bytes[], atStart: AtStart, count: number): boolean {
  const { database, reply } = call;
  for (const key of keys) {
    const ref = database.write(key);
    checkIsList(database, ref);
    if (ref === absent) continue;
    reply.array(2);
    reply.bytes(key);
    const taken = replyPopSeveral(database, key, ref, atStart, count, reply);
    if (call.propagates) call.propagateAs([atStart ? 'LPOP' : 'RPOP', key, taken]);
    return true;
  }
  return false;
}
