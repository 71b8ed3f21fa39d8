import { CommandError } from '../protocol/errors.js';
import type { Call, CommandSpec } from './command.js';

export const appendOnlyCommands: CommandSpec[] = [
  {
    name: 'bgrewriteaof',
    group: 'server',
    since: '1.0.0',
    summary: 'Writes the append-only file anew in the background, as short as the data allows.',
    complexity: 'O(1)',
    syntax: '',
    flags: ['admin', 'noscript', 'no_async_loading'],
    handler: rewrite,
  },
];

const answers = {
  started: 'Background append only file rewriting started',
  scheduled: 'Background append only file rewriting scheduled',
};

function rewrite({ denyBlocking, reply, server }: Call): void {
  const outcome = server.appendOnly.request(denyBlocking);
  if (outcome === 'running') {
    throw new CommandError('ERR Background append only file rewriting already in progress');
  }
  if (outcome === 'failed') {
    throw new CommandError(
      "ERR Can't execute an AOF background rewriting. Please check the server logs for more information.",
    );
  }
  reply.simple(answers[outcome]);
}
