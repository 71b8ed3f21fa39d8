import type { Call, CommandSpec } from './command.js';

export const infoCommands: CommandSpec[] = [
  {
    name: 'info',
    group: 'server',
    since: '1.0.0',
    summary: 'Tells facts and counters of the server, by sections.',
    complexity: 'O(1)',
    syntax: '[section [section ...]]',
    flags: ['loading', 'stale'],
    categories: ['dangerous'],
    tips: ['nondeterministic_output', 'request_policy:all_shards', 'response_policy:special'],
    history: [['7.0.0', 'Takes several sections.']],
    handler: info,
  },
];

function info({ server, args, argc, reply }: Call): void {
  const sections = args.slice(1, argc).map((section) => section.latin1().toLowerCase());
  reply.verbatim('txt', server.info(sections));
}
