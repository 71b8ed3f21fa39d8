import { Bytes } from '../bytes/bytes.js';
import { absent } from '../keyspace/database.js';
import { EventClass } from '../keyspace/events.js';
import { kinds } from '../keyspace/kinds.js';
import type { Ref } from '../memory/arena.js';
import { CommandError, errors } from '../protocol/errors.js';
import {
  alignedBuffer,
  type BitOperation,
  bitAt,
  combineBits,
  countOnesBetween,
  findBit,
  invertBits,
  setBit as setBitIn,
} from '../values/bits.js';
import { longArgument } from './arguments.js';
import { bitOffsetArgument } from './bit-offset.js';
import { bitfieldCommands } from './bitfield.js';
import { type Call, type CommandSpec, oneKey } from './command.js';
import { readString, stretchString, writeString } from './string-values.js';

const unitHistory: [string, string][] = [['7.0.0', 'Added the `BYTE` and `BIT` options.']];

export const bitmapCommands: CommandSpec[] = [
  {
    name: 'bitcount',
    group: 'bitmap',
    since: '2.6.0',
    summary: 'Counts the ones in a string or in a part of it.',
    complexity: 'O(N)',
    syntax: 'key [start end [BYTE | BIT]]',
    flags: ['readonly'],
    keys: oneKey('RO access'),
    history: unitHistory,
    handler: bitcount,
  },
  ...bitfieldCommands,
  {
    name: 'bitop',
    group: 'bitmap',
    since: '2.6.0',
    summary: 'Combines strings bit by bit and stores the result.',
    complexity: 'O(N)',
    syntax: '<AND | OR | XOR | NOT> destkey key ...',
    flags: ['write', 'denyoom'],
    keys: [
      { flags: 'OW update', begin: 2, find: { last: 0, step: 1 } },
      { flags: 'RO access', begin: 3, find: { last: -1, step: 1 } },
    ],
    handler: bitop,
  },
  {
    name: 'bitpos',
    group: 'bitmap',
    since: '2.8.7',
    summary: 'Finds the first one or the first zero in a string or in a part of it.',
    complexity: 'O(N)',
    syntax: 'key bit [start [end [BYTE | BIT]]]',
    flags: ['readonly'],
    keys: oneKey('RO access'),
    history: unitHistory,
    handler: bitpos,
  },
  {
    name: 'getbit',
    group: 'bitmap',
    since: '2.2.0',
    summary: 'Gives one bit of a string; beyond its end all are zeros.',
    complexity: 'O(1)',
    syntax: 'key offset',
    flags: ['readonly', 'fast'],
    keys: oneKey('RO access'),
    handler: getbit,
  },
  {
    name: 'setbit',
    group: 'bitmap',
    since: '2.2.0',
    summary: 'Sets or clears one bit of a string, which grows where it must, and gives the old bit.',
    complexity: 'O(1)',
    syntax: 'key offset value',
    types: { value: 'integer' },
    flags: ['write', 'denyoom'],
    keys: oneKey('RW access update'),
    handler: setbit,
  },
];

function getbit(call: Call): void {
  const { args, database, reply } = call;
  const offset = bitOffsetArgument(call, args[2]);
  const ref = readString(call, args[1]);
  if (ref === absent || offset >= database.payloadLength(ref) * 8) {
    reply.integer(0);
    return;
  }
  const { buffer, start } = database.payload(ref);
  reply.integer(bitAt(buffer, start, offset));
}

/** Clients learn of a change only if there was one, be it of the length. */
function setbit(call: Call): void {
  const { args, database } = call;
  const key = args[1];
  const offset = bitOffsetArgument(call, args[2]);
  const value = bitArgument(args[3]);
  const ref = writeString(call, key);
  const oldLength = ref === absent ? -1 : database.payloadLength(ref);
  const length = Math.max(oldLength, Math.floor(offset / 8) + 1);
  const { buffer, start } = database.payload(stretchString(database, key, ref, length));
  const old = setBitIn(buffer, start, offset, value);
  call.reply.integer(old);
  if (old !== value || length !== oldLength) database.modified(key, EventClass.string, 'setbit');
}

function bitArgument(argument: Bytes): 0 | 1 {
  if (argument.is('0')) return 0;
  if (argument.is('1')) return 1;
  throw new CommandError('ERR bit is not an integer or out of range');
}

/**
 * Part of a string, in bits: from `first` up to but not including `end`. Empty if `end` is not above `first`.
 */
interface BitRange {
  first: number;
  end: number;
}

const emptyRange: BitRange = { first: 0, end: 0 };

/** The bits between two positions, both included, that count from the end if negative. */
function bitRange(from: number, to: number, inBits: boolean, length: number): BitRange {
  const unit = inBits ? 1 : 8;
  const size = (length * 8) / unit;
  const first = from < 0 ? Math.max(0, from + size) : from;
  const last = Math.min(to < 0 ? Math.max(0, to + size) : to, size - 1);
  return { first: first * unit, end: (last + 1) * unit };
}

/** True for BIT, false for BYTE. */
function unitArgument(argument: Bytes): boolean {
  if (argument.is('bit')) return true;
  if (argument.is('byte')) return false;
  throw new CommandError(errors.syntax);
}

function bitcount(call: Call): void {
  const { database, reply } = call;
  const ref = readString(call, call.args[1]);
  if (ref === absent) {
    reply.integer(0);
    return;
  }
  const { first, end } = countedRange(call, database.payloadLength(ref));
  const { buffer, start } = database.payload(ref);
  reply.integer(countOnesBetween(buffer, start, first, end));
}

function countedRange(call: Call, length: number): BitRange {
  const { args, argc } = call;
  if (argc === 2) return { first: 0, end: length * 8 };
  if (argc !== 4 && argc !== 5) throw new CommandError(errors.syntax);
  const from = longArgument(args[2]);
  const to = longArgument(args[3]);
  if (from < 0 && to < 0 && from > to) return emptyRange;
  return bitRange(from, to, argc === 5 && unitArgument(args[4]), length);
}

function bitpos(call: Call): void {
  const { args, argc, database, reply } = call;
  const bit = longArgument(args[2]);
  if (bit !== 0 && bit !== 1) throw new CommandError('ERR The bit argument must be 1 or 0.');
  const ref = readString(call, args[1]);
  if (ref === absent) {
    reply.integer(bit === 1 ? -1 : 0);
    return;
  }
  const length = database.payloadLength(ref);
  const { first, end } = searchedRange(call, length);
  const { buffer, start } = database.payload(ref);
  const found = first < end ? findBit(buffer, start, first, end, bit) : -1;
  // Without an end the string is taken to go on with zeros.
  const goesOn = bit === 0 && argc < 5 && first < end;
  reply.integer(found < 0 && goesOn ? length * 8 : found);
}

function searchedRange(call: Call, length: number): BitRange {
  const { args, argc } = call;
  if (argc === 3) return { first: 0, end: length * 8 };
  if (argc > 6) throw new CommandError(errors.syntax);
  const from = longArgument(args[3]);
  const inBits = argc === 6 && unitArgument(args[5]);
  const to = argc > 4 ? longArgument(args[4]) : -1;
  return bitRange(from, to, inBits, length);
}

function bitop(call: Call): void {
  const { args, database, reply } = call;
  const operation = operationArgument(call);
  const sources = readSources(call);
  const result = combined(call, operation, sources);
  const key = args[2];
  if (result.length === 0) {
    database.removeAndTell(key);
    return reply.integer(0);
  }
  const { buffer, start } = database.payload(database.put(key, kinds.editedString, result.length));
  result.copy(buffer, start);
  reply.integer(result.length);
  database.modified(key, EventClass.string, 'set');
}

function operationArgument(call: Call): BitOperation | 'not' {
  const word = call.args[1];
  if (word.is('and')) return 'and';
  if (word.is('or')) return 'or';
  if (word.is('xor')) return 'xor';
  if (!word.is('not')) throw new CommandError(errors.syntax);
  if (call.argc !== 4) throw new CommandError('ERR BITOP NOT must be called with a single source key.');
  return 'not';
}

function readSources(call: Call): Ref[] {
  const refs: Ref[] = [];
  for (let i = 3; i < call.argc; i++) refs.push(readString(call, call.args[i]));
  return refs;
}

/**
 * The result in memory of its own, for the destination may be one of the sources. As long as the longest
 * source.
 */
function combined(call: Call, operation: BitOperation | 'not', sources: Ref[]): Buffer {
  const { database } = call;
  let longest = 0;
  for (const ref of sources) if (ref !== absent) longest = Math.max(longest, database.payloadLength(ref));
  const result = alignedBuffer(longest);
  sources.forEach((ref, i) => {
    const source = ref === absent ? nothing : database.payload(ref);
    if (i === 0) source.buffer.copy(result, 0, source.start, source.end);
    else combineBits(operation as BitOperation, result, source);
  });
  if (operation === 'not') invertBits(result);
  return result;
}

const nothing = new Bytes();
