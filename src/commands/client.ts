import type { Bytes } from '../bytes/bytes.js';
import { type Client, Gate } from '../clients/client.js';
import { CommandError, errors, excerpt, wrongSubcommand } from '../protocol/errors.js';
import { ArgumentReader, countArgument, int64Argument, longArgument } from './arguments.js';
import { clientLine } from './client-line.js';
import { printableName } from './client-name.js';
import { clientTrackingSubcommands } from './client-tracking.js';
import type { Call, CommandFlagName, CommandSpec } from './command.js';
import { helpSubcommand } from './help.js';
import { millisecondsDeadlineArgument } from './timeouts.js';

const always: CommandFlagName[] = ['noscript', 'loading', 'stale'];
const toAllNodes = ['request_policy:all_nodes', 'response_policy:all_succeeded'];
const types = '<NORMAL | MASTER | SLAVE | REPLICA | PUBSUB>';

const subcommands: CommandSpec[] = [
  {
    name: 'id',
    group: 'connection',
    since: '5.0.0',
    summary: 'Tells the number of this connection.',
    complexity: 'O(1)',
    syntax: '',
    flags: always,
    handler: ({ client, reply }) => reply.integer(client.id),
  },
  {
    name: 'getname',
    group: 'connection',
    since: '2.6.9',
    summary: 'Tells the name of this connection.',
    complexity: 'O(1)',
    syntax: '',
    flags: always,
    handler: ({ client, reply }) => (client.name === '' ? reply.null() : reply.text(client.name)),
  },
  {
    name: 'setname',
    group: 'connection',
    since: '2.6.9',
    summary: 'Names this connection; an empty name takes it away.',
    complexity: 'O(1)',
    syntax: 'connection-name',
    flags: always,
    tips: toAllNodes,
    handler: ({ client, args, reply }) => {
      client.name = printableName(args[2], 'Client names');
      reply.ok();
    },
  },
  {
    name: 'setinfo',
    group: 'connection',
    since: '7.2.0',
    summary: 'Notes which client library, in which version, uses this connection.',
    complexity: 'O(1)',
    syntax: '<LIB-NAME libname | LIB-VER libver>',
    flags: always,
    tips: toAllNodes,
    handler: setInfo,
  },
  {
    name: 'list',
    group: 'connection',
    since: '2.4.0',
    summary: 'Describes the open connections, one a line.',
    complexity: 'O(N) where N is the number of client connections',
    syntax: '[TYPE <NORMAL | MASTER | REPLICA | PUBSUB>] [ID client-id [client-id ...]]',
    flags: ['admin', ...always],
    tips: ['nondeterministic_output'],
    history: [
      ['2.8.12', 'Field `id`.'],
      ['5.0.0', 'Filter `TYPE`.'],
      ['6.0.0', 'Field `user`.'],
      ['6.2.0', 'Fields `argv-mem`, `tot-mem`, `laddr` and `redir`; filter `ID`.'],
      ['7.0.0', 'Fields `resp`, `multi-mem`, `rbs` and `rbp`.'],
      ['7.0.3', 'Field `ssub`.'],
    ],
    handler: list,
  },
  {
    name: 'info',
    group: 'connection',
    since: '6.2.0',
    summary: 'Describes this connection.',
    complexity: 'O(1)',
    syntax: '',
    flags: always,
    tips: ['nondeterministic_output'],
    handler: (call) => call.reply.verbatim('txt', `${clientLine(call.client, call)}\n`),
  },
  {
    name: 'kill',
    group: 'connection',
    since: '2.4.0',
    summary: 'Ends connections.',
    complexity: 'O(N) where N is the number of client connections',
    syntax: `<ip:port | <[ID client-id] | [TYPE ${types}] | [USER username] | [ADDR ip:port] | [LADDR ip:port] | [SKIPME <YES | NO>] | [MAXAGE maxage]> ...>`,
    arity: -3,
    flags: ['admin', ...always],
    history: [
      ['2.8.12', 'Filters, `ID` among them.'],
      ['3.2.0', 'Type `master`.'],
      ['5.0.0', 'Type `replica`, formerly `slave`, which is still understood.'],
      ['6.2.0', 'Filter `LADDR`.'],
      ['7.4.0', 'Filter `MAXAGE`.'],
    ],
    handler: kill,
  },
  {
    name: 'unblock',
    group: 'connection',
    since: '5.0.0',
    summary: 'Wakes a client that waits in a blocking command, as if its time were up or with an error.',
    complexity: 'O(log N) where N is the number of client connections',
    syntax: 'client-id [TIMEOUT | ERROR]',
    flags: ['admin', ...always],
    handler: unblock,
  },
  {
    name: 'pause',
    group: 'connection',
    since: '3.0.0',
    summary: 'Holds back commands for a time: all, or those that may change data.',
    complexity: 'O(1)',
    syntax: 'timeout [WRITE | ALL]',
    types: { timeout: 'integer' },
    flags: ['admin', ...always],
    history: [['6.2.0', 'Mode `WRITE`, beside `ALL`.']],
    handler: pause,
  },
  {
    name: 'unpause',
    group: 'connection',
    since: '6.2.0',
    summary: 'Runs the commands that a pause holds back, and ends it.',
    complexity: 'O(N) Where N is the number of paused clients',
    syntax: '',
    flags: ['admin', ...always],
    handler: ({ server, reply }) => {
      server.unpauseClients();
      reply.ok();
    },
  },
  {
    name: 'reply',
    group: 'connection',
    since: '3.2.0',
    summary: 'Switches the replies of this connection on or off, or leaves out the next one.',
    complexity: 'O(1)',
    syntax: '<ON | OFF | SKIP>',
    flags: always,
    handler: switchReplies,
  },
  ...clientTrackingSubcommands,
  {
    name: 'no-evict',
    group: 'connection',
    since: '7.0.0',
    summary: 'Spares this connection when clients are evicted for their memory.',
    complexity: 'O(1)',
    syntax: '<ON | OFF>',
    flags: ['admin', ...always],
    handler: (call) => {
      call.client.noEvict = onOrOff(call);
      call.reply.ok();
    },
  },
  {
    name: 'no-touch',
    group: 'connection',
    since: '7.2.0',
    summary: 'Lets this connection read keys without marking them as used.',
    complexity: 'O(1)',
    syntax: '<ON | OFF>',
    flags: always,
    handler: (call) => {
      call.client.setGate(Gate.noTouch, onOrOff(call));
      call.reply.ok();
    },
  },
  helpSubcommand('connection', '5.0.0'),
];

export const clientCommands: CommandSpec[] = [
  {
    name: 'client',
    group: 'connection',
    since: '2.4.0',
    summary: 'Commands about connections.',
    complexity: 'Depends on subcommand.',
    syntax: '',
    flags: [],
    subcommands,
  },
];

function onOrOff({ args, argc }: Call): boolean {
  const options = new ArgumentReader(args, argc, 2);
  if (options.take('on')) return true;
  if (options.take('off')) return false;
  throw new CommandError(errors.syntax);
}

function setInfo({ client, args, reply }: Call): void {
  const attribute = args[2];
  if (attribute.is('lib-name')) client.libraryName = printableName(args[3], attribute.latin1());
  else if (attribute.is('lib-ver')) client.libraryVersion = printableName(args[3], attribute.latin1());
  else throw new CommandError(`ERR Unrecognized option '${excerpt(attribute)}'`);
  reply.ok();
}

type ClientType = 'normal' | 'master' | 'replica' | 'pubsub';

function typeOf(client: Client): ClientType {
  if ((client.gate & Gate.primary) !== 0) return 'master';
  if ((client.gate & Gate.replica) !== 0) return 'replica';
  return (client.gate & Gate.subscriber) !== 0 ? 'pubsub' : 'normal';
}

function readType(argument: Bytes): ClientType {
  const name = argument.latin1().toLowerCase();
  if (name === 'slave') return 'replica';
  if (name === 'normal' || name === 'master' || name === 'replica' || name === 'pubsub') return name;
  throw new CommandError(`ERR Unknown client type '${excerpt(argument)}'`);
}

/** All connections, in the order in which they were made; also those that end when their replies have been read. */
function openClients({ server }: Call): Client[] {
  return [...server.clients.all()];
}

function list(call: Call): void {
  const clients = listed(call);
  call.reply.verbatim('txt', clients.map((client) => `${clientLine(client, call)}\n`).join(''));
}

function listed(call: Call): Client[] {
  const { args, argc, server } = call;
  const options = new ArgumentReader(args, argc, 2);
  if (options.done) return openClients(call);
  if (options.left === 2 && options.take('type')) {
    const type = readType(options.next());
    return openClients(call).filter((client) => typeOf(client) === type);
  }
  if (options.left < 2 || !options.take('id')) throw new CommandError(errors.syntax);
  const ids: number[] = [];
  while (!options.done) ids.push(options.long('ERR Invalid client ID'));
  return ids.flatMap((id) => {
    const client = server.clients.get(id);
    return client === undefined ? [] : [client];
  });
}

/** Which connections CLIENT KILL ends: those that pass every test. */
interface KillFilter {
  /** By kind: of two of a kind the last one counts. */
  tests: Map<string, (client: Client) => boolean>;
  skipMe: boolean;
}

function readKillFilter({ server, args, argc }: Call): KillFilter {
  const options = new ArgumentReader(args, argc, 2);
  const filter: KillFilter = { tests: new Map(), skipMe: true };
  while (!options.done) {
    const name = options.next();
    const value = options.next();
    filter.tests.set(excerpt(name).toLowerCase(), readKillTest(name, value, filter, server.clock.now()));
  }
  return filter;
}

function readKillTest(
  name: Bytes,
  value: Bytes,
  filter: KillFilter,
  now: number,
): (client: Client) => boolean {
  if (name.is('id')) {
    const id = countArgument(value, 1, 'ERR client-id should be greater than 0');
    return (client) => client.id === id;
  }
  if (name.is('maxage')) {
    const seconds = longArgument(value, 'ERR maxage is not an integer or out of range');
    if (seconds <= 0) throw new CommandError('ERR maxage should be greater than 0');
    return (client) => now - client.createdAt >= seconds * 1000;
  }
  if (name.is('type')) {
    const type = readType(value);
    return (client) => typeOf(client) === type;
  }
  const text = value.latin1();
  if (name.is('addr')) return (client) => client.transport.remoteAddress === text;
  if (name.is('laddr')) return (client) => client.transport.localAddress === text;
  if (name.is('user')) {
    if (text !== 'default') throw new CommandError(`ERR No such user '${excerpt(value)}'`);
    return (client) => client.user === text;
  }
  if (!name.is('skipme') || (!value.is('yes') && !value.is('no'))) throw new CommandError(errors.syntax);
  filter.skipMe = value.is('yes');
  return () => true;
}

function kill(call: Call): void {
  const { args, argc, client, reply } = call;
  if (argc === 3) {
    const address = args[2].latin1();
    // Those that came by a Unix socket have one address.
    const victims = openClients(call).filter((other) => other.transport.remoteAddress === address);
    if (victims.length === 0) throw new CommandError('ERR No such client');
    reply.ok();
    for (const victim of victims) end(call, victim);
    return;
  }
  const { tests, skipMe } = readKillFilter(call);
  const victims = openClients(call).filter(
    (other) => !(skipMe && other === client) && [...tests.values()].every((test) => test(other)),
  );
  reply.integer(victims.length);
  for (const victim of victims) end(call, victim);
}

/** A client that ends its own connection still gets the reply. */
function end({ server, client }: Call, victim: Client): void {
  server.clients.disconnect(victim, victim === client);
}

function unblock({ server, args, argc, reply }: Call): void {
  if (argc > 4) throw wrongSubcommand('CLIENT', args[1]);
  const withError = argc === 4 && args[3].is('error');
  if (!withError && argc === 4 && !args[3].is('timeout')) {
    throw new CommandError('ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR');
  }
  const id = Number(int64Argument(args[2]));
  const waiting = server.clients.get(id);
  const woken = waiting !== undefined && server.unblock(waiting, withError ? 'error' : 'timeout');
  reply.integer(woken ? 1 : 0);
}

/** The longest pause, about 285,000 years: its end is still exact in ms. */
const longestPauseMs = Number.MAX_SAFE_INTEGER / 2;

function pause(call: Call): void {
  const { server, args, argc, reply } = call;
  if (argc > 4) throw wrongSubcommand('CLIENT', args[1]);
  const all = argc === 3 || args[3].is('all');
  if (!all && !args[3].is('write')) throw new CommandError('ERR CLIENT PAUSE mode must be WRITE or ALL');
  const until = millisecondsDeadlineArgument(call, args[2]);
  const now = server.clock.now();
  // A pause of 0 ms has no end in the argument's words, but is over at once.
  server.pauseClients(until === Number.POSITIVE_INFINITY ? now : Math.min(until, now + longestPauseMs), all);
  reply.ok();
}

function switchReplies({ client, args, argc, reply }: Call): void {
  const mode = new ArgumentReader(args, argc, 2);
  if (mode.take('on')) {
    client.setReplyMode('on');
    reply.ok();
  } else if (mode.take('off')) {
    client.setReplyMode('off');
  } else if (!mode.take('skip')) {
    throw new CommandError(errors.syntax);
  } else if (client.replyMode !== 'off') {
    client.setReplyMode('skip-next');
  }
}
