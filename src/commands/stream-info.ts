import { CommandError, errors, wrongSubcommand } from '../protocol/errors.js';
import type { ReplyWriter } from '../protocol/reply-writer.js';
import {
  type Consumer,
  type ConsumerGroup,
  countAt,
  NEVER,
  timeAt,
  UNKNOWN_ENTRIES_READ,
} from '../values/consumer-group.js';
import { lagOf } from '../values/group-progress.js';
import { IdCursor } from '../values/id-index.js';
import { radixTreeNodes } from '../values/radix-tree-size.js';
import type { Stream } from '../values/stream.js';
import { StreamCursor } from '../values/stream-cursor.js';
import { StreamId } from '../values/stream-id.js';
import { longArgument } from './arguments.js';
import type { Call, CommandSpec } from './command.js';
import { helpSubcommand } from './help.js';
import { aboutStreams, readStream } from './stream-access.js';
import { noSuchGroup } from './stream-groups.js';
import { replyEntry, replyId } from './stream-replies.js';

const about = {
  ...aboutStreams,
  complexity: 'O(1)',
  flags: ['readonly' as const],
  keys: [{ flags: 'RO access', begin: 2, find: { last: 0, step: 1 } }],
};

/** XINFO and its subcommands. */
export const streamInfoCommands: CommandSpec[] = [
  {
    ...aboutStreams,
    name: 'xinfo',
    summary: 'Tells about streams, their groups and their consumers.',
    complexity: 'Depends on the subcommand.',
    syntax: '',
    flags: [],
    subcommands: [
      {
        ...about,
        name: 'consumers',
        summary: 'Lists the consumers of a group.',
        syntax: 'key group',
        tips: ['nondeterministic_output'],
        history: [['7.2.0', 'Field `inactive`.']],
        handler: consumersInfo,
      },
      {
        ...about,
        name: 'groups',
        summary: 'Lists the groups of a stream.',
        syntax: 'key',
        history: [['7.0.0', 'Fields `entries-read` and `lag`.']],
        handler: groupsInfo,
      },
      {
        ...about,
        name: 'stream',
        summary: 'Tells about a stream; with FULL also about its groups, consumers and pending entries.',
        syntax: 'key [FULL [COUNT count]]',
        history: [
          ['6.0.0', 'Option `FULL`.'],
          [
            '7.0.0',
            'Fields `max-deleted-entry-id`, `entries-added`, `recorded-first-entry-id`, `entries-read` and `lag`.',
          ],
          ['7.2.0', 'Field `active-time`; `seen-time` is set by every command of the consumer.'],
        ],
        handler: streamInfo,
      },
      helpSubcommand('stream', '5.0.0'),
    ],
  },
];

/** How many entries XINFO STREAM FULL shows unless it is told. */
const usualCount = 10;

const cursor = new StreamCursor();
const pending = new IdCursor();
const ofConsumer = new IdCursor();
const id = new StreamId();

function presentStream({ database, args }: Call): Stream {
  const stream = readStream(database, args[2]);
  if (stream === undefined) throw new CommandError(errors.noSuchKey);
  return stream;
}

function consumersInfo(call: Call): void {
  const { database, args, reply } = call;
  const group = presentStream(call).groups.get(args[3].latin1());
  if (group === undefined) throw noSuchGroup(args[2], args[3]);
  const { now } = database.keyspace;
  const consumers = group.sortedConsumers();
  reply.array(consumers.length);
  for (const { name, pending: own, seenTime, activeTime } of consumers) {
    reply.map(4);
    reply.text('name');
    reply.text(name);
    reply.text('pending');
    reply.integer(own.size);
    reply.text('idle');
    reply.integer(Math.max(now - seenTime, 0));
    reply.text('inactive');
    reply.integer(activeTime === NEVER ? NEVER : Math.max(now - activeTime, 0));
  }
}

function groupsInfo(call: Call): void {
  const { reply } = call;
  const stream = presentStream(call);
  reply.array(stream.groups.size);
  for (const group of stream.sortedGroups()) {
    reply.map(6);
    reply.text('name');
    reply.text(group.name);
    reply.text('consumers');
    reply.integer(group.consumerCount);
    reply.text('pending');
    reply.integer(group.pending.size);
    replyProgress(reply, stream, group);
  }
}

function replyProgress(reply: ReplyWriter, stream: Stream, group: ConsumerGroup): void {
  reply.text('last-delivered-id');
  replyId(reply, group.lastId);
  reply.text('entries-read');
  if (group.entriesRead === UNKNOWN_ENTRIES_READ) reply.null();
  else reply.int64(group.entriesRead);
  reply.text('lag');
  const lag = lagOf(stream, group);
  if (lag === undefined) reply.null();
  else reply.int64(lag);
}

function streamInfo(call: Call): void {
  const { argc, reply } = call;
  const full = argc > 3;
  const stream = presentStream(call);
  const count = full ? readFull(call) : 0;
  reply.map(full ? 9 : 10);
  reply.text('length');
  reply.integer(stream.size);
  reply.text('radix-tree-keys');
  reply.integer(stream.nodes.size);
  reply.text('radix-tree-nodes');
  reply.integer(radixTreeNodes(stream.nodes));
  reply.text('last-generated-id');
  replyId(reply, stream.lastId);
  reply.text('max-deleted-entry-id');
  replyId(reply, stream.maxDeletedId);
  reply.text('entries-added');
  reply.int64(stream.entriesAdded);
  reply.text('recorded-first-entry-id');
  replyId(reply, stream.firstId);
  if (full) replyFull(reply, stream, count);
  else replyEnds(reply, stream);
}

/** FULL [COUNT count]. 0 is no limit. */
function readFull({ args, argc }: Call): number {
  if (!args[3].is('full') || (argc !== 4 && argc !== 6)) throw wrongSubcommand('XINFO', args[1]);
  if (argc === 4) return usualCount;
  if (!args[4].is('count')) throw wrongSubcommand('XINFO', args[1]);
  const count = longArgument(args[5]);
  return count < 0 ? usualCount : count;
}

function replyEnds(reply: ReplyWriter, stream: Stream): void {
  reply.text('groups');
  reply.integer(stream.groups.size);
  reply.text('first-entry');
  replyEntryOrNull(reply, cursor.seekFirst(stream));
  reply.text('last-entry');
  replyEntryOrNull(reply, cursor.seekLast(stream));
}

function replyEntryOrNull(reply: ReplyWriter, at: StreamCursor): void {
  if (at.done) reply.null();
  else replyEntry(reply, at);
}

function replyFull(reply: ReplyWriter, stream: Stream, count: number): void {
  const most = count === 0 ? stream.size : Math.min(count, stream.size);
  reply.text('entries');
  reply.array(most);
  cursor.seekFirst(stream);
  for (let left = most; left > 0; left--) {
    replyEntry(reply, cursor);
    cursor.next();
  }
  reply.text('groups');
  reply.array(stream.groups.size);
  for (const group of stream.sortedGroups()) replyFullGroup(reply, stream, group, count);
}

function replyFullGroup(reply: ReplyWriter, stream: Stream, group: ConsumerGroup, count: number): void {
  reply.map(7);
  reply.text('name');
  reply.text(group.name);
  replyProgress(reply, stream, group);
  const { size } = group.pending;
  reply.text('pel-count');
  reply.integer(size);
  reply.text('pending');
  let left = count === 0 ? size : Math.min(count, size);
  reply.array(left);
  for (pending.first(group.pending); left > 0; left--) {
    reply.array(4);
    replyId(reply, pending.readId(id));
    reply.text(group.consumerAt(pending).name);
    reply.integer(timeAt(pending));
    reply.int64(countAt(pending));
    pending.next();
  }
  reply.text('consumers');
  reply.array(group.consumerCount);
  for (const consumer of group.sortedConsumers()) replyFullConsumer(reply, group, consumer, count);
}

function replyFullConsumer(
  reply: ReplyWriter,
  group: ConsumerGroup,
  consumer: Consumer,
  count: number,
): void {
  const { size } = consumer.pending;
  reply.map(5);
  reply.text('name');
  reply.text(consumer.name);
  reply.text('seen-time');
  reply.integer(consumer.seenTime);
  reply.text('active-time');
  reply.integer(consumer.activeTime);
  reply.text('pel-count');
  reply.integer(size);
  reply.text('pending');
  let left = count === 0 ? size : Math.min(count, size);
  reply.array(left);
  for (ofConsumer.first(consumer.pending); left > 0; left--) {
    group.pending.find(ofConsumer.readId(id), pending);
    reply.array(3);
    replyId(reply, id);
    reply.integer(timeAt(pending));
    reply.int64(countAt(pending));
    ofConsumer.next();
  }
}
