import { Bytes } from '../bytes/bytes.js';
import { parseDouble } from '../bytes/doubles.js';
import { absent } from '../keyspace/database.js';
import { ValueType } from '../keyspace/events.js';
import { SetValue } from '../keyspace/set-value.js';
import { discardSortedSet, openForReading } from '../keyspace/sorted-sets.js';
import { CommandError, errors } from '../protocol/errors.js';
import type { SortedSet } from '../values/sorted-set.js';
import {
  type Aggregate,
  type Combination,
  combine,
  intersectionSize,
  type ScoredMembers,
} from '../values/sorted-set-algebra.js';
import { ArgumentReader, countArgument, longArgument } from './arguments.js';
import type { Call, CommandSpec } from './command.js';
import { aboutSortedSets, countedKeys, destinationAnd } from './sorted-set-specs.js';
import { replyMember, replyMemberCount, replyStored } from './sorted-set-values.js';

const combining = '[WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>]';
const diffCost = 'O(L + (N-K)log(N)) with L members in all sets, N in the first one and K in the result.';
const interCost = 'O(N*K)+O(M*log(M)) with K sets, N members in the smallest one and M in the result.';
const unionCost = 'O(N)+O(M*log(M)) with N members in all sets and M in the result.';

/** The commands that make one sorted set of several. */
export const sortedSetAlgebraCommands: CommandSpec[] = [
  {
    ...aboutSortedSets,
    name: 'zdiff',
    since: '6.2.0',
    summary: 'Gives the members of the first sorted set that the others lack.',
    complexity: diffCost,
    syntax: 'numkeys key ... [WITHSCORES]',
    flags: ['readonly'],
    keys: countedKeys('RO access'),
    handler: (call) => combineSets(call, 'diff'),
  },
  {
    ...aboutSortedSets,
    name: 'zdiffstore',
    since: '6.2.0',
    summary: 'Stores the members of the first sorted set that the others lack.',
    complexity: diffCost,
    syntax: 'destination numkeys key ...',
    flags: ['write', 'denyoom'],
    keys: destinationAnd({ keyCountAt: 0, firstKey: 1, step: 1 }),
    handler: (call) => storeCombination(call, 'diff'),
  },
  {
    ...aboutSortedSets,
    name: 'zinter',
    since: '6.2.0',
    summary: 'Gives the members that all sorted sets have.',
    complexity: interCost,
    syntax: `numkeys key ... ${combining} [WITHSCORES]`,
    flags: ['readonly'],
    keys: countedKeys('RO access'),
    handler: (call) => combineSets(call, 'inter'),
  },
  {
    ...aboutSortedSets,
    name: 'zintercard',
    since: '7.0.0',
    summary: 'Counts the members that all sorted sets have.',
    complexity: 'O(N*K) with K sets and N members in the smallest one.',
    syntax: 'numkeys key ... [LIMIT limit]',
    types: { limit: 'integer' },
    flags: ['readonly'],
    keys: countedKeys('RO access'),
    handler: zintercard,
  },
  {
    ...aboutSortedSets,
    name: 'zinterstore',
    since: '2.0.0',
    summary: 'Stores the members that all sorted sets have.',
    complexity: interCost,
    syntax: `destination numkeys key ... ${combining}`,
    flags: ['write', 'denyoom'],
    keys: destinationAnd({ keyCountAt: 0, firstKey: 1, step: 1 }),
    handler: (call) => storeCombination(call, 'inter'),
  },
  {
    ...aboutSortedSets,
    name: 'zunion',
    since: '6.2.0',
    summary: 'Gives the members that any of the sorted sets has.',
    complexity: unionCost,
    syntax: `numkeys key ... ${combining} [WITHSCORES]`,
    flags: ['readonly'],
    keys: countedKeys('RO access'),
    handler: (call) => combineSets(call, 'union'),
  },
  {
    ...aboutSortedSets,
    name: 'zunionstore',
    since: '2.0.0',
    summary: 'Stores the members that any of the sorted sets has.',
    complexity: unionCost,
    syntax: `destination numkeys key ... ${combining}`,
    flags: ['write', 'denyoom'],
    keys: destinationAnd({ keyCountAt: 0, firstKey: 1, step: 1 }),
    handler: (call) => storeCombination(call, 'union'),
  },
];

/** ZUNION, ZINTER, ZDIFF. */
function combineSets(call: Call, combination: Combination): void {
  const { reply, database } = call;
  const keys = readKeys(call, 1);
  const inputs = keys.map((key) => readInput(call, key));
  const { weights, aggregate, withScores } = readOptions(
    call,
    2 + keys.length,
    combination,
    keys.length,
    true,
  );
  const operands = inputs.map((members, i) => ({ members, weight: weights[i] ?? 1 }));
  const result = combine(database.keyspace, combination, operands, aggregate);
  replyMemberCount(reply, result.size, withScores);
  result.visitRanks(0, result.size, false, (member, score) => replyMember(reply, member, score, withScores));
  discardSortedSet(result);
}

/** ZUNIONSTORE, ZINTERSTORE, ZDIFFSTORE. */
function storeCombination(call: Call, combination: Combination): void {
  const keys = readKeys(call, 2);
  const inputs = keys.map((key) => readInput(call, key));
  const { weights, aggregate } = readOptions(call, 3 + keys.length, combination, keys.length, false);
  const operands = inputs.map((members, i) => ({ members, weight: weights[i] ?? 1 }));
  const result = combine(call.database.keyspace, combination, operands, aggregate);
  replyStored(call, call.args[1], result, `z${combination}store`);
}

function zintercard(call: Call): void {
  const keys = readKeys(call, 1);
  const inputs = keys.map((key) => readInput(call, key));
  const reader = new ArgumentReader(call.args, call.argc, 2 + keys.length);
  let limit = 0;
  while (!reader.done) {
    if (reader.left < 2 || !reader.take('limit')) throw new CommandError(errors.syntax);
    limit = countArgument(reader.next(), 0, errors.limitNegative);
  }
  call.reply.integer(intersectionSize(inputs, limit === 0 ? Number.POSITIVE_INFINITY : limit));
}

/** `numkeys key [key ...]`, from an argument on. */
function readKeys({ args, argc, command }: Call, first: number): Bytes[] {
  const numkeys = longArgument(args[first]);
  if (numkeys < 1) {
    throw new CommandError(`ERR at least 1 input key is needed for '${command.fullName}' command`);
  }
  if (numkeys > argc - first - 1) throw new CommandError(errors.syntax);
  return args.slice(first + 1, first + 1 + numkeys);
}

const nothing: ScoredMembers = { size: 0, find: () => Number.NaN, visit() {} };

/** The members of a sorted set, or of a set. An absent key has none. Throws CommandError for another type. */
function readInput({ database }: Call, key: Bytes): ScoredMembers {
  const ref = database.read(key);
  if (ref === absent) return nothing;
  const type = database.typeOf(ref);
  if (type === ValueType.sortedSet) return membersOfSortedSet(openForReading(database, ref));
  if (type === ValueType.set) return membersOfSet(new SetValue().open(database, ref));
  throw new CommandError(errors.wrongType);
}

function membersOfSortedSet(set: SortedSet): ScoredMembers {
  return {
    size: set.size,
    find: (member) => set.find(member),
    visit: (visit) => set.visitRanks(0, set.size, false, visit),
  };
}

/** Members of a set have score 1. */
function membersOfSet(set: SetValue): ScoredMembers {
  const view = new Bytes();
  return {
    size: set.size,
    find: (member) => (set.has(member) ? 1 : Number.NaN),
    visit: (visit) =>
      set.forEach((place) => {
        set.nameAt(place, view);
        visit(view, 1);
      }),
  };
}

interface CombineOptions {
  weights: number[];
  aggregate: Aggregate;
  withScores: boolean;
}

function readOptions(
  { args, argc }: Call,
  first: number,
  combination: Combination,
  numkeys: number,
  mayShowScores: boolean,
): CombineOptions {
  const reader = new ArgumentReader(args, argc, first);
  const options: CombineOptions = { weights: [], aggregate: 'sum', withScores: false };
  while (!reader.done) {
    const combines = combination !== 'diff';
    if (combines && reader.left > numkeys && reader.take('weights')) {
      options.weights = Array.from({ length: numkeys }, () => weight(reader.next()));
    } else if (combines && reader.left >= 2 && reader.take('aggregate')) {
      options.aggregate = readAggregate(reader);
    } else if (mayShowScores && reader.take('withscores')) {
      options.withScores = true;
    } else {
      throw new CommandError(errors.syntax);
    }
  }
  return options;
}

function weight({ buffer, start, end }: Bytes): number {
  const number = parseDouble(buffer, start, end);
  if (number === undefined) throw new CommandError('ERR weight value is not a float');
  return number;
}

function readAggregate(reader: ArgumentReader): Aggregate {
  if (reader.take('sum')) return 'sum';
  if (reader.take('min')) return 'min';
  if (reader.take('max')) return 'max';
  throw new CommandError(errors.syntax);
}
