import type { Call, CommandSpec } from '../../src/commands/command.js';
import { type PropagationSink, PropagationTarget } from '../../src/dispatch/propagation.js';
import type { RespiteServer } from '../../src/server/server.js';
import type { Asking } from './info.js';
import { startWithClient } from './respite.js';

/** A command as it was propagated; bytes as latin1. `database` is -1 for one that concerns none. */
export interface PropagatedWords {
  database: number;
  words: string[];
}

/**
 * A command for tests, PROPAGATED: replies what was propagated since the last call, as `database name argument ...`
 * (no database: `-`), and begins to listen. What is propagated is put in `collected` too.
 */
export function propagationLog(collected: PropagatedWords[] = []): CommandSpec {
  let lines: string[] = [];
  let sink: PropagationSink | undefined;
  return {
    name: 'propagated',
    group: 'server',
    since: '0.0.0',
    summary: 'Lists what was propagated.',
    complexity: 'O(N)',
    syntax: '',
    flags: [],
    handler({ server, reply }: Call): void {
      if (sink === undefined) {
        sink = {
          target: PropagationTarget.appendOnlyFile,
          propagate(database, args, argc) {
            const words = args.slice(0, argc).map((arg) => arg.latin1());
            collected.push({ database, words });
            lines.push([database < 0 ? '-' : database, ...words].join(' '));
          },
        };
        (server as RespiteServer).loop.dispatcher.propagation.add(sink);
      }
      reply.array(lines.length);
      for (const line of lines) reply.text(line);
      lines = [];
    },
  };
}

/** Asks PROPAGATED. */
export async function propagated(client: Asking): Promise<string[]> {
  return (await client.call('PROPAGATED')) as string[];
}

/** A server whose time stands still, and a client of it: what is propagated from now on is listed. */
export async function startPropagating() {
  const started = await startWithClient({
    clock: 'manual',
    'enable-debug-command': 'yes',
    commands: [propagationLog()],
  });
  await propagated(started.redis);
  return started;
}
