import { Bytes } from '../bytes/bytes.js';
import { addDecimal, parseLongDouble } from '../bytes/decimal.js';
import { INT64_MAX, INT64_MIN, readInt64 } from '../bytes/integers.js';
import type { Place } from '../keyspace/elements.js';
import { EventClass } from '../keyspace/events.js';
import type { HashValue } from '../keyspace/hash-value.js';
import { NO_EXPIRY } from '../memory/entry.js';
import { CommandError, errors, wrongArity } from '../protocol/errors.js';
import { int64Argument } from './arguments.js';
import { type Call, type CommandSpec, oneKey } from './command.js';
import { existingHash, hash, hashToChange, hashToRead, view, writeValueOf } from './hash-access.js';
import { checkPairCount, pickCountArgument, pickInSlices } from './pick-count.js';
import { cursorArgument, readScanOptions, replyEmptyScan, replyScan } from './scan-options.js';

const about = { group: 'hash' as const, since: '2.0.0', complexity: 'O(1)' };
const wholeHash = 'O(N) where N is the size of the hash.';

export const hashCommands: CommandSpec[] = [
  {
    ...about,
    name: 'hdel',
    summary: 'Removes fields from a hash, and the key with the last of them.',
    complexity: 'O(N) where N is the number of fields to be removed.',
    syntax: 'key field ...',
    flags: ['write', 'fast'],
    keys: oneKey('RW delete'),
    history: [['2.4.0', 'Takes several fields.']],
    handler: hdel,
  },
  {
    ...about,
    name: 'hexists',
    summary: 'Tells whether a hash has a field.',
    syntax: 'key field',
    flags: ['readonly', 'fast'],
    keys: oneKey('RO'),
    handler: (call) => call.reply.integer(fieldToRead(call) === 0 ? 0 : 1),
  },
  {
    ...about,
    name: 'hget',
    summary: 'Gives the value of a field.',
    syntax: 'key field',
    flags: ['readonly', 'fast'],
    keys: oneKey('RO access'),
    handler: hget,
  },
  {
    ...about,
    name: 'hgetall',
    summary: 'Gives all fields of a hash with their values.',
    complexity: wholeHash,
    syntax: 'key',
    flags: ['readonly'],
    keys: oneKey('RO access'),
    tips: ['nondeterministic_output_order'],
    handler: hgetall,
  },
  {
    ...about,
    name: 'hincrby',
    summary: 'Adds an integer to the number in a field. A missing field counts as 0.',
    syntax: 'key field increment',
    flags: ['write', 'denyoom', 'fast'],
    keys: oneKey('RW access update'),
    handler: hincrby,
  },
  {
    ...about,
    name: 'hincrbyfloat',
    since: '2.6.0',
    summary: 'Adds a decimal number to the number in a field. A missing field counts as 0.',
    syntax: 'key field increment',
    types: { increment: 'double' },
    flags: ['write', 'denyoom', 'fast'],
    keys: oneKey('RW access update'),
    handler: hincrbyfloat,
  },
  {
    ...about,
    name: 'hkeys',
    summary: 'Lists the fields of a hash.',
    complexity: wholeHash,
    syntax: 'key',
    flags: ['readonly'],
    keys: oneKey('RO access'),
    tips: ['nondeterministic_output_order'],
    handler: (call) => listHash(call, writeField),
  },
  {
    ...about,
    name: 'hlen',
    summary: 'Counts the fields of a hash.',
    syntax: 'key',
    flags: ['readonly', 'fast'],
    keys: oneKey('RO'),
    handler: (call) => call.reply.integer(hashToRead(call)?.size ?? 0),
  },
  {
    ...about,
    name: 'hmget',
    summary: 'Gives the values of several fields.',
    complexity: 'O(N) where N is the number of fields being requested.',
    syntax: 'key field ...',
    flags: ['readonly', 'fast'],
    keys: oneKey('RO access'),
    handler: hmget,
  },
  {
    ...about,
    name: 'hmset',
    summary: 'Sets several fields of a hash.',
    complexity: 'O(N) where N is the number of fields being set.',
    syntax: 'key field value [field value ...]',
    flags: ['write', 'denyoom', 'fast'],
    keys: oneKey('RW update'),
    deprecated: { since: '4.0.0', replacedBy: '`HSET` with multiple field-value pairs' },
    handler: (call) => {
      setFields(call);
      call.reply.ok();
      announceSet(call);
    },
  },
  {
    ...about,
    name: 'hrandfield',
    since: '6.2.0',
    summary: 'Gives fields of a hash chosen at random, with their values if wanted.',
    complexity: 'O(N) where N is the number of fields returned',
    syntax: 'key [count [WITHVALUES]]',
    flags: ['readonly'],
    keys: oneKey('RO access'),
    tips: ['nondeterministic_output'],
    handler: hrandfield,
  },
  {
    ...about,
    name: 'hscan',
    since: '2.8.0',
    summary: 'Lists the fields of a hash with their values bit by bit.',
    complexity: 'O(COUNT) for each call, O(N) for all of N fields.',
    syntax: 'key cursor [MATCH pattern] [COUNT count] [NOVALUES]',
    flags: ['readonly'],
    keys: oneKey('RO access'),
    tips: ['nondeterministic_output'],
    history: [['7.4.0', 'Takes NOVALUES.']],
    handler: hscan,
  },
  {
    ...about,
    name: 'hset',
    summary: 'Sets fields of a hash, which is created if it is missing.',
    complexity: 'O(N) where N is the number of fields being set.',
    syntax: 'key field value [field value ...]',
    flags: ['write', 'denyoom', 'fast'],
    keys: oneKey('RW update'),
    history: [['4.0.0', 'Takes several fields and values.']],
    handler: (call) => {
      call.reply.integer(setFields(call));
      announceSet(call);
    },
  },
  {
    ...about,
    name: 'hsetnx',
    summary: 'Sets a field of a hash unless it is there already.',
    syntax: 'key field value',
    flags: ['write', 'denyoom', 'fast'],
    keys: oneKey('RW insert'),
    handler: hsetnx,
  },
  {
    ...about,
    name: 'hstrlen',
    since: '3.2.0',
    summary: 'Gives the length of the value of a field.',
    syntax: 'key field',
    flags: ['readonly', 'fast'],
    keys: oneKey('RO'),
    handler: hstrlen,
  },
  {
    ...about,
    name: 'hvals',
    summary: 'Lists the values of a hash.',
    complexity: wholeHash,
    syntax: 'key',
    flags: ['readonly'],
    keys: oneKey('RO access'),
    tips: ['nondeterministic_output_order'],
    handler: (call) => listHash(call, writeValue),
  },
];

function hget(call: Call): void {
  const found = hashToRead(call);
  if (found === undefined) return call.reply.null();
  writeValueOf(call, found, call.args[2]);
  found.announceExpired(call.args[1]);
}

function hmget(call: Call): void {
  const { args, argc, reply } = call;
  const found = hashToRead(call);
  reply.array(argc - 2);
  for (let i = 2; i < argc; i++) {
    if (found === undefined) reply.null();
    else writeValueOf(call, found, args[i]);
  }
  found?.announceExpired(args[1]);
}

/** Looks for the command's field; one whose time has come is removed. */
function fieldToRead(call: Call): Place {
  const found = hashToRead(call);
  if (found === undefined) return 0;
  const place = found.findLive(call.args[2]);
  found.announceExpired(call.args[1]);
  return place;
}

function hstrlen(call: Call): void {
  const place = fieldToRead(call);
  if (place === 0) return call.reply.integer(0);
  hash.valueAt(place, view);
  call.reply.integer(view.length);
}

function writeField({ reply }: Call, place: Place): void {
  hash.nameAt(place, view);
  reply.bytes(view);
}

function writeValue({ reply }: Call, place: Place): void {
  hash.valueAt(place, view);
  reply.bytes(view);
}

function writePair(call: Call, place: Place): void {
  writeField(call, place);
  writeValue(call, place);
}

function hgetall(call: Call): void {
  const found = hashToRead(call);
  call.reply.map(found?.liveSize ?? 0);
  found?.forEachLive((place) => writePair(call, place));
}

/** HKEYS and HVALS. */
function listHash(call: Call, write: (call: Call, place: Place) => void): void {
  const found = hashToRead(call);
  call.reply.array(found?.liveSize ?? 0);
  found?.forEachLive((place) => write(call, place));
}

/** HSET and HMSET; returns how many fields are new. Hot. */
function setFields(call: Call): number {
  const { args, argc } = call;
  if (argc % 2 !== 0) throw new CommandError(wrongArity(call.command.fullName));
  const limits = call.server.config.values;
  const target = hashToChange(call);
  let created = 0;
  for (let i = 2; i < argc; i += 2) if (target.set(args[i], args[i + 1], limits)) created++;
  return created;
}

/** Each field counts as a change, but there is one event. */
function announceSet({ database, args, argc }: Call): void {
  database.modified(args[1], EventClass.hash, 'hset', argc / 2 - 1);
}

/** As `fieldToRead`, for a command that changes it. */
function fieldToChange(call: Call): Place {
  const existing = existingHash(call);
  if (existing === undefined) return 0;
  const place = existing.findLive(call.args[2]);
  existing.announceExpired(call.args[1]);
  return place;
}

function hsetnx(call: Call): void {
  const { args, database, reply } = call;
  if (fieldToChange(call) !== 0) return reply.integer(0);
  hashToChange(call).set(args[2], args[3], call.server.config.values);
  reply.integer(1);
  database.modified(args[1], EventClass.hash, 'hset');
}

function hdel(call: Call): void {
  const { args, argc, database, reply } = call;
  const target = existingHash(call);
  let removed = 0;
  for (let i = 2; target !== undefined && target.size > 0 && i < argc; i++) {
    if (target.remove(args[i])) removed++;
  }
  reply.integer(removed);
  if (target === undefined || removed === 0) return;
  database.elementsRemoved(args[1], target.ref, target.size, EventClass.hash, 'hdel', removed);
}

/** Stores the new value of a counter; when the field expires stays. */
function storeCounter(call: Call, place: Place, text: string): void {
  const field = call.args[2];
  const limits = call.server.config.values;
  const target = place === 0 ? hashToChange(call) : hash;
  if (place === 0) target.set(field, Bytes.of(text), limits);
  else target.update(place, field, Bytes.of(text), limits);
}

function hincrby(call: Call): void {
  const { args, database, reply } = call;
  const increment = int64Argument(args[3]);
  const place = fieldToChange(call);
  if (place !== 0) hash.valueAt(place, view);
  const old = place === 0 ? 0n : readInt64(view.buffer, view.start, view.end);
  if (old === undefined) throw new CommandError('ERR hash value is not an integer');
  const sum = old + increment;
  if (sum > INT64_MAX || sum < INT64_MIN) throw new CommandError(errors.overflow);
  storeCounter(call, place, sum.toString());
  reply.bigint(sum);
  database.modified(args[1], EventClass.hash, 'hincrby');
}

const zero = { mantissa: 0n, exponent: 0 };

function hincrbyfloat(call: Call): void {
  const { args, database, reply } = call;
  const increment = parseLongDouble(args[3]);
  if (increment === undefined) throw new CommandError(errors.notFloat);
  if (typeof increment === 'string') throw new CommandError('ERR value is NaN or Infinity');
  const place = fieldToChange(call);
  if (place !== 0) hash.valueAt(place, view);
  const old = place === 0 ? zero : parseLongDouble(view);
  if (old === undefined) throw new CommandError('ERR hash value is not a float');
  const sum = addDecimal(old, increment);
  if (sum === undefined) throw new CommandError(errors.nanOrInfinity);
  const expires = place !== 0 && hash.expiryAt(place) !== NO_EXPIRY;
  storeCounter(call, place, sum);
  reply.text(sum);
  database.modified(args[1], EventClass.hash, 'hincrbyfloat');
  if (call.propagates) propagateValue(call, sum, expires);
}

/** Not the sum again: whoever repeats it may round differently. HSET would make the field permanent. */
function propagateValue(call: Call, value: string, expires: boolean): void {
  const [, key, field] = call.args;
  if (expires) call.propagateAs(['HSETEX', key, 'KEEPTTL', 'FIELDS', 1, field, value]);
  else call.propagateAs(['HSET', key, field, value]);
}

/** The hash without the fields whose time has come, or undefined. */
function cleanHash(call: Call): HashValue | undefined {
  const found = hashToRead(call);
  found?.removeExpired();
  return found?.announceExpired(call.args[1]) === true ? undefined : found;
}

function hrandfield(call: Call): void {
  const { args, argc, reply } = call;
  if (argc === 2) {
    const found = cleanHash(call);
    if (found === undefined) reply.null();
    else writeField(call, found.random());
    return;
  }
  const withValues = argc > 3 && args[3].is('withvalues');
  const count = pickCountArgument(args[2]);
  if (argc > 4 || (argc === 4 && !withValues)) throw new CommandError(errors.syntax);
  if (withValues) checkPairCount(args[2]);
  const found = cleanHash(call);
  if (found === undefined) return reply.array(0);
  const pairs = withValues && reply.protocol === 3;
  const length = count < 0 ? -count : Math.min(count, found.size);
  reply.array(withValues && !pairs ? length * 2 : length);
  const take = (place: Place) => {
    if (pairs) reply.array(2);
    writeField(call, place);
    if (withValues) writeValue(call, place);
  };
  if (count >= 0) return found.pickDistinct(length, take);
  pickInSlices(reply, length, (slice) => found.pickRepeatedly(slice, take));
}

function hscan(call: Call): void {
  const cursor = cursorArgument(call.args[2]);
  const found = hashToRead(call);
  if (found === undefined) return replyEmptyScan(call);
  let values = true;
  const options = readScanOptions(call, 3, (reader) => {
    if (!reader.take('novalues')) return false;
    values = false;
    return true;
  });
  const write = values ? writePair : writeField;
  replyScan(call, found, cursor, options, values ? 2 : 1, (place) => write(call, place));
}
