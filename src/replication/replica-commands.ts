import { Gate } from '../clients/client.js';
import { ArgumentReader, longArgument } from '../commands/arguments.js';
import { clientLine } from '../commands/client-line.js';
import type { Call, CommandSpec } from '../commands/command.js';
import { CommandError, errors } from '../protocol/errors.js';
import type { FailoverRequest } from './failover.js';
import type { ReplicaRole } from './replica-role.js';

/** Commands that change whom a server follows. They are declared here, because they need the server's replication. */
export function replicaCommands(role: () => ReplicaRole): CommandSpec[] {
  const common = {
    group: 'server' as const,
    complexity: 'O(1)',
    syntax: '<host port | NO ONE>',
    arity: 3,
    flags: ['admin', 'noscript', 'stale', 'no_async_loading'] as CommandSpec['flags'],
    handler: (call: Call) => replicaOf(call, role()),
  };
  return [
    {
      ...common,
      name: 'replicaof',
      since: '5.0.0',
      summary: 'Makes the server a replica of another one, or a primary again.',
    },
    {
      ...common,
      name: 'slaveof',
      since: '1.0.0',
      summary: 'The old name of REPLICAOF.',
      deprecated: { since: '5.0.0', replacedBy: '`REPLICAOF`' },
    },
    {
      name: 'failover',
      group: 'server',
      since: '6.2.0',
      summary: 'Hands over to a replica, which becomes the primary, once it has everything.',
      complexity: 'O(1)',
      syntax: '[TO host port [FORCE]] [ABORT] [TIMEOUT milliseconds]',
      flags: ['admin', 'noscript', 'stale'],
      handler: (call: Call) => failOver(call, role()),
    },
  ];
}

function replicaOf(call: Call, role: ReplicaRole): void {
  const { server, client, args, reply } = call;
  if (server.config.values['cluster-enabled'])
    throw new CommandError('ERR REPLICAOF not allowed in cluster mode.');
  if (role.failover.state !== 'no-failover')
    throw new CommandError('ERR REPLICAOF not allowed while failing over.');
  if (args[1].is('no') && args[2].is('one')) {
    if (role.primary !== undefined) {
      role.promote();
      server.log.notice(`MASTER MODE enabled (user request from '${clientLine(client, call)}')`);
    }
    return reply.ok();
  }
  if ((client.gate & Gate.replica) !== 0)
    throw new CommandError('ERR Command is not valid when client is a replica.');
  const host = args[1].latin1();
  const port = longArgument(args[2], 'ERR Invalid master port');
  if (port < 0 || port > 65535) throw new CommandError('ERR Invalid master port');
  const { primary } = role;
  if (primary?.host.toLowerCase() === host.toLowerCase() && primary.port === port) {
    server.log.notice(
      'REPLICAOF would result into synchronization with the master we are already connected with. No operation performed.',
    );
    return reply.simple('OK Already connected to specified master');
  }
  role.follow(host, port);
  server.log.notice(`REPLICAOF ${host}:${port} enabled (user request from '${clientLine(client, call)}')`);
  reply.ok();
}

function failOver({ server, args, argc, reply }: Call, role: ReplicaRole): void {
  if (server.config.values['cluster-enabled'])
    throw new CommandError('ERR FAILOVER not allowed in cluster mode.');
  const { failover } = role;
  const request = readFailover(new ArgumentReader(args, argc, 1));
  if (request === 'abort') {
    if (failover.state === 'no-failover') throw new CommandError('ERR No failover in progress.');
    failover.abort('Failover manually aborted');
    return reply.ok();
  }
  if (failover.state !== 'no-failover') throw new CommandError('ERR FAILOVER already in progress.');
  if (role.primary !== undefined)
    throw new CommandError('ERR FAILOVER is not valid when server is a replica.');
  role.requireTarget(request);
  failover.begin(request);
  reply.ok();
}

function readFailover(options: ArgumentReader): FailoverRequest | 'abort' {
  const request: FailoverRequest = { target: undefined, timeoutMs: 0, force: false };
  if (options.left === 1 && options.take('abort')) return 'abort';
  while (!options.done) {
    if (request.timeoutMs === 0 && options.left >= 2 && options.take('timeout')) {
      request.timeoutMs = options.long();
      if (request.timeoutMs <= 0) throw new CommandError('ERR FAILOVER timeout must be greater than 0');
    } else if (request.target === undefined && options.left >= 3 && options.take('to')) {
      request.target = { host: options.next().latin1(), port: options.long() };
    } else if (!request.force && options.take('force')) request.force = true;
    else throw new CommandError(errors.syntax);
  }
  return request;
}
