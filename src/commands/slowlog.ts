import type { Bytes } from '../bytes/bytes.js';
import { CommandError, wrongSubcommand } from '../protocol/errors.js';
import { longArgument } from './arguments.js';
import type { Call, CommandFlagName, CommandSpec } from './command.js';
import { helpSubcommand } from './help.js';

const flags: CommandFlagName[] = ['admin', 'loading', 'stale'];
const defaultCount = 10;

const subcommands: CommandSpec[] = [
  {
    name: 'get',
    group: 'server',
    since: '2.2.12',
    summary: 'Tells of the latest slow commands: number, time, duration in µs, arguments, client.',
    complexity: 'O(N) where N is the number of entries returned',
    syntax: '[count]',
    flags,
    tips: ['request_policy:all_nodes', 'nondeterministic_output'],
    history: [['4.0.0', 'Tells the address and the name of the client too.']],
    handler: get,
  },
  {
    name: 'len',
    group: 'server',
    since: '2.2.12',
    summary: 'Counts the entries of the slow log.',
    complexity: 'O(1)',
    syntax: '',
    flags,
    tips: ['request_policy:all_nodes', 'response_policy:agg_sum', 'nondeterministic_output'],
    handler: ({ server, reply }) => reply.integer(server.slowLog.length),
  },
  {
    name: 'reset',
    group: 'server',
    since: '2.2.12',
    summary: 'Empties the slow log.',
    complexity: 'O(N) where N is the number of entries in the slowlog',
    syntax: '',
    flags,
    tips: ['request_policy:all_nodes', 'response_policy:all_succeeded'],
    handler: ({ server, reply }) => {
      server.slowLog.clear();
      reply.ok();
    },
  },
  helpSubcommand('server', '6.2.0'),
];

export const slowLogCommands: CommandSpec[] = [
  {
    name: 'slowlog',
    group: 'server',
    since: '2.2.12',
    summary: 'Commands about the log of slow commands.',
    complexity: 'Depends on subcommand.',
    syntax: '',
    flags: [],
    subcommands,
  },
];

function get({ server, args, argc, reply }: Call): void {
  if (argc > 3) throw wrongSubcommand('SLOWLOG', args[1]);
  const entries = server.slowLog.latest(argc === 3 ? count(args[2]) : defaultCount);
  reply.array(entries.length);
  for (const entry of entries) {
    reply.array(6);
    reply.integer(entry.id);
    reply.integer(entry.time);
    reply.integer(entry.microseconds);
    reply.array(entry.args.length);
    for (const arg of entry.args) reply.text(arg);
    reply.text(entry.address);
    reply.text(entry.name);
  }
}

/** How many entries to show; -1 means all. */
function count(argument: Bytes): number {
  const refusal = 'ERR count should be greater than or equal to -1';
  const wanted = longArgument(argument, refusal);
  if (wanted < -1) throw new CommandError(refusal);
  return wanted === -1 ? Number.POSITIVE_INFINITY : wanted;
}
