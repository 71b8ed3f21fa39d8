import { IdCursor } from './id-index.js';
import type { Stream } from './stream.js';
import { StreamCursor } from './stream-cursor.js';
import type { StreamId } from './stream-id.js';
import { deletedEntries, EntryFlag, liveEntries, NodeWord, setCounts } from './stream-node.js';
import { NO_LIMIT } from './stream-settings.js';

/** Which entries a trimming leaves. */
export interface Trimming {
  /** The number of entries that stay at most ... */
  maxLength?: number;
  /** ... or the least ID that stays. */
  minId?: StreamId;
  /** Only whole nodes are removed, and at most so many entries. Undefined: exactly what was said. */
  limit?: number;
  /** Who has a say in it: what it does not let go stays, wherever in the stream it is. */
  consent?: TrimConsent;
}

/** Decides, of the entries that a trimming would remove, which may go. */
export interface TrimConsent {
  /** No entry behind this one may go. */
  readonly upTo: StreamId;
  /** True if the entry may go: it is removed then. Must not use the stream. */
  mayGo(id: StreamId): boolean;
}

// Commands run one after the other, so all streams can share these.
const cursor = new StreamCursor();
const node = new IdCursor();

/** Removes entries from the beginning. Returns how many. */
export function trimStream(stream: Stream, trimming: Trimming): number {
  if (trimming.consent !== undefined) return trimByConsent(stream, trimming, trimming.consent);
  const before = stream.size;
  let left = trimming.limit ?? NO_LIMIT;
  for (;;) {
    const removed = trimNode(stream, trimming, left);
    if (removed === 0) break;
    left -= removed;
  }
  if (trimming.limit === undefined) trimEntries(stream, trimming);
  if (stream.size !== before) stream.findFirst();
  return before - stream.size;
}

/** Removes the first node if no entry of it is to stay, and it has no more than `most`. Returns how many it had. */
function trimNode(stream: Stream, trimming: Trimming, most: number): number {
  const { maxLength } = trimming;
  if (maxLength !== undefined && stream.size <= maxLength) return 0;
  if (node.first(stream.nodes).done) return 0;
  const live = liveInNode(stream);
  if (!isWhollyTrimmed(stream, trimming, live, most)) return 0;
  stream.dropNode(node);
  stream.size -= live;
  return live;
}

function liveInNode(stream: Stream): number {
  const ref = node.words[node.at + NodeWord.ref];
  return liveEntries(stream.arena.bufferOf(ref), stream.arena.offsetOf(ref));
}

/** True if no entry of the node that `node` is at is to stay, and its `live` entries are no more than `most`. */
function isWhollyTrimmed(
  stream: Stream,
  { maxLength, minId }: Trimming,
  live: number,
  most: number,
): boolean {
  if (live > most) return false;
  if (maxLength !== undefined && (stream.size <= maxLength || stream.size - live < maxLength)) return false;
  return minId === undefined || endsBefore(stream, minId);
}

/** Goes through the entries that the trimming would remove, and deletes those that may go. Returns how many. */
function trimByConsent(stream: Stream, trimming: Trimming, consent: TrimConsent): number {
  const before = stream.size;
  const { limit } = trimming;
  for (node.first(stream.nodes); !node.done && node.compare(consent.upTo) <= 0; ) {
    if (isTrimmed(stream, trimming)) break;
    const live = liveInNode(stream);
    if (limit !== undefined && !isWhollyTrimmed(stream, trimming, live, limit - before + stream.size)) break;
    const deleted = deleteInNode(stream, trimming, consent, live);
    stream.size -= deleted;
    if (deleted === live) stream.dropNode(node);
    else node.next();
  }
  if (stream.size !== before) stream.findFirst();
  return before - stream.size;
}

/** True if nothing of the node that `node` is at, or behind it, is to go. */
function isTrimmed(stream: Stream, { maxLength, minId }: Trimming): boolean {
  if (maxLength !== undefined) return stream.size <= maxLength;
  return minId === undefined || node.compare(minId) >= 0;
}

/** Marks entries of the node that `node` is at, which has `live` ones, as deleted. Returns how many. */
function deleteInNode(
  stream: Stream,
  { maxLength, minId }: Trimming,
  consent: TrimConsent,
  live: number,
): number {
  let left = maxLength === undefined ? live : Math.min(stream.size - maxLength, live);
  let deleted = 0;
  cursor.open(stream);
  cursor.node.follow(node);
  cursor.enterNode();
  for (let more = cursor.firstInNode(); more && left > 0; more = cursor.nextInNode()) {
    if (cursor.isDeleted) continue;
    if (cursor.id.compare(consent.upTo) > 0) break;
    if (minId !== undefined && cursor.id.compare(minId) >= 0) break;
    if (!consent.mayGo(cursor.id)) continue;
    if (deleted === 0) stream.beforeNodeChange(cursor.node);
    cursor.buffer[cursor.entryAt] |= EntryFlag.deleted;
    left--;
    deleted++;
  }
  const { buffer, base } = cursor;
  if (deleted > 0 && deleted < live)
    setCounts(stream.arena, cursor.node, live - deleted, deletedEntries(buffer, base) + deleted);
  return deleted;
}

/** True if all IDs of the node that `node` is at are less than this one. */
function endsBefore(stream: Stream, id: StreamId): boolean {
  if (node.compare(id) >= 0) return false;
  cursor.open(stream);
  cursor.node.follow(node);
  cursor.enterNode();
  return !cursor.lastInNode() || cursor.id.compare(id) < 0;
}

/** Deletes entries at the beginning of the first node. */
function trimEntries(stream: Stream, { maxLength = 0, minId }: Trimming): void {
  let excess = minId === undefined ? stream.size - maxLength : NO_LIMIT;
  cursor.open(stream);
  if (excess <= 0 || cursor.node.first(stream.nodes).done) return;
  cursor.enterNode();
  let deleted = 0;
  for (let more = cursor.firstInNode(stream.headSkip); more && excess > 0; more = cursor.nextInNode()) {
    if (minId !== undefined && cursor.id.compare(minId) >= 0) break;
    if (cursor.isDeleted) continue;
    if (deleted === 0) stream.beforeNodeChange(cursor.node);
    cursor.buffer[cursor.entryAt] |= EntryFlag.deleted;
    excess--;
    deleted++;
  }
  if (deleted === 0) return;
  stream.size -= deleted;
  const live = liveEntries(cursor.buffer, cursor.base) - deleted;
  if (live === 0) stream.dropNode(cursor.node);
  else setCounts(stream.arena, cursor.node, live, deletedEntries(cursor.buffer, cursor.base) + deleted);
}
