import { CommandError, errors, wrongArity } from '../protocol/errors.js';
import { type Call, type CommandSpec, oneKey } from './command.js';
import { zadd, zincrby } from './sorted-set-add.js';
import { sortedSetAlgebraCommands } from './sorted-set-algebra.js';
import { sortedSetPopCommands } from './sorted-set-pops.js';
import { zrandmember } from './sorted-set-random.js';
import { sortedSetRangeCommands } from './sorted-set-range-commands.js';
import { zscan } from './sorted-set-scan.js';
import { aboutSortedSets, complexities } from './sorted-set-specs.js';
import {
  membersRemoved,
  readSortedSet,
  replyScore,
  replyScoreOrNull,
  writeSortedSet,
} from './sorted-set-values.js';

export const sortedSetCommands: CommandSpec[] = [
  {
    ...aboutSortedSets,
    name: 'zadd',
    since: '1.2.0',
    summary: 'Adds members to a sorted set, or changes their scores; creates the key if it is missing.',
    complexity: 'O(log(N)) for each member, with N members in the sorted set.',
    brief: true,
    syntax: 'key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...]',
    types: { score: 'double' },
    flags: ['write', 'denyoom', 'fast'],
    keys: oneKey('RW update'),
    history: [
      ['2.4.0', 'Takes several members.'],
      ['3.0.2', 'Takes `XX`, `NX`, `CH` and `INCR`.'],
      ['6.2.0', 'Takes `GT` and `LT`.'],
    ],
    handler: zadd,
  },
  {
    ...aboutSortedSets,
    name: 'zcard',
    since: '1.2.0',
    summary: 'Counts the members of a sorted set.',
    complexity: 'O(1)',
    syntax: 'key',
    flags: ['readonly', 'fast'],
    keys: oneKey('RO'),
    handler: (call) => call.reply.integer(readSortedSet(call, call.args[1])?.size ?? 0),
  },
  {
    ...aboutSortedSets,
    name: 'zincrby',
    since: '1.2.0',
    summary: 'Adds to the score of a member, which is created if it is missing.',
    complexity: complexities.member,
    brief: true,
    syntax: 'key increment member',
    flags: ['write', 'denyoom', 'fast'],
    keys: oneKey('RW access update'),
    handler: zincrby,
  },
  {
    ...aboutSortedSets,
    name: 'zmscore',
    since: '6.2.0',
    summary: 'Gives the scores of several members.',
    complexity: 'O(N) with N members asked for.',
    syntax: 'key member ...',
    flags: ['readonly', 'fast'],
    keys: oneKey('RO access'),
    handler: zmscore,
  },
  {
    ...aboutSortedSets,
    name: 'zrandmember',
    since: '6.2.0',
    summary: 'Gives members chosen at random.',
    complexity: 'O(N*log(M)) with N members given, of M.',
    syntax: 'key [count [WITHSCORES]]',
    flags: ['readonly'],
    keys: oneKey('RO access'),
    tips: ['nondeterministic_output'],
    handler: zrandmember,
  },
  {
    ...aboutSortedSets,
    name: 'zrank',
    since: '2.0.0',
    summary: 'Tells how many members come before one.',
    complexity: complexities.member,
    brief: true,
    syntax: 'key member [WITHSCORE]',
    flags: ['readonly', 'fast'],
    keys: oneKey('RO access'),
    history: [['7.2.0', 'Takes `WITHSCORE`.']],
    handler: (call) => replyRank(call, false),
  },
  {
    ...aboutSortedSets,
    name: 'zrem',
    since: '1.2.0',
    summary: 'Removes members from a sorted set, and the key with the last of them.',
    complexity: complexities.members,
    syntax: 'key member ...',
    flags: ['write', 'fast'],
    keys: oneKey('RW delete'),
    history: [['2.4.0', 'Takes several members.']],
    handler: zrem,
  },
  {
    ...aboutSortedSets,
    name: 'zrevrank',
    since: '2.0.0',
    summary: 'Tells how many members come behind one.',
    complexity: complexities.member,
    brief: true,
    syntax: 'key member [WITHSCORE]',
    flags: ['readonly', 'fast'],
    keys: oneKey('RO access'),
    history: [['7.2.0', 'Takes `WITHSCORE`.']],
    handler: (call) => replyRank(call, true),
  },
  {
    ...aboutSortedSets,
    name: 'zscan',
    since: '2.8.0',
    summary: 'Lists members and scores bit by bit: each call returns some and the cursor for the next call.',
    complexity: 'O(COUNT) for each call, O(N) for all N members.',
    syntax: 'key cursor [MATCH pattern] [COUNT count]',
    flags: ['readonly'],
    keys: oneKey('RO access'),
    tips: ['nondeterministic_output'],
    handler: zscan,
  },
  {
    ...aboutSortedSets,
    name: 'zscore',
    since: '1.2.0',
    summary: 'Gives the score of a member.',
    complexity: 'O(1)',
    syntax: 'key member',
    flags: ['readonly', 'fast'],
    keys: oneKey('RO access'),
    handler: zscore,
  },
  ...sortedSetRangeCommands,
  ...sortedSetPopCommands,
  ...sortedSetAlgebraCommands,
];

function zscore(call: Call): void {
  const set = readSortedSet(call, call.args[1]);
  replyScoreOrNull(call.reply, set === undefined ? Number.NaN : set.find(call.args[2]));
}

function zmscore(call: Call): void {
  const { args, argc, reply } = call;
  const set = readSortedSet(call, args[1]);
  reply.array(argc - 2);
  for (let i = 2; i < argc; i++) replyScoreOrNull(reply, set === undefined ? Number.NaN : set.find(args[i]));
}

/** ZRANK, ZREVRANK. */
function replyRank(call: Call, backwards: boolean): void {
  const { args, argc, reply } = call;
  if (argc > 4) throw new CommandError(wrongArity(call.command.fullName));
  if (argc === 4 && !args[3].is('withscore')) throw new CommandError(errors.syntax);
  const withScore = argc === 4;
  const set = readSortedSet(call, args[1]);
  const score = set === undefined ? Number.NaN : set.find(args[2]);
  if (set === undefined || Number.isNaN(score)) {
    if (withScore) reply.nullArray();
    else reply.null();
    return;
  }
  const rank = set.rankOfFound();
  if (withScore) reply.array(2);
  reply.integer(backwards ? set.size - 1 - rank : rank);
  if (withScore) replyScore(reply, score);
}

function zrem(call: Call): void {
  const { args, argc, reply } = call;
  const set = writeSortedSet(call, args[1]);
  let removed = 0;
  for (let i = 2; set !== undefined && set.size > 0 && i < argc; i++) {
    if (Number.isNaN(set.find(args[i]))) continue;
    set.removeFound();
    removed++;
  }
  reply.integer(removed);
  if (set !== undefined) membersRemoved(call, args[1], set, removed, 'zrem');
}
