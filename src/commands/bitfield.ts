import { Bytes } from '../bytes/bytes.js';
import { absent } from '../keyspace/database.js';
import { EventClass } from '../keyspace/events.js';
import { CommandError, errors } from '../protocol/errors.js';
import { readField, writeField } from '../values/bits.js';
import { ArgumentReader, int64Argument } from './arguments.js';
import { bitOffsetArgument } from './bit-offset.js';
import { type Call, type CommandSpec, oneKey } from './command.js';
import { readString, stretchString, writeString } from './string-values.js';

const operation =
  'GET encoding offset | [OVERFLOW <WRAP | SAT | FAIL>] <SET encoding offset value | INCRBY encoding offset increment>';

export const bitfieldCommands: CommandSpec[] = [
  {
    name: 'bitfield',
    group: 'bitmap',
    since: '3.2.0',
    summary: 'Reads, sets and increments integers of any width anywhere in a string.',
    complexity: 'O(1) for each operation.',
    brief: true,
    syntax: `key [${operation} [${operation} ...]]`,
    types: { value: 'integer' },
    flags: ['write', 'denyoom'],
    keys: [
      {
        ...oneKey('RW access update variable_flags')[0],
        notes: 'This command allows both access and modification of the key',
      },
    ],
    findKeys: (args, argc) => {
      const changes = args.slice(2, argc).some((word) => word.is('set') || word.is('incrby'));
      return [{ position: 1, flags: changes ? 'RW access update' : 'RO access' }];
    },
    handler: (call) => bitfield(call, readOperations(call)),
  },
  {
    name: 'bitfield_ro',
    group: 'bitmap',
    since: '6.0.0',
    summary: 'Reads integers of any width anywhere in a string.',
    complexity: 'O(1) for each operation.',
    brief: true,
    syntax: 'key [GET encoding offset [GET encoding offset ...]]',
    flags: ['readonly', 'fast'],
    keys: oneKey('RO access'),
    handler: bitfieldReadOnly,
  },
];

type Overflow = 'wrap' | 'sat' | 'fail';

interface Field {
  signed: boolean;
  width: number;
  /** In bits. */
  offset: number;
}

type Operation =
  | { kind: 'get'; field: Field }
  | { kind: 'set' | 'incrby'; field: Field; operand: bigint; overflow: Overflow };

function bitfieldReadOnly(call: Call): void {
  const operations = readOperations(call);
  if (operations.some((operation) => operation.kind !== 'get')) {
    throw new CommandError('ERR BITFIELD_RO only supports the GET subcommand');
  }
  bitfield(call, operations);
}

function readOperations(call: Call): Operation[] {
  const reader = new ArgumentReader(call.args, call.argc, 2);
  const operations: Operation[] = [];
  let overflow: Overflow = 'wrap';
  while (!reader.done) {
    // A word without all its arguments is as wrong as an unknown word, whatever is wrong with the arguments
    // there are.
    if (reader.left >= 3 && reader.take('get')) {
      operations.push({ kind: 'get', field: readFieldArguments(call, reader) });
    } else if (reader.left >= 4 && reader.take('set')) {
      operations.push(readChange(call, reader, 'set', overflow));
    } else if (reader.left >= 4 && reader.take('incrby')) {
      operations.push(readChange(call, reader, 'incrby', overflow));
    } else if (reader.left >= 2 && reader.take('overflow')) {
      overflow = overflowArgument(reader.next());
    } else {
      throw new CommandError(errors.syntax);
    }
  }
  return operations;
}

function readChange(
  call: Call,
  reader: ArgumentReader,
  kind: 'set' | 'incrby',
  overflow: Overflow,
): Operation {
  const field = readFieldArguments(call, reader);
  return { kind, field, operand: int64Argument(reader.next()), overflow };
}

function overflowArgument(argument: Bytes): Overflow {
  if (argument.is('wrap')) return 'wrap';
  if (argument.is('sat')) return 'sat';
  if (argument.is('fail')) return 'fail';
  throw new CommandError('ERR Invalid OVERFLOW type specified');
}

function readFieldArguments(call: Call, reader: ArgumentReader): Field {
  const encoding = /^([iu])([1-9]\d?)$/.exec(reader.next().latin1());
  const signed = encoding?.[1] === 'i';
  const width = Number(encoding?.[2]);
  if (!(width <= (signed ? 64 : 63))) {
    throw new CommandError(
      'ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.',
    );
  }
  return { signed, width, offset: bitOffsetArgument(call, reader.next(), width) };
}

function bitfield(call: Call, operations: Operation[]): void {
  const { database, reply } = call;
  const key = call.args[1];
  const needed = bytesToWrite(operations);
  let ref = needed === 0 ? readString(call, key) : writeString(call, key);
  const oldLength = ref === absent ? 0 : database.payloadLength(ref);
  if (needed > 0) ref = stretchString(database, key, ref, Math.max(needed, oldLength));
  const value = ref === absent ? empty : database.payload(ref);
  const grown = needed > oldLength;
  let changes = 0;
  reply.array(operations.length);
  for (const operation of operations) {
    const outcome = run(value, operation);
    if (outcome.reply === undefined) reply.null();
    else reply.bigint(outcome.reply);
    if (outcome.written && (outcome.changed || grown)) changes++;
  }
  if (changes === 0) {
    // No operation succeeded, but the string is longer now, or there: unheard of in Redis, which then lacks it in its
    // append-only file.
    if (grown) database.modified(key, 0, '');
    return;
  }
  database.modified(key, EventClass.string, 'setbit', changes);
}

const empty = new Bytes();

/** The length that a string must have so that all operations that write find their bits. 0 if none writes. */
function bytesToWrite(operations: Operation[]): number {
  let end = 0;
  for (const { kind, field } of operations)
    if (kind !== 'get') end = Math.max(end, field.offset + field.width);
  return Math.ceil(end / 8);
}

interface Outcome {
  /** Undefined: the operation failed because of an overflow. */
  reply: bigint | undefined;
  written: boolean;
  changed: boolean;
}

function run(value: Bytes, operation: Operation): Outcome {
  const { field } = operation;
  const bits = readField(value.buffer, value.start, value.end, field.offset, field.width);
  const old = field.signed ? BigInt.asIntN(field.width, bits) : bits;
  if (operation.kind === 'get') return { reply: old, written: false, changed: false };
  const isSet = operation.kind === 'set';
  const now = fitted(
    isSet ? settable(operation.operand, field) : old + operation.operand,
    field,
    operation.overflow,
  );
  if (now === undefined) return { reply: undefined, written: false, changed: false };
  writeField(value.buffer, value.start, field.offset, field.width, now);
  return { reply: isSet ? old : now, written: true, changed: now !== old };
}

/** A negative number for an unsigned field stands for the large one with the same 64 bits. */
function settable(operand: bigint, field: Field): bigint {
  return field.signed ? operand : BigInt.asUintN(64, operand);
}

/** The number as the field can hold it, or undefined if it cannot and must not be bent. */
function fitted(n: bigint, field: Field, overflow: Overflow): bigint | undefined {
  const { signed, width } = field;
  const least = signed ? -(1n << BigInt(width - 1)) : 0n;
  const most = (1n << BigInt(signed ? width - 1 : width)) - 1n;
  if (n >= least && n <= most) return n;
  if (overflow === 'fail') return undefined;
  if (overflow === 'sat') return n > most ? most : least;
  return signed ? BigInt.asIntN(width, n) : BigInt.asUintN(width, n);
}
