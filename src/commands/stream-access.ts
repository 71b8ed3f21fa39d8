import { Bytes } from '../bytes/bytes.js';
import { absent, type Database } from '../keyspace/database.js';
import { ValueType } from '../keyspace/events.js';
import { kinds } from '../keyspace/kinds.js';
import type { Ref } from '../memory/arena.js';
import { CommandError, errors } from '../protocol/errors.js';
import type { ConsumerGroup } from '../values/consumer-group.js';
import { Stream } from '../values/stream.js';
import type { StreamId } from '../values/stream-id.js';

/** What all declarations of stream commands have in common. */
export const aboutStreams = { group: 'stream' as const, since: '5.0.0' };

/** The stream of an entry; undefined for `absent`. Throws CommandError if that is something else. */
export function streamOf(database: Database, ref: Ref): Stream | undefined {
  if (ref === absent) return undefined;
  if (database.typeOf(ref) !== ValueType.stream) throw new CommandError(errors.wrongType);
  return database.collection<Stream>(ref);
}

/** The stream under a key, for a command that reads it. */
export function readStream(database: Database, key: Bytes): Stream | undefined {
  return streamOf(database, database.read(key));
}

/** The stream under a key, for a command that may change it: to be announced by `touchStream` before it does. */
export function writeStream(database: Database, key: Bytes): Stream | undefined {
  return streamOf(database, database.write(key));
}

/** Says that a stream is about to be changed in place: whoever saves the keyspace meanwhile wants to know. */
export function touchStream(database: Database, key: Bytes): void {
  database.edit(database.peek(key), kinds.stream);
}

/** A stream that is under no key yet. */
export function newStream({ keyspace }: Database): Stream {
  return new Stream(keyspace.arena, keyspace.streamSettings);
}

/** Stores a stream under a key that is absent. */
export function storeStream(database: Database, key: Bytes, stream: Stream): void {
  database.putCollection(key, kinds.stream, stream);
}

/** An ID as an argument to propagate. */
export function idBytes(id: StreamId): Bytes {
  return Bytes.of(id.toString());
}

/** There is no such key, or no such group of it. */
function noGroup(key: Bytes, group: Bytes): CommandError {
  return new CommandError(`NOGROUP No such key '${key.latin1()}' or consumer group '${group.latin1()}'`);
}

/** A stream and one of its groups. Throws CommandError if there is no such. */
export function groupOf(
  database: Database,
  ref: Ref,
  key: Bytes,
  name: Bytes,
): { stream: Stream; group: ConsumerGroup } {
  const stream = streamOf(database, ref);
  const group = stream?.groups.get(name.latin1());
  if (stream === undefined || group === undefined) throw noGroup(key, name);
  return { stream, group };
}
