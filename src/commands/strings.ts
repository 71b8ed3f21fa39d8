import { type Bytes, copyBytes } from '../bytes/bytes.js';
import { integerText } from '../bytes/integers.js';
import { absent } from '../keyspace/database.js';
import { EventClass, ValueType } from '../keyspace/events.js';
import type { Ref } from '../memory/arena.js';
import { CommandError, errors, wrongArity } from '../protocol/errors.js';
import { longArgument } from './arguments.js';
import { type Call, type CommandSpec, manyKeys, oneKey } from './command.js';
import { counterCommands } from './counters.js';
import { expireAt } from './expire.js';
import { lcsCommand } from './lcs.js';
import {
  type ExpiryUnit,
  expiryTime,
  readGetexOption,
  readSetOptions,
  type SetOptions,
} from './set-options.js';
import { checkStringLength, readString, stretchString, writeString } from './string-values.js';

const expiryChoices = 'EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds';
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
    brief: true,
    syntax: 'key value',
    flags: ['write', 'denyoom', 'fast'],
    keys: oneKey('RW insert'),
    handler: append,
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
  lcsCommand,
  ...counterCommands,
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

// GET, SET without options, MSET, MGET (and INCR) are the hot path: they make no objects and no strings.

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
    if (database.write(args[i]) !== absent) {
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

function setWithOptions(call: Call): void {
  const { args, database, reply } = call;
  const options = readSetOptions(call);
  const when = expiryTime(call, options);
  const old = options.get ? readString(call, args[1]) : database.live(args[1]);
  const previous = options.get && old !== absent ? database.payload(old).copy() : undefined;
  const refused = options.condition === (old === absent ? 'xx' : 'nx');
  if (refused)
    database.write(args[1]); // it was met all the same
  else store(call, args[2], when, options.choice === 'keepttl');
  if (previous !== undefined) reply.bytes(previous);
  else if (refused || options.get) reply.null();
  else reply.ok();
  if (refused) return;
  announce(call, when);
  if (call.propagates) propagateSet(call, options, when);
}

/**
 * A time that is not absolute becomes so, and conditions were met: they need not be asked again. Without a time, only
 * GET is left out, for nobody wants the reply.
 */
function propagateSet(call: Call, { choice, get }: SetOptions, when: number | undefined): void {
  const { args, argc } = call;
  const onlyTime = choice === 'pxat' && argc === 5;
  if (when !== undefined) {
    if (!onlyTime) propagateExpiring(call, args[2], when);
  } else if (get) {
    call.propagateAs(args.slice(0, argc).filter((arg, i) => i < 3 || !arg.is('get')));
  }
}

function propagateExpiring(call: Call, value: Bytes, when: number): void {
  call.propagateAs(['SET', call.args[1], value, 'PXAT', integerText(when)]);
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
  if (call.propagates && when !== undefined) propagateExpiring(call, call.args[3], when);
}

function setnx(call: Call): void {
  const { args, database, reply } = call;
  if (database.write(args[1]) !== absent) {
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
  if (call.propagates) call.propagateAs(['SET', args[1], args[2]]);
}

function getdel(call: Call): void {
  const { database } = call;
  const key = call.args[1];
  const ref = readString(call, key);
  replyString(call, ref);
  if (ref === absent) return;
  database.removeEntry(ref);
  database.modified(key, EventClass.generic, 'del');
  if (call.propagates) call.propagateAs(['DEL', key]);
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
    if (call.propagates) call.propagateAs(['PERSIST', key]);
  }
}

/** Lets the key expire at a time, which may have passed already. */
function changeExpiry(call: Call, ref: Ref, when: number): void {
  const key = call.args[1];
  if (expireAt(call, key, ref, when) && call.propagates) {
    call.propagateAs(['PEXPIREAT', key, integerText(when)]);
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
