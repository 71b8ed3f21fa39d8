import { createHash, timingSafeEqual } from 'node:crypto';
import { Bytes } from '../bytes/bytes.js';
import { type Client, Gate } from '../clients/client.js';
import { CommandError, errors, wrongArity } from '../protocol/errors.js';
import { ArgumentReader, int32Argument } from './arguments.js';
import { printableName } from './client-name.js';
import type { Call, CommandFlagName, CommandSpec } from './command.js';
import { redisVersion, type ServerApi } from './server-api.js';

const beforeLogin: CommandFlagName[] = ['noscript', 'loading', 'stale', 'fast', 'no_auth', 'allow_busy'];

export const connectionCommands: CommandSpec[] = [
  {
    name: 'ping',
    group: 'connection',
    since: '1.0.0',
    summary: 'Answers PONG, or the given message: shows that the server is there.',
    complexity: 'O(1)',
    syntax: '[message]',
    flags: ['fast'],
    tips: ['request_policy:all_shards', 'response_policy:all_succeeded'],
    handler: ping,
  },
  {
    name: 'echo',
    group: 'connection',
    since: '1.0.0',
    summary: 'Answers with the given message.',
    complexity: 'O(1)',
    syntax: 'message',
    flags: ['loading', 'stale', 'fast'],
    handler: ({ args, reply }) => reply.bytes(args[1]),
  },
  {
    name: 'hello',
    group: 'connection',
    since: '6.0.0',
    summary:
      'Chooses the protocol version, optionally logs in and names the connection, and describes the server.',
    complexity: 'O(1)',
    syntax: '[protover [AUTH username password] [SETNAME clientname]]',
    flags: beforeLogin,
    secrets: helloSecrets,
    history: [['6.2.0', 'The version may be left out; then only the state of the connection is told.']],
    handler: hello,
  },
  {
    name: 'auth',
    group: 'connection',
    since: '1.0.0',
    summary: 'Logs the connection in.',
    complexity: 'O(N) where N is the number of passwords defined for the user',
    syntax: '[username] password',
    flags: beforeLogin,
    secrets: (_args, argc) => (argc === 2 ? [1] : argc === 3 ? [1, 2] : []),
    history: [['6.0.0', 'Takes a user name too.']],
    handler: auth,
  },
  {
    name: 'select',
    group: 'connection',
    since: '1.0.0',
    summary: 'Changes the database that the connection works with.',
    complexity: 'O(1)',
    syntax: 'index',
    flags: ['loading', 'stale', 'fast'],
    handler: select,
  },
  {
    name: 'quit',
    group: 'connection',
    since: '1.0.0',
    summary: 'Ends the connection once all replies are sent.',
    complexity: 'O(1)',
    syntax: '',
    arity: -1,
    flags: ['allow_busy', 'noscript', 'loading', 'stale', 'fast', 'no_auth'],
    deprecated: { since: '7.2.0', replacedBy: 'just closing the connection' },
    handler: quit,
  },
  {
    name: 'reset',
    group: 'connection',
    since: '6.2.0',
    summary: 'Brings the connection back to the state of a new one.',
    complexity: 'O(1)',
    syntax: '',
    flags: beforeLogin,
    handler: reset,
  },
];

function ping({ client, command, args, argc, reply }: Call): void {
  if (argc > 2) throw new CommandError(wrongArity(command.fullName));
  if ((client.gate & Gate.subscriber) !== 0 && reply.protocol === 2) {
    reply.array(2);
    reply.text('pong');
    if (argc === 2) reply.bytes(args[1]);
    else reply.text('');
  } else if (argc === 2) reply.bytes(args[1]);
  else reply.simple('PONG');
}

/** What a HELLO asks for. */
interface Hello {
  protocol: 2 | 3 | undefined;
  login: { user: string; password: Bytes } | undefined;
  name: string | undefined;
}

function parseHello(args: Bytes[], argc: number): Hello {
  const wanted: Hello = { protocol: undefined, login: undefined, name: undefined };
  if (argc < 2) return wanted;
  const options = new ArgumentReader(args, argc, 1);
  const version = options.long('ERR Protocol version is not an integer or out of range');
  if (version !== 2 && version !== 3) throw new CommandError('NOPROTO unsupported protocol version');
  wanted.protocol = version;
  while (!options.done) {
    if (options.left >= 3 && options.take('auth')) {
      wanted.login = { user: options.next().latin1(), password: options.next() };
    } else if (options.left >= 2 && options.take('setname')) {
      wanted.name = printableName(options.next(), 'Client names');
    } else {
      throw new CommandError(`ERR Syntax error in HELLO option '${options.next().latin1()}'`);
    }
  }
  return wanted;
}

function helloSecrets(args: Bytes[], argc: number): number[] {
  for (let i = 2; i + 2 < argc; i++) {
    if (args[i].is('auth')) return [i + 1, i + 2];
    if (args[i].is('setname')) i++;
  }
  return [];
}

function hello({ server, client, args, argc, reply }: Call): void {
  const { protocol, login, name } = parseHello(args, argc);
  if (login !== undefined) logIn(server, client, login.user, login.password);
  if ((client.gate & Gate.unauthenticated) !== 0) {
    throw new CommandError(
      'NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> ' +
        'option can be used to authenticate the client and select the RESP protocol version at the same time',
    );
  }
  if (name !== undefined) client.name = name;
  if (protocol !== undefined) reply.protocol = protocol;
  reply.map(7);
  reply.text('server');
  reply.text('redis');
  reply.text('version');
  reply.text(redisVersion);
  reply.text('proto');
  reply.integer(reply.protocol);
  reply.text('id');
  reply.integer(client.id);
  reply.text('mode');
  reply.text('standalone');
  reply.text('role');
  reply.text(server.replication.role);
  reply.text('modules');
  reply.array(0);
}

function auth({ server, client, args, argc, reply }: Call): void {
  if (argc > 3) throw new CommandError(errors.syntax);
  if (argc === 2 && server.config.values.requirepass === '') {
    throw new CommandError(
      'ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?',
    );
  }
  logIn(server, client, argc === 2 ? 'default' : args[1].latin1(), args[argc - 1]);
  reply.ok();
}

/** Throws CommandError (WRONGPASS) and leaves the connection as it was unless the password is the user's. */
function logIn(server: ServerApi, client: Client, user: string, password: Bytes): void {
  const expected = server.config.values.requirepass;
  const right = samePassword(expected, password) || expected === '';
  if (user !== 'default' || !right) {
    server.statistics.loginsRefused++;
    throw new CommandError(errors.wrongPassword);
  }
  client.user = user;
  client.setGate(Gate.unauthenticated, false);
}

/** Compares digests, so that the time it takes tells nothing of the password, nor of its length. */
function samePassword(expected: string, given: Bytes): boolean {
  return timingSafeEqual(digest(Bytes.of(expected)), digest(given));
}

function digest(secret: Bytes): Buffer {
  return createHash('sha256').update(secret.subarray()).digest();
}

function select({ server, client, args, reply }: Call): void {
  const index = int32Argument(args[1]);
  const database = server.keyspace.databases[index];
  if (database === undefined) throw new CommandError(errors.databaseOutOfRange);
  client.database = database;
  reply.ok();
}

function quit({ server, client, reply }: Call): void {
  reply.ok();
  server.clients.disconnect(client, true);
}

function reset({ server, client, reply }: Call): void {
  server.endTransaction(client);
  server.monitors.remove(client);
  server.pubsub.forget(client);
  server.tracking.disable(client);
  client.database = server.keyspace.databases[0];
  client.name = '';
  client.user = 'default';
  client.setGate(Gate.unauthenticated, server.config.values.requirepass !== '');
  if (client.replyMode !== 'skip') client.setReplyMode('on'); // else it is this command that gets no reply
  client.noEvict = false;
  client.setGate(Gate.noTouch, false);
  reply.protocol = 2;
  reply.simple('RESET');
}
