import { blockThread } from '../ambient/block-thread.js';
import { Bytes } from '../bytes/bytes.js';
import { globMatch } from '../bytes/glob.js';
import { memoryOf } from '../clients/client-eviction.js';
import { parseMemory } from '../config/kinds.js';
import { absent, type Database } from '../keyspace/database.js';
import { digestOf, digestOfValue } from '../keyspace/digest.js';
import { ValueType } from '../keyspace/events.js';
import { auditMemory } from '../keyspace/memory-audit.js';
import { stringEncodingName } from '../keyspace/string-encoding.js';
import type { Ref } from '../memory/arena.js';
import { CommandError, errors, wrongSubcommand } from '../protocol/errors.js';
import type { ReplyWriter } from '../protocol/reply-writer.js';
import { countArgument, longArgument } from './arguments.js';
import type { Call, CommandSpec } from './command.js';
import { refusable } from './config-command.js';
import { debugListpack } from './debug-listpack.js';
import { helpLines, replyHelp } from './help.js';
import { requireEnabled } from './locality.js';
import { encodingName } from './object.js';
import type { DebugState } from './server-api.js';

export const debugCommands: CommandSpec[] = [
  {
    name: 'debug',
    group: 'server',
    since: '1.0.0',
    summary: 'Commands for those who test or develop the server.',
    complexity: 'Depends on subcommand.',
    syntax: '',
    arity: -2,
    flags: ['admin', 'noscript', 'loading', 'stale'],
    docFlags: ['syscmd'],
    handler: debug,
  },
];

/** A subcommand of DEBUG. They are not in the command table, as in Redis: tools must not rely on them. */
interface DebugAction {
  name: string;
  syntax: string;
  summary: string;
  /** Numbers of words that it takes, DEBUG and its own name included. */
  words: [least: number, most: number];
  run(call: Call): void;
}

const actions: DebugAction[] = [
  {
    name: 'audit-memory',
    syntax: '',
    summary:
      'Walks over all data and clients, and shows what of each kind is counted and what is there, in bytes.',
    words: [2, 2],
    run: auditAll,
  },
  {
    name: 'aof-flush-sleep',
    syntax: '<microseconds>',
    summary: 'Holds up each write to the append-only file, to test the order of writes and replies.',
    words: [3, 3],
    run: ({ server, args, reply }) => {
      server.appendOnly.delayWrites(longArgument(args[2]));
      reply.ok();
    },
  },
  {
    name: 'change-repl-id',
    syntax: '',
    summary: 'Gives the history that replicas follow another name, so that none can go on where it was.',
    words: [2, 2],
    run: ({ server, reply }) => {
      server.log.notice('Changing replication IDs after receiving change-repl-id');
      server.replication.renewHistory();
      reply.ok();
    },
  },
  {
    name: 'config-rewrite-force-all',
    syntax: '',
    summary: 'As CONFIG REWRITE, with every directive, also those at their defaults.',
    words: [2, 2],
    run: ({ server, reply }) => {
      refusable(() => server.config.rewrite({ all: true }));
      reply.ok();
    },
  },
  {
    name: 'digest',
    syntax: '',
    summary: 'A digest of all data, equal to that of a Redis with the same data; zeros for none.',
    words: [2, 2],
    run: ({ server, reply }) => reply.simple(digestOf(server.keyspace)),
  },
  {
    name: 'digest-value',
    syntax: '<key> [<key> ...]',
    summary: 'A digest of the value of each key; zeros where there is no key.',
    words: [2, Number.POSITIVE_INFINITY],
    run: digestValues,
  },
  {
    name: 'error',
    syntax: '<string>',
    summary: 'Replies with an error of this text, to test clients.',
    words: [3, 3],
    run: ({ args, reply }) => reply.error(args[2].latin1()),
  },
  {
    name: 'listpack',
    syntax: '<key>',
    summary: 'Writes the elements of a listpack, and where they lie, to the log.',
    words: [3, 3],
    run: debugListpack,
  },
  {
    name: 'loadaof',
    syntax: '',
    summary: 'Writes what the append-only file lacks, removes all data and loads the file.',
    words: [2, 2],
    run: loadAppendOnly,
  },
  {
    name: 'log',
    syntax: '<message>',
    summary: "Writes a line to the server's log.",
    words: [3, 3],
    run: ({ server, args, reply }) => {
      server.log.warning(`DEBUG LOG: ${args[2].utf8()}`);
      reply.ok();
    },
  },
  {
    name: 'object',
    syntax: '<key>',
    summary: 'Shows how the value of a key is stored.',
    words: [3, 3],
    run: describeObject,
  },
  {
    name: 'pause-cron',
    syntax: '<0|1>',
    summary: 'Holds back, or lets go on, all periodic work.',
    words: [3, 3],
    run: turn('cronPaused'),
  },
  {
    name: 'populate',
    syntax: '<count> [<prefix>] [<size>]',
    summary:
      'Creates keys <prefix>:<n> (key:<n>) that hold strings, of <size> bytes if given; existing keys stay.',
    words: [3, 5],
    run: populate,
  },
  {
    name: 'protocol',
    syntax: '<type>',
    summary:
      'Replies with a sample: string, integer, double, bignum, null, array, set, map, attrib, push, verbatim, true, false.',
    words: [3, 3],
    run: ({ args, reply }) => writeSample(reply, args[2].latin1().toLowerCase()),
  },
  {
    name: 'quicklist-packed-threshold',
    syntax: '<size>',
    summary: 'Sets from which size on an element of a list gets a node of its own; 0 is the usual 1gb.',
    words: [3, 3],
    run: setPlainThreshold,
  },
  {
    name: 'reload',
    syntax: '[NOSAVE] [NOFLUSH] [MERGE]',
    summary:
      'Saves the data, removes it and loads it again. NOSAVE: loads the file that is there. NOFLUSH: without removing ' +
      'anything first; keys of the file that are there are an error, or, with MERGE, are replaced.',
    words: [2, 5],
    run: reload,
  },
  {
    name: 'replicate',
    syntax: '<string>',
    summary: 'Sends replicas this word as a command, to test what they make of it.',
    words: [3, 3],
    run: ({ server, args, reply }) => {
      server.replication.sendToReplicas(args[2].latin1());
      reply.ok();
    },
  },
  {
    name: 'replybuffer',
    syntax: '<peak-reset-time|resizing> <value>',
    summary:
      'After how many ms, if at all (never, reset), reply buffers shrink; whether they are resized (0, 1).',
    words: [4, 4],
    run: setReplyBuffers,
  },
  {
    name: 'set-active-expire',
    syntax: '<0|1>',
    summary: 'Switches off, or on again, the removal of expired keys that nobody asks for.',
    words: [3, 3],
    run: turn('activeExpire'),
  },
  {
    name: 'set-skip-checksum-validation',
    syntax: '<0|1>',
    summary:
      'Takes what RESTORE and RDB files bring without a look at its checksum, to test how that is checked.',
    words: [3, 3],
    run: turn('skipChecksums'),
  },
  {
    name: 'segfault',
    syntax: '',
    summary: 'Ends the process by a memory fault, after a report in the log.',
    words: [2, 2],
    run: ({ server }) => {
      if (server.crash === undefined) throw new CommandError('ERR this server does not own its process');
      server.crash();
    },
  },
  {
    name: 'set-disable-deny-scripts',
    syntax: '<0|1>',
    summary: 'Lets scripts run commands that they are denied otherwise.',
    words: [3, 3],
    run: turn('scriptsMayAll'),
  },
  {
    name: 'sleep',
    syntax: '<seconds>',
    summary: 'Stops the whole server for this time; fractions are understood.',
    words: [3, 3],
    run: ({ args, reply }) => {
      blockThread(leadingNumber(args[2]) * 1000);
      reply.ok();
    },
  },
  {
    name: 'stringmatch-len',
    syntax: '<pattern> <string>',
    summary: 'Replies with 1 if the string matches the glob pattern, else 0.',
    words: [4, 4],
    run: ({ args, reply }) => reply.integer(globMatch(args[2], args[3]) ? 1 : 0),
  },
  {
    name: 'stringmatch-test',
    syntax: '',
    summary: 'Matches random patterns, to see that nothing breaks.',
    words: [2, 2],
    run: matchRandomly,
  },
];

const maxPlainThreshold = 2n ** 32n;

const byName = new Map(actions.map((action) => [action.name, action]));

function debug(call: Call): void {
  requireEnabled(call, 'debug');
  const { args, argc } = call;
  if (argc === 2 && args[1].is('help')) return replyHelp(call, helpLines('debug', actions));
  const action = byName.get(args[1].latin1().toLowerCase());
  if (action === undefined || argc < action.words[0] || argc > action.words[1]) {
    throw wrongSubcommand('DEBUG', args[1]);
  }
  action.run(call);
}

/** The number that an argument begins with, 0 if it begins with none. */
function leadingNumber(argument: Bytes): number {
  return Number.parseFloat(argument.latin1()) || 0;
}

function reload({ server, args, argc, reply }: Call): void {
  const options = { save: true, flush: true, replace: false };
  for (const arg of args.slice(2, argc)) {
    if (arg.is('nosave')) options.save = false;
    else if (arg.is('noflush')) options.flush = false;
    else if (arg.is('merge')) options.replace = true;
    else throw new CommandError('ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.');
  }
  if (server.isLoading) throw new CommandError(errors.loading);
  server.reload(options);
  reply.ok();
}

/** Its client waits, and the others are told that the data set is being loaded. */
function loadAppendOnly(call: Call): void {
  const { server, outcome, reply } = call;
  if (outcome instanceof Error) throw outcome;
  if (outcome !== undefined) return reply.ok();
  if (server.isLoading) throw new CommandError(errors.loading);
  if (call.denyBlocking) {
    throw new CommandError('ERR DEBUG LOADAOF takes its time, which is not possible inside a transaction');
  }
  call.waitFor(server.appendOnly.reload().then(() => 'loaded'));
}

function setPlainThreshold({ server, args, reply }: Call): void {
  const bytes = parseMemory(args[2].latin1());
  if (bytes === null || bytes > maxPlainThreshold) {
    throw new CommandError('ERR argument must be a memory value bigger than 1 and smaller than 4gb');
  }
  server.keyspace.listSettings.setPlainBytes(Number(bytes));
  reply.ok();
}

function auditAll({ server, reply }: Call): void {
  const clients = [...server.clients.all()];
  const live = clients.reduce((sum, client) => sum + memoryOf(client), 0);
  const lines = [...auditMemory(server.keyspace), { what: 'clients', counted: server.clients.memory, live }];
  reply.map(lines.length);
  for (const line of lines) {
    reply.text(line.what);
    reply.array(2);
    reply.integer(line.counted);
    reply.integer(line.live);
  }
}

function setReplyBuffers({ server, args, reply }: Call): void {
  const { replyBuffers } = server.clients;
  const value = args[3];
  if (args[2].is('resizing')) replyBuffers.resizing = leadingNumber(value) !== 0;
  else if (!args[2].is('peak-reset-time')) throw wrongSubcommand('DEBUG', args[1]);
  else if (value.is('never')) replyBuffers.peakResetMs = Number.POSITIVE_INFINITY;
  else if (value.is('reset')) replyBuffers.resetPeakTime();
  else replyBuffers.peakResetMs = longArgument(value);
  reply.ok();
}

function digestValues({ database, args, argc, reply }: Call): void {
  reply.array(argc - 2);
  for (const key of args.slice(2, argc)) {
    reply.simple(digestOfValue(database, database.look(key, true)));
  }
}

const randomMatches = 10_000;

function matchRandomly({ server, reply }: Call): void {
  const { random } = server;
  const letters = 'ab*?[]^-\\\xff';
  const text = () => {
    const length = Math.floor(random.next() * 32);
    return Bytes.of(
      Array.from({ length }, () => letters[Math.floor(random.next() * letters.length)]).join(''),
    );
  };
  let matches = 0;
  for (let i = 0; i < randomMatches; i++) if (globMatch(text(), text())) matches++;
  reply.simple(`${randomMatches} random patterns tried, ${matches} of them matched`);
}

function describeObject({ database, server, args, reply }: Call): void {
  const ref = database.peek(args[2]);
  if (ref === absent) throw new CommandError(errors.noSuchKey);
  const idle = database.idleSeconds(ref);
  const lru = (server.keyspace.lruClock - idle) & 0xffffff;
  const address = (ref >>> 0).toString(16);
  reply.simple(
    `Value at:0x${address} refcount:1 encoding:${encodingName(database, ref)} ` +
      `serializedlength:${serializedLength(database, ref)} lru:${lru} lru_seconds_idle:${idle}`,
  );
}

/**
 * Bytes of the value in a dump, before compression: a length prefix and the bytes, or a small integer's form.
 */
function serializedLength(database: Database, ref: Ref): number {
  const { length } = database.payload(ref);
  const integer = database.typeOf(ref) === ValueType.string && stringEncodingName(database, ref) === 'int';
  if (integer && length <= 11) {
    const value = Number(database.payload(ref).latin1());
    if (value >= -0x80 && value < 0x80) return 2;
    if (value >= -0x8000 && value < 0x8000) return 3;
    if (value >= -0x80000000 && value < 0x80000000) return 5;
  }
  if (length < 64) return length + 1;
  return length + (length < 16384 ? 2 : 5);
}

function populate({ server, database, args, argc, reply }: Call): void {
  const count = countArgument(args[2], 0, errors.notPositive);
  const prefix = argc > 3 ? args[3].latin1() : 'key';
  const size = argc > 4 ? countArgument(args[4], 0, errors.notPositive) : 0;
  const { keyspace } = server;
  for (let i = 0; i < count; i++) {
    const key = Bytes.of(`${prefix}:${i}`);
    if (database.has(key)) continue;
    const value = Buffer.from(`value:${i}`, 'latin1');
    const sized = size > 0 ? Buffer.alloc(size) : value;
    if (sized !== value) value.copy(sized);
    database.setString(key, sized, 0, sized.length);
    if (keyspace.observed) keyspace.observer.keyModified(database, key);
  }
  reply.ok();
}

/** Turns a switch, on unless the argument is 0. */
function turn(name: keyof DebugState): (call: Call) => void {
  return ({ server, args, reply }) => {
    server.debug[name] = leadingNumber(args[2]) !== 0;
    reply.ok();
  };
}

/** One reply of each type, with the content that client libraries' tests expect. */
const samples: Record<string, (reply: ReplyWriter) => void> = {
  string: (reply) => reply.text('Hello World'),
  integer: (reply) => reply.integer(12345),
  double: (reply) => reply.double('3.141'),
  bignum: (reply) => reply.bigNumber('1234567999999999999999999999999999999'),
  null: (reply) => reply.null(),
  array: (reply) => {
    reply.array(3);
    for (let i = 0; i < 3; i++) reply.integer(i);
  },
  set: (reply) => {
    reply.set(3);
    for (let i = 0; i < 3; i++) reply.integer(i);
  },
  map: (reply) => {
    reply.map(3);
    for (let i = 0; i < 3; i++) {
      reply.integer(i);
      reply.boolean(i === 1);
    }
  },
  attrib: (reply) => {
    if (reply.protocol === 3) {
      reply.attribute(1);
      reply.text('key-popularity');
      reply.array(2);
      reply.text('key:123');
      reply.integer(90);
    }
    reply.text('Some real reply following the attribute');
  },
  push: (reply) => {
    if (reply.protocol === 2) throw new CommandError('ERR RESP2 is not supported by this command');
    reply.push(2);
    reply.text('server-cpu-usage');
    reply.integer(42);
    reply.text('Some real reply following the push reply');
  },
  verbatim: (reply) => reply.verbatim('txt', 'This is a verbatim\nstring'),
  true: (reply) => reply.boolean(true),
  false: (reply) => reply.boolean(false),
};

const sampleNames = Object.keys(samples).join('|');

function writeSample(reply: ReplyWriter, type: string): void {
  if (!Object.hasOwn(samples, type)) {
    throw new CommandError(`ERR Wrong protocol type name. Please use one of the following: ${sampleNames}`);
  }
  samples[type](reply);
}
