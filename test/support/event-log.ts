import type { Call, CommandSpec } from '../../src/commands/command.js';
import type { Keyspace } from '../../src/keyspace/keyspace.js';

/** Has every event told to `heard`, in place of whoever was told before. */
export function hearEvents(
  keyspace: Keyspace,
  heard: (event: string, key: string, database: number) => void,
): void {
  keyspace.eventMask = -1;
  keyspace.observer = {
    ...keyspace.observer,
    event: (_class, event, key, database) => heard(event, key.latin1(), database.index),
  };
}

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
      hearEvents(keyspace, (event, key, database) => log.push(`${database} ${event} ${key}`));
      reply.array(log.length + 1);
      reply.integer(keyspace.dirty - dirty);
      for (const line of log) reply.text(line);
      log = [];
      dirty = keyspace.dirty;
    },
  };
}
