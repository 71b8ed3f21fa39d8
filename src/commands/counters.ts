import { addDecimal, parseLongDouble } from '../bytes/decimal.js';
import {
  INT64_MAX,
  INT64_MIN,
  integerLength,
  readInt64,
  readSafeInteger,
  sumOfSameLength,
  writeInteger,
  writeShortNumber,
} from '../bytes/integers.js';
import { absent } from '../keyspace/database.js';
import { EventClass } from '../keyspace/events.js';
import { kinds } from '../keyspace/kinds.js';
import type { Ref } from '../memory/arena.js';
import { CommandError, errors } from '../protocol/errors.js';
import { int64Argument } from './arguments.js';
import { type Call, type CommandSpec, oneKey } from './command.js';
import { requireString, writeString } from './string-values.js';

const changesNumber = oneKey('RW access update');

/** The commands that take a string for a number. */
export const counterCommands: CommandSpec[] = [
  {
    name: 'decr',
    group: 'string',
    since: '1.0.0',
    summary: 'Takes one from a number. A missing key counts as 0.',
    complexity: 'O(1)',
    syntax: 'key',
    flags: ['write', 'denyoom', 'fast'],
    keys: changesNumber,
    handler: (call) => incrementBy(call, -1),
  },
  {
    name: 'decrby',
    group: 'string',
    since: '1.0.0',
    summary: 'Subtracts an integer from a number. A missing key counts as 0.',
    complexity: 'O(1)',
    syntax: 'key decrement',
    flags: ['write', 'denyoom', 'fast'],
    keys: changesNumber,
    handler: decrby,
  },
  {
    name: 'incr',
    group: 'string',
    since: '1.0.0',
    summary: 'Adds one to a number. A missing key counts as 0.',
    complexity: 'O(1)',
    syntax: 'key',
    flags: ['write', 'denyoom', 'fast'],
    keys: changesNumber,
    handler: (call) => incrementBy(call, 1),
  },
  {
    name: 'incrby',
    group: 'string',
    since: '1.0.0',
    summary: 'Adds an integer to a number. A missing key counts as 0.',
    complexity: 'O(1)',
    syntax: 'key increment',
    flags: ['write', 'denyoom', 'fast'],
    keys: changesNumber,
    handler: incrby,
  },
  {
    name: 'incrbyfloat',
    group: 'string',
    since: '2.6.0',
    summary: 'Adds a decimal number to a number. A missing key counts as 0.',
    complexity: 'O(1)',
    syntax: 'key increment',
    types: { increment: 'double' },
    flags: ['write', 'denyoom', 'fast'],
    keys: changesNumber,
    handler: incrbyfloat,
  },
];

/** Numbers are stored as their decimal text. */
function incrementBy(call: Call, increment: number): void {
  const { database } = call;
  const ref = database.write(call.args[1]);
  if (ref !== absent) {
    // A plain string stays what it is, so that its kind is looked at once.
    if (database.kindOf(ref) !== kinds.string) requireString(database, ref);
    else if (incrementInPlace(call, ref, increment)) return;
  }
  replaceNumber(call, ref, increment);
}

/**
 * Overwrites a short number in a plain string where it stands, if the new text is as long as the old one, which is
 * nearly always. Hot: the only difference between a counter and a GET.
 */
function incrementInPlace(call: Call, ref: Ref, increment: number): boolean {
  const { database } = call;
  const { buffer, start, end } = database.payload(ref);
  const sum = sumOfSameLength(buffer, start, end, increment);
  if (sum < 0) return false;
  database.announceChange(ref);
  writeShortNumber(buffer, start, end, sum);
  call.reply.integer(sum);
  database.modified(call.args[1], EventClass.string, 'incrby');
  return true;
}

/** The same for every number up to 2^53. */
function replaceNumber(call: Call, ref: Ref, increment: number): void {
  const { database } = call;
  const key = call.args[1];
  let n = increment;
  let oldLength = -1;
  if (ref !== absent) {
    const { buffer, start, end } = database.payload(ref);
    oldLength = end - start;
    n += readSafeInteger(buffer, start, end);
  }
  // Not so for NaN either: what is no number at all, or only a big one, is sorted out there.
  if (!(n >= Number.MIN_SAFE_INTEGER && n <= Number.MAX_SAFE_INTEGER)) {
    incrementByBig(call, ref, BigInt(increment));
    return;
  }
  const length = integerLength(n);
  if (oldLength < 0) {
    ref = database.put(key, kinds.string, length);
  } else {
    if (length !== oldLength) ref = database.resize(ref, length);
    database.edit(ref, kinds.string);
  }
  const { buffer, start } = database.payload(ref);
  writeInteger(buffer, start, n);
  call.reply.integer(n);
  database.modified(key, EventClass.string, 'incrby');
}

/** The same beyond 2^53. */
function incrementByBig(call: Call, ref: Ref, increment: bigint): void {
  const { database } = call;
  let old: bigint | undefined = 0n;
  if (ref !== absent) {
    const { buffer, start, end } = database.payload(ref);
    old = readInt64(buffer, start, end);
  }
  if (old === undefined) throw new CommandError(errors.notInteger);
  const sum = old + increment;
  if (sum > INT64_MAX || sum < INT64_MIN) throw new CommandError(errors.overflow);
  storeText(call, ref, kinds.string, sum.toString());
  call.reply.bigint(sum);
  database.modified(call.args[1], EventClass.string, 'incrby');
}

/** Replaces the text of a number; when it expires stays. */
function storeText(call: Call, ref: Ref, kind: number, text: string): void {
  const { database } = call;
  if (ref === absent) {
    ref = database.put(call.args[1], kind, text.length);
  } else {
    ref = database.resize(ref, text.length);
    database.edit(ref, kind);
  }
  const { buffer, start } = database.payload(ref);
  buffer.write(text, start, 'latin1');
}

function incrby(call: Call): void {
  const { buffer, start, end } = call.args[2];
  const increment = readSafeInteger(buffer, start, end);
  if (!Number.isNaN(increment)) return incrementBy(call, increment);
  const big = int64Argument(call.args[2]);
  incrementByBig(call, writeString(call, call.args[1]), big);
}

function decrby(call: Call): void {
  const { buffer, start, end } = call.args[2];
  const small = readSafeInteger(buffer, start, end);
  if (!Number.isNaN(small)) return incrementBy(call, -small);
  const decrement = int64Argument(call.args[2]);
  if (decrement === INT64_MIN) throw new CommandError('ERR decrement would overflow');
  incrementByBig(call, writeString(call, call.args[1]), -decrement);
}

function incrbyfloat(call: Call): void {
  const { args, database } = call;
  const ref = writeString(call, args[1]);
  const old = ref === absent ? zero : parseLongDouble(database.payload(ref));
  const increment = parseLongDouble(args[2]);
  if (old === undefined || increment === undefined) throw new CommandError(errors.notFloat);
  const sum = addDecimal(old, increment);
  if (sum === undefined) throw new CommandError(errors.nanOrInfinity);
  storeText(call, ref, kinds.textString, sum);
  call.reply.text(sum);
  database.modified(args[1], EventClass.string, 'incrbyfloat');
  // Not the sum again: whoever repeats it may round differently.
  if (call.propagates) call.propagateAs(['SET', args[1], sum, 'KEEPTTL']);
}

const zero = { mantissa: 0n, exponent: 0 };
