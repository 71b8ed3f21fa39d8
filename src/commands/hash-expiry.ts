import type { Bytes } from '../bytes/bytes.js';
import { EventClass } from '../keyspace/events.js';
import type { HashValue } from '../keyspace/hash-value.js';
import { NO_EXPIRY } from '../memory/entry.js';
import { CommandError, errors, invalidExpire } from '../protocol/errors.js';
import { countArgument, longArgument } from './arguments.js';
import { type Call, type CommandSpec, oneKey } from './command.js';
import { existingHash, hashToRead } from './hash-access.js';

const about = {
  group: 'hash' as const,
  since: '7.4.0',
  complexity: 'O(N) where N is the number of specified fields',
};
const sets = {
  ...about,
  flags: ['write' as const, 'denyoom' as const, 'fast' as const],
  keys: oneKey('RW update'),
};
const tells = { ...about, flags: ['readonly' as const, 'fast' as const], keys: oneKey('RO access') };
const fields = 'FIELDS numfields field ...';
const conditions = '[NX | XX | GT | LT]';

/** The commands that set, tell and clear when fields of a hash expire. */
export const hashExpiryCommands: CommandSpec[] = [
  {
    ...sets,
    name: 'hexpire',
    summary: 'Makes fields of a hash expire after some seconds.',
    syntax: `key seconds ${conditions} ${fields}`,
    handler: (call) => expireFields(call, 1000, call.database.keyspace.now),
  },
  {
    ...sets,
    name: 'hexpireat',
    summary: 'Makes fields of a hash expire at a Unix time in seconds.',
    syntax: `key unix-time-seconds ${conditions} ${fields}`,
    handler: (call) => expireFields(call, 1000, 0),
  },
  {
    ...tells,
    name: 'hexpiretime',
    summary: 'Tells at what Unix time in seconds fields of a hash expire.',
    syntax: `key ${fields}`,
    handler: (call) => tellTimes(call, (when) => Math.ceil(when / 1000)),
  },
  {
    ...about,
    name: 'hpersist',
    summary: 'Makes fields of a hash permanent.',
    syntax: `key ${fields}`,
    flags: ['write', 'fast'],
    keys: oneKey('RW update'),
    handler: hpersist,
  },
  {
    ...sets,
    name: 'hpexpire',
    summary: 'Makes fields of a hash expire after some milliseconds.',
    syntax: `key milliseconds ${conditions} ${fields}`,
    handler: (call) => expireFields(call, 1, call.database.keyspace.now),
  },
  {
    ...sets,
    name: 'hpexpireat',
    summary: 'Makes fields of a hash expire at a Unix time in milliseconds.',
    syntax: `key unix-time-milliseconds ${conditions} ${fields}`,
    handler: (call) => expireFields(call, 1, 0),
  },
  {
    ...tells,
    name: 'hpexpiretime',
    summary: 'Tells at what Unix time in milliseconds fields of a hash expire.',
    syntax: `key ${fields}`,
    handler: (call) => tellTimes(call, (when) => when),
  },
  {
    ...tells,
    name: 'hpttl',
    summary: 'Tells how many milliseconds fields of a hash have left.',
    syntax: `key ${fields}`,
    handler: (call) => tellTimes(call, (when, now) => when - now),
  },
  {
    ...tells,
    name: 'httl',
    summary: 'Tells how many seconds fields of a hash have left.',
    syntax: `key ${fields}`,
    handler: (call) => tellTimes(call, (when, now) => Math.ceil((when - now) / 1000)),
  },
];

/** What is told about a field that the hash does not have, and about one that does not expire. */
const noField = -2;
const noExpiry = -1;

/** What HEXPIRE and its kin tell about a field. */
const unchanged = 0;
const changed = 1;
const removed = 2;

/** The latest time at which a field can expire: 46 bits. */
const latest = 2 ** 46 - 1;

/** Where the fields stand in a command's arguments: `from` to `to`. */
export interface FieldRange {
  from: number;
  to: number;
}

/** Reads `FIELDS numfields field ...` from argument `at` to the end. Throws CommandError. */
export function fieldRange(
  { args, argc }: Call,
  at: number,
  notPositive = 'ERR Number of fields must be a positive integer',
): FieldRange {
  if (at >= argc || !args[at].is('fields')) {
    throw new CommandError('ERR Mandatory argument FIELDS is missing or not at the right position');
  }
  if (at + 1 >= argc) throw new CommandError(errors.syntax);
  const count = countArgument(args[at + 1], 1, notPositive);
  if (count !== argc - at - 2) {
    throw new CommandError('ERR The `numfields` parameter must match the number of arguments');
  }
  return { from: at + 2, to: argc };
}

/**
 * A time in units of `scale` ms after `base`, as unix ms. Throws CommandError if it is negative or beyond 46
 * bits.
 */
export function fieldExpiryTime(call: Call, argument: Bytes, scale: number, base: number): number {
  const amount = longArgument(argument);
  if (amount < 0) throw new CommandError('ERR invalid expire time, must be >= 0');
  const when = amount * scale + base;
  if (when > latest) throw new CommandError(invalidExpire(call.command.fullName));
  return when;
}

type Condition = 'nx' | 'xx' | 'gt' | 'lt';
const conditionWords: readonly Condition[] = ['nx', 'xx', 'gt', 'lt'];

/**
 * True if a field that expires at `old` may be made to expire at `when`. NO_EXPIRY is later than every time.
 */
function isAllowed(condition: Condition | undefined, old: number, when: number): boolean {
  switch (condition) {
    case 'nx':
      return old === NO_EXPIRY;
    case 'xx':
      return old !== NO_EXPIRY;
    case 'gt':
      return old !== NO_EXPIRY && when > old;
    case 'lt':
      return when < old;
    default:
      return true;
  }
}

function expireFields(call: Call, scale: number, base: number): void {
  const { args } = call;
  const target = existingHash(call);
  const when = fieldExpiryTime(call, args[2], scale, base);
  const condition = conditionWords.find((word) => args[3].is(word));
  const asItCame = condition === undefined ? [] : [args[3]];
  const range = fieldRange(
    call,
    condition === undefined ? 3 : 4,
    'ERR Parameter `numFields` should be greater than 0',
  );
  if (target === undefined) return replyNoFields(call, range);
  const affected: Bytes[] = [];
  call.reply.array(range.to - range.from);
  for (let i = range.from; i < range.to; i++) {
    const outcome = expireField(target, args[i], when, condition);
    call.reply.integer(outcome);
    if (outcome === changed || outcome === removed) affected.push(args[i]);
  }
  announceExpiry(call, target, when, affected, asItCame);
}

function expireField(
  target: HashValue,
  field: Bytes,
  when: number,
  condition: Condition | undefined,
): typeof noField | typeof unchanged | typeof changed | typeof removed {
  const place = target.find(field);
  if (place === 0 || target.isHidden(place)) return noField;
  if (!isAllowed(condition, target.expiryAt(place), when)) return unchanged;
  return setFieldExpiry(target, field, when) ? changed : removed;
}

/** Sets when a field expires; false if that is over, so that the field was removed. */
export function setFieldExpiry(target: HashValue, field: Bytes, when: number): boolean {
  if (isOver(target, when)) {
    target.remove(field);
    return false;
  }
  target.setExpiry(target.find(field), field, when);
  return true;
}

/**
 * Publishes that fields got an expiry, or were removed if that has passed, and removes the key of an empty hash. Is
 * propagated with the time, not the time left, and with the condition as it came; of fields that are over, each by
 * itself, as when they expire.
 */
export function announceExpiry(
  call: Call,
  target: HashValue,
  when: number,
  fields: Bytes[],
  condition: Bytes[] = [],
): void {
  const { database, args } = call;
  if (fields.length === 0) return;
  const over = isOver(target, when);
  const event = over ? 'hdel' : 'hexpire';
  database.elementsRemoved(args[1], target.ref, target.size, EventClass.hash, event, fields.length);
  if (!call.propagates) return;
  if (over) call.propagateAllAs(fields.map((field) => ['HDEL', args[1], field]));
  else call.propagateAs(['HPEXPIREAT', args[1], when, ...condition, 'FIELDS', fields.length, ...fields]);
}

function isOver(target: HashValue, when: number): boolean {
  return when <= target.expiredBefore;
}

/** The answer of all these commands when the key is absent. */
function replyNoFields({ reply }: Call, { from, to }: FieldRange): void {
  reply.array(to - from);
  for (let i = from; i < to; i++) reply.integer(noField);
}

/** HTTL and its kin: `shown` makes what is told of the time, in unix ms. */
function tellTimes(call: Call, shown: (when: number, now: number) => number): void {
  const { args, reply } = call;
  const found = hashToRead(call);
  const range = fieldRange(call, 2);
  if (found === undefined) return replyNoFields(call, range);
  reply.array(range.to - range.from);
  for (let i = range.from; i < range.to; i++) {
    const place = found.find(args[i]);
    const when = place === 0 || found.isHidden(place) ? undefined : found.expiryAt(place);
    if (when === undefined) reply.integer(noField);
    else reply.integer(when === NO_EXPIRY ? noExpiry : shown(when, found.now));
  }
}

/**
 * Publishes that fields have no expiry any more. Is propagated for these alone: one that the command found expired is
 * there still for whoever repeats it, and must not become permanent.
 */
export function announcePersisted(call: Call, fields: Bytes[]): void {
  const { database, args } = call;
  if (fields.length === 0) return;
  database.modified(args[1], EventClass.hash, 'hpersist', fields.length);
  if (call.propagates) call.propagateAs(['HPERSIST', args[1], 'FIELDS', fields.length, ...fields]);
}

function hpersist(call: Call): void {
  const { args, reply } = call;
  const target = existingHash(call);
  const range = fieldRange(call, 2);
  if (target === undefined) return replyNoFields(call, range);
  const persisted: Bytes[] = [];
  reply.array(range.to - range.from);
  for (let i = range.from; i < range.to; i++) {
    const place = target.find(args[i]);
    if (place === 0 || target.isHidden(place)) reply.integer(noField);
    else if (target.expiryAt(place) === NO_EXPIRY) reply.integer(noExpiry);
    else {
      target.setExpiry(place, args[i], NO_EXPIRY);
      reply.integer(changed);
      persisted.push(args[i]);
    }
  }
  announcePersisted(call, persisted);
}
