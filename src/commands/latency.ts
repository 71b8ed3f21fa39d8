import { latencyGraph } from '../observation/latency-graph.js';
import { latencyReport } from '../observation/latency-report.js';
import { CommandError } from '../protocol/errors.js';
import type { Call, CommandFlagName, CommandSpec } from './command.js';
import { helpSubcommand } from './help.js';
import type { Command } from './registry.js';

const flags: CommandFlagName[] = ['admin', 'noscript', 'loading', 'stale'];
const tells = {
  group: 'server' as const,
  since: '2.8.13',
  complexity: 'O(1)',
  flags,
  tips: ['nondeterministic_output', 'request_policy:all_nodes', 'response_policy:special'],
};

const subcommands: CommandSpec[] = [
  {
    ...tells,
    name: 'doctor',
    summary: 'Says in words what was slow and what may help.',
    syntax: '',
    handler: doctor,
  },
  {
    ...tells,
    name: 'graph',
    summary: 'Draws the latest spikes of an event.',
    syntax: 'event',
    handler: graph,
  },
  {
    ...tells,
    name: 'histogram',
    since: '7.0.0',
    summary: 'Tells how many calls of commands took how long.',
    complexity: 'O(N) where N is the number of commands with latency information being retrieved.',
    syntax: '[command [command ...]]',
    handler: histogram,
  },
  {
    ...tells,
    name: 'history',
    summary: 'Lists the latest spikes of an event: time and ms.',
    syntax: 'event',
    handler: history,
  },
  {
    ...tells,
    name: 'latest',
    summary: 'Lists the latest and the worst spike of each event.',
    syntax: '',
    handler: latest,
  },
  {
    ...tells,
    name: 'reset',
    summary: 'Forgets the spikes of some events, or of all.',
    syntax: '[event [event ...]]',
    tips: ['request_policy:all_nodes', 'response_policy:agg_sum'],
    handler: reset,
  },
  helpSubcommand('server', '2.8.13'),
];

export const latencyCommands: CommandSpec[] = [
  {
    name: 'latency',
    group: 'server',
    since: '2.8.13',
    summary: 'Commands about what took long in this server.',
    complexity: 'Depends on subcommand.',
    syntax: '',
    flags: [],
    subcommands,
  },
];

function latest({ server, reply }: Call): void {
  const events = [...server.latency.events()];
  reply.array(events.length);
  for (const [event, { samples, worst }] of events) {
    const sample = samples[samples.length - 1];
    reply.array(4);
    reply.text(event);
    reply.integer(sample.time);
    reply.integer(sample.milliseconds);
    reply.integer(worst);
  }
}

function history({ server, args, reply }: Call): void {
  const samples = server.latency.get(args[2].latin1())?.samples ?? [];
  reply.array(samples.length);
  for (const { time, milliseconds } of samples) {
    reply.array(2);
    reply.integer(time);
    reply.integer(milliseconds);
  }
}

function reset({ server, args, argc, reply }: Call): void {
  const named = args.slice(2, argc).map((event) => event.latin1());
  const events = named.length > 0 ? named : [...server.latency.events()].map(([event]) => event);
  reply.integer(events.filter((event) => server.latency.forget(event)).length);
}

function graph({ server, args, reply }: Call): void {
  const event = args[2].latin1();
  const series = server.latency.get(event);
  if (series === undefined) throw new CommandError(`ERR No samples available for event '${event}'`);
  reply.verbatim('txt', latencyGraph(event, series, Math.floor(server.clock.now() / 1000)));
}

function doctor({ server, reply }: Call): void {
  const slowLogMicroseconds = server.config.values['slowlog-log-slower-than'];
  reply.verbatim('txt', latencyReport(server.latency, { slowLogMicroseconds }));
}

function histogram(call: Call): void {
  const { reply } = call;
  const commands = wantedCommands(call).filter((command) => command.latencies !== undefined);
  reply.map(commands.length);
  for (const { fullName, latencies } of commands) {
    reply.text(fullName);
    reply.map(2);
    reply.text('calls');
    reply.integer(latencies!.total);
    reply.text('histogram_usec');
    const rows = latencies!.cumulative();
    reply.map(rows.length);
    for (const [microseconds, count] of rows) {
      reply.integer(microseconds);
      reply.integer(count);
    }
  }
}

/**
 * The commands that are named, those with subcommands followed by them, or all; unknown names are ignored.
 */
function wantedCommands({ server, args, argc }: Call): Command[] {
  if (argc === 2) return [...server.commands.everyCommand()];
  return args.slice(2, argc).flatMap((name) => {
    const command = server.commands.named(name.latin1());
    return command === undefined ? [] : [command, ...(command.subcommands?.values() ?? [])];
  });
}
