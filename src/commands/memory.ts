import { absent } from '../keyspace/database.js';
import { CommandError, errors } from '../protocol/errors.js';
import { ArgumentReader } from './arguments.js';
import type { Call, CommandSpec } from './command.js';
import { helpSubcommand } from './help.js';

/** Elements of a big collection that MEMORY USAGE looks at unless told otherwise. */
const defaultSamples = 5;

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
    samples = options.integer();
    if (samples < 0) throw new CommandError(errors.syntax);
  }
  const ref = database.look(args[2], true);
  if (ref === absent) reply.null();
  else reply.integer(database.memoryOf(ref, samples));
}
