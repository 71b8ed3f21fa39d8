import type { Bytes } from '../bytes/bytes.js';
import { integerText } from '../bytes/integers.js';
import { absent } from '../keyspace/database.js';
import { EventClass } from '../keyspace/events.js';
import { markAccess } from '../persistence/access.js';
import { dumpValue, isIntact, readDump } from '../persistence/dump-payload.js';
import { RdbError } from '../persistence/rdb-reader.js';
import { discardValue, type SavedValue, storeValue } from '../persistence/saved-value.js';
import { CommandError, errors } from '../protocol/errors.js';
import { ArgumentReader, longArgument } from './arguments.js';
import { type Call, type CommandSpec, oneKey } from './command.js';
import { propagateRemoval } from './propagation-forms.js';

const restoring = {
  complexity:
    'O(1) to create the key and O(N*M) to read the value, with N elements of average size M; O(N*M*log(N)) for sorted sets.',
  syntax: 'key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]',
  types: { ttl: 'integer', seconds: 'integer', frequency: 'integer' },
  keys: oneKey('OW update'),
  history: [
    ['3.0.0', 'Option `REPLACE`.'],
    ['5.0.0', 'Options `ABSTTL`, `IDLETIME` and `FREQ`.'],
  ],
  handler: restore,
} satisfies Partial<CommandSpec>;

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
    ...restoring,
    name: 'restore',
    group: 'generic',
    since: '2.6.0',
    summary: 'Creates a key from what DUMP gave.',
    flags: ['write', 'denyoom'],
    categories: ['dangerous'],
  },
  {
    ...restoring,
    name: 'restore-asking',
    group: 'server',
    since: '3.0.0',
    summary: 'As RESTORE, from a node of a cluster that moves a slot here.',
    flags: ['write', 'denyoom', 'asking'],
    docFlags: ['syscmd'],
    categories: ['keyspace', 'dangerous'],
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
  const when = ttl === 0 ? -1 : options.absolute ? ttl : database.keyspace.now + ttl;
  if (isPast(call, when)) {
    discardValue(value);
    const replaced = options.replace && database.removeAndTell(key);
    if (replaced) propagateRemoval(call, key, call.server.config.values['lazyfree-lazy-server-del']);
    return reply.ok();
  }
  store(call, value, when, options);
  reply.ok();
  database.event(EventClass.newKey, 'new', key);
  database.modified(key, EventClass.generic, 'restore');
  if (ttl > 0 && !options.absolute) propagateAbsolute(call, when);
}

function propagateAbsolute(call: Call, when: number): void {
  if (!call.propagates) return;
  const [name, key, , ...rest] = call.args.slice(0, call.argc);
  call.propagateAs([name, key, integerText(when), ...rest, 'ABSTTL']);
}

/** True of a key whose time has passed already. */
function isPast({ database: { keyspace } }: Call, when: number): boolean {
  return when >= 0 && when < keyspace.expiredBefore && !keyspace.keepExpired;
}

/** Nothing of what is there is lost if there is no memory for the new value. */
function store({ database, args }: Call, value: SavedValue, when: number, options: RestoreOptions): void {
  try {
    const ref = storeValue(database, args[1], value, when, true);
    markAccess(database, ref, options.idleSeconds, options.frequency);
  } catch (error) {
    discardValue(value);
    throw error;
  }
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

function readPayload({ server, database, client }: Call, payload: Bytes): SavedValue {
  const { values } = server.config;
  const sanitize = values['sanitize-dump-payload'];
  const unsanitized = sanitize === 'no' || (sanitize === 'clients' && client.repeats);
  if (!isIntact(payload, server.debug.skipChecksums)) throw new CommandError(errors.brokenDump);
  try {
    const value = readDump(payload, { keyspace: database.keyspace, limits: values, unsanitized });
    if (value.form !== 'empty') return value;
    server.log.verbose('RESTORE refused: a collection without elements');
  } catch (error) {
    if (!(error instanceof RdbError)) throw error;
    server.log.warning(`RESTORE refused: ${error.message}`);
  }
  throw new CommandError('ERR Bad data format');
}
