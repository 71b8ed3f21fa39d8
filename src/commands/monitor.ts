import { CommandError } from '../protocol/errors.js';
import type { Call, CommandSpec } from './command.js';

export const monitorCommands: CommandSpec[] = [
  {
    name: 'monitor',
    group: 'server',
    since: '1.0.0',
    summary: 'Shows all commands that the server runs, as they come.',
    complexity: 'O(1), and O(N) for each command that is run, with N the number of those who watch.',
    syntax: '',
    flags: ['admin', 'noscript', 'loading', 'stale'],
    handler: monitor,
  },
];

function monitor({ server, client, denyBlocking, reply }: Call): void {
  if (denyBlocking) throw new CommandError("ERR MONITOR isn't allowed for DENY BLOCKING client");
  // Who watches already gets no second OK, as in Redis.
  if (server.monitors.add(client)) reply.ok();
}
