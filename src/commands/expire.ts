import type { Bytes } from '../bytes/bytes.js';
import { INT64_MAX, INT64_MIN, integerText, readSafeInteger } from '../bytes/integers.js';
import { absent } from '../keyspace/database.js';
import { EventClass } from '../keyspace/events.js';
import type { Ref } from '../memory/arena.js';
import { CommandError, invalidExpire } from '../protocol/errors.js';
import { int64Argument } from './arguments.js';
import { type Call, type CommandSpec, oneKey } from './command.js';
import { propagateRemoval } from './propagation-forms.js';

const setting = {
  group: 'generic' as const,
  complexity: 'O(1)',
  flags: ['write' as const, 'fast' as const],
  keys: oneKey('RW update'),
};
const settingWithOptions = {
  ...setting,
  history: [['7.0.0', 'Takes NX, XX, GT and LT.']] as [string, string][],
};
const asking = {
  group: 'generic' as const,
  complexity: 'O(1)',
  syntax: 'key',
  flags: ['readonly' as const, 'fast' as const],
  keys: oneKey('RO access'),
};
const askingTimeLeft = {
  ...asking,
  tips: ['nondeterministic_output'],
  history: [['2.8.0', 'Replies -2 for a key that does not exist.']] as [string, string][],
};

/** Commands for when keys expire. */
export const expireCommands: CommandSpec[] = [
  {
    ...settingWithOptions,
    name: 'expire',
    since: '1.0.0',
    summary: 'Lets a key expire in some seconds.',
    syntax: 'key seconds [NX | XX | GT | LT]',
    handler: (call) => expire(call, 1000, call.server.keyspace.now),
  },
  {
    ...settingWithOptions,
    name: 'pexpire',
    since: '2.6.0',
    summary: 'Lets a key expire in some milliseconds.',
    syntax: 'key milliseconds [NX | XX | GT | LT]',
    handler: (call) => expire(call, 1, call.server.keyspace.now),
  },
  {
    ...settingWithOptions,
    name: 'expireat',
    since: '1.2.0',
    summary: 'Lets a key expire at a Unix time in seconds.',
    syntax: 'key unix-time-seconds [NX | XX | GT | LT]',
    handler: (call) => expire(call, 1000, 0),
  },
  {
    ...settingWithOptions,
    name: 'pexpireat',
    since: '2.6.0',
    summary: 'Lets a key expire at a Unix time in milliseconds.',
    syntax: 'key unix-time-milliseconds [NX | XX | GT | LT]',
    handler: (call) => expire(call, 1, 0),
  },
  {
    ...setting,
    name: 'persist',
    since: '2.2.0',
    summary: 'Lets a key stay for good.',
    syntax: 'key',
    handler: persist,
  },
  {
    ...askingTimeLeft,
    name: 'ttl',
    since: '1.0.0',
    summary: 'Tells how many seconds a key has left.',
    handler: (call) => replyTime(call, 1000, call.server.keyspace.now),
  },
  {
    ...askingTimeLeft,
    name: 'pttl',
    since: '2.6.0',
    summary: 'Tells how many milliseconds a key has left.',
    handler: (call) => replyTime(call, 1, call.server.keyspace.now),
  },
  {
    ...asking,
    name: 'expiretime',
    since: '7.0.0',
    summary: 'Tells the Unix time in seconds at which a key expires.',
    handler: (call) => replyTime(call, 1000, 0),
  },
  {
    ...asking,
    name: 'pexpiretime',
    since: '7.0.0',
    summary: 'Tells the Unix time in milliseconds at which a key expires.',
    handler: (call) => replyTime(call, 1, 0),
  },
];

/** On which present expiry a new one depends. */
interface Condition {
  nx: boolean;
  xx: boolean;
  gt: boolean;
  lt: boolean;
}

const unconditional: Readonly<Condition> = { nx: false, xx: false, gt: false, lt: false };

/** Sets the expiry of a key to an amount of a unit, counted from `base`, in unix ms. */
function expire(call: Call, unitMs: number, base: number): void {
  const { args, database, reply } = call;
  const key = args[1];
  const condition = readCondition(call);
  const when = expiryArgument(args[2], unitMs, base, call.command.fullName);
  const ref = database.write(key);
  if (ref === absent || !allows(condition, database.expiry(ref), when)) return reply.integer(0);
  const lives = expireAt(call, key, ref, when);
  reply.integer(1);
  if (lives && call.propagates) {
    call.propagateAs(['PEXPIREAT', key, integerText(when), ...args.slice(3, call.argc)]);
  }
}

/**
 * Lets a key expire at a time, in unix ms. False if that has passed, so that the key was removed, and is propagated as
 * removed.
 */
export function expireAt(call: Call, key: Bytes, ref: Ref, when: number): boolean {
  const { database, server } = call;
  if (when > database.keyspace.expiredBefore) {
    database.setExpiry(ref, when);
    database.modified(key, EventClass.generic, 'expire');
    return true;
  }
  database.removeEntry(ref);
  database.modified(key, EventClass.generic, 'del');
  propagateRemoval(call, key, server.config.values['lazyfree-lazy-expire']);
  return false;
}

function readCondition({ args, argc }: Call): Readonly<Condition> {
  if (argc === 3) return unconditional;
  const condition: Condition = { ...unconditional };
  for (let i = 3; i < argc; i++) {
    const option = args[i].latin1();
    const name = option.toLowerCase();
    if (!Object.hasOwn(condition, name)) throw new CommandError(`ERR Unsupported option ${option}`);
    condition[name as keyof Condition] = true; // just seen to be one
  }
  const { nx, xx, gt, lt } = condition;
  if (nx && (xx || gt || lt)) {
    throw new CommandError('ERR NX and XX, GT or LT options at the same time are not compatible');
  }
  if (gt && lt) throw new CommandError('ERR GT and LT options at the same time are not compatible');
  return condition;
}

/** `current` is -1 for a key that does not expire, which counts as later than any time. */
function allows({ nx, xx, gt, lt }: Readonly<Condition>, current: number, when: number): boolean {
  const permanent = current < 0;
  if (nx && !permanent) return false;
  if (xx && permanent) return false;
  if (gt && (permanent || when <= current)) return false;
  return !(lt && !permanent && when >= current);
}

/**
 * Reads the time of an expiry, as unix ms. Throws CommandError if it does not fit in 64 bits, which a safe
 * integer always does. The result is rounded beyond 2^53, in the year 287396.
 */
function expiryArgument(argument: Bytes, unitMs: number, base: number, command: string): number {
  const small = readSafeInteger(argument.buffer, argument.start, argument.end);
  if (!Number.isNaN(small)) return small * unitMs + base;
  const when = int64Argument(argument) * BigInt(unitMs);
  if (when < INT64_MIN || when > INT64_MAX - BigInt(base)) throw new CommandError(invalidExpire(command));
  return Number(when + BigInt(base));
}

function persist({ args, database, reply }: Call): void {
  const ref = database.write(args[1]);
  if (ref === absent || database.expiry(ref) < 0) return reply.integer(0);
  database.clearExpiry(ref);
  database.modified(args[1], EventClass.generic, 'persist');
  reply.integer(1);
}

/**
 * Replies when a key expires, counted from `base`, in units rounded to the nearest; -1 for never, -2 for no
 * key.
 */
function replyTime({ args, database, reply }: Call, unitMs: number, base: number): void {
  const ref = database.look(args[1]);
  if (ref === absent) return reply.integer(-2);
  const when = database.expiry(ref);
  if (when < 0) return reply.integer(-1);
  reply.int64(Math.floor((Math.max(0, when - base) + unitMs / 2) / unitMs));
}
