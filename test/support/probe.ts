import type { Call, CommandSpec } from '../../src/commands/command.js';
import { absent } from '../../src/keyspace/database.js';
import { kinds } from '../../src/keyspace/kinds.js';
import { stringEncodingName } from '../../src/keyspace/string-encoding.js';
import { hearEvents } from './event-log.js';

/**
 * Commands that show what no ordinary command shows, and what they have recorded. For `Respite.start({
 * commands })`.
 */
export class Probe {
  /** Published events since PROBE-EVENTS, as `event key`. */
  readonly events: string[] = [];

  readonly commands: CommandSpec[] = [
    declare('probe-events', '', (call) => this.record(call)),
    declare('probe-dirty', '', ({ server, reply }) => reply.integer(server.keyspace.dirty)),
    declare('probe-encoding', 'key', probeEncoding),
    declare('probe-hits', '', probeHits),
    declare('probe-list', 'key', putList),
  ];

  /** The events since the last call. */
  take(): string[] {
    return this.events.splice(0);
  }

  private record({ server, reply }: Call): void {
    hearEvents(server.keyspace, (event, key) => this.events.push(`${event} ${key}`));
    reply.ok();
  }
}

function declare(name: string, syntax: string, handler: (call: Call) => void): CommandSpec {
  const facts = { since: '0', summary: 'For tests.', complexity: 'O(1)' };
  return { name, group: 'generic', ...facts, syntax, flags: [], handler };
}

function probeEncoding({ args, database, reply }: Call): void {
  const ref = database.live(args[1]);
  if (ref === absent) reply.null();
  else reply.text(stringEncodingName(database, ref));
}

function probeHits({ server, reply }: Call): void {
  const { hits, misses } = server.keyspace.statistics;
  reply.text(`${hits} ${misses}`);
}

/** Something that is not a string. */
function putList({ args, database, reply }: Call): void {
  database.put(args[1], kinds.listpackList, 0);
  reply.ok();
}
