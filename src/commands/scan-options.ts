import { Bytes } from '../bytes/bytes.js';
import { globMatch } from '../bytes/glob.js';
import { readCursor } from '../bytes/integers.js';
import type { Elements, Place } from '../keyspace/elements.js';
import { CommandError, errors } from '../protocol/errors.js';
import { ArgumentReader } from './arguments.js';
import type { Call } from './command.js';

const defaultCount = 10;
/** Buckets that one call looks at, at most, for each element it may return: they can be empty. */
const bucketsPerElement = 10;

/** What SCAN and its kin for collections have in common. */
export interface ScanOptions {
  /** Undefined for everything. */
  pattern: Bytes | undefined;
  count: number;
}

const star = Bytes.of('*');
const nameView = new Bytes();

/**
 * A cursor is any 64-bit number; those that `Table.scan` gives have 32 bits, and the rest of another is
 * ignored. So is what follows a NUL byte.
 */
export function cursorArgument(argument: Bytes): number {
  const nul = argument.subarray().indexOf(0);
  const end = nul < 0 ? argument.end : argument.start + nul;
  const cursor = readCursor(argument.buffer, argument.start, end);
  if (cursor === undefined) throw new CommandError('ERR invalid cursor');
  return Number(BigInt.asUintN(32, cursor));
}

/** Reads MATCH and COUNT from argument `position` on; `takeOther` takes what else the command knows. */
export function readScanOptions(
  { args, argc }: Call,
  position: number,
  takeOther: (reader: ArgumentReader) => boolean,
): ScanOptions {
  const reader = new ArgumentReader(args, argc, position);
  const options: ScanOptions = { pattern: undefined, count: defaultCount };
  while (!reader.done) {
    if (reader.take('count')) options.count = scanCount(reader);
    else if (reader.take('match')) options.pattern = patternArgument(reader);
    else if (!takeOther(reader)) throw new CommandError(errors.syntax);
  }
  return options;
}

function scanCount(reader: ArgumentReader): number {
  const count = reader.long();
  if (count < 1) throw new CommandError(errors.syntax);
  return count;
}

function patternArgument(reader: ArgumentReader): Bytes | undefined {
  const pattern = reader.next();
  return pattern.equals(star) ? undefined : pattern;
}

/**
 * Walks through the buckets of a table from a cursor on, until `count` elements were visited, or many buckets without
 * any. Returns the cursor to go on from, 0 at the end.
 */
export function scanSome<Element extends unknown[]>(
  table: { scan(cursor: number, visit: (...element: Element) => void): number },
  start: number,
  count: number,
  visit: (...element: Element) => void,
): number {
  let seen = 0;
  const counted = (...element: Element) => {
    seen++;
    visit(...element);
  };
  let cursor = start;
  let bucketsLeft = count * bucketsPerElement;
  do {
    cursor = table.scan(cursor, counted);
    bucketsLeft--;
  } while (cursor !== 0 && seen < count && bucketsLeft > 0);
  return cursor;
}

/** Answers HSCAN, SSCAN: the next cursor, and of each element found what `write` writes, `width` replies. */
export function replyScan(
  { reply }: Call,
  elements: Elements,
  start: number,
  { pattern, count }: ScanOptions,
  width: number,
  write: (place: Place) => void,
): void {
  const found: Place[] = [];
  const cursor = scanSome(elements, start, count, (place: Place) => {
    if (elements.isHidden(place)) return;
    if (pattern !== undefined) {
      elements.nameAt(place, nameView);
      if (!globMatch(pattern, nameView)) return;
    }
    found.push(place);
  });
  reply.array(2);
  reply.text(String(cursor));
  reply.array(found.length * width);
  for (const place of found) write(place);
}

/** Answers HSCAN, SSCAN on a key that is absent. */
export function replyEmptyScan({ reply }: Call): void {
  reply.array(2);
  reply.text('0');
  reply.array(0);
}
