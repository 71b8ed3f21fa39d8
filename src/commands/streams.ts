import type { Bytes } from '../bytes/bytes.js';
import { absent } from '../keyspace/database.js';
import { EventClass } from '../keyspace/events.js';
import { kinds } from '../keyspace/kinds.js';
import { CommandError, errors, wrongArity } from '../protocol/errors.js';
import { StreamCursor } from '../values/stream-cursor.js';
import { parseId, StreamId } from '../values/stream-id.js';
import { ArgumentReader, longArgument } from './arguments.js';
import { type Call, type CommandSpec, oneKey } from './command.js';
import {
  aboutStreams,
  idBytes,
  newStream,
  readStream,
  storeStream,
  streamOf,
  touchStream,
  writeStream,
} from './stream-access.js';
import { endIdArgument, idArgument, idArguments, invalidId, startIdArgument } from './stream-ids.js';
import { replyEntry, replyId } from './stream-replies.js';
import { readTrimArguments, TrimOptions } from './stream-trimming.js';

/** Fields and values of one entry are no more bytes than that. */
const mostEntryBytes = 2 ** 30;

/** The commands that concern a stream's entries, and no group. */
export const streamCommands: CommandSpec[] = [
  {
    ...aboutStreams,
    name: 'xadd',
    summary: 'Appends an entry to a stream, creating the stream if need be, and trims it if wanted.',
    complexity: 'O(1) for the entry, O(N) for trimming with N being the number of entries removed.',
    brief: true,
    syntax:
      'key [NOMKSTREAM] [KEEPREF | DELREF | ACKED] [<MAXLEN | MINID> [= | ~] threshold [LIMIT count]] <* | id> ' +
      'field value [field value ...]',
    flags: ['write', 'denyoom', 'fast'],
    keys: oneKey('RW update'),
    tips: ['nondeterministic_output'],
    history: [
      ['6.2.0', 'Option `NOMKSTREAM`, trimming by `MINID`, and `LIMIT`.'],
      ['7.0.0', 'An ID may be given as `<ms>-*`.'],
      ['8.2.0', 'Options `KEEPREF`, `DELREF` and `ACKED`.'],
    ],
    handler: xadd,
  },
  {
    ...aboutStreams,
    name: 'xdel',
    summary: 'Deletes entries from a stream and tells how many there were.',
    complexity: 'O(1) for each entry, whatever the size of the stream.',
    brief: true,
    syntax: 'key id [id ...]',
    flags: ['write', 'fast'],
    keys: oneKey('RW delete'),
    handler: xdel,
  },
  {
    ...aboutStreams,
    name: 'xlen',
    summary: 'Tells how many entries a stream has.',
    complexity: 'O(1)',
    syntax: 'key',
    flags: ['readonly', 'fast'],
    keys: oneKey('RO'),
    handler: ({ database, args, reply }) => reply.integer(readStream(database, args[1])?.size ?? 0),
  },
  {
    ...aboutStreams,
    name: 'xrange',
    summary: 'Returns the entries of a stream whose IDs lie in an interval.',
    complexity: 'O(N) with N being the number of entries returned.',
    syntax: 'key start end [COUNT count]',
    types: { start: 'string', end: 'string' },
    flags: ['readonly'],
    keys: oneKey('RO access'),
    history: [['6.2.0', 'Intervals without their ends.']],
    handler: (call) => range(call, false),
  },
  {
    ...aboutStreams,
    name: 'xrevrange',
    summary: 'Returns the entries of a stream whose IDs lie in an interval, the last one first.',
    complexity: 'O(N) with N being the number of entries returned.',
    syntax: 'key end start [COUNT count]',
    types: { start: 'string', end: 'string' },
    flags: ['readonly'],
    keys: oneKey('RO access'),
    history: [['6.2.0', 'Intervals without their ends.']],
    handler: (call) => range(call, true),
  },
  {
    ...aboutStreams,
    name: 'xsetid',
    summary: 'Sets the last ID of a stream and what it knows of its history: for replicas and files.',
    complexity: 'O(1)',
    syntax: 'key last-id [ENTRIESADDED entries-added] [MAXDELETEDID max-deleted-id]',
    types: { 'entries-added': 'integer' },
    flags: ['write', 'denyoom', 'fast'],
    keys: oneKey('RW update'),
    history: [['7.0.0', 'Options `ENTRIESADDED` and `MAXDELETEDID`.']],
    handler: xsetid,
  },
  {
    ...aboutStreams,
    name: 'xtrim',
    summary: 'Removes entries from the beginning of a stream and tells how many.',
    complexity: 'O(N) with N being the number of entries removed, which go in whole nodes where possible.',
    syntax: 'key <MAXLEN | MINID> [= | ~] threshold [LIMIT count] [KEEPREF | DELREF | ACKED]',
    flags: ['write'],
    keys: oneKey('RW delete'),
    tips: ['nondeterministic_output'],
    history: [
      ['6.2.0', 'Trimming by `MINID`, and `LIMIT`.'],
      ['8.2.0', 'Options `KEEPREF`, `DELREF` and `ACKED`.'],
    ],
    handler: xtrim,
  },
];

// Commands run one after the other, so that they can share these.
const trimOptions = new TrimOptions();
const id = new StreamId();
const start = new StreamId();
const end = new StreamId();
const none = new StreamId();
const cursor = new StreamCursor();
let skipsMissing = false;
let idForm: 'auto' | 'star' | 'given' = 'auto';

function xadd(call: Call): void {
  const { database, args, argc, reply } = call;
  const key = args[1];
  const fieldsAt = readAddition(args, argc);
  if (idForm === 'given' && id.isLeast) {
    throw new CommandError('ERR The ID specified in XADD must be greater than 0-0');
  }
  const ref = database.write(key);
  const present = streamOf(database, ref);
  if (present === undefined && skipsMissing) return reply.null();
  chooseId(present?.lastId ?? none, database.keyspace.now);
  checkSize(args, fieldsAt, argc);
  const stream = present ?? newStream(database);
  if (present !== undefined) database.edit(ref, kinds.stream);
  stream.append(id, args, fieldsAt, argc);
  if (present === undefined) storeStream(database, key, stream);
  replyId(reply, id);
  const trimmed = trimOptions.trim(stream, database.keyspace.streamSettings.nodeEntries);
  if (call.propagates && (idForm !== 'given' || trimOptions.approximate)) {
    const entry = [idBytes(id), ...args.slice(fieldsAt, argc)];
    call.propagateAs(['XADD', key, ...trimOptions.propagated(stream), ...entry]);
  }
  database.modified(key, EventClass.stream, 'xadd');
  if (trimmed > 0) database.event(EventClass.stream, 'xtrim', key);
}

/** Reads XADD's options and its ID. Returns where the fields begin. */
function readAddition(args: Bytes[], argc: number): number {
  trimOptions.reset();
  skipsMissing = false;
  let i = 2;
  for (; i < argc; ) {
    if (args[i].is('*')) break;
    const next = trimOptions.read(args, argc, i);
    if (next !== i) i = next;
    else if (args[i].is('nomkstream')) {
      skipsMissing = true;
      i++;
    } else break;
  }
  if (i < argc) readNewId(args[i]);
  trimOptions.check(false);
  const fields = argc - i - 1;
  if (fields < 2 || fields % 2 === 1) throw new CommandError(wrongArity('xadd'));
  return i + 1;
}

function readNewId(argument: Bytes): void {
  idForm = 'auto';
  if (argument.is('*')) return;
  const form = parseId(argument, id);
  if (form === undefined) throw new CommandError(invalidId);
  idForm = form === 'star' ? 'star' : 'given';
}

/** Makes the ID of the new entry what was asked for. Throws CommandError if it is not greater than the last one. */
function chooseId(last: StreamId, now: number): void {
  if (last.isGreatest) {
    throw new CommandError('ERR The stream has exhausted the last possible ID, unable to add more items');
  }
  if (idForm === 'auto') {
    if (now > last.ms) id.set(now, 0);
    else id.assign(last).increment();
    return;
  }
  if (idForm === 'star' && id.msHigh === last.msHigh && id.msLow === last.msLow) {
    id.assign(last).increment();
    if (id.seqHigh === 0 && id.seqLow === 0) id.assign(last); // the sequence numbers of that time are used up
  }
  if (id.compare(last) > 0) return;
  throw new CommandError('ERR The ID specified in XADD is equal or smaller than the target stream top item');
}

function checkSize(args: Bytes[], from: number, to: number): void {
  let bytes = 0;
  for (let i = from; i < to; i++) bytes += args[i].length;
  if (bytes > mostEntryBytes) throw new CommandError('ERR Elements are too large to be stored');
}

function xdel({ database, args, argc, reply }: Call): void {
  const key = args[1];
  const stream = writeStream(database, key);
  if (stream === undefined) return reply.integer(0);
  const ids = idArguments(args, 2, argc);
  touchStream(database, key);
  let deleted = 0;
  for (let i = 0; i < argc - 2; i++) if (stream.delete(ids[i])) deleted++;
  reply.integer(deleted);
  if (deleted === 0) return;
  database.modified(key, EventClass.stream, 'xdel', deleted);
}

function range({ database, args, argc, reply }: Call, reverse: boolean): void {
  startIdArgument(args[reverse ? 3 : 2], start);
  endIdArgument(args[reverse ? 2 : 3], end);
  let count = readCount(new ArgumentReader(args, argc, 4));
  const stream = readStream(database, args[1]);
  if (stream === undefined) return reply.array(0);
  if (count === 0) return reply.nullArray();
  const place = reply.begin();
  const wanted = count;
  if (reverse) {
    cursor.seekBefore(stream, end);
    for (; count > 0 && !cursor.done && cursor.id.compare(start) >= 0; count--) {
      replyEntry(reply, cursor);
      cursor.previous();
    }
  } else {
    cursor.seek(stream, start);
    for (; count > 0 && !cursor.done && cursor.id.compare(end) <= 0; count--) {
      replyEntry(reply, cursor);
      cursor.next();
    }
  }
  reply.endArray(place, wanted - count);
}

function readCount(reader: ArgumentReader): number {
  let count = Number.MAX_SAFE_INTEGER;
  while (!reader.done) {
    if (reader.left < 2 || !reader.take('count')) throw new CommandError(errors.syntax);
    count = Math.min(Math.max(reader.long(), 0), Number.MAX_SAFE_INTEGER);
  }
  return count;
}

function xtrim(call: Call): void {
  const { database, args, argc, reply } = call;
  const key = args[1];
  readTrimArguments(trimOptions, args, argc);
  const stream = writeStream(database, key);
  if (stream === undefined) return reply.integer(0);
  touchStream(database, key);
  const trimmed = trimOptions.trim(stream, database.keyspace.streamSettings.nodeEntries);
  reply.integer(trimmed);
  if (trimmed === 0) return;
  if (trimOptions.approximate && call.propagates)
    call.propagateAs(['XTRIM', key, ...trimOptions.propagated(stream)]);
  database.modified(key, EventClass.stream, 'xtrim', trimmed);
}

interface IdOptions {
  entriesAdded: number;
  maxDeletedId: StreamId | undefined;
}

function xsetid({ database, args, argc, reply }: Call): void {
  const key = args[1];
  idArgument(args[2], id);
  const { entriesAdded, maxDeletedId } = readIdOptions(args, argc);
  const ref = database.write(key);
  if (ref === absent) throw new CommandError(errors.noSuchKey);
  const stream = streamOf(database, ref)!;
  const below = (what: string) => new CommandError(`ERR The ID specified in XSETID is smaller than ${what}`);
  if (id.compare(stream.maxDeletedId) < 0) throw below('current max_deleted_entry_id');
  if (stream.size > 0) {
    if (id.compare(stream.readLastLiveId(end)) < 0) throw below('the target stream top item');
    if (entriesAdded >= 0 && stream.size > entriesAdded) {
      throw new CommandError(
        'ERR The entries_added specified in XSETID is smaller than the target stream length',
      );
    }
  }
  touchStream(database, key);
  stream.lastId.assign(id);
  if (entriesAdded >= 0) stream.entriesAdded = entriesAdded;
  if (maxDeletedId !== undefined && !maxDeletedId.isLeast) stream.maxDeletedId.assign(maxDeletedId);
  reply.ok();
  database.modifiedBeside(key, EventClass.stream, 'xsetid');
}

function readIdOptions(args: Bytes[], argc: number): IdOptions {
  const options: IdOptions = { entriesAdded: -1, maxDeletedId: undefined };
  for (let i = 3; i < argc; i += 2) {
    if (i + 1 < argc && args[i].is('entriesadded')) {
      options.entriesAdded = longArgument(args[i + 1]);
      if (options.entriesAdded < 0) throw new CommandError('ERR entries_added must be positive');
    } else if (i + 1 < argc && args[i].is('maxdeletedid')) {
      options.maxDeletedId = idArgument(args[i + 1], new StreamId());
      if (id.compare(options.maxDeletedId) < 0) {
        throw new CommandError(
          'ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id',
        );
      }
    } else throw new CommandError(errors.syntax);
  }
  return options;
}
