import { Bytes, copyBytes } from '../bytes/bytes.js';
import { absent, type Database } from '../keyspace/database.js';
import { EventClass, ValueType } from '../keyspace/events.js';
import { ListValue } from '../keyspace/list-value.js';
import type { Ref } from '../memory/arena.js';
import { CommandError, errors } from '../protocol/errors.js';
import type { ReplyWriter } from '../protocol/reply-writer.js';
import { ListCursor } from '../values/list-cursor.js';
import type { ArgumentReader } from './arguments.js';

/** An end of a list. True is the left one, the beginning. */
export type AtStart = boolean;

const left: AtStart = true;
const right: AtStart = false;

// Commands run one after the other, so that they can share these.
const list = new ListValue();
const destinationList = new ListValue();
const item = new Bytes();
const moved = [item];
const cursor = new ListCursor();

/**
 * The list of a live entry; throws CommandError if that is something else. The next call reuses the object.
 */
export function listOf(database: Database, ref: Ref): ListValue {
  checkIsList(database, ref);
  return list.open(database, ref);
}

/** Throws CommandError if an entry is there and no list. */
export function checkIsList(database: Database, ref: Ref): void {
  if (ref !== absent && database.typeOf(ref) !== ValueType.list) throw new CommandError(errors.wrongType);
}

/** The next argument: LEFT or RIGHT. */
export function endArgument(reader: ArgumentReader): AtStart {
  if (reader.take('left')) return left;
  if (reader.take('right')) return right;
  throw new CommandError(errors.syntax);
}

/** Pushes arguments from `from` on, one after the other. Returns the list's new length. */
export function pushArguments(
  database: Database,
  key: Bytes,
  ref: Ref,
  args: Bytes[],
  from: number,
  to: number,
  atStart: AtStart,
): number {
  if (ref === absent) list.create(database, key);
  else list.open(database, ref);
  list.pushAll(args, from, to, atStart);
  const { length } = list;
  database.modified(key, EventClass.list, atStart ? 'lpush' : 'rpush', to - from);
  return length;
}

/** Replies with the element at an end, and removes it. */
export function replyPop(
  database: Database,
  key: Bytes,
  ref: Ref,
  atStart: AtStart,
  reply: ReplyWriter,
): void {
  list.open(database, ref);
  list.end(atStart, item);
  reply.bytes(item);
  list.removeEnd(atStart);
  elementsRemoved(database, key, list, atStart ? 'lpop' : 'rpop', 1);
}

/** Replies with up to `count` elements from an end as an array, and removes them. Returns how many. */
export function replyPopSeveral(
  database: Database,
  key: Bytes,
  ref: Ref,
  atStart: AtStart,
  count: number,
  reply: ReplyWriter,
): number {
  list.open(database, ref);
  const { length } = list;
  const taken = Math.min(count, length);
  reply.array(taken);
  if (taken === 0) return 0;
  list.seek(cursor, atStart ? 0 : -1);
  for (let left = taken; left > 0; left--) {
    cursor.read(item);
    reply.bytes(item);
    if (atStart) cursor.next();
    else cursor.previous();
  }
  list.removeRange(atStart ? 0 : length - taken, taken);
  elementsRemoved(database, key, list, atStart ? 'lpop' : 'rpop', taken);
  return taken;
}

export function elementsRemoved(
  database: Database,
  key: Bytes,
  from: ListValue,
  event: string,
  removed: number,
): void {
  if (from.length > 0) from.shrink();
  database.elementsRemoved(key, from.ref, from.length, EventClass.list, event, removed);
}

/** Where LMOVE and its kin take an element and where they put it. */
export interface Move {
  source: Bytes;
  destination: Bytes;
  fromStart: AtStart;
  toStart: AtStart;
}

/**
 * Moves an element between two lists, or within one, and replies with it. `ref` is the source's entry, a
 * list.
 */
export function replyMove(database: Database, ref: Ref, move: Move, reply: ReplyWriter): void {
  const { source, destination, fromStart, toStart } = move;
  const target = database.write(destination);
  checkIsList(database, target);
  list.open(database, ref);
  list.end(fromStart, item);
  reply.bytes(item);
  moved[0] = hold(item);
  if (target === ref) {
    if (fromStart !== toStart) list.rotate(fromStart, moved[0]);
  } else {
    list.removeEnd(fromStart);
    // The source may be empty for a moment: nobody looks at it before it is removed below.
    if (target === absent) destinationList.create(database, destination);
    else destinationList.open(database, target);
    destinationList.pushAll(moved, 0, 1, toStart);
  }
  database.alsoModified(destination, EventClass.list, toStart ? 'lpush' : 'rpush');
  elementsRemoved(database, source, list, fromStart ? 'lpop' : 'rpop', 1);
}

const held = new Bytes(Buffer.alloc(256));

/** A copy of an element, valid until the next one is held. */
function hold(bytes: Bytes): Bytes {
  if (bytes.length > held.buffer.length) return bytes.copy();
  copyBytes(held.buffer, 0, bytes.buffer, bytes.start, bytes.end);
  held.end = bytes.length;
  return held;
}
