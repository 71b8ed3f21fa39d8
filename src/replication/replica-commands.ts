import { Gate } from '../clients/client.js';
import { longArgument } from '../commands/arguments.js';
import { clientLine } from '../commands/client-line.js';
import type { Call, CommandSpec } from '../commands/command.js';
import { CommandError } from '../protocol/errors.js';
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
  ];
}

function replicaOf(call: Call, role: ReplicaRole): void {
  const { server, client, args, reply } = call;
  if (server.config.values['cluster-enabled'])
    throw new CommandError('ERR REPLICAOF not allowed in cluster mode.');
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
