import type { Bytes } from '../bytes/bytes.js';
import { inspectListpack, ListpackReport } from '../memory/listpack-check.js';
import { END, elementLength, HEADER_LENGTH, integerAt, isIntegerAt } from '../memory/listpack-format.js';
import { StreamId } from '../values/stream-id.js';
import { EntryFlag, readEntryId } from '../values/stream-node.js';

const previous = new StreamId();
const report = new ListpackReport();
const masterWords = new Int32Array(4);
/** Where the check is. */
const walk = { buffer: Buffer.alloc(0) as Buffer, at: 0 };

/**
 * True if the bytes are a stream's node in every part: the listpack, its counts, the entries' forms, and IDs that
 * ascend from the master ID. Sets `last` to the ID of the last entry, deleted or not. For bytes from files and from
 * the network.
 */
export function checkStreamNode({ buffer, start, end }: Bytes, master: StreamId, last: StreamId): boolean {
  if (!inspectListpack(buffer, start, end, report)) return false;
  walk.buffer = buffer;
  walk.at = start + HEADER_LENGTH;
  masterWords.set([master.msHigh, master.msLow, master.seqHigh, master.seqLow]);
  const live = takeCount();
  const deleted = takeCount();
  const fields = takeCount();
  if (!(live >= 0 && deleted >= 0 && fields >= 0) || live + deleted === 0) return false;
  if (!skip(fields) || takeCount() !== 0) return false;
  let flagged = 0;
  for (let left = live + deleted; left > 0; left--) {
    const flags = buffer[walk.at];
    if (!takeEntry(fields, last)) return false;
    const order = last.compare(left === live + deleted ? master : previous);
    if (left === live + deleted ? order < 0 : order <= 0) return false;
    previous.assign(last);
    if ((flags & EntryFlag.deleted) !== 0) flagged++;
  }
  return flagged === deleted && buffer[walk.at] === END;
}

/** The next element if it is a number from 0 on that is no more than a listpack could hold, or NaN. */
function takeCount(): number {
  const n = takeInteger();
  return n >= 0 && n < 2 ** 32 ? n : Number.NaN;
}

/** The next element if it is an integer, or NaN. */
function takeInteger(): number {
  const { buffer, at } = walk;
  if (buffer[at] === END) return Number.NaN;
  const n = integerAt(buffer, at);
  walk.at += elementLength(buffer, at);
  return n;
}

/** Goes over so many elements. False if there are not as many. */
function skip(elements: number): boolean {
  for (let left = elements; left > 0; left--) {
    if (walk.buffer[walk.at] === END) return false;
    walk.at += elementLength(walk.buffer, walk.at);
  }
  return true;
}

/** Goes over an entry and reads its ID. False if it has not the form of one. */
function takeEntry(masterFields: number, into: StreamId): boolean {
  const { buffer, at } = walk;
  const flags = buffer[at]; // in place, so it must be in the shortest form
  if (flags > (EntryFlag.deleted | EntryFlag.sameFields)) return false;
  walk.at += 2;
  const ids = walk.at;
  if (!takeAnyInteger() || !takeAnyInteger()) return false;
  readEntryId(buffer, ids, masterWords, 0, into);
  const same = (flags & EntryFlag.sameFields) !== 0;
  const fields = same ? masterFields : takeCount();
  if (Number.isNaN(fields)) return false;
  const elements = same ? 3 + fields : 4 + 2 * fields;
  return skip(same ? fields : 2 * fields) && takeCount() === elements;
}

/** Goes over the next element. False if it is no integer. */
function takeAnyInteger(): boolean {
  const { buffer, at } = walk;
  if (buffer[at] === END || !isIntegerAt(buffer, at)) return false;
  walk.at += elementLength(buffer, at);
  return true;
}
