import type { Bytes } from '../bytes/bytes.js';
import { EventClass } from '../keyspace/events.js';
import { CommandError, wrongSubcommand } from '../protocol/errors.js';
import { type ConsumerGroup, UNKNOWN_ENTRIES_READ } from '../values/consumer-group.js';
import { IdCursor } from '../values/id-index.js';
import type { Stream } from '../values/stream.js';
import { StreamId } from '../values/stream-id.js';
import { longArgument } from './arguments.js';
import { type Call, type CommandSpec, oneKey } from './command.js';
import { helpSubcommand } from './help.js';
import {
  aboutStreams,
  newStream,
  readStream,
  storeStream,
  touchStream,
  writeStream,
} from './stream-access.js';
import { idArgument, idArguments, looseIdArgument } from './stream-ids.js';

const secondIsKey = (flags: string) => [{ flags, begin: 2, find: { last: 0, step: 1 } }];
const counted: [string, string][] = [['7.0.0', 'Option `ENTRIESREAD`.']];

/** XGROUP CREATE and XGROUP SETID take each of its options once. */
const mostCreateArguments = 8;
const mostSetIdArguments = 7;

/** XGROUP and its subcommands, and XACK. */
export const streamGroupCommands: CommandSpec[] = [
  {
    ...aboutStreams,
    name: 'xack',
    summary: 'Says that entries were processed, and tells how many of them were pending.',
    complexity: 'O(1) for each ID.',
    brief: true,
    syntax: 'key group id [id ...]',
    flags: ['write', 'fast'],
    keys: oneKey('RW update'),
    handler: xack,
  },
  {
    ...aboutStreams,
    name: 'xgroup',
    summary: 'Manages consumer groups.',
    complexity: 'Depends on the subcommand.',
    syntax: '',
    flags: [],
    subcommands: [
      {
        ...aboutStreams,
        name: 'create',
        summary: 'Creates a consumer group.',
        complexity: 'O(1)',
        syntax: 'key group <id | $> [MKSTREAM] [ENTRIESREAD entries-read]',
        flags: ['write', 'denyoom'],
        keys: secondIsKey('RW insert'),
        history: counted,
        handler: createGroup,
      },
      {
        ...aboutStreams,
        name: 'createconsumer',
        since: '6.2.0',
        summary: 'Creates a consumer of a group.',
        complexity: 'O(1)',
        syntax: 'key group consumer',
        flags: ['write', 'denyoom'],
        keys: secondIsKey('RW insert'),
        handler: createConsumer,
      },
      {
        ...aboutStreams,
        name: 'delconsumer',
        summary: 'Removes a consumer from a group, and tells how many pending entries it had.',
        complexity: 'O(N) with N being the number of its pending entries.',
        syntax: 'key group consumer',
        flags: ['write'],
        keys: secondIsKey('RW delete'),
        handler: deleteConsumer,
      },
      {
        ...aboutStreams,
        name: 'destroy',
        summary: 'Removes a consumer group.',
        complexity: 'O(N) with N being the number of its pending entries.',
        syntax: 'key group',
        flags: ['write'],
        keys: secondIsKey('RW delete'),
        handler: destroyGroup,
      },
      {
        ...aboutStreams,
        name: 'setid',
        summary: 'Sets the last ID that a group has delivered.',
        complexity: 'O(1)',
        syntax: 'key group <id | $> [ENTRIESREAD entries-read]',
        flags: ['write'],
        keys: secondIsKey('RW update'),
        history: counted,
        handler: setGroupId,
      },
      helpSubcommand('stream', '5.0.0'),
    ],
  },
];

const id = new StreamId();
const pending = new IdCursor();

function xack({ database, args, argc, reply }: Call): void {
  const key = args[1];
  const group = readStream(database, key)?.groups.get(args[2].latin1());
  if (group === undefined) return reply.integer(0);
  const ids = idArguments(args, 3, argc);
  touchStream(database, key);
  let acknowledged = 0;
  for (let i = 0; i < argc - 3; i++) if (group.acknowledge(ids[i], pending)) acknowledged++;
  database.keyspace.dirty += acknowledged;
  reply.integer(acknowledged);
}

interface GroupOptions {
  makesStream: boolean;
  entriesRead: number;
}

function readGroupOptions({ args, argc }: Call, mayMakeStream: boolean): GroupOptions {
  const options: GroupOptions = { makesStream: false, entriesRead: UNKNOWN_ENTRIES_READ };
  for (let i = 5; i < argc; i++) {
    if (mayMakeStream && args[i].is('mkstream')) options.makesStream = true;
    else if (i + 1 < argc && args[i].is('entriesread')) {
      options.entriesRead = longArgument(args[++i]);
      if (options.entriesRead < 0 && options.entriesRead !== UNKNOWN_ENTRIES_READ) {
        throw new CommandError('ERR value for ENTRIESREAD must be positive or -1');
      }
    } else throw wrongSubcommand('XGROUP', args[1]);
  }
  return options;
}

function createGroup(call: Call): void {
  const { database, args, reply } = call;
  const [, , key, name, from] = args;
  const { makesStream, entriesRead } = readGroupOptions(call, true);
  const present = writeStream(database, key);
  if (present === undefined && !makesStream) throw noKey();
  if (call.argc > mostCreateArguments) throw wrongSubcommand('XGROUP', args[1]);
  if (from.is('$')) present === undefined ? id.setLeast() : id.assign(present.lastId);
  else idArgument(from, id);
  if (present?.groups.has(name.latin1())) {
    throw new CommandError('BUSYGROUP Consumer Group name already exists');
  }
  const stream = present ?? newStream(database);
  if (present === undefined) storeStream(database, key, stream);
  else touchStream(database, key);
  stream.createGroup(name.latin1(), id, entriesRead);
  reply.ok();
  if (present === undefined) database.modified(key, EventClass.stream, 'xgroup-create');
  else database.modifiedBeside(key, EventClass.stream, 'xgroup-create');
}

function setGroupId(call: Call): void {
  const { database, args, reply } = call;
  const key = args[2];
  const { entriesRead } = readGroupOptions(call, false);
  const { stream, group } = presentGroup(call);
  if (call.argc > mostSetIdArguments) throw wrongSubcommand('XGROUP', args[1]);
  if (args[4].is('$')) id.assign(stream.lastId);
  else looseIdArgument(args[4], id);
  touchStream(database, key);
  group.setLastId(id);
  group.entriesRead = entriesRead;
  reply.ok();
  database.modifiedBeside(key, EventClass.stream, 'xgroup-setid');
}

function destroyGroup({ database, args, reply }: Call): void {
  const key = args[2];
  const stream = writeStream(database, key);
  if (stream === undefined) throw noKey();
  const group = stream.groups.get(args[3].latin1());
  if (group === undefined) return reply.integer(0);
  touchStream(database, key);
  stream.destroyGroup(group);
  reply.integer(1);
  database.modifiedBeside(key, EventClass.stream, 'xgroup-destroy');
  // Those who wait for entries of the group are told that it is gone.
  if (database.keyspace.observed) database.keyspace.observer.keyReady(database, key);
}

function createConsumer(call: Call): void {
  const { database, args, reply } = call;
  const { group } = presentGroup(call);
  const name = args[4].latin1();
  if (group.consumer(name) !== undefined) return reply.integer(0);
  touchStream(database, args[2]);
  group.createConsumer(name, database.keyspace.now);
  reply.integer(1);
  database.modifiedBeside(args[2], EventClass.stream, 'xgroup-createconsumer');
}

function deleteConsumer(call: Call): void {
  const { database, args, reply } = call;
  const { group } = presentGroup(call);
  const consumer = group.consumer(args[4].latin1());
  if (consumer === undefined) return reply.integer(0);
  touchStream(database, args[2]);
  reply.integer(group.deleteConsumer(consumer));
  database.modifiedBeside(args[2], EventClass.stream, 'xgroup-delconsumer');
}

function presentGroup({ database, args }: Call): { stream: Stream; group: ConsumerGroup } {
  const stream = writeStream(database, args[2]);
  if (stream === undefined) throw noKey();
  const group = stream.groups.get(args[3].latin1());
  if (group === undefined) throw noSuchGroup(args[2], args[3]);
  return { stream, group };
}

/** The key is there, but not the group. */
export function noSuchGroup(key: Bytes, name: Bytes): CommandError {
  return new CommandError(`NOGROUP No such consumer group '${name.latin1()}' for key name '${key.latin1()}'`);
}

function noKey(): CommandError {
  return new CommandError(
    'ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option ' +
      'to create an empty stream automatically.',
  );
}
