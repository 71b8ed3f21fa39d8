import type { Bytes } from '../bytes/bytes.js';
import { CommandError, errors } from '../protocol/errors.js';
import type { ReplyWriter } from '../protocol/reply-writer.js';
import { type Consumer, type ConsumerGroup, countAt, timeAt } from '../values/consumer-group.js';
import { IdCursor } from '../values/id-index.js';
import { StreamId } from '../values/stream-id.js';
import { longArgument } from './arguments.js';
import { type Call, type CommandSpec, oneKey } from './command.js';
import { aboutStreams, groupOf } from './stream-access.js';
import { endIdArgument, startIdArgument } from './stream-ids.js';
import { replyId } from './stream-replies.js';

/** XPENDING. */
export const streamPendingCommands: CommandSpec[] = [
  {
    ...aboutStreams,
    name: 'xpending',
    summary: 'Tells which entries of a group were delivered and not yet acknowledged.',
    complexity:
      'O(N) with N being the number of entries returned, O(M) with IDLE for the M entries looked at; O(1) for the summary ' +
      'and O(C) for its C consumers.',
    syntax: 'key group [[IDLE min-idle-time] start end count [consumer]]',
    types: { start: 'string', end: 'string', 'min-idle-time': 'integer' },
    flags: ['readonly'],
    keys: oneKey('RO access'),
    tips: ['nondeterministic_output'],
    history: [['6.2.0', 'Option `IDLE` and intervals without their ends.']],
    handler: xpending,
  },
];

const pending = new IdCursor();
const ofConsumer = new IdCursor();
const id = new StreamId();
const start = new StreamId();
const end = new StreamId();

interface PendingFilter {
  minIdle: number;
  most: number;
  /** Only of that one. */
  consumer: Bytes | undefined;
}

function xpending({ database, args, argc, reply }: Call): void {
  const filter = argc === 3 ? undefined : readFilter(args, argc);
  const { group } = groupOf(database, database.read(args[1]), args[1], args[2]);
  if (filter === undefined) return replySummary(reply, group);
  const { now } = database.keyspace;
  if (filter.consumer === undefined) return replyRange(reply, group, now, filter);
  const consumer = group.consumer(filter.consumer.latin1());
  if (consumer === undefined) return reply.array(0);
  replyRangeOf(reply, group, consumer, now, filter);
}

/** Reads the interval, too, into `start` and `end`. */
function readFilter(args: Bytes[], argc: number): PendingFilter {
  if (argc < 6 || argc > 9) throw new CommandError(errors.syntax);
  const idle = args[3].is('idle');
  const at = idle ? 5 : 3;
  const minIdle = idle ? longArgument(args[4]) : 0;
  if (argc < at + 3) throw new CommandError(errors.syntax);
  const most = Math.min(longArgument(args[at + 2]), Number.MAX_SAFE_INTEGER);
  startIdArgument(args[at], start);
  endIdArgument(args[at + 1], end);
  return { minIdle, most, consumer: argc > at + 3 ? args[at + 3] : undefined };
}

function replySummary(reply: ReplyWriter, group: ConsumerGroup): void {
  reply.array(4);
  reply.integer(group.pending.size);
  if (group.pending.size === 0) {
    reply.null();
    reply.null();
    return reply.nullArray();
  }
  replyId(reply, pending.first(group.pending).readId(id));
  replyId(reply, pending.last(group.pending).readId(id));
  const consumers = group.sortedConsumers().filter((consumer) => consumer.pending.size > 0);
  reply.array(consumers.length);
  for (const consumer of consumers) {
    reply.array(2);
    reply.text(consumer.name);
    reply.text(String(consumer.pending.size));
  }
}

function replyRange(
  reply: ReplyWriter,
  group: ConsumerGroup,
  now: number,
  { minIdle, most }: PendingFilter,
): void {
  const place = reply.begin();
  let replied = 0;
  for (pending.seek(group.pending, start); replied < most && !pending.done; pending.next()) {
    if (pending.compare(end) > 0) break;
    if (replyPending(reply, group.consumerAt(pending), now, minIdle)) replied++;
  }
  reply.endArray(place, replied);
}

function replyRangeOf(
  reply: ReplyWriter,
  group: ConsumerGroup,
  consumer: Consumer,
  now: number,
  { minIdle, most }: PendingFilter,
): void {
  const place = reply.begin();
  let replied = 0;
  for (ofConsumer.seek(consumer.pending, start); replied < most && !ofConsumer.done; ofConsumer.next()) {
    if (ofConsumer.compare(end) > 0) break;
    group.pending.find(ofConsumer.readId(id), pending);
    if (replyPending(reply, consumer, now, minIdle)) replied++;
  }
  reply.endArray(place, replied);
}

/** Replies with the pending entry at the cursor, unless it has been idle for less. */
function replyPending(reply: ReplyWriter, consumer: Consumer, now: number, minIdle: number): boolean {
  const idle = Math.max(now - timeAt(pending), 0);
  if (minIdle > 0 && idle < minIdle) return false;
  reply.array(4);
  replyId(reply, pending.readId(id));
  reply.text(consumer.name);
  reply.integer(idle);
  reply.int64(countAt(pending));
  return true;
}
