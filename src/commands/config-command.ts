import type { Bytes } from '../bytes/bytes.js';
import { ConfigError, isSecret } from '../config/config.js';
import { CommandError, errors } from '../protocol/errors.js';
import type { Call, CommandFlagName, CommandSpec } from './command.js';
import { helpSubcommand } from './help.js';
import { isLocal } from './locality.js';

const flags: CommandFlagName[] = ['admin', 'noscript', 'loading', 'stale'];
const toAllNodes = ['request_policy:all_nodes', 'response_policy:all_succeeded'];

const subcommands: CommandSpec[] = [
  {
    name: 'get',
    group: 'server',
    since: '2.0.0',
    summary: 'Tells the values of the directives whose names match the patterns.',
    complexity: 'O(N) when N is the number of configuration parameters provided',
    syntax: 'parameter [parameter ...]',
    flags,
    history: [['7.0.0', 'Takes several patterns.']],
    handler: get,
  },
  {
    name: 'set',
    group: 'server',
    since: '2.0.0',
    summary: 'Changes directives of the running server, all of them or none.',
    complexity: 'O(N) when N is the number of configuration parameters provided',
    syntax: 'parameter value [parameter value ...]',
    flags,
    tips: toAllNodes,
    secrets: (args, argc) => secretValues(args, argc),
    history: [['7.0.0', 'Takes several directives.']],
    handler: set,
  },
  {
    name: 'rewrite',
    group: 'server',
    since: '2.8.0',
    summary: 'Brings the configuration file up to date with what was changed by CONFIG SET.',
    complexity: 'O(1)',
    syntax: '',
    flags,
    tips: toAllNodes,
    handler: rewrite,
  },
  {
    name: 'resetstat',
    group: 'server',
    since: '2.0.0',
    summary: 'Clears the counters that INFO shows.',
    complexity: 'O(1)',
    syntax: '',
    flags,
    tips: toAllNodes,
    handler: ({ server, reply }) => {
      server.resetStatistics();
      reply.ok();
    },
  },
  helpSubcommand('server', '5.0.0'),
];

export const configCommands: CommandSpec[] = [
  {
    name: 'config',
    group: 'server',
    since: '2.0.0',
    summary: "Commands about the server's configuration.",
    complexity: 'Depends on subcommand.',
    syntax: '',
    flags: [],
    subcommands,
  },
];

function get({ server, args, argc, reply }: Call): void {
  const found = server.config.getMatching(args.slice(2, argc).map((pattern) => pattern.latin1()));
  reply.map(found.length);
  for (const [name, value] of found) {
    reply.text(name);
    reply.text(value);
  }
}

function set({ server, client, args, argc, reply }: Call): void {
  if (argc % 2 !== 0) throw new CommandError(errors.syntax);
  const pairs: [string, string][] = [];
  for (let i = 2; i < argc; i += 2) pairs.push([args[i].latin1(), args[i + 1].latin1()]);
  refusable(() =>
    server.config.set(pairs, {
      local: isLocal(client),
      loading: server.isLoading || server.keyspace.loadsAside,
    }),
  );
  reply.ok();
}

function secretValues(args: Bytes[], argc: number): number[] {
  const found: number[] = [];
  for (let i = 2; i + 1 < argc; i += 2) if (isSecret(args[i].latin1())) found.push(i + 1);
  return found;
}

function rewrite({ server, reply }: Call): void {
  refusable(() => server.config.rewrite());
  server.log.notice('CONFIG REWRITE executed with success.');
  reply.ok();
}

/** Does something with the configuration; what the configuration refuses is the client's error. */
export function refusable(action: () => void): void {
  try {
    action();
  } catch (error) {
    if (error instanceof ConfigError) throw new CommandError(`${error.code} ${error.reason}`);
    throw error;
  }
}
