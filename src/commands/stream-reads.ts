import type { Bytes } from '../bytes/bytes.js';
import type { Database } from '../keyspace/database.js';
import { ValueType } from '../keyspace/events.js';
import { CommandError, errors } from '../protocol/errors.js';
import type { ReplyWriter } from '../protocol/reply-writer.js';
import {
  type Consumer,
  type ConsumerGroup,
  countAt,
  setCountAt,
  setTimeAt,
} from '../values/consumer-group.js';
import { advance } from '../values/group-progress.js';
import { IdCursor } from '../values/id-index.js';
import type { Stream } from '../values/stream.js';
import { StreamCursor } from '../values/stream-cursor.js';
import { StreamId } from '../values/stream-id.js';
import { ArgumentReader } from './arguments.js';
import type { Call, CommandSpec, KeySpec } from './command.js';
import { aboutStreams, idBytes, readStream, touchStream } from './stream-access.js';
import { activeConsumer } from './stream-consumers.js';
import { idArgument } from './stream-ids.js';
import { type Propagated, propagateClaim, propagateProgress } from './stream-propagation.js';
import { replyEntry, replyId } from './stream-replies.js';
import { millisecondsDeadlineArgument } from './timeouts.js';

/** Behind the word STREAMS stand as many keys as IDs. */
const keysBefore = (startFrom: number): KeySpec[] => [
  { flags: 'RO access', begin: { keyword: 'STREAMS', startFrom }, find: { last: -1, step: 1, limit: 2 } },
];

/** The commands that read several streams from some ID on, and may wait for entries. */
export const streamReadCommands: CommandSpec[] = [
  {
    ...aboutStreams,
    name: 'xread',
    summary: 'Returns the entries of streams that are behind given IDs; waits for some if there are none.',
    complexity: 'O(N) with N being the number of entries returned.',
    syntax: '[COUNT count] [BLOCK milliseconds] STREAMS <key [key ...] id [id ...]>',
    flags: ['blocking', 'readonly'],
    arity: -4,
    keys: keysBefore(1),
    handler: (call) => read(call, false),
  },
  {
    ...aboutStreams,
    name: 'xreadgroup',
    summary: "Returns new entries of streams to a consumer of a group, or that consumer's pending ones.",
    complexity:
      'O(M) for each stream with M being the number of entries returned. When it waits, XADD takes O(N) to serve the N ' +
      'clients that do.',
    syntax:
      'GROUP <group consumer> [COUNT count] [BLOCK milliseconds] [NOACK] STREAMS <key [key ...] id [id ...]>',
    flags: ['blocking', 'write'],
    arity: -7,
    keys: keysBefore(4),
    handler: (call) => read(call, true),
  },
];

/** One of the streams that are read. */
interface Source {
  key: Bytes;
  /** Entries behind this ID are wanted. */
  after: StreamId;
  /** `>`: those that the group has not seen. */
  isNew: boolean;
  /** `+`: just the last one. */
  isLast: boolean;
}

interface Reading {
  /** Most entries of each stream. */
  count: number;
  /** When to give up waiting, in unix ms; undefined not to wait. */
  deadline: number | undefined;
  /** Entries are not pending once they are delivered. */
  noAck: boolean;
  group: string | undefined;
  consumer: string | undefined;
  /** Where the keys and where the IDs begin among the arguments. */
  keysAt: number;
  idsAt: number;
  sources: Source[];
}

const cursor = new StreamCursor();
const pending = new IdCursor();
const next = new StreamId();

function read(call: Call, ofGroup: boolean): void {
  const { reply } = call;
  const reading = readOptions(call, ofGroup);
  const propagated: Propagated = [];
  const dirtyBefore = call.database.keyspace.dirty;
  let place = 0;
  let served = 0;
  for (const source of reading.sources) {
    const stream = readStream(call.database, source.key);
    if (stream === undefined) continue;
    const group = reading.group === undefined ? undefined : stream.groups.get(reading.group);
    const consumer = group && readerOf(call, source.key, group, reading.consumer!, propagated);
    if (!hasEntries(stream, source, group)) continue;
    if (served++ === 0) place = reply.begin();
    if (reply.protocol === 2) reply.array(2);
    reply.bytes(source.key);
    if (group === undefined || consumer === undefined) replyBehind(reply, stream, source, reading.count);
    else if (!source.isNew) {
      replyHistory(call, stream, source, group, consumer, reading.count);
      call.database.keyspace.dirty++; // nothing changes, but Redis counts whatever a group is given
    } else deliver(call, stream, source.key, group, consumer, reading, propagated);
  }
  if (call.propagates && ofGroup && (propagated.length > 0 || call.database.keyspace.dirty !== dirtyBefore)) {
    call.propagateAllAs(propagated);
  }
  if (served > 0) {
    if (reply.protocol === 2) reply.endArray(place, served);
    else reply.endMap(place, served);
  } else if (reading.deadline === undefined) {
    reply.nullArray();
  } else {
    block(call, reading, reading.deadline);
  }
}

function readerOf(
  { database }: Call,
  key: Bytes,
  group: ConsumerGroup,
  name: string,
  propagated: Propagated,
): Consumer {
  touchStream(database, key);
  return activeConsumer(database, key, group, name, propagated);
}

function block(call: Call, { sources, idsAt, group }: Reading, deadline: number): void {
  const args = call.args.slice(0, call.argc);
  // What `$` and `+` mean is decided now, not when there is something.
  if (group === undefined) for (const [i, { after }] of sources.entries()) args[idsAt + i] = idBytes(after);
  const keys = sources.map(({ key }) => key);
  const how = { args, evenWhenGone: group !== undefined };
  call.block(keys, deadline, (reply) => reply.nullArray(), ValueType.stream, how);
}

function blockInScript(name: string): CommandError {
  return new CommandError(`ERR ${name} command is not allowed with BLOCK option from scripts`);
}

function readOptions(call: Call, ofGroup: boolean): Reading {
  const { args, argc, command } = call;
  const reading: Reading = {
    count: Number.MAX_SAFE_INTEGER,
    deadline: undefined,
    noAck: false,
    group: undefined,
    consumer: undefined,
    keysAt: 0,
    idsAt: 0,
    sources: [],
  };
  const reader = new ArgumentReader(args, argc, 1);
  while (reading.keysAt === 0) {
    if (reader.done) throw new CommandError(errors.syntax);
    const more = reader.left > 1;
    if (more && reader.take('block')) {
      if (call.fromScript) throw blockInScript(args[0].latin1());
      reading.deadline = millisecondsDeadlineArgument(call, reader.next());
    } else if (more && reader.take('count')) {
      const count = reader.long();
      reading.count = count > 0 ? Math.min(count, Number.MAX_SAFE_INTEGER) : Number.MAX_SAFE_INTEGER;
    } else if (more && reader.take('streams')) reading.keysAt = reader.position;
    else if (reader.left > 2 && reader.take('group')) {
      if (!ofGroup) throw onlyForGroups('GROUP');
      reading.group = reader.next().latin1();
      reading.consumer = reader.next().latin1();
    } else if (reader.take('noack')) {
      if (!ofGroup) throw onlyForGroups('NOACK');
      reading.noAck = true;
    } else throw new CommandError(errors.syntax);
  }
  const words = argc - reading.keysAt;
  if (words % 2 !== 0) {
    const symbol = ofGroup ? '>' : '$';
    throw new CommandError(
      `ERR Unbalanced '${command.fullName}' list of streams: for each stream key an ID or '${symbol}' must be specified.`,
    );
  }
  if (ofGroup && reading.group === undefined)
    throw new CommandError('ERR Missing GROUP option for XREADGROUP');
  reading.idsAt = reading.keysAt + words / 2;
  readSources(call.database, args, reading);
  return reading;
}

function onlyForGroups(option: string): CommandError {
  return new CommandError(
    `ERR The ${option} option is only supported by XREADGROUP. You called XREAD instead.`,
  );
}

function readSources(database: Database, args: Bytes[], reading: Reading): void {
  const { keysAt, idsAt, group } = reading;
  for (let i = keysAt; i < idsAt; i++) {
    const key = args[i];
    const stream = readStream(database, key);
    if (group !== undefined && !stream?.groups.has(group)) {
      throw new CommandError(
        `NOGROUP No such key '${key.latin1()}' or consumer group '${group}' in XREADGROUP with GROUP option`,
      );
    }
    reading.sources.push(readSource(key, args[idsAt + i - keysAt], stream, group !== undefined));
  }
}

function readSource(key: Bytes, argument: Bytes, stream: Stream | undefined, ofGroup: boolean): Source {
  const source: Source = { key, after: new StreamId(), isNew: false, isLast: false };
  if (argument.is('$')) {
    if (ofGroup) {
      throw new CommandError(
        'ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by ' +
          'specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set.',
      );
    }
    if (stream !== undefined) source.after.assign(stream.lastId);
  } else if (argument.is('>')) {
    if (!ofGroup) {
      throw new CommandError(
        'ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.',
      );
    }
    source.isNew = true;
  } else if (argument.is('+') && !ofGroup) {
    source.isLast = stream !== undefined && stream.size > 0;
    if (source.isLast) stream!.readLastLiveId(source.after).decrement();
    else if (stream !== undefined) source.after.assign(stream.lastId);
  } else {
    idArgument(argument, source.after);
    if (ofGroup && source.after.isGreatest) source.isNew = true; // so it is in Redis
  }
  return source;
}

/** True if the reply is to have something of this stream. History is never waited for. */
function hasEntries(stream: Stream, source: Source, group: ConsumerGroup | undefined): boolean {
  if (group !== undefined && !source.isNew) return true;
  const after = group === undefined ? source.after : group.lastId;
  if (stream.size === 0) return false;
  return stream.firstId.compare(after) > 0 || stream.readLastLiveId(next).compare(after) > 0;
}

/** The entries behind the source's ID. */
function replyBehind(reply: ReplyWriter, stream: Stream, { after, isLast }: Source, count: number): void {
  const place = reply.begin();
  const most = isLast ? 1 : count;
  let replied = 0;
  next.assign(after).increment();
  for (cursor.seek(stream, next); replied < most && !cursor.done; cursor.next()) {
    replyEntry(reply, cursor);
    replied++;
  }
  reply.endArray(place, replied);
}

/** The entries that nobody of the group has got yet. They are the consumer's now. */
function deliver(
  { database, reply, propagates }: Call,
  stream: Stream,
  key: Bytes,
  group: ConsumerGroup,
  consumer: Consumer,
  { count, noAck }: Reading,
  propagated: Propagated,
): void {
  const { now } = database.keyspace;
  const place = reply.begin();
  let replied = 0;
  next.assign(group.lastId).increment();
  cursor.seekFrom(stream, next, group.nextSerial, group.nextPlace);
  for (; replied < count && !cursor.done; cursor.next()) {
    replyEntry(reply, cursor);
    replied++;
    advance(stream, group, cursor.id);
    group.nextSerial = cursor.serial;
    group.nextPlace = cursor.placeAfter;
    if (noAck) continue;
    group.deliver(cursor.id, consumer, now, 1, pending);
    if (propagates) propagateClaim(propagated, key, group, consumer, cursor.id, pending);
  }
  reply.endArray(place, replied);
  if (replied === 0) return;
  if (!noAck) consumer.activeTime = now;
  database.keyspace.dirty++;
  if (propagates) propagateProgress(propagated, key, group);
}

/** The consumer's pending entries behind the source's ID, each delivered once more. Deleted ones have no fields. */
function replyHistory(
  { database, reply }: Call,
  stream: Stream,
  { after }: Source,
  group: ConsumerGroup,
  consumer: Consumer,
  count: number,
): void {
  const { now } = database.keyspace;
  const place = reply.begin();
  let replied = 0;
  next.assign(after);
  if (next.increment()) {
    for (history.seek(consumer.pending, next); replied < count && !history.done; history.next()) {
      replied++;
      history.readId(next);
      if (!stream.find(next, cursor)) {
        reply.array(2);
        replyId(reply, next);
        reply.nullArray();
        continue;
      }
      replyEntry(reply, cursor);
      group.pending.find(next, pending);
      setTimeAt(pending, now);
      setCountAt(pending, countAt(pending) + 1);
    }
  }
  reply.endArray(place, replied);
}

const history = new IdCursor();
