import { CommandError } from '../protocol/errors.js';
import type { Call, CommandSpec, Handler } from './command.js';
import { helpSubcommand } from './help.js';
import { requireEnabled } from './locality.js';

const about = { group: 'server' as const, since: '4.0.0', complexity: 'O(1)' };
const changes = { ...about, flags: ['admin', 'noscript', 'no_async_loading'] } satisfies Partial<CommandSpec>;

/** Modules of Redis are compiled for its process and cannot be loaded here; the commands say so as Redis would. */
export const moduleCommands: CommandSpec[] = [
  {
    ...about,
    name: 'module',
    summary: 'Commands about modules.',
    complexity: 'Depends on subcommand.',
    syntax: '',
    flags: [],
    subcommands: [
      {
        ...about,
        name: 'list',
        summary: 'Lists the modules that are loaded: none.',
        complexity: 'O(N) where N is the number of loaded modules.',
        syntax: '',
        flags: ['admin', 'noscript'],
        tips: ['nondeterministic_output_order'],
        handler: ({ reply }) => reply.array(0),
      },
      {
        ...changes,
        name: 'load',
        summary: 'Would load a module; always refused.',
        syntax: 'path [arg [arg ...]]',
        handler: permitted(refuseToLoad),
      },
      {
        ...changes,
        name: 'loadex',
        since: '7.0.0',
        summary: 'Would load a module with a configuration; always refused.',
        syntax: 'path [CONFIG name value [CONFIG name value ...]] [ARGS args [args ...]]',
        handler: permitted(refuseToLoad),
      },
      {
        ...changes,
        name: 'unload',
        summary: 'Would unload a module; there is none.',
        syntax: 'name',
        handler: permitted(() => {
          throw new CommandError('ERR Error unloading module: no such module with that name');
        }),
      },
      helpSubcommand('server', '5.0.0'),
    ],
  },
];

function refuseToLoad({ server, args }: Call): void {
  server.log.warning(`Module ${args[2].utf8()} failed to load: modules of Redis cannot be loaded`);
  throw new CommandError('ERR Error loading the extension. Please check the server logs.');
}

/** Only for those whom `enable-module-command` admits. */
function permitted(handler: Handler): Handler {
  return (call) => {
    requireEnabled(call, 'module');
    handler(call);
  };
}
