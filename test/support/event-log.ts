import type { Call, CommandSpec } from '../../src/commands/command.js';

/**
 * A command for tests, EVENTLOG: replies `database event key` for each event since the last call, and begins
 * to listen. The first element is the number of changes since then that count for saving.
 */
export function eventLog(): CommandSpec {
  let log: string[] = [];
  let dirty = 0;
  return {
    name: 'eventlog',
    group: 'server',
    since: '0.0.0',
    summary: 'Lists events.',
    complexity: 'O(N)',
    syntax: '',
    flags: [],
    handler({ server, reply }: Call): void {
      const { keyspace } = server;
      keyspace.eventMask = -1;
      keyspace.observer = {
        ...keyspace.observer,
        event: (_, event, key, database) => log.push(`${database.index} ${event} ${key.latin1()}`),
      };
      reply.array(log.length + 1);
      reply.integer(keyspace.dirty - dirty);
      for (const line of log) reply.text(line);
      log = [];
      dirty = keyspace.dirty;
    },
  };
}
