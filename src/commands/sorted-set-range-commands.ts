import type { Bytes } from '../bytes/bytes.js';
import { CommandError, errors } from '../protocol/errors.js';
import { TreeSortedSet } from '../values/tree-sorted-set.js';
import { ArgumentReader } from './arguments.js';
import { type Call, type CommandSpec, oneKey } from './command.js';
import { limitRanks, type RangeKind, type Ranks, readRange } from './sorted-set-ranges.js';
import { aboutSortedSets, complexities, destinationAnd } from './sorted-set-specs.js';
import {
  membersRemoved,
  readSortedSet,
  replyMember,
  replyMemberCount,
  replyStored,
  writeSortedSet,
} from './sorted-set-values.js';

const limit = '[LIMIT offset count]';
const choices = `[BYSCORE | BYLEX] [REV] ${limit}`;
const byText = { min: 'string', max: 'string', start: 'string', stop: 'string' } as const;
const byScore = { min: 'double', max: 'double' } as const;
const since62 = (replacement: string) => ({ since: '6.2.0', replacedBy: replacement });

const reads = {
  ...aboutSortedSets,
  complexity: complexities.range,
  flags: ['readonly' as const],
  keys: oneKey('RO access'),
};
const counts = {
  ...reads,
  complexity: complexities.member,
  brief: true,
  flags: ['readonly' as const, 'fast' as const],
};
const removes = { ...reads, flags: ['write' as const], keys: oneKey('RW delete') };

/** The commands that take a range of a sorted set: to give, to store, to count or to remove its members. */
export const sortedSetRangeCommands: CommandSpec[] = [
  {
    ...counts,
    name: 'zcount',
    since: '2.0.0',
    summary: 'Counts the members with scores in a range.',
    syntax: 'key min max',
    types: byScore,
    handler: (call) => countRange(call, 'score'),
  },
  {
    ...counts,
    name: 'zlexcount',
    since: '2.8.9',
    summary: 'Counts the members between two byte strings, where all scores are equal.',
    syntax: 'key min max',
    types: byText,
    handler: (call) => countRange(call, 'lex'),
  },
  {
    ...reads,
    name: 'zrange',
    since: '1.2.0',
    summary: 'Gives the members in a range of ranks, scores or bytes.',
    syntax: `key start stop ${choices} [WITHSCORES]`,
    types: byText,
    history: [['6.2.0', 'Takes `REV`, `BYSCORE`, `BYLEX` and `LIMIT`.']],
    handler: (call) => replyRange(call, {}),
  },
  {
    ...reads,
    name: 'zrangebylex',
    since: '2.8.9',
    summary: 'Gives the members between two byte strings, where all scores are equal.',
    syntax: `key min max ${limit}`,
    types: byText,
    deprecated: since62('`ZRANGE` with the `BYLEX` argument'),
    handler: (call) => replyRange(call, { kind: 'lex', backwards: false }),
  },
  {
    ...reads,
    name: 'zrangebyscore',
    since: '1.0.5',
    summary: 'Gives the members with scores in a range.',
    syntax: `key min max [WITHSCORES] ${limit}`,
    types: byScore,
    history: [['2.0.0', 'Takes `WITHSCORES`.']],
    deprecated: since62('`ZRANGE` with the `BYSCORE` argument'),
    handler: (call) => replyRange(call, { kind: 'score', backwards: false }),
  },
  {
    ...aboutSortedSets,
    name: 'zrangestore',
    since: '6.2.0',
    summary: 'Stores the members in a range of ranks, scores or bytes under another key.',
    complexity: complexities.range,
    syntax: `dst src min max ${choices}`,
    types: { ...byText, dst: 'key', src: 'key' },
    flags: ['write', 'denyoom'],
    keys: destinationAnd({ last: 0, step: 1 }),
    handler: storeRange,
  },
  {
    ...removes,
    name: 'zremrangebylex',
    since: '2.8.9',
    summary: 'Removes the members between two byte strings, where all scores are equal.',
    syntax: 'key min max',
    types: byText,
    handler: (call) => removeRange(call, 'lex'),
  },
  {
    ...removes,
    name: 'zremrangebyrank',
    since: '2.0.0',
    summary: 'Removes the members in a range of ranks.',
    syntax: 'key start stop',
    handler: (call) => removeRange(call, 'rank'),
  },
  {
    ...removes,
    name: 'zremrangebyscore',
    since: '1.2.0',
    summary: 'Removes the members with scores in a range.',
    syntax: 'key min max',
    types: byScore,
    handler: (call) => removeRange(call, 'score'),
  },
  {
    ...reads,
    name: 'zrevrange',
    since: '1.2.0',
    summary: 'Gives the members in a range of ranks, the highest score first.',
    syntax: 'key start stop [WITHSCORES]',
    deprecated: since62('`ZRANGE` with the `REV` argument'),
    handler: (call) => replyRange(call, { kind: 'rank', backwards: true }),
  },
  {
    ...reads,
    name: 'zrevrangebylex',
    since: '2.8.9',
    summary: 'Gives the members between two byte strings, the last first, where all scores are equal.',
    syntax: `key max min ${limit}`,
    types: byText,
    deprecated: since62('`ZRANGE` with the `REV` and `BYLEX` arguments'),
    handler: (call) => replyRange(call, { kind: 'lex', backwards: true }),
  },
  {
    ...reads,
    name: 'zrevrangebyscore',
    since: '2.2.0',
    summary: 'Gives the members with scores in a range, the highest score first.',
    syntax: `key max min [WITHSCORES] ${limit}`,
    types: byScore,
    history: [['2.1.6', 'The bounds may be exclusive.']],
    deprecated: since62('`ZRANGE` with the `REV` and `BYSCORE` arguments'),
    handler: (call) => replyRange(call, { kind: 'score', backwards: true }),
  },
];

/** What the command's name says about its range; the rest are options. */
interface Given {
  kind?: RangeKind;
  backwards?: boolean;
}

interface RangeOptions {
  kind: RangeKind;
  backwards: boolean;
  withScores: boolean;
  offset: number;
  /** Negative: all. */
  count: number;
}

const unlimited = -1;

function readOptions(call: Call, first: number, given: Given, stores: boolean): RangeOptions {
  const reader = new ArgumentReader(call.args, call.argc, first);
  let { kind, backwards } = given;
  let withScores = false;
  let offset = 0;
  let count = unlimited;
  while (!reader.done) {
    if (!stores && reader.take('withscores')) withScores = true;
    else if (reader.left > 2 && reader.take('limit')) {
      offset = reader.long();
      count = reader.long();
    } else if (backwards === undefined && reader.take('rev')) backwards = true;
    else if (kind === undefined && reader.take('bylex')) kind = 'lex';
    else if (kind === undefined && reader.take('byscore')) kind = 'score';
    else throw new CommandError(errors.syntax);
  }
  const options = { kind: kind ?? 'rank', backwards: backwards ?? false, withScores, offset, count };
  checkCombination(options);
  return options;
}

function checkCombination({ kind, withScores, count }: RangeOptions): void {
  if (count !== unlimited && kind === 'rank') {
    throw new CommandError(
      'ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX',
    );
  }
  if (withScores && kind === 'lex') {
    throw new CommandError('ERR syntax error, WITHSCORES not supported in combination with BYLEX');
  }
}

/**
 * The range of the options between two arguments; backwards the higher one comes first, unless they are
 * ranks.
 */
function rangeBetween({ kind, backwards }: RangeOptions, first: Bytes, second: Bytes) {
  return backwards && kind !== 'rank'
    ? readRange(kind, second, first)
    : readRange(kind, first, second, backwards);
}

function limited(ranks: Ranks, { kind, offset, count, backwards }: RangeOptions): Ranks {
  return kind === 'rank' ? ranks : limitRanks(ranks, offset, count, backwards);
}

/** ZRANGE and its ancestors. */
function replyRange(call: Call, given: Given): void {
  const { args, reply } = call;
  const options = readOptions(call, 4, given, false);
  const { withScores, backwards } = options;
  const range = rangeBetween(options, args[2], args[3]);
  const set = readSortedSet(call, args[1]);
  if (set === undefined) return reply.array(0);
  const { from, to } = limited(range(set), options);
  replyMemberCount(reply, Math.max(0, to - from), withScores);
  if (withScores)
    set.visitRanks(from, to, backwards, (member, score) => replyMember(reply, member, score, true));
  else set.sendRanks(from, to, backwards, reply);
}

function storeRange(call: Call): void {
  const { args, database } = call;
  const options = readOptions(call, 5, {}, true);
  const range = rangeBetween(options, args[3], args[4]);
  const set = readSortedSet(call, args[2]);
  const built = new TreeSortedSet(database.keyspace);
  if (set !== undefined) {
    const { from, to } = limited(range(set), options);
    set.visitRanks(from, to, false, (member, score) => built.addNew(member, score));
  }
  replyStored(call, args[1], built, 'zrangestore');
}

function countRange(call: Call, kind: RangeKind): void {
  const { args, reply } = call;
  const range = readRange(kind, args[2], args[3]);
  const set = readSortedSet(call, args[1]);
  if (set === undefined) return reply.integer(0);
  const { from, to } = range(set);
  reply.integer(Math.max(0, to - from));
}

function removeRange(call: Call, kind: RangeKind): void {
  const { args, reply } = call;
  const range = readRange(kind, args[2], args[3]);
  const set = writeSortedSet(call, args[1]);
  if (set === undefined) return reply.integer(0);
  const { from, to } = range(set);
  const count = Math.max(0, to - from);
  set.removeRanks(from, to);
  reply.integer(count);
  membersRemoved(call, args[1], set, count, `zremrangeby${kind}`);
}
