import { Bytes } from '../bytes/bytes.js';
import { formatDouble, MAX_DOUBLE_LENGTH, writeDouble } from '../bytes/doubles.js';
import { absent } from '../keyspace/database.js';
import { EventClass, ValueType } from '../keyspace/events.js';
import { openSortedSet, type SortedSetLimits, storeSortedSet } from '../keyspace/sorted-sets.js';
import { CommandError, errors } from '../protocol/errors.js';
import type { ReplyWriter } from '../protocol/reply-writer.js';
import type { SortedSet } from '../values/sorted-set.js';
import type { TreeSortedSet } from '../values/tree-sorted-set.js';
import type { Call } from './command.js';

/** What the commands on sorted sets do alike. */

/**
 * The sorted set under a key that is to be read, if there is one. Throws CommandError for another type. Hot.
 */
export function readSortedSet(call: Call, key: Bytes): SortedSet | undefined {
  const { database } = call;
  const ref = database.read(key);
  if (ref === absent) return undefined;
  if (database.typeOf(ref) !== ValueType.sortedSet) throw new CommandError(errors.wrongType);
  return openSortedSet(database, ref);
}

/**
 * The sorted set under a key that is to be changed, if there is one. Throws CommandError for another type.
 * Hot.
 */
export function writeSortedSet(call: Call, key: Bytes): SortedSet | undefined {
  const { database } = call;
  const ref = database.write(key);
  if (ref === absent) return undefined;
  if (database.typeOf(ref) !== ValueType.sortedSet) throw new CommandError(errors.wrongType);
  database.keys.touchBucket(database.hash(key));
  return openSortedSet(database, ref);
}

export function sortedSetLimits(call: Call): SortedSetLimits {
  const { values } = call.server.config;
  return { entries: values['zset-max-listpack-entries'], value: values['zset-max-listpack-value'] };
}

/** Counts and announces that `count` members were removed by `event`; the key goes with the last of them. */
export function membersRemoved(call: Call, key: Bytes, set: SortedSet, count: number, event: string): void {
  const { database } = call;
  if (count === 0) return;
  const ref = set.size === 0 ? database.peek(key) : absent;
  database.elementsRemoved(key, ref, set.size, EventClass.sortedSet, event, count);
}

/** Stores a set that was built, or removes the key if it has no members; replies how many it has. */
export function replyStored(call: Call, key: Bytes, built: TreeSortedSet, event: string, changes = 1): void {
  const { database, reply } = call;
  const { size } = built;
  reply.integer(size);
  if (size > 0) {
    storeSortedSet(database, key, built, sortedSetLimits(call));
    database.modified(key, EventClass.sortedSet, event, changes);
  } else database.removeAndTell(key);
}

const scoreText = new Bytes(Buffer.alloc(MAX_DOUBLE_LENGTH));

/** A score: a double, which in RESP2 is a bulk string. */
export function replyScore(reply: ReplyWriter, score: number): void {
  if (reply.protocol === 3) reply.double(formatDouble(score));
  else reply.bulk(scoreText.buffer, 0, writeDouble(scoreText.buffer, 0, score));
}

/** A score, or null for NaN, which no member has. */
export function replyScoreOrNull(reply: ReplyWriter, score: number): void {
  if (Number.isNaN(score)) reply.null();
  else replyScore(reply, score);
}

/** Begins an array of members. With scores it is flat in RESP2, and has pairs in RESP3. */
export function replyMemberCount(reply: ReplyWriter, count: number, withScores: boolean): void {
  reply.array(withScores && reply.protocol === 2 ? count * 2 : count);
}

/** An element of the array that `replyMemberCount` began. */
export function replyMember(reply: ReplyWriter, member: Bytes, score: number, withScores: boolean): void {
  if (withScores && reply.protocol === 3) reply.array(2);
  reply.bytes(member);
  if (withScores) replyScore(reply, score);
}
