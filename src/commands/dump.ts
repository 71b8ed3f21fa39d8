import type { Bytes } from '../bytes/bytes.js';
import { absent, type Database } from '../keyspace/database.js';
import { EventClass } from '../keyspace/events.js';
import type { Ref } from '../memory/arena.js';
import { setAccess } from '../memory/entry.js';
import { dumpValue, isIntact, readDump } from '../persistence/dump-payload.js';
import { RdbError } from '../persistence/rdb-reader.js';
import type { SavedValue } from '../persistence/read-value.js';
import { storeValue } from '../persistence/store-value.js';
import { CommandError, errors } from '../protocol/errors.js';
import { ArgumentReader, longArgument } from './arguments.js';
import { type Call, type CommandSpec, oneKey } from './command.js';

export const dumpCommands: CommandSpec[] = [
  {
    name: 'dump',
    group: 'generic',
    since: '2.6.0',
    summary: "Gives a key's value in a form that RESTORE understands, here and in Redis.",
    complexity: 'O(1) to find the key and O(N*M) to write it, with N elements of average size M.',
    syntax: 'key',
    flags: ['readonly'],
    keys: oneKey('RO access'),
    tips: ['nondeterministic_output'],
    handler: dump,
  },
  {
    name: 'restore',
    group: 'generic',
    since: '2.6.0',
    summary: 'Creates a key from what DUMP gave.',
    complexity:
      'O(1) to create the key and O(N*M) to read the value, with N elements of average size M; O(N*M*log(N)) for sorted sets.',
    syntax: 'key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]',
    types: { ttl: 'integer', seconds: 'integer', frequency: 'integer' },
    flags: ['write', 'denyoom'],
    categories: ['dangerous'],
    keys: oneKey('OW update'),
    history: [
      ['3.0.0', 'Option `REPLACE`.'],
      ['5.0.0', 'Options `ABSTTL`, `IDLETIME` and `FREQ`.'],
    ],
    handler: restore,
  },
];

function dump({ server, database, args, reply }: Call): void {
  const ref = database.read(args[1]);
  if (ref === absent) return reply.null();
  const { 'rdb-version': version, rdbcompression } = server.config.values;
  const payload = dumpValue(database, ref, Number(version), rdbcompression);
  reply.bulk(payload, 0, payload.length);
}

interface RestoreOptions {
  replace: boolean;
  absolute: boolean;
  /** -1 unless given, as the next. */
  idleSeconds: number;
  frequency: number;
}

function restore(call: Call): void {
  const { database, args, reply } = call;
  const key = args[1];
  const options = readOptions(call);
  if (!options.replace && database.write(key) !== absent) {
    throw new CommandError('BUSYKEY Target key name already exists.');
  }
  const ttl = longArgument(args[2]);
  if (ttl < 0) throw new CommandError('ERR Invalid TTL value, must be >= 0');
  const value = readPayload(call, args[3]);
  const replaced = options.replace && database.remove(key);
  const when = ttl === 0 ? -1 : options.absolute ? ttl : database.keyspace.now + ttl;
  if (storeUnlessExpired(call, value, when, options)) {
    reply.ok();
    return database.modified(key, EventClass.generic, 'restore');
  }
  reply.ok();
  if (replaced) database.modified(key, EventClass.generic, 'del');
}

function readOptions({ args, argc }: Call): RestoreOptions {
  const options: RestoreOptions = { replace: false, absolute: false, idleSeconds: -1, frequency: -1 };
  const reader = new ArgumentReader(args, argc, 4);
  while (!reader.done) {
    if (reader.take('replace')) options.replace = true;
    else if (reader.take('absttl')) options.absolute = true;
    else if (reader.left > 1 && options.frequency < 0 && reader.take('idletime')) {
      options.idleSeconds = reader.long();
      if (options.idleSeconds < 0) throw new CommandError('ERR Invalid IDLETIME value, must be >= 0');
    } else if (reader.left > 1 && options.idleSeconds < 0 && reader.take('freq')) {
      options.frequency = reader.long();
      if (options.frequency < 0 || options.frequency > 255)
        throw new CommandError('ERR Invalid FREQ value, must be >= 0 and <= 255');
    } else throw new CommandError(errors.syntax);
  }
  return options;
}

function readPayload({ server }: Call, payload: Bytes): SavedValue {
  if (!isIntact(payload)) throw new CommandError('ERR DUMP payload version or checksum are wrong');
  try {
    return readDump(payload);
  } catch (error) {
    if (!(error instanceof RdbError)) throw error;
    server.log.verbose(`RESTORE refused: ${error.message}`);
    throw new CommandError('ERR Bad data format');
  }
}

function storeUnlessExpired(call: Call, value: SavedValue, when: number, options: RestoreOptions): boolean {
  const { server, database, args } = call;
  const key = args[1];
  if (when >= 0 && when < database.keyspace.expiredBefore && !database.keyspace.keepExpired) return false;
  if (!storeValue(database, key, value, server.config.values)) return false;
  const ref = database.peek(key);
  markAccess(database, when >= 0 ? database.setExpiry(ref, when) : ref, options);
  return true;
}

/** What is told of the accesses to the key before counts as far as the eviction policy asks for it. */
function markAccess(database: Database, ref: Ref, { idleSeconds, frequency }: RestoreOptions): void {
  const { keyspace } = database;
  if (keyspace.frequency !== undefined) {
    if (frequency >= 0) setAccess(keyspace.arena, ref, (keyspace.frequency.first() & ~0xff) | frequency);
  } else if (idleSeconds >= 0) {
    setAccess(keyspace.arena, ref, (keyspace.lruClock - idleSeconds) & 0xffffff);
  }
}
