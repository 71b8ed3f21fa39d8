import type { Bytes } from '../bytes/bytes.js';
import { EventClass } from '../keyspace/events.js';
import { CommandError, errors } from '../protocol/errors.js';
import { IdCursor } from '../values/id-index.js';
import type { Stream } from '../values/stream.js';
import type { StreamId } from '../values/stream-id.js';
import { countArgument } from './arguments.js';
import { type Call, type CommandSpec, oneKey } from './command.js';
import { aboutStreams, touchStream, writeStream } from './stream-access.js';
import { idArguments } from './stream-ids.js';
import { dropReferences, isReferred, type References, referencesOf } from './stream-references.js';

const syntaxOfIds = '[KEEPREF | DELREF | ACKED] IDS <numids id [id ...]>';

/** The commands that delete entries with regard to the groups in which they are pending. */
export const streamDeletionCommands: CommandSpec[] = [
  {
    ...aboutStreams,
    name: 'xackdel',
    since: '8.2.0',
    summary: 'Says that entries were processed, and deletes those that no group needs any more.',
    complexity: 'O(G) for each ID with G being the number of groups.',
    syntax: `key group ${syntaxOfIds}`,
    types: { numids: 'integer' },
    flags: ['write', 'fast'],
    arity: -6,
    keys: oneKey('RW update delete'),
    handler: xackdel,
  },
  {
    ...aboutStreams,
    name: 'xdelex',
    since: '8.2.0',
    summary: 'Deletes entries and says what becomes of them in the groups in which they are pending.',
    complexity: 'O(G) for each ID with G being the number of groups.',
    syntax: `key ${syntaxOfIds}`,
    types: { numids: 'integer' },
    flags: ['write', 'fast'],
    arity: -5,
    keys: oneKey('RW delete'),
    handler: xdelex,
  },
];

/** What the reply says of each ID. */
const Outcome = { missing: -1, deleted: 1, stillReferred: 2 } as const;

const pending = new IdCursor();

/** Reads `[KEEPREF | DELREF | ACKED] IDS numids id ...`, in either order, to the end. */
function readDeletion(
  args: Bytes[],
  argc: number,
  from: number,
): { references: References; ids: StreamId[] } {
  let references: References | undefined;
  let ids: StreamId[] | undefined;
  for (let i = from; i < argc; ) {
    const chosen = referencesOf(args[i]);
    if (chosen !== undefined && references === undefined) {
      references = chosen;
      i++;
    } else if (args[i].is('ids') && ids === undefined && i + 1 < argc) {
      const count = countArgument(args[i + 1], 1, 'ERR Number of IDs must be a positive integer');
      if (count > argc - i - 2) {
        throw new CommandError('ERR The `numids` parameter must match the number of arguments');
      }
      ids = idArguments(args, i + 2, i + 2 + count).slice(0, count);
      i += 2 + count;
    } else throw new CommandError(errors.syntax);
  }
  if (ids === undefined) throw new CommandError(errors.syntax);
  return { references: references ?? 'keep', ids };
}

function xdelex({ database, args, argc, reply }: Call): void {
  const key = args[1];
  const { references, ids } = readDeletion(args, argc, 2);
  const stream = writeStream(database, key);
  if (stream !== undefined) touchStream(database, key);
  let deleted = 0;
  reply.array(ids.length);
  for (const id of ids) {
    const outcome = stream === undefined ? Outcome.missing : deleteEntry(stream, id, references);
    reply.integer(outcome);
    if (outcome === Outcome.deleted) deleted++;
    else if (references === 'drop' && stream !== undefined)
      database.keyspace.dirty += dropReferences(stream, id);
  }
  if (deleted === 0) return;
  database.modified(key, EventClass.stream, 'xdel', deleted);
}

function xackdel({ database, args, argc, reply }: Call): void {
  const key = args[1];
  const { references, ids } = readDeletion(args, argc, 3);
  const stream = writeStream(database, key);
  const group = stream?.groups.get(args[2].latin1());
  reply.array(ids.length);
  if (stream === undefined || group === undefined) {
    for (let left = ids.length; left > 0; left--) reply.integer(Outcome.missing);
    return;
  }
  touchStream(database, key);
  let deleted = 0;
  for (const id of ids) {
    const acknowledged = group.acknowledge(id, pending);
    if (acknowledged) database.keyspace.dirty++;
    if (references === 'drop') database.keyspace.dirty += dropReferences(stream, id);
    if (!acknowledged) {
      reply.integer(Outcome.missing);
      continue;
    }
    const outcome = deleteEntry(stream, id, references);
    if (outcome === Outcome.deleted) deleted++;
    // What is not in the stream any more is as good as deleted: the acknowledgement was what was left to do.
    reply.integer(outcome === Outcome.missing ? Outcome.deleted : outcome);
  }
  if (deleted > 0) database.modified(key, EventClass.stream, 'xdel');
}

function deleteEntry(stream: Stream, id: StreamId, references: References): number {
  if (!stream.has(id)) return Outcome.missing;
  if (references === 'acknowledged' && isReferred(stream, id)) return Outcome.stillReferred;
  if (references === 'drop') dropReferences(stream, id);
  stream.delete(id);
  return Outcome.deleted;
}
