import { Bytes } from '../bytes/bytes.js';
import { absent, type Database } from '../keyspace/database.js';
import { EventClass } from '../keyspace/events.js';
import type { LinkCache } from '../links/link-cache.js';
import { type Exchange, LinkError, type ServerLink } from '../links/server-link.js';
import type { Ref } from '../memory/arena.js';
import { dumpValue } from '../persistence/dump-payload.js';
import { CommandError, errors } from '../protocol/errors.js';
import { RequestEncoder } from '../protocol/request-encoder.js';
import { ArgumentReader, longArgument } from './arguments.js';
import type { Call, CommandSpec } from './command.js';

export const migrateCommand: CommandSpec = {
  name: 'migrate',
  group: 'generic',
  since: '2.6.0',
  summary: 'Moves keys to another server.',
  complexity:
    'DUMP and DEL of each key here and RESTORE there, whose pages tell their complexity, and the transfer of O(N) bytes between them.',
  syntax:
    'host port <key | ""> destination-db timeout [COPY] [REPLACE] [AUTH password | AUTH2 username password] [KEYS key ...]',
  types: { port: 'integer', 'destination-db': 'integer', timeout: 'integer' },
  arity: -6,
  flags: ['write'],
  categories: ['dangerous'],
  tips: ['nondeterministic_output'],
  keys: [
    { flags: 'RW access delete', begin: 3, find: { last: 0, step: 1 } },
    {
      flags: 'RW access delete incomplete',
      begin: { keyword: 'KEYS', startFrom: -2 },
      find: { last: -1, step: 1 },
    },
  ],
  findKeys: (args, argc) =>
    keyPositions(args, argc).map((position) => ({ position, flags: 'RW access delete' })),
  secrets: secretPositions,
  history: [
    ['3.0.0', 'Takes COPY and REPLACE.'],
    ['3.0.6', 'Takes KEYS.'],
    ['4.0.7', 'Takes AUTH.'],
    ['6.0.0', 'Takes AUTH2.'],
  ],
  handler: migrate,
};

/** A value is sent as servers from 7.0 on understand it, if it can be said so. */
const widelyReadVersion = 10;
/** In place of a timeout that is not positive. */
const usualTimeoutMs = 1000;

interface Destination {
  host: string;
  port: number;
  database: number;
  timeoutMs: number;
  /** AUTH with its arguments, or nothing. */
  login: Bytes[];
}

interface Request {
  destination: Destination;
  copy: boolean;
  replace: boolean;
  keys: Bytes[];
}

/** A key as it was when the command began. */
interface Parcel {
  key: Bytes;
  payload: Buffer;
  /** Unix time in ms, or -1. */
  expiry: number;
}

/** What came of a transfer. */
interface Delivery {
  parcels: Parcel[];
  copy: boolean;
  /** By parcel: what the other server said of it. */
  replies: unknown[];
  /** What it said against the login or the database. */
  refusal: Error | undefined;
  failure: LinkError | undefined;
}

/**
 * MIGRATE waits for another server. Redis stands still meanwhile; here only the client waits, and others go on. The
 * keys are sent as they are when the command begins. One that was changed before the other server had it is not
 * removed: it is in both places then, the newer value here, and the client is told so.
 */
function migrate(call: Call): void {
  if (call.outcome !== undefined) return deliver(call, call.outcome);
  const request = readRequest(call);
  const parcels = pack(call, request.keys);
  if (parcels.length === 0) return call.reply.simple('NOKEY');
  if (call.denyBlocking) {
    throw new CommandError(
      'ERR MIGRATE waits for another server, which is not possible inside a transaction or a script',
    );
  }
  call.waitFor(transfer(call.server.links, request, parcels, requestsFor(call, request, parcels)));
}

function readRequest({ args, argc }: Call): Request {
  const request: Request = {
    destination: {
      host: args[1].latin1(),
      port: Number(args[2].latin1()),
      database: 0,
      timeoutMs: 0,
      login: [],
    },
    copy: false,
    replace: false,
    keys: [args[3].copy()],
  };
  const { destination } = request;
  const reader = new ArgumentReader(args, argc, 6);
  while (!reader.done) readOption(request, reader);
  destination.timeoutMs = longArgument(args[5]);
  destination.database = longArgument(args[4]);
  if (destination.timeoutMs <= 0) destination.timeoutMs = usualTimeoutMs;
  return request;
}

function readOption(request: Request, reader: ArgumentReader): void {
  const { destination } = request;
  if (reader.take('copy')) request.copy = true;
  else if (reader.take('replace')) request.replace = true;
  else if (reader.take('auth')) destination.login = [Bytes.of('AUTH'), reader.next().copy()];
  else if (reader.take('auth2')) {
    destination.login = [Bytes.of('AUTH'), reader.next().copy(), reader.next().copy()];
  } else if (reader.take('keys')) readKeys(request, reader);
  else throw new CommandError(errors.syntax);
}

/** All that follows KEYS. */
function readKeys(request: Request, reader: ArgumentReader): void {
  if (request.keys[0].length > 0) {
    throw new CommandError(
      'ERR When using MIGRATE KEYS option, the key argument must be set to the empty string',
    );
  }
  request.keys = [];
  while (!reader.done) request.keys.push(reader.next().copy());
}

/** Where the arguments after KEYS begin, or `argc`. */
function afterKeysWord(args: Bytes[], argc: number): number {
  for (let i = 6; i < argc; i++) {
    if (args[i].is('keys')) return i + 1;
    if (args[i].is('auth')) i++;
    else if (args[i].is('auth2')) i += 2;
  }
  return argc;
}

function keyPositions(args: Bytes[], argc: number): number[] {
  const first = args[3].length === 0 ? afterKeysWord(args, argc) : argc;
  return first === argc ? [3] : Array.from({ length: argc - first }, (_, i) => first + i);
}

function secretPositions(args: Bytes[], argc: number): number[] {
  for (let i = 6; i < argc; i++) {
    if (args[i].is('keys')) break;
    if (args[i].is('auth')) return [i + 1].filter((at) => at < argc);
    if (args[i].is('auth2')) return [i + 1, i + 2].filter((at) => at < argc);
  }
  return [];
}

/** The keys that exist, with what is sent of them. */
function pack(call: Call, keys: Bytes[]): Parcel[] {
  const { database } = call;
  const parcels: Parcel[] = [];
  for (const key of keys) {
    const ref = database.read(key);
    if (ref !== absent) parcels.push({ key, payload: payloadOf(call, ref), expiry: database.expiry(ref) });
  }
  return parcels;
}

function payloadOf({ server, database }: Call, ref: Ref): Buffer {
  const { 'rdb-version': version, rdbcompression } = server.config.values;
  return dumpValue(database, ref, Math.min(Number(version), widelyReadVersion), rdbcompression);
}

/** A RESTORE for each parcel. Times are relative, so that the clocks of the two servers need not agree. */
function requestsFor({ database }: Call, { replace }: Request, parcels: Parcel[]): Buffer {
  const encoder = new RequestEncoder();
  for (const { key, payload, expiry } of parcels) {
    const ttl = expiry < 0 ? 0 : Math.max(1, expiry - database.keyspace.now);
    const value = new Bytes(payload, 0, payload.length);
    const words = [Bytes.of('RESTORE'), key, Bytes.of(String(ttl)), value];
    if (replace) words.push(Bytes.of('REPLACE'));
    encoder.append(words, words.length);
  }
  return encoder.bytes;
}

/** Sends the parcels; once more on a new link if one that was kept turns out to be dead. Never rejects. */
async function transfer(
  links: LinkCache,
  request: Request,
  parcels: Parcel[],
  requests: Buffer,
): Promise<Delivery> {
  const { destination, copy } = request;
  const { host, port, timeoutMs } = destination;
  const kept = links.take(host, port);
  let exchange = kept && (await send(kept, destination, requests, parcels.length));
  const dead = exchange?.failure !== undefined && !exchange.failure.timedOut && exchange.replies.length === 0;
  let link = kept;
  if (exchange === undefined || dead) {
    try {
      link = await links.connect(host, port, timeoutMs);
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
      return { parcels, copy, replies: [], refusal: undefined, failure: error };
    }
    exchange = await send(link, destination, requests, parcels.length);
  }
  const { replies, failure } = exchange;
  const prelude = replies.splice(0, exchange.preludes);
  const refusal = prelude.find((reply) => reply instanceof Error);
  if (refusal !== undefined) link!.close();
  else links.keep(host, port, link!);
  return { parcels, copy, replies, refusal, failure };
}

/** Logs in and selects the database first, where that is not done yet. */
async function send(
  link: ServerLink,
  { database, login, timeoutMs }: Destination,
  requests: Buffer,
  count: number,
): Promise<Exchange & { preludes: number }> {
  const encoder = new RequestEncoder();
  let preludes = 0;
  const first = (words: Bytes[]) => {
    encoder.append(words, words.length);
    preludes++;
  };
  if (login.length > 0) first(login);
  if (link.database !== database) first([Bytes.of('SELECT'), Bytes.of(String(database))]);
  link.database = database;
  const exchange = await link.exchange([encoder.bytes, requests], preludes + count, timeoutMs);
  return { ...exchange, preludes };
}

/** The transfer is over: removes what the other server has, and answers. */
function deliver(call: Call, outcome: unknown): void {
  if (outcome instanceof Error) throw outcome;
  const { parcels, copy, replies, refusal, failure } = outcome as Delivery; // what `transfer` gives
  const rejection = refusal ?? replies.find((reply) => reply instanceof Error);
  const accepted =
    refusal !== undefined
      ? []
      : parcels.filter((_, i) => i < replies.length && !(replies[i] instanceof Error));
  const changed = copy ? 0 : removeAll(call, accepted);
  if (rejection instanceof Error) {
    throw new CommandError(`ERR Target instance replied with error: ${rejection.message}`);
  }
  if (failure !== undefined) throw new CommandError(failureText(failure));
  if (changed > 0) {
    throw new CommandError('TRYAGAIN Keys changed while they were sent: they were copied, but not removed');
  }
  call.reply.ok();
}

/** Removes the keys that still are what was sent. Returns how many have changed. */
function removeAll(call: Call, parcels: Parcel[]): number {
  const { database } = call;
  const removed: Bytes[] = [];
  let changed = 0;
  for (const parcel of parcels) {
    const ref = database.live(parcel.key);
    if (ref === absent) continue;
    if (isUnchanged(call, database, ref, parcel)) {
      database.removeEntry(ref);
      database.modified(parcel.key, EventClass.generic, 'del');
      removed.push(parcel.key);
    } else changed++;
  }
  if (call.propagates) call.propagateAllAs(removed.length > 0 ? [['DEL', ...removed]] : []);
  return changed;
}

function isUnchanged(call: Call, database: Database, ref: Ref, { payload, expiry }: Parcel): boolean {
  return database.expiry(ref) === expiry && payloadOf(call, ref).equals(payload);
}

function failureText({ during }: LinkError): string {
  const where = during === 'connecting' ? 'connecting to the client' : `${during} to target instance`;
  return `IOERR error or timeout ${where}`;
}
