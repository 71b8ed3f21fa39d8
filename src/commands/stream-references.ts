import type { Bytes } from '../bytes/bytes.js';
import { IdCursor } from '../values/id-index.js';
import type { Stream } from '../values/stream.js';
import type { StreamId } from '../values/stream-id.js';
import type { TrimConsent } from '../values/stream-trimming.js';

/**
 * What deleting an entry does to the groups: they keep it pending, they lose it, or it is deleted only if all groups
 * have read and acknowledged it.
 */
export type References = 'keep' | 'drop' | 'acknowledged';

const pending = new IdCursor();

/** What KEEPREF, DELREF and ACKED stand for; undefined for anything else. */
export function referencesOf(argument: Bytes): References | undefined {
  if (argument.is('keepref')) return 'keep';
  if (argument.is('delref')) return 'drop';
  return argument.is('acked') ? 'acknowledged' : undefined;
}

/** True if a group has still to read the entry, or to acknowledge it. */
export function isReferred(stream: Stream, id: StreamId): boolean {
  for (const { lastId, pending: its } of stream.groups.values()) {
    if (lastId.compare(id) < 0 || its.find(id, pending)) return true;
  }
  return false;
}

/** Takes an entry out of all groups. Returns in how many it was pending. */
export function dropReferences(stream: Stream, id: StreamId): number {
  let dropped = 0;
  for (const group of stream.groups.values()) if (group.acknowledge(id, pending)) dropped++;
  return dropped;
}

/** How the groups of a stream have a say in its trimming; undefined if they have none. */
export function trimConsent(stream: Stream, references: References): TrimConsent | undefined {
  if (references === 'keep' || stream.groups.size === 0) return undefined;
  if (references === 'acknowledged') {
    return { upTo: readByAll(stream), mayGo: (id) => !isReferred(stream, id) };
  }
  const dropped = (id: StreamId) => {
    dropReferences(stream, id);
    return true;
  };
  return { upTo: stream.lastId, mayGo: dropped };
}

/** The last entry that all groups have read. */
function readByAll(stream: Stream): StreamId {
  let least = stream.lastId;
  for (const { lastId } of stream.groups.values()) if (lastId.compare(least) < 0) least = lastId;
  return least;
}
