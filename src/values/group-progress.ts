import { type ConsumerGroup, UNKNOWN_ENTRIES_READ } from './consumer-group.js';
import type { Stream } from './stream.js';
import type { StreamId } from './stream-id.js';

/**
 * How far a group is through a stream's history, as far as that can be known without counting: an entry that was
 * deleted in the middle makes it unknown until the reading is past it. Redis documents these rules with XINFO GROUPS.
 */

/** True if an entry with this ID or a greater one was deleted (not trimmed) and was not the beginning of the stream. */
function hasDeletionFrom(stream: Stream, id: StreamId): boolean {
  const { maxDeletedId, firstId } = stream;
  if (stream.size === 0 || maxDeletedId.isLeast) return false;
  return maxDeletedId.compare(firstId) >= 0 && id.compare(maxDeletedId) <= 0;
}

/** How many entries of the stream's history have this ID or a lesser one; UNKNOWN_ENTRIES_READ if nobody can say. */
export function entriesUpTo(stream: Stream, id: StreamId): number {
  const { entriesAdded, size, lastId, firstId, maxDeletedId } = stream;
  const toLast = id.compare(lastId);
  if (entriesAdded === 0) return 0;
  if (toLast === 0 || (size === 0 && toLast < 0)) return entriesAdded;
  if (toLast > 0) return UNKNOWN_ENTRIES_READ;
  // Only if nothing was deleted behind the first entry do the numbers tell where the beginning is.
  if (!maxDeletedId.isLeast && maxDeletedId.compare(firstId) >= 0) return UNKNOWN_ENTRIES_READ;
  const toFirst = id.compare(firstId);
  if (toFirst < 0) return entriesAdded - size;
  return toFirst === 0 ? entriesAdded - size + 1 : UNKNOWN_ENTRIES_READ;
}

/** Takes note that the group has read the entry with that ID, which is beyond its last one. */
export function advance(stream: Stream, group: ConsumerGroup, id: StreamId): void {
  if (group.entriesRead !== UNKNOWN_ENTRIES_READ && !hasDeletionFrom(stream, id)) group.entriesRead++;
  else if (stream.entriesAdded > 0) group.entriesRead = entriesUpTo(stream, id);
  group.lastId.assign(id);
}

/** How many entries the group has still to read; undefined if nobody can say. */
export function lagOf(stream: Stream, group: ConsumerGroup): number | undefined {
  if (stream.entriesAdded === 0) return 0;
  if (group.entriesRead !== UNKNOWN_ENTRIES_READ && !hasDeletionFrom(stream, group.lastId)) {
    return stream.entriesAdded - group.entriesRead;
  }
  const read = entriesUpTo(stream, group.lastId);
  return read === UNKNOWN_ENTRIES_READ ? undefined : stream.entriesAdded - read;
}
