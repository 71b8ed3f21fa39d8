import { absent } from '../keyspace/database.js';
import { CommandError, errors } from '../protocol/errors.js';
import { ArgumentReader } from './arguments.js';
import type { Call, CommandSpec } from './command.js';
import { helpSubcommand } from './help.js';
import { allocatorTable, diagnose, replyStatistics } from './memory-report.js';

/** Elements of a big collection that MEMORY USAGE looks at unless told otherwise. */
const defaultSamples = 5;

const about = {
  group: 'server' as const,
  since: '4.0.0',
  syntax: '',
  flags: [],
  tips: ['nondeterministic_output', 'request_policy:all_shards', 'response_policy:special'],
};

export const memoryCommands: CommandSpec[] = [
  {
    name: 'memory',
    group: 'server',
    since: '4.0.0',
    summary: 'Tells where memory goes.',
    complexity: 'Depends on the subcommand.',
    syntax: '',
    flags: [],
    subcommands: [
      {
        ...about,
        name: 'doctor',
        summary: 'Looks for what is wrong with the use of memory, and says what can be done.',
        complexity: 'O(1)',
        handler: ({ server, reply }) => reply.verbatim('txt', diagnose(server)),
      },
      {
        ...about,
        name: 'malloc-stats',
        summary: 'Shows what the allocator holds, by sizes of blocks.',
        complexity: 'Depends on how much memory is allocated.',
        handler: ({ server, reply }) => reply.verbatim('txt', allocatorTable(server.keyspace)),
      },
      {
        ...about,
        name: 'purge',
        summary: 'Gives memory that is not used back to the operating system.',
        complexity: 'Depends on how much memory is allocated.',
        tips: ['request_policy:all_shards', 'response_policy:all_succeeded'],
        handler: ({ server, reply }) => {
          server.purgeMemory();
          reply.ok();
        },
      },
      {
        ...about,
        name: 'stats',
        summary: 'Tells in figures where memory goes.',
        complexity: 'O(1)',
        handler: ({ server, reply }) => replyStatistics(server, reply),
      },
      {
        name: 'usage',
        group: 'server',
        since: '4.0.0',
        summary: 'Estimates the bytes that a key and its value take.',
        complexity: 'O(N) where N is the number of samples.',
        syntax: 'key [SAMPLES count]',
        flags: ['readonly'],
        keys: [{ flags: 'RO', begin: 2, find: { last: 0, step: 1 } }],
        handler: usage,
      },
      helpSubcommand('server', '4.0.0'),
    ],
  },
];

function usage({ database, args, argc, reply }: Call): void {
  const options = new ArgumentReader(args, argc, 3);
  let samples = defaultSamples;
  while (!options.done) {
    if (!options.take('samples')) throw new CommandError(errors.syntax);
    samples = options.long();
    if (samples < 0) throw new CommandError(errors.syntax);
  }
  const ref = database.peek(args[2]); // no sign of having looked, and what has expired is in memory all the same
  if (ref === absent) reply.null();
  else reply.integer(database.memoryOf(ref, samples));
}
