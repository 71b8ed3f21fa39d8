import type { Bytes } from '../bytes/bytes.js';
import { absent } from '../keyspace/database.js';
import { ValueType } from '../keyspace/events.js';
import type { ReplyWriter } from '../protocol/reply-writer.js';
import { ArgumentReader } from './arguments.js';
import type { Call, CommandSpec } from './command.js';
import { type AtStart, checkIsList, endArgument, replyMove, replyPop } from './list-ends.js';
import { moveKeys, popFromFirst, readMultiPop } from './lists.js';
import { deadlineArgument } from './timeouts.js';

const about = { group: 'list' as const };
const fractions: [string, string][] = [['6.0.0', 'The timeout may have a fraction.']];

const popping = {
  ...about,
  since: '2.0.0',
  complexity: 'O(N) where N is the number of keys.',
  syntax: 'key [key ...] timeout',
  flags: ['write' as const, 'blocking' as const],
  keys: [{ flags: 'RW access delete', begin: 1, find: { last: -2, step: 1 } }],
  history: fractions,
};

/** Commands that wait until there is something in a list. A timeout of 0 is no limit. */
export const blockingListCommands: CommandSpec[] = [
  {
    ...about,
    name: 'blmove',
    since: '6.2.0',
    summary: 'As LMOVE, but waits while the source is empty.',
    complexity: 'O(1)',
    syntax: 'source destination <LEFT | RIGHT> <LEFT | RIGHT> timeout',
    flags: ['write', 'denyoom', 'blocking'],
    keys: moveKeys,
    handler: blmove,
  },
  {
    ...about,
    name: 'blmpop',
    since: '7.0.0',
    summary: 'As LMPOP, but waits while all the lists are empty.',
    complexity: 'O(N+M) with N the number of keys and M the number of elements returned.',
    syntax: 'timeout numkeys key [key ...] <LEFT | RIGHT> [COUNT count]',
    flags: ['write', 'blocking'],
    keys: [{ flags: 'RW access delete', begin: 2, find: { keyCountAt: 0, firstKey: 1, step: 1 } }],
    handler: blmpop,
  },
  {
    ...popping,
    name: 'blpop',
    summary: 'Takes the first element of the first list that is not empty, and waits while all are.',
    handler: (call) => blockingPop(call, true),
  },
  {
    ...popping,
    name: 'brpop',
    summary: 'Takes the last element of the first list that is not empty, and waits while all are.',
    handler: (call) => blockingPop(call, false),
  },
  {
    ...about,
    name: 'brpoplpush',
    since: '2.2.0',
    summary: 'As RPOPLPUSH, but waits while the source is empty.',
    complexity: 'O(1)',
    syntax: 'source destination timeout',
    flags: ['write', 'denyoom', 'blocking'],
    keys: moveKeys,
    history: fractions,
    deprecated: { since: '6.2.0', replacedBy: '`BLMOVE` with the `RIGHT` and `LEFT` arguments' },
    handler: brpoplpush,
  },
];

const nullArray = (reply: ReplyWriter) => reply.nullArray();

function blockingPop(call: Call, atStart: AtStart): void {
  const { database, args, argc, reply } = call;
  const deadline = deadlineArgument(call, args[argc - 1]);
  for (let i = 1; i < argc - 1; i++) {
    const key = args[i];
    const ref = database.write(key);
    checkIsList(database, ref);
    if (ref === absent) continue;
    reply.array(2);
    reply.bytes(key);
    replyPop(database, key, ref, atStart, reply);
    if (call.propagates) call.propagateAs([atStart ? 'LPOP' : 'RPOP', key]);
    return;
  }
  call.block(args.slice(1, argc - 1), deadline, nullArray, ValueType.list);
}

function blmpop(call: Call): void {
  const { args, argc } = call;
  const { keys, atStart, count } = readMultiPop(new ArgumentReader(args, argc, 2));
  const deadline = deadlineArgument(call, args[1]);
  if (!popFromFirst(call, keys, atStart, count)) call.block(keys, deadline, nullArray, ValueType.list);
}

function blmove(call: Call): void {
  const reader = new ArgumentReader(call.args, call.argc, 3);
  const moved = blockingMove(call, endArgument(reader), endArgument(reader), call.args[5]);
  if (moved && call.propagates) call.propagateAs(['LMOVE', ...call.args.slice(1, 5)]);
}

function brpoplpush(call: Call): void {
  const moved = blockingMove(call, false, true, call.args[3]);
  if (moved && call.propagates) call.propagateAs(['RPOPLPUSH', call.args[1], call.args[2]]);
}

/** False if there is nothing to move yet. */
function blockingMove(call: Call, fromStart: AtStart, toStart: AtStart, timeout: Bytes): boolean {
  const { database, args, reply } = call;
  const deadline = deadlineArgument(call, timeout);
  const [, source, destination] = args;
  const ref = database.write(source);
  checkIsList(database, ref);
  if (ref !== absent) {
    replyMove(database, ref, { source, destination, fromStart, toStart }, reply);
    return true;
  }
  if (call.denyBlocking) reply.null();
  else call.block([source], deadline, nullArray, ValueType.list);
  return false;
}
