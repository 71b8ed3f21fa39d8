import { Bytes } from '../bytes/bytes.js';
import { absent } from '../keyspace/database.js';
import { ValueType } from '../keyspace/events.js';
import { CommandError, errors } from '../protocol/errors.js';
import type { ReplyWriter } from '../protocol/reply-writer.js';
import type { SortedSet } from '../values/sorted-set.js';
import { ArgumentReader, countArgument } from './arguments.js';
import { type Call, type CommandSpec, oneKey } from './command.js';
import { aboutSortedSets, complexities, countedKeys } from './sorted-set-specs.js';
import {
  membersRemoved,
  replyMember,
  replyMemberCount,
  replyScore,
  writeSortedSet,
} from './sorted-set-values.js';
import { deadlineArgument } from './timeouts.js';

const keysBeforeTimeout = [{ flags: 'RW access delete', begin: 1, find: { last: -2, step: 1 } }];
const popsMany = 'O(K) + O(M*log(N)) with K keys, M members taken and N members in the sorted set.';

/** The commands that take members from the ends of sorted sets. */
export const sortedSetPopCommands: CommandSpec[] = [
  {
    ...aboutSortedSets,
    name: 'bzmpop',
    since: '7.0.0',
    summary: 'Takes members from the first of several sorted sets that has any; waits if none has.',
    complexity: popsMany,
    syntax: 'timeout numkeys key ... <MIN | MAX> [COUNT count]',
    flags: ['write', 'blocking'],
    keys: countedKeys('RW access delete', 2),
    handler: popFromFirstBlocking,
  },
  {
    ...aboutSortedSets,
    name: 'bzpopmax',
    since: '5.0.0',
    summary: 'Takes the highest member of the first of several sorted sets that has any; waits if none has.',
    complexity: complexities.member,
    syntax: 'key ... timeout',
    flags: ['write', 'blocking', 'fast'],
    keys: keysBeforeTimeout,
    history: [['6.0.0', 'The timeout may be a fraction.']],
    handler: (call) => popBlocking(call, 'max'),
  },
  {
    ...aboutSortedSets,
    name: 'bzpopmin',
    since: '5.0.0',
    summary: 'Takes the lowest member of the first of several sorted sets that has any; waits if none has.',
    complexity: complexities.member,
    syntax: 'key ... timeout',
    flags: ['write', 'blocking', 'fast'],
    keys: keysBeforeTimeout,
    history: [['6.0.0', 'The timeout may be a fraction.']],
    handler: (call) => popBlocking(call, 'min'),
  },
  {
    ...aboutSortedSets,
    name: 'zmpop',
    since: '7.0.0',
    summary: 'Takes members from the first of several sorted sets that has any.',
    complexity: popsMany,
    syntax: 'numkeys key ... <MIN | MAX> [COUNT count]',
    flags: ['write'],
    keys: countedKeys('RW access delete'),
    handler: popFromFirst,
  },
  {
    ...aboutSortedSets,
    name: 'zpopmax',
    since: '5.0.0',
    summary: 'Takes the members with the highest scores.',
    complexity: complexities.members,
    syntax: 'key [count]',
    flags: ['write', 'fast'],
    keys: oneKey('RW access delete'),
    handler: (call) => popMembers(call, 'max'),
  },
  {
    ...aboutSortedSets,
    name: 'zpopmin',
    since: '5.0.0',
    summary: 'Takes the members with the lowest scores.',
    complexity: complexities.members,
    syntax: 'key [count]',
    flags: ['write', 'fast'],
    keys: oneKey('RW access delete'),
    handler: (call) => popMembers(call, 'min'),
  },
];

/** The member that is being taken. Commands run one after the other, so that they can share this. */
const popped = new Bytes();

/** Which end members are taken from. */
type End = 'min' | 'max';

/** What a pop that waits, or looks at several keys, is propagated as. */
const plainPop = { min: 'ZPOPMIN', max: 'ZPOPMAX' } as const;

/** ZPOPMIN, ZPOPMAX. */
function popMembers(call: Call, end: End): void {
  const { args, argc, reply } = call;
  if (argc > 3) throw new CommandError(errors.syntax);
  const count = argc === 3 ? countArgument(args[2], 0, errors.notPositive) : 1;
  const set = writeSortedSet(call, args[1]);
  if (set === undefined) return reply.array(0);
  const found = Math.min(count, set.size);
  if (argc === 3) {
    replyMemberCount(reply, found, true);
    popSome(call, args[1], set, end, found, (member, score) => replyMember(reply, member, score, true));
  } else {
    popOne(call, args[1], set, end);
  }
}

/** Replies with the member at an end and its score, as an array of two, and takes it out. */
function popOne(call: Call, key: Bytes, set: SortedSet, end: End): void {
  const { reply } = call;
  const rank = end === 'min' ? 0 : set.size - 1;
  const score = set.at(rank, popped);
  reply.array(2);
  replyPair(reply, popped, score);
  set.removeRanks(rank, rank + 1);
  membersRemoved(call, key, set, 1, end === 'min' ? 'zpopmin' : 'zpopmax');
}

/** Takes `count` members out of the set of a key, and shows them to `visit` before. */
function popSome(
  call: Call,
  key: Bytes,
  set: SortedSet,
  end: End,
  count: number,
  visit: (member: Bytes, score: number) => void,
): void {
  const { size } = set;
  const from = end === 'min' ? 0 : size - count;
  set.visitRanks(from, from + count, end === 'max', visit);
  set.removeRanks(from, from + count);
  membersRemoved(call, key, set, count, end === 'min' ? 'zpopmin' : 'zpopmax');
}

function replyPair(reply: ReplyWriter, member: Bytes, score: number): void {
  reply.bytes(member);
  replyScore(reply, score);
}

const nullArray = (reply: ReplyWriter) => reply.nullArray();

/** BZPOPMIN, BZPOPMAX. */
function popBlocking(call: Call, end: End): void {
  const { args, argc, reply } = call;
  const deadline = deadlineArgument(call, args[argc - 1]);
  const keys = args.slice(1, argc - 1);
  const key = firstWithMembers(call, keys);
  if (key === undefined) return call.block(keys, deadline, nullArray, ValueType.sortedSet);
  reply.array(3);
  reply.bytes(key);
  popSome(call, key, writeSortedSet(call, key)!, end, 1, (member, score) => replyPair(reply, member, score));
  if (call.propagates) call.propagateAs([plainPop[end], key]);
}

/** The first key that has a sorted set. Throws CommandError for another type before it. */
function firstWithMembers(call: Call, keys: Bytes[]): Bytes | undefined {
  const { database } = call;
  for (const key of keys) {
    const ref = database.live(key);
    if (ref === absent) continue;
    if (database.typeOf(ref) !== ValueType.sortedSet) throw new CommandError(errors.wrongType);
    return key;
  }
  return undefined;
}

interface MultiPop {
  keys: Bytes[];
  end: End;
  count: number;
}

/** `numkeys key [key ...] <MIN | MAX> [COUNT count]`, from an argument on. */
function readMultiPop({ args, argc }: Call, first: number): MultiPop {
  const numkeys = countArgument(args[first], 1, errors.numkeysNotPositive);
  const reader = new ArgumentReader(args, argc, first + 1 + numkeys);
  if (reader.done) throw new CommandError(errors.syntax);
  const end = reader.take('min') ? 'min' : 'max';
  if (end === 'max' && !reader.take('max')) throw new CommandError(errors.syntax);
  const count = reader.done ? 1 : countOption(reader);
  return { keys: args.slice(first + 1, first + 1 + numkeys), end, count };
}

function countOption(reader: ArgumentReader): number {
  if (!reader.take('count') || reader.done) throw new CommandError(errors.syntax);
  const count = countArgument(reader.next(), 1, errors.countNotPositive);
  if (!reader.done) throw new CommandError(errors.syntax);
  return count;
}

/** ZMPOP. */
function popFromFirst(call: Call): void {
  const pop = readMultiPop(call, 1);
  const key = firstWithMembers(call, pop.keys);
  if (key === undefined) call.reply.nullArray();
  else replyMultiPop(call, key, pop);
}

/** BZMPOP. */
function popFromFirstBlocking(call: Call): void {
  const pop = readMultiPop(call, 2);
  const deadline = deadlineArgument(call, call.args[1]);
  const key = firstWithMembers(call, pop.keys);
  if (key === undefined) call.block(pop.keys, deadline, nullArray, ValueType.sortedSet);
  else replyMultiPop(call, key, pop);
}

function replyMultiPop(call: Call, key: Bytes, { end, count }: MultiPop): void {
  const { reply } = call;
  const set = writeSortedSet(call, key)!;
  const found = Math.min(count, set.size);
  reply.array(2);
  reply.bytes(key);
  reply.array(found);
  popSome(call, key, set, end, found, (member, score) => {
    reply.array(2);
    replyPair(reply, member, score);
  });
  if (call.propagates) call.propagateAs([plainPop[end], key, found]);
}
