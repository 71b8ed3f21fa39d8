import { Bytes } from '../bytes/bytes.js';
import { absent } from '../keyspace/database.js';
import { ValueType } from '../keyspace/events.js';
import { CommandError, errors } from '../protocol/errors.js';
import { type CommonRun, commonLength, commonRuns } from '../values/lcs.js';
import { ArgumentReader } from './arguments.js';
import type { Call, CommandSpec } from './command.js';

export const lcsCommand: CommandSpec = {
  name: 'lcs',
  group: 'string',
  since: '7.0.0',
  summary: 'Finds the longest common subsequence of two strings.',
  complexity: 'O(N*M) with N and M the lengths of the strings.',
  syntax: 'key1 key2 [LEN] [IDX] [MINMATCHLEN min-match-len] [WITHMATCHLEN]',
  flags: ['readonly'],
  keys: [{ flags: 'RO access', begin: 1, find: { last: 1, step: 1 } }],
  handler: lcs,
};

interface LcsOptions {
  lengthOnly: boolean;
  positions: boolean;
  leastLength: number;
  withLengths: boolean;
}

function lcs(call: Call): void {
  const a = readOperand(call, 1);
  const b = readOperand(call, 2);
  const options = readOptions(call);
  checkSize(call, a.length, b.length);
  if (options.lengthOnly) call.reply.integer(commonLength(a, b));
  else if (options.positions) replyPositions(call, commonRuns(a, b), options);
  else replySubsequence(call, a, commonRuns(a, b));
}

const empty = new Bytes();

/** A view of its own, for there are two. */
function readOperand(call: Call, position: number): Bytes {
  const { database } = call;
  const ref = database.read(call.args[position]);
  if (ref === absent) return empty;
  if (database.typeOf(ref) !== ValueType.string) {
    throw new CommandError('ERR The specified keys must contain string values');
  }
  return database.payload(ref, new Bytes(empty.buffer));
}

function readOptions(call: Call): LcsOptions {
  const reader = new ArgumentReader(call.args, call.argc, 3);
  const options: LcsOptions = { lengthOnly: false, positions: false, leastLength: 0, withLengths: false };
  while (!reader.done) {
    if (reader.take('idx')) options.positions = true;
    else if (reader.take('len')) options.lengthOnly = true;
    else if (reader.take('withmatchlen')) options.withLengths = true;
    else if (reader.take('minmatchlen')) options.leastLength = reader.long();
    else throw new CommandError(errors.syntax);
  }
  if (options.lengthOnly && options.positions) {
    throw new CommandError('ERR If you want both the length and indexes, please just use IDX.');
  }
  return options;
}

/** The same bound as in Redis, which keeps four bytes for each pair of positions. It also bounds the time. */
function checkSize(call: Call, a: number, b: number): void {
  if ((a + 1) * (b + 1) * 4 > call.server.config.values['proto-max-bulk-len']) {
    throw new CommandError('ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len');
  }
}

function replySubsequence(call: Call, a: Bytes, runs: CommonRun[]): void {
  const parts = runs.map((run) => a.buffer.subarray(a.start + run.a, a.start + run.a + run.length));
  const text = Buffer.concat(parts.reverse());
  call.reply.bulk(text, 0, text.length);
}

function replyPositions(call: Call, runs: CommonRun[], options: LcsOptions): void {
  const { reply } = call;
  const shown = runs.filter((run) => run.length >= options.leastLength);
  reply.map(2);
  reply.text('matches');
  reply.array(shown.length);
  for (const run of shown) {
    reply.array(options.withLengths ? 3 : 2);
    for (const first of [run.a, run.b]) {
      reply.array(2);
      reply.integer(first);
      reply.integer(first + run.length - 1);
    }
    if (options.withLengths) reply.integer(run.length);
  }
  reply.text('len');
  reply.integer(runs.reduce((sum, run) => sum + run.length, 0));
}
