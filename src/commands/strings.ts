import { type Bytes, copyBytes } from '../bytes/bytes.js';
import { addDecimal, parseLongDouble } from '../bytes/decimal.js';
import {
  INT64_MAX,
  INT64_MIN,
  integerLength,
  readInt64,
  readSafeInteger,
  writeInteger,
} from '../bytes/integers.js';
import { absent } from '../keyspace/database.js';
import { EventClass, ValueType } from '../keyspace/events.js';
import { kinds } from '../keyspace/kinds.js';
import type { Ref } from '../memory/arena.js';
import { CommandError, errors, invalidExpire, wrongArity } from '../protocol/errors.js';
import { ArgumentReader, int64Argument, longArgument } from './arguments.js';
import { type Call, type CommandSpec, manyKeys, oneKey } from './command.js';
import { lcsCommand } from './lcs.js';
import { checkStringLength, readString, stretchString, writeString } from './string-values.js';

const expiryChoices = 'EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds';
const changesNumber = oneKey('RW access update');
const setsOption = (option: string) => ({
  since: '2.6.12',
  replacedBy: `\`SET\` with the \`${option}\` argument`,
});

export const stringCommands: CommandSpec[] = [
  {
    name: 'append',
    group: 'string',
    since: '2.0.0',
    summary: 'Adds bytes to the end of a string, which is created if it is missing.',
    complexity: 'O(1), amortized, for a short addition: blocks grow in steps.',
    syntax: 'key value',
    flags: ['write', 'denyoom', 'fast'],
    keys: oneKey('RW insert'),
    handler: append,
  },
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
    name: 'get',
    group: 'string',
    since: '1.0.0',
    summary: 'Gives the string under a key.',
    complexity: 'O(1)',
    syntax: 'key',
    flags: ['readonly', 'fast'],
    keys: oneKey('RO access'),
    handler: get,
  },
  {
    name: 'getdel',
    group: 'string',
    since: '6.2.0',
    summary: 'Gives the string under a key and removes the key.',
    complexity: 'O(1)',
    syntax: 'key',
    flags: ['write', 'fast'],
    keys: oneKey('RW access delete'),
    handler: getdel,
  },
  {
    name: 'getex',
    group: 'string',
    since: '6.2.0',
    summary: 'Gives the string under a key and sets or clears when the key expires.',
    complexity: 'O(1)',
    syntax: `key [${expiryChoices} | PERSIST]`,
    flags: ['write', 'fast'],
    keys: [{ ...oneKey('RW access update')[0], notes: 'RW and UPDATE because it changes the TTL' }],
    handler: getex,
  },
  {
    name: 'getrange',
    group: 'string',
    since: '2.4.0',
    summary: 'Gives the part of a string between two offsets, both included.',
    complexity: 'O(N) with N the length of the part.',
    syntax: 'key start end',
    flags: ['readonly'],
    keys: oneKey('RO access'),
    handler: getrange,
  },
  {
    name: 'getset',
    group: 'string',
    since: '1.0.0',
    summary: 'Stores a string and gives the one that it replaces.',
    complexity: 'O(1)',
    syntax: 'key value',
    flags: ['write', 'denyoom', 'fast'],
    keys: oneKey('RW access update'),
    deprecated: { since: '6.2.0', replacedBy: '`SET` with the `GET` argument' },
    handler: getset,
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
  lcsCommand,
  {
    name: 'mget',
    group: 'string',
    since: '1.0.0',
    summary: 'Gives the strings under several keys.',
    complexity: 'O(N) with N the number of keys.',
    syntax: 'key ...',
    flags: ['readonly', 'fast'],
    keys: manyKeys('RO access'),
    tips: ['request_policy:multi_shard'],
    handler: mget,
  },
  {
    name: 'mset',
    group: 'string',
    since: '1.0.1',
    summary: 'Stores several strings at once.',
    complexity: 'O(N) with N the number of keys.',
    syntax: 'key value [key value ...]',
    flags: ['write', 'denyoom'],
    keys: manyKeys('OW update', 2),
    tips: ['request_policy:multi_shard', 'response_policy:all_succeeded'],
    handler: mset,
  },
  {
    name: 'msetnx',
    group: 'string',
    since: '1.0.1',
    summary: 'Stores several strings at once, or none of them if one of the keys exists.',
    complexity: 'O(N) with N the number of keys.',
    syntax: 'key value [key value ...]',
    flags: ['write', 'denyoom'],
    keys: manyKeys('OW insert', 2),
    handler: msetnx,
  },
  {
    name: 'psetex',
    group: 'string',
    since: '2.6.0',
    summary: 'Stores a string that expires after some milliseconds.',
    complexity: 'O(1)',
    syntax: 'key milliseconds value',
    flags: ['write', 'denyoom'],
    keys: oneKey('OW update'),
    deprecated: setsOption('PX'),
    handler: (call) => setExpiring(call, 'px'),
  },
  {
    name: 'set',
    group: 'string',
    since: '1.0.0',
    summary: 'Stores a string under a key, whatever the key held before.',
    complexity: 'O(1)',
    syntax: `key value [NX | XX] [GET] [${expiryChoices} | KEEPTTL]`,
    flags: ['write', 'denyoom'],
    keys: [
      {
        ...oneKey('RW access update variable_flags')[0],
        notes: 'RW and ACCESS due to the optional `GET` argument',
      },
    ],
    findKeys: (args, argc) => {
      const reads = args.slice(3, argc).some((word) => word.is('get'));
      return [{ position: 1, flags: reads ? 'RW access update' : 'OW update' }];
    },
    history: [
      ['2.6.12', 'Added the `EX`, `PX`, `NX` and `XX` options.'],
      ['6.0.0', 'Added the `KEEPTTL` option.'],
      ['6.2.0', 'Added the `GET`, `EXAT` and `PXAT` options.'],
      ['7.0.0', '`NX` and `GET` may be given together.'],
    ],
    handler: set,
  },
  {
    name: 'setex',
    group: 'string',
    since: '2.0.0',
    summary: 'Stores a string that expires after some seconds.',
    complexity: 'O(1)',
    syntax: 'key seconds value',
    flags: ['write', 'denyoom'],
    keys: oneKey('OW update'),
    deprecated: setsOption('EX'),
    handler: (call) => setExpiring(call, 'ex'),
  },
  {
    name: 'setnx',
    group: 'string',
    since: '1.0.0',
    summary: 'Stores a string only if the key does not exist.',
    complexity: 'O(1)',
    syntax: 'key value',
    flags: ['write', 'denyoom', 'fast'],
    keys: oneKey('OW insert'),
    deprecated: setsOption('NX'),
    handler: setnx,
  },
  {
    name: 'setrange',
    group: 'string',
    since: '2.2.0',
    summary: 'Overwrites a part of a string from an offset on, filling a gap before it with zero bytes.',
    complexity: 'O(N) with N the length of the value, and of the string where it has to grow.',
    syntax: 'key offset value',
    flags: ['write', 'denyoom'],
    keys: oneKey('RW update'),
    handler: setrange,
  },
  {
    name: 'strlen',
    group: 'string',
    since: '2.2.0',
    summary: 'Gives the length of a string in bytes.',
    complexity: 'O(1)',
    syntax: 'key',
    flags: ['readonly', 'fast'],
    keys: oneKey('RO'),
    handler: strlen,
  },
  {
    name: 'substr',
    group: 'string',
    since: '1.0.0',
    summary: 'Gives the part of a string between two offsets, both included.',
    complexity: 'O(N) with N the length of the part.',
    syntax: 'key start end',
    flags: ['readonly'],
    keys: oneKey('RO access'),
    deprecated: { since: '2.0.0', replacedBy: '`GETRANGE`' },
    handler: getrange,
  },
];

// GET, SET with two arguments, INCR, MSET and MGET are the hot path: they make no objects and no strings.

function get(call: Call): void {
  replyString(call, readString(call, call.args[1]));
}

function replyString(call: Call, ref: Ref): void {
  if (ref === absent) {
    call.reply.null();
  } else {
    const { buffer, start, end } = call.database.payload(ref);
    call.reply.bulk(buffer, start, end);
  }
}

function mget(call: Call): void {
  const { args, argc, database, reply } = call;
  reply.array(argc - 1);
  for (let i = 1; i < argc; i++) {
    const ref = database.read(args[i]);
    const isString = ref !== absent && database.typeOf(ref) === ValueType.string;
    replyString(call, isString ? ref : absent);
  }
}

function set(call: Call): void {
  if (call.argc > 3) {
    setWithOptions(call);
    return;
  }
  const { args, database } = call;
  const value = args[2];
  database.setString(args[1], value.buffer, value.start, value.end);
  call.reply.ok();
  database.modified(args[1], EventClass.string, 'set');
}

function mset(call: Call): void {
  checkPairs(call);
  setPairs(call);
  call.reply.ok();
}

function msetnx(call: Call): void {
  checkPairs(call);
  const { args, argc, database, reply } = call;
  for (let i = 1; i < argc; i += 2) {
    if (database.has(args[i])) {
      reply.integer(0);
      return;
    }
  }
  setPairs(call);
  reply.integer(1);
}

function checkPairs(call: Call): void {
  if (call.argc % 2 === 0) throw new CommandError(wrongArity(call.command.fullName));
}

function setPairs(call: Call): void {
  const { args, argc, database } = call;
  for (let i = 1; i < argc; i += 2) {
    const value = args[i + 1];
    database.setString(args[i], value.buffer, value.start, value.end);
    database.modified(args[i], EventClass.string, 'set');
  }
}

/**
 * Numbers are stored as their decimal text. While the new text is as long as the old one, which is nearly always, it
 * is overwritten where it stands.
 */
function incrementBy(call: Call, increment: number): void {
  const { database } = call;
  const key = call.args[1];
  let ref = writeString(call, key);
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
}

const zero = { mantissa: 0n, exponent: 0 };

type ExpiryUnit = 'ex' | 'px' | 'exat' | 'pxat';

/** What the options of SET and GETEX say about the expiry; at most one of the choices. */
interface ExpiryOption {
  choice: ExpiryUnit | 'keepttl' | 'persist' | undefined;
  time: Bytes | undefined;
}

interface SetOptions extends ExpiryOption {
  condition: 'nx' | 'xx' | undefined;
  get: boolean;
}

const expiryUnits: readonly ExpiryUnit[] = ['ex', 'px', 'exat', 'pxat'];

/** Throws CommandError if two options exclude each other. The same one twice is allowed. */
function agree<T>(before: T | undefined, now: T): T {
  if (before !== undefined && before !== now) throw new CommandError(errors.syntax);
  return now;
}

function readExpiryOption(reader: ArgumentReader, option: ExpiryOption): void {
  const unit = expiryUnits.find((word) => reader.take(word));
  if (unit === undefined) throw new CommandError(errors.syntax);
  option.choice = agree(option.choice, unit);
  option.time = reader.next();
}

function readSetOptions(call: Call): SetOptions {
  const reader = new ArgumentReader(call.args, call.argc, 3);
  const options: SetOptions = { condition: undefined, get: false, choice: undefined, time: undefined };
  while (!reader.done) {
    if (reader.take('nx')) options.condition = agree(options.condition, 'nx');
    else if (reader.take('xx')) options.condition = agree(options.condition, 'xx');
    else if (reader.take('get')) options.get = true;
    else if (reader.take('keepttl')) options.choice = agree(options.choice, 'keepttl');
    else readExpiryOption(reader, options);
  }
  return options;
}

function readGetexOption(call: Call): ExpiryOption {
  const reader = new ArgumentReader(call.args, call.argc, 2);
  const option: ExpiryOption = { choice: undefined, time: undefined };
  while (!reader.done) {
    if (reader.take('persist')) option.choice = agree(option.choice, 'persist');
    else readExpiryOption(reader, option);
  }
  return option;
}

/** Below this no sum of times, in any unit, leaves what a number holds exactly. */
const smallTime = 8e12;

/**
 * When a key expires, in unix ms, or undefined if the option does not say. Throws CommandError for a time that is not
 * positive or does not fit 64 bits.
 */
function expiryTime(call: Call, option: ExpiryOption): number | undefined {
  const { choice, time } = option;
  if (choice === undefined || time === undefined) return undefined;
  const { now } = call.database.keyspace;
  const scale = choice === 'ex' || choice === 'exat' ? 1000 : 1;
  const base = choice === 'ex' || choice === 'px' ? now : 0;
  const n = readSafeInteger(time.buffer, time.start, time.end);
  if (n > 0 && n < smallTime) return n * scale + base;
  const when = int64Argument(time) * BigInt(scale) + BigInt(base);
  if (n <= 0 || when <= base || when > INT64_MAX)
    throw new CommandError(invalidExpire(call.command.fullName));
  return Number(when);
}

function setWithOptions(call: Call): void {
  const { args, database, reply } = call;
  const options = readSetOptions(call);
  const when = expiryTime(call, options);
  const old = options.get ? readString(call, args[1]) : database.live(args[1]);
  const previous = options.get && old !== absent ? database.payload(old).copy() : undefined;
  const refused = options.condition === (old === absent ? 'xx' : 'nx');
  if (!refused) store(call, args[2], when, options.choice === 'keepttl');
  if (previous !== undefined) reply.bytes(previous);
  else if (refused || options.get) reply.null();
  else reply.ok();
  if (!refused) announce(call, when);
}

/** Stores a string and, with `when`, lets it expire then. */
function store(call: Call, value: Bytes, when: number | undefined, keepExpiry = false): void {
  const { database } = call;
  // An expiry that will be overwritten stays for the moment: its place can be used again.
  const keep = keepExpiry || when !== undefined;
  const ref = database.setString(call.args[1], value.buffer, value.start, value.end, keep);
  if (when !== undefined) database.setExpiry(ref, when);
}

function announce(call: Call, when?: number): void {
  const { database } = call;
  database.modified(call.args[1], EventClass.string, 'set');
  if (when !== undefined) database.event(EventClass.generic, 'expire', call.args[1]);
}

function setExpiring(call: Call, unit: ExpiryUnit): void {
  const when = expiryTime(call, { choice: unit, time: call.args[2] });
  store(call, call.args[3], when);
  call.reply.ok();
  announce(call, when);
}

function setnx(call: Call): void {
  const { args, database, reply } = call;
  if (database.has(args[1])) {
    reply.integer(0);
    return;
  }
  store(call, args[2], undefined);
  reply.integer(1);
  announce(call);
}

function getset(call: Call): void {
  const { args, database, reply } = call;
  const old = readString(call, args[1]);
  const previous = old === absent ? undefined : database.payload(old).copy();
  store(call, args[2], undefined);
  if (previous === undefined) reply.null();
  else reply.bytes(previous);
  announce(call);
}

function getdel(call: Call): void {
  const { database } = call;
  const key = call.args[1];
  const ref = readString(call, key);
  replyString(call, ref);
  if (ref === absent) return;
  database.removeEntry(ref);
  database.modified(key, EventClass.generic, 'del');
}

function getex(call: Call): void {
  const { database } = call;
  const key = call.args[1];
  const option = readGetexOption(call);
  const ref = readString(call, key);
  if (ref === absent) {
    call.reply.null();
    return;
  }
  const when = expiryTime(call, option);
  replyString(call, ref);
  if (when !== undefined) changeExpiry(call, ref, when);
  else if (option.choice === 'persist' && database.expiry(ref) >= 0) {
    database.clearExpiry(ref);
    database.modified(key, EventClass.generic, 'persist');
  }
}

/** Lets the key expire at a time, which may have passed already. */
function changeExpiry(call: Call, ref: Ref, when: number): void {
  const { database } = call;
  const key = call.args[1];
  if (when <= database.keyspace.now) {
    database.removeEntry(ref);
    database.modified(key, EventClass.generic, 'del');
  } else {
    database.setExpiry(ref, when);
    database.modified(key, EventClass.generic, 'expire');
  }
}

function append(call: Call): void {
  const { args, database } = call;
  const value = args[2];
  const ref = writeString(call, args[1]);
  let length = value.length;
  if (ref === absent) {
    store(call, value, undefined);
  } else {
    const old = database.payloadLength(ref);
    length += old;
    checkStringLength(call, length);
    overwrite(call, ref, old, value);
  }
  call.reply.integer(length);
  database.modified(args[1], EventClass.string, 'append');
}

/** Writes over a part of a string, which grows where it must. */
function overwrite(call: Call, ref: Ref, offset: number, value: Bytes): void {
  const { database } = call;
  const end = offset + value.length;
  const old = ref === absent ? 0 : database.payloadLength(ref);
  const to = database.payload(stretchString(database, call.args[1], ref, Math.max(old, end)));
  copyBytes(to.buffer, to.start + offset, value.buffer, value.start, value.end);
}

function setrange(call: Call): void {
  const { args, database, reply } = call;
  const value = args[3];
  const offset = longArgument(args[2]);
  if (offset < 0) throw new CommandError(errors.offsetOutOfRange);
  const ref = writeString(call, args[1]);
  const old = ref === absent ? 0 : database.payloadLength(ref);
  if (value.length === 0) {
    reply.integer(old);
    return;
  }
  checkStringLength(call, offset + value.length);
  overwrite(call, ref, offset, value);
  reply.integer(Math.max(old, offset + value.length));
  database.modified(args[1], EventClass.string, 'setrange');
}

function strlen(call: Call): void {
  const ref = readString(call, call.args[1]);
  call.reply.integer(ref === absent ? 0 : call.database.payloadLength(ref));
}

const nothing = Buffer.alloc(0);

function getrange(call: Call): void {
  const { args, database, reply } = call;
  let first = longArgument(args[2]);
  let last = longArgument(args[3]);
  const ref = readString(call, args[1]);
  const length = ref === absent ? 0 : database.payloadLength(ref);
  const backwards = first < 0 && last < 0 && first > last;
  if (first < 0) first = Math.max(0, first + length);
  if (last < 0) last = Math.max(0, last + length);
  last = Math.min(last, length - 1);
  if (backwards || first > last) {
    reply.bulk(nothing, 0, 0);
    return;
  }
  const { buffer, start } = database.payload(ref);
  reply.bulk(buffer, start + first, start + last + 1);
}
