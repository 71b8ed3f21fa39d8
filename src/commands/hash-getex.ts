import type { Bytes } from '../bytes/bytes.js';
import { EventClass } from '../keyspace/events.js';
import type { HashValue } from '../keyspace/hash-value.js';
import { NO_EXPIRY } from '../memory/entry.js';
import { CommandError, errors, wrongArity } from '../protocol/errors.js';
import { countArgument } from './arguments.js';
import { type Call, type CommandSpec, oneKey } from './command.js';
import { existingHash, hashToChange, writeValueOf } from './hash-access.js';
import {
  announceExpiry,
  announcePersisted,
  type FieldRange,
  fieldExpiryTime,
  fieldRange,
  setFieldExpiry,
} from './hash-expiry.js';

const about = { group: 'hash' as const, since: '8.0.0' };
const times = 'EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds';

/** The commands that do two things with fields of a hash at once. */
export const hashGetexCommands: CommandSpec[] = [
  {
    ...about,
    name: 'hgetdel',
    summary: 'Gives the values of fields and removes the fields.',
    complexity: 'O(N) where N is the number of specified fields',
    syntax: 'key FIELDS numfields field ...',
    flags: ['write', 'fast'],
    keys: oneKey('RW access delete'),
    handler: hgetdel,
  },
  {
    ...about,
    name: 'hgetex',
    summary: 'Gives the values of fields and sets or clears when they expire.',
    complexity: 'O(N) where N is the number of specified fields',
    syntax: `key [${times} | PERSIST] FIELDS numfields field ...`,
    flags: ['write', 'fast'],
    keys: [{ ...oneKey('RW access update')[0], notes: 'RW and UPDATE because it changes the TTL' }],
    handler: hgetex,
  },
  {
    ...about,
    name: 'hsetex',
    summary: 'Sets fields of a hash and when they expire.',
    complexity: 'O(N) where N is the number of fields being set.',
    syntax: `key [FNX | FXX] [${times} | KEEPTTL] FIELDS numfields field value [field value ...]`,
    flags: ['write', 'denyoom', 'fast'],
    keys: oneKey('RW update'),
    handler: hsetex,
  },
];

function hgetdel(call: Call): void {
  const { args, database } = call;
  const target = existingHash(call);
  const range = fieldRange(call, 2);
  if (target === undefined) return replyNulls(call, range);
  const fields = replyValues(call, target, range, (field) => target.remove(field));
  const removed = fields.length;
  if (removed > 0 && call.propagates) call.propagateAs(['HDEL', args[1], ...fields]);
  if (target.announceExpired(args[1]) || removed === 0) return;
  database.elementsRemoved(args[1], target.ref, target.size, EventClass.hash, 'hdel', removed);
}

/**
 * Answers with the values of fields, and does `then` with each that is there; returns those for which it was
 * true.
 */
function replyValues(
  call: Call,
  target: HashValue,
  { from, to }: FieldRange,
  then: (field: Bytes) => boolean,
): Bytes[] {
  const fields: Bytes[] = [];
  call.reply.array(to - from);
  for (let i = from; i < to; i++) {
    const field = call.args[i];
    writeValueOf(call, target, field);
    if (target.find(field) !== 0 && then(field)) fields.push(field);
  }
  return fields;
}

function replyNulls({ reply }: Call, { from, to }: FieldRange): void {
  reply.array(to - from);
  for (let i = from; i < to; i++) reply.null();
}

/** How many ms the units of a time are, and whether it counts from now. */
const timeWords = { ex: [1000, true], px: [1, true], exat: [1000, false], pxat: [1, false] } as const;
const timeNames = Object.keys(timeWords) as (keyof typeof timeWords)[];

/**
 * The time after one of the words above, in unix ms, or undefined if argument `at` is none of them. Throws
 * CommandError.
 */
function timeOption(call: Call, at: number): number | undefined {
  const { args, argc, database } = call;
  const name = timeNames.find((word) => args[at].is(word));
  if (name === undefined) return undefined;
  if (at + 1 >= argc) throw new CommandError(errors.syntax);
  const [scale, relative] = timeWords[name];
  return fieldExpiryTime(call, args[at + 1], scale, relative ? database.keyspace.now : 0);
}

function hgetex(call: Call): void {
  const { args } = call;
  const target = existingHash(call);
  const persists = args[2].is('persist');
  const when = timeOption(call, 2);
  const range = fieldRange(call, persists ? 3 : when === undefined ? 2 : 4);
  if (target === undefined) return replyNulls(call, range);
  const fields = replyValues(call, target, range, (field) => {
    if (persists) return persist(target, field);
    if (when !== undefined) setFieldExpiry(target, field, when);
    return when !== undefined;
  });
  if (target.announceExpired(args[1])) {
    // The others expired in this moment, and the key is gone; what was removed beside them must be told still.
    if (fields.length > 0 && call.propagates) call.propagateAs(['HDEL', args[1], ...fields]);
    return;
  }
  if (when !== undefined) announceExpiry(call, target, when, fields);
  if (persists) announcePersisted(call, fields);
}

function persist(target: HashValue, field: Bytes): boolean {
  const place = target.find(field);
  if (target.expiryAt(place) === NO_EXPIRY) return false;
  target.setExpiry(place, field, NO_EXPIRY);
  return true;
}

interface HsetexOptions {
  condition: 'fnx' | 'fxx' | undefined;
  /** Unix ms. */
  when: number | undefined;
  keepsExpiry: boolean;
  /** Fields and values in turn. */
  range: FieldRange;
}

/** The options may stand in any order; FIELDS and what belongs to it too. */
function hsetexOptions(call: Call): HsetexOptions {
  const { argc } = call;
  const options: HsetexOptions = {
    condition: undefined,
    when: undefined,
    keepsExpiry: false,
    range: { from: 0, to: 0 },
  };
  for (let at = 2; at < argc; ) at = hsetexOption(call, at, options);
  if (options.range.from === 0) throw new CommandError(wrongArity(call.command.fullName));
  return options;
}

/** Reads the option at argument `at`; returns where the next one is. */
function hsetexOption(call: Call, at: number, options: HsetexOptions): number {
  const word = call.args[at];
  if (word.is('fields')) {
    options.range = pairRange(call, at);
    return options.range.to;
  }
  const condition = word.is('fnx') ? 'fnx' : word.is('fxx') ? 'fxx' : undefined;
  if (condition !== undefined) {
    if (options.condition !== undefined) {
      throw new CommandError('ERR Only one of FXX or FNX arguments can be specified');
    }
    options.condition = condition;
    return at + 1;
  }
  const keepsExpiry = word.is('keepttl');
  const isTime = timeNames.some((name) => word.is(name));
  if (!keepsExpiry && !isTime) throw new CommandError(`ERR unknown argument: ${word.latin1()}`);
  if (options.when !== undefined || options.keepsExpiry) {
    throw new CommandError('ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified');
  }
  if (keepsExpiry) options.keepsExpiry = true;
  else options.when = timeOption(call, at);
  return at + (keepsExpiry ? 1 : 2);
}

function pairRange({ args, argc, command }: Call, at: number): FieldRange {
  if (at + 1 >= argc) throw new CommandError(wrongArity(command.fullName));
  const count = countArgument(args[at + 1], 1, 'ERR invalid number of fields');
  if (count * 2 !== argc - at - 2) throw new CommandError(wrongArity(command.fullName));
  return { from: at + 2, to: argc };
}

function hsetex(call: Call): void {
  const { args, database, reply } = call;
  const existing = existingHash(call);
  const options = hsetexOptions(call);
  if (options.condition !== undefined && !isMet(call, existing, options)) return reply.integer(0);
  const { range, when } = options;
  const target = hashToChange(call);
  const fields: Bytes[] = [];
  for (let i = range.from; i < range.to; i += 2) {
    setField(call, target, args[i], args[i + 1], options.keepsExpiry);
    if (when !== undefined) setFieldExpiry(target, args[i], when);
    fields.push(args[i]);
  }
  reply.integer(1);
  const count = (range.to - range.from) / 2;
  database.modified(args[1], EventClass.hash, 'hset', count);
  if (when === undefined) return;
  announceExpiry(call, target, when, fields);
  if (when > target.expiredBefore && call.propagates) {
    const { from, to } = range;
    call.propagateAs(['HSETEX', args[1], 'PXAT', when, 'FIELDS', count, ...args.slice(from, to)]);
  }
}

function setField(call: Call, target: HashValue, field: Bytes, value: Bytes, keepsExpiry: boolean): void {
  const limits = call.server.config.values;
  const place = keepsExpiry ? target.find(field) : 0;
  if (place === 0) target.set(field, value, limits);
  else target.update(place, field, value, limits);
}

/** True if none of the fields is there (FNX) or all are (FXX). Those whose time has come are removed. */
function isMet(call: Call, existing: HashValue | undefined, { condition, range }: HsetexOptions): boolean {
  let found = 0;
  for (let i = range.from; i < range.to; i += 2) if (existing?.findLive(call.args[i])) found++;
  existing?.announceExpired(call.args[1]);
  return condition === 'fnx' ? found === 0 : found === (range.to - range.from) / 2;
}
