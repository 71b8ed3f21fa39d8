import { Bytes } from '../bytes/bytes.js';
import { type Consumer, type ConsumerGroup, countAt, timeAt } from '../values/consumer-group.js';
import { IdCursor } from '../values/id-index.js';
import type { Stream } from '../values/stream.js';
import { StreamCursor } from '../values/stream-cursor.js';
import { StreamId } from '../values/stream-id.js';

/** A part of a command; text is latin1. Bytes are views that are valid until the next command is asked for. */
export type CommandPart = Bytes | string | number;

/**
 * The commands that make a stream with its groups: the base of an append-only file without preamble. The stream must not
 * change meanwhile. Pending entries that the stream does not have any more cannot be told by commands.
 */
export function* streamCommands(key: Bytes, stream: Stream): Generator<CommandPart[]> {
  if (stream.size === 0) yield emptyStream(key, stream);
  else yield* entryCommands(key, stream);
  const history = ['ENTRIESADDED', stream.entriesAdded, 'MAXDELETEDID', stream.maxDeletedId.toString()];
  yield ['XSETID', key, stream.lastId.toString(), ...history];
  for (const group of stream.sortedGroups()) yield* groupCommands(key, group);
}

/** There is no command that creates an empty stream, but one that adds an entry and trims it away again. */
function emptyStream(key: Bytes, { lastId }: Stream): CommandPart[] {
  const id = lastId.isLeast ? StreamId.of(0, 1) : lastId;
  return ['XADD', key, 'MAXLEN', 0, id.toString(), 'x', 'y'];
}

function* entryCommands(key: Bytes, stream: Stream): Generator<CommandPart[]> {
  const cursor = new StreamCursor();
  for (cursor.seekFirst(stream); !cursor.done; cursor.next()) {
    const command: CommandPart[] = ['XADD', key, cursor.id.toString()];
    for (let left = cursor.fields; left > 0; left--) {
      const field = new Bytes(Buffer.alloc(0));
      const value = new Bytes(Buffer.alloc(0));
      cursor.readPair(field, value);
      // Integers are read as text in memory that is soon used again.
      command.push(field.buffer === cursor.buffer ? field : field.copy());
      command.push(value.buffer === cursor.buffer ? value : value.copy());
    }
    yield command;
  }
}

function* groupCommands(key: Bytes, group: ConsumerGroup): Generator<CommandPart[]> {
  const progress = [group.lastId.toString(), 'ENTRIESREAD', group.entriesRead];
  yield ['XGROUP', 'CREATE', key, group.name, ...progress];
  for (const consumer of group.sortedConsumers()) {
    yield ['XGROUP', 'CREATECONSUMER', key, group.name, consumer.name];
    yield* pendingCommands(key, group, consumer);
  }
}

function* pendingCommands(key: Bytes, group: ConsumerGroup, consumer: Consumer): Generator<CommandPart[]> {
  const own = new IdCursor();
  const pending = new IdCursor();
  const id = new StreamId();
  for (own.first(consumer.pending); !own.done; own.next()) {
    if (!group.pending.find(own.readId(id), pending)) continue;
    const state = ['TIME', timeAt(pending), 'RETRYCOUNT', countAt(pending), 'JUSTID', 'FORCE'];
    yield ['XCLAIM', key, group.name, consumer.name, 0, id.toString(), ...state];
  }
}
