import type { Bytes } from '../bytes/bytes.js';
import { CommandError, errors, excerpt } from '../protocol/errors.js';
import { type Consumer, type ConsumerGroup, countAt, setCountAt, timeAt } from '../values/consumer-group.js';
import { IdCursor } from '../values/id-index.js';
import type { Stream } from '../values/stream.js';
import { StreamCursor } from '../values/stream-cursor.js';
import { StreamId } from '../values/stream-id.js';
import { ArgumentReader, longArgument } from './arguments.js';
import { type Call, type CommandSpec, oneKey } from './command.js';
import { aboutStreams, groupOf, touchStream } from './stream-access.js';
import { activeConsumer } from './stream-consumers.js';
import { idArgument, isId, startIdArgument } from './stream-ids.js';
import {
  type Propagated,
  propagateAcknowledgement,
  propagateClaim,
  propagateProgress,
} from './stream-propagation.js';
import { replyEntry, replyId } from './stream-replies.js';

/** The commands by which a consumer takes over pending entries of others. */
export const streamClaimCommands: CommandSpec[] = [
  {
    ...aboutStreams,
    name: 'xautoclaim',
    since: '6.2.0',
    summary: 'Gives a consumer the pending entries of a group that nobody has touched for a while.',
    complexity: 'O(1) if COUNT is small.',
    brief: true,
    syntax: 'key group consumer min-idle-time start [COUNT count] [JUSTID]',
    types: { start: 'string' },
    flags: ['write', 'fast'],
    keys: oneKey('RW delete'),
    tips: ['nondeterministic_output'],
    history: [['7.0.0', 'The reply names the pending entries that the stream does not have any more.']],
    handler: xautoclaim,
  },
  {
    ...aboutStreams,
    name: 'xclaim',
    summary: 'Gives a consumer pending entries of its group, whoever had them.',
    complexity: 'O(log N) with N being the number of pending entries of the group.',
    syntax:
      'key group consumer min-idle-time id [id ...] [IDLE ms] [TIME unix-time-milliseconds] [RETRYCOUNT count] [FORCE] ' +
      '[JUSTID] [LASTID lastid]',
    types: { ms: 'integer' },
    flags: ['write', 'fast'],
    keys: oneKey('RW update'),
    tips: ['nondeterministic_output'],
    handler: xclaim,
  },
];

const cursor = new StreamCursor();
const pending = new IdCursor();
const id = new StreamId();

/** Attempts per entry that XAUTOCLAIM may return. */
const attemptsEach = 10;
/** Beyond this COUNT Redis fears for its memory. */
const greatestCount = 2 ** 63 / 160;

/** A claim under way: who takes over what, and what is told of it to those who repeat it. */
interface Claim {
  key: Bytes;
  stream: Stream;
  group: ConsumerGroup;
  consumer: Consumer;
  /**
   * What the entries' time of delivery becomes, in unix ms, and, unless it is undefined, their number of deliveries.
   */
  time: number;
  count: number | undefined;
  justIds: boolean;
  propagated: Propagated;
}

interface ClaimOptions {
  time: number;
  count: number | undefined;
  force: boolean;
  justIds: boolean;
  lastId: StreamId | undefined;
}

function xclaim(call: Call): void {
  const { database, args, argc, reply } = call;
  const key = args[1];
  const { stream, group } = groupOf(database, database.read(key), key, args[2]);
  const minIdle = minIdleArgument(args[4], 'XCLAIM');
  const ids: StreamId[] = [];
  let at = 5;
  for (; at < argc && isId(args[at], id); at++) ids.push(new StreamId().assign(id));
  const options = readClaimOptions(call, at);
  touchStream(database, key);
  const propagated: Propagated = [];
  const dirtyBefore = database.keyspace.dirty;
  if (options.lastId !== undefined && options.lastId.compare(group.lastId) > 0) {
    group.setLastId(options.lastId);
    database.keyspace.dirty++;
    propagateProgress(propagated, key, group);
  }
  const consumer = activeConsumer(database, key, group, args[3].latin1(), propagated);
  const claim = { key, stream, group, consumer, ...options, propagated };
  const place = reply.begin();
  let replied = 0;
  for (const each of ids) if (claimOne(call, claim, each, minIdle, options.force)) replied++;
  reply.endArray(place, replied);
  if (database.keyspace.dirty !== dirtyBefore) call.propagateAllAs(propagated);
}

/** Claims one entry by its ID, and replies with it. False if it is not to be had. */
function claimOne(call: Call, claim: Claim, each: StreamId, minIdle: number, force: boolean): boolean {
  const { stream, group, consumer } = claim;
  const { keyspace } = call.database;
  const isPending = group.pending.find(each, pending);
  if (!stream.find(each, cursor)) {
    if (isPending) forget(call, claim, each);
    return false;
  }
  if (!isPending) {
    if (!force) return false;
    group.deliver(each, consumer, claim.time, 1, pending);
  } else if (minIdle > 0 && keyspace.now - timeAt(pending) < minIdle) return false;
  take(call, claim, each);
  return true;
}

/** The pending entry at the cursor is not in the stream any more. The cursor goes on to the next. */
function forget(call: Call, { key, group, propagated }: Claim, each: StreamId): void {
  group.drop(each, pending);
  call.database.keyspace.dirty++;
  if (call.propagates) propagateAcknowledgement(propagated, key, group, each);
}

/** The pending entry at the cursor is the claimant's now. Replies with it. */
function take(call: Call, claim: Claim, each: StreamId): void {
  const { group, consumer, time, justIds } = claim;
  const { keyspace } = call.database;
  group.hand(each, consumer, time, countAt(pending), pending);
  if (claim.count !== undefined) setCountAt(pending, claim.count);
  else if (!justIds) setCountAt(pending, countAt(pending) + 1);
  consumer.activeTime = keyspace.now;
  keyspace.dirty++;
  if (call.propagates) propagateClaim(claim.propagated, claim.key, group, consumer, each, pending);
  if (justIds) replyId(call.reply, each);
  else replyEntry(call.reply, cursor);
}

function minIdleArgument(argument: Bytes, command: string): number {
  return Math.max(longArgument(argument, `ERR Invalid min-idle-time argument for ${command}`), 0);
}

function readClaimOptions({ database, args, argc }: Call, from: number): ClaimOptions {
  const { now } = database.keyspace;
  const options: ClaimOptions = {
    time: now,
    count: undefined,
    force: false,
    justIds: false,
    lastId: undefined,
  };
  for (let i = from; i < argc; i++) {
    const more = i + 1 < argc;
    const invalid = (option: string) => `ERR Invalid ${option} option argument for XCLAIM`;
    if (args[i].is('force')) options.force = true;
    else if (args[i].is('justid')) options.justIds = true;
    else if (more && args[i].is('idle')) options.time = now - longArgument(args[++i], invalid('IDLE'));
    else if (more && args[i].is('time')) options.time = longArgument(args[++i], invalid('TIME'));
    else if (more && args[i].is('retrycount')) {
      const count = longArgument(args[++i], invalid('RETRYCOUNT'));
      options.count = count < 0 ? undefined : count;
    } else if (more && args[i].is('lastid')) options.lastId = idArgument(args[++i], new StreamId());
    else throw new CommandError(`ERR Unrecognized XCLAIM option '${excerpt(args[i])}'`);
  }
  // A time in the future would make entries that nobody can ever claim.
  if (options.time < 0 || options.time > now) options.time = now;
  return options;
}

function xautoclaim(call: Call): void {
  const { database, args, argc } = call;
  const key = args[1];
  const minIdle = minIdleArgument(args[4], 'XAUTOCLAIM');
  const start = startIdArgument(args[5], new StreamId());
  let count = 100;
  let justIds = false;
  const reader = new ArgumentReader(args, argc, 6);
  while (!reader.done) {
    if (reader.left > 1 && reader.take('count')) {
      count = reader.long(errors.countBelowOne);
      if (count < 1 || count > greatestCount) throw new CommandError(errors.countBelowOne);
    } else if (reader.take('justid')) justIds = true;
    else throw new CommandError(errors.syntax);
  }
  const { stream, group } = groupOf(database, database.read(key), key, args[2]);
  touchStream(database, key);
  const propagated: Propagated = [];
  const dirtyBefore = database.keyspace.dirty;
  const { now } = database.keyspace;
  const consumer = activeConsumer(database, key, group, args[3].latin1(), propagated);
  const claim = { key, stream, group, consumer, time: now, count: undefined, justIds, propagated };
  claimIdle(call, claim, start, minIdle, count);
  if (database.keyspace.dirty !== dirtyBefore) call.propagateAllAs(propagated);
}

/**
 * Claims what is idle, and replies with where to go on, the entries, and the IDs of those that are not there any
 * more.
 */
function claimIdle(call: Call, claim: Claim, start: StreamId, minIdle: number, most: number): void {
  const { reply } = call;
  const { claimable, deleted } = scanIdle(call, claim, start, minIdle, most);
  reply.array(3);
  replyId(reply, pending.done ? id.setLeast() : pending.readId(id));
  reply.array(claimable.length);
  for (const each of claimable) {
    claim.stream.find(each, cursor);
    claim.group.pending.find(each, pending);
    take(call, claim, each);
  }
  reply.array(deleted.length);
  for (const each of deleted) replyId(reply, each);
}

/** Looks for pending entries that are idle, and forgets those that were deleted. Leaves the cursor where to go on. */
function scanIdle(call: Call, claim: Claim, start: StreamId, minIdle: number, most: number) {
  const { stream, group } = claim;
  const { now } = call.database.keyspace;
  const claimable: StreamId[] = [];
  const deleted: StreamId[] = [];
  let attempts = most * attemptsEach;
  pending.seek(group.pending, start);
  while (!pending.done && attempts-- > 0 && claimable.length + deleted.length < most) {
    pending.readId(id);
    if (!stream.has(id)) {
      deleted.push(new StreamId().assign(id));
      forget(call, claim, id);
      continue;
    }
    if (minIdle === 0 || now - timeAt(pending) >= minIdle) claimable.push(new StreamId().assign(id));
    pending.next();
  }
  return { claimable, deleted };
}
