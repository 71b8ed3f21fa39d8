import { Bytes } from '../bytes/bytes.js';
import { parseDouble } from '../bytes/doubles.js';
import { ValueType } from '../keyspace/events.js';
import { NO_EXPIRY } from '../memory/entry.js';
import { Intset, isValidIntset } from '../memory/intset.js';
import {
  END,
  elementLength,
  HEADER_LENGTH,
  isIntegerAt,
  isValidListpack,
  readElement,
} from '../memory/listpack-format.js';
import { readZiplist, readZipmap } from './old-packings.js';
import type { RdbReader } from './rdb-reader.js';
import { ListNode, RdbType } from './rdb-types.js';

/** A value as it was saved, checked: nothing is there twice, and nothing is empty but strings. Views of what was read. */
export type SavedValue =
  | { type: typeof ValueType.string; bytes: Bytes }
  | { type: typeof ValueType.list | typeof ValueType.set; elements: Bytes[] }
  | { type: typeof ValueType.sortedSet; members: Bytes[]; scores: number[] }
  /** Fields and values, one after the other; `expiries`, if there are any: unix ms or NO_EXPIRY, by field. */
  | { type: typeof ValueType.hash; pairs: Bytes[]; expiries?: number[] };

type Reader = (reader: RdbReader) => SavedValue;

/** How each form is read. Streams and modules are not among them yet. */
const readers = new Map<number, Reader>([
  [RdbType.string, (reader) => ({ type: ValueType.string, bytes: reader.string() })],
  [RdbType.list, (reader) => list(reader, strings(reader, reader.count()))],
  [RdbType.listZiplist, (reader) => list(reader, ziplist(reader))],
  [
    RdbType.listZiplists,
    (reader) =>
      list(
        reader,
        nodes(reader, () => ziplist(reader)),
      ),
  ],
  [
    RdbType.listListpacks,
    (reader) =>
      list(
        reader,
        nodes(reader, () => listNode(reader)),
      ),
  ],
  [RdbType.set, (reader) => set(reader, strings(reader, reader.count()))],
  [RdbType.setIntset, (reader) => set(reader, intset(reader))],
  [RdbType.setListpack, (reader) => set(reader, listpack(reader))],
  [RdbType.hash, (reader) => hash(reader, strings(reader, reader.count() * 2))],
  [RdbType.hashZipmap, (reader) => hash(reader, packed(reader, 'zipmap', readZipmap))],
  [RdbType.hashZiplist, (reader) => hash(reader, ziplist(reader))],
  [RdbType.hashListpack, (reader) => hash(reader, listpack(reader))],
  [RdbType.expiringHash, readExpiringHash],
  [RdbType.expiringHashListpack, readExpiringListpack],
  [RdbType.sortedSetText, (reader) => scored(reader, () => textScore(reader))],
  [RdbType.sortedSet, (reader) => scored(reader, () => reader.double())],
  [RdbType.sortedSetZiplist, (reader) => packedSortedSet(reader, ziplist(reader))],
  [RdbType.sortedSetListpack, (reader) => packedSortedSet(reader, listpack(reader))],
]);

/** Reads a value of that form. Throws RdbError; changes nothing. */
export function readValue(reader: RdbReader, type: number): SavedValue {
  const read = readers.get(type);
  if (read === undefined) throw reader.fail(`values of type ${type} are not supported`);
  return read(reader);
}

function list(reader: RdbReader, elements: Bytes[]): SavedValue {
  if (elements.length === 0) throw reader.fail('empty list');
  return { type: ValueType.list, elements };
}

function set(reader: RdbReader, elements: Bytes[]): SavedValue {
  requireDistinct(reader, elements, 1, 'set');
  return { type: ValueType.set, elements };
}

function hash(reader: RdbReader, pairs: Bytes[], expiries?: number[]): SavedValue {
  if (pairs.length % 2 !== 0) throw reader.fail('hash with a field without a value');
  requireDistinct(reader, pairs, 2, 'hash');
  return expiries === undefined ? { type: ValueType.hash, pairs } : { type: ValueType.hash, pairs, expiries };
}

function sortedSet(reader: RdbReader, members: Bytes[], scores: number[]): SavedValue {
  requireDistinct(reader, members, 1, 'sorted set');
  if (scores.some(Number.isNaN)) throw reader.fail('sorted set with a score that is no number');
  return { type: ValueType.sortedSet, members, scores };
}

/** Each `stride`-th element is a name, of which there must be one at least and none twice. */
function requireDistinct(reader: RdbReader, elements: Bytes[], stride: number, what: string): void {
  if (elements.length === 0) throw reader.fail(`empty ${what}`);
  const names = new Set<string>();
  for (let i = 0; i < elements.length; i += stride) names.add(elements[i].latin1());
  if (names.size < elements.length / stride) throw reader.fail(`${what} with an element twice`);
}

function strings(reader: RdbReader, count: number): Bytes[] {
  const elements: Bytes[] = [];
  while (elements.length < count) elements.push(reader.string());
  return elements;
}

function nodes(reader: RdbReader, readNode: () => Bytes[]): Bytes[] {
  const elements: Bytes[] = [];
  for (let left = reader.count(); left > 0; left--) for (const one of readNode()) elements.push(one);
  return elements;
}

function listNode(reader: RdbReader): Bytes[] {
  const container = reader.length();
  if (container === ListNode.plain) return [reader.string()];
  if (container !== ListNode.packed) throw reader.fail(`unknown list node ${container}`);
  return listpack(reader);
}

function packed(reader: RdbReader, what: string, read: (bytes: Bytes) => Bytes[] | undefined): Bytes[] {
  const elements = read(reader.string());
  if (elements === undefined) throw reader.fail(`invalid ${what} before the byte`);
  return elements;
}

function ziplist(reader: RdbReader): Bytes[] {
  return packed(reader, 'ziplist', readZiplist);
}

function listpack(reader: RdbReader): Bytes[] {
  return packed(reader, 'listpack', readListpack);
}

function intset(reader: RdbReader): Bytes[] {
  return packed(reader, 'intset', readIntset);
}

function readListpack({ buffer, start, end }: Bytes): Bytes[] | undefined {
  if (!isValidListpack(buffer, start, end)) return undefined;
  const elements: Bytes[] = [];
  for (let at = start + HEADER_LENGTH; buffer[at] !== END; at += elementLength(buffer, at)) {
    const element = new Bytes(buffer);
    readElement(buffer, at, element);
    elements.push(isIntegerAt(buffer, at) ? element.copy() : element);
  }
  return elements;
}

function readIntset({ buffer, start, end }: Bytes): Bytes[] | undefined {
  if (!isValidIntset(buffer, start, end)) return undefined;
  const integers = new Intset({
    buffer,
    offset: start,
    length: end - start,
    beforeChange: refuse,
    resize: refuse,
  });
  return Array.from({ length: integers.count }, (_, index) => Bytes.of(integers.get(index).toString()));
}

function refuse(): never {
  throw new Error('an intset that is only read has another length');
}

function scored(reader: RdbReader, readScore: () => number): SavedValue {
  const members: Bytes[] = [];
  const scores: number[] = [];
  for (let left = reader.count(); left > 0; left--) {
    members.push(reader.string());
    scores.push(readScore());
  }
  return sortedSet(reader, members, scores);
}

/** A byte with the length of the text; three values of it are numbers that have no digits. */
function textScore(reader: RdbReader): number {
  const length = reader.byte();
  if (length === 253) return Number.NaN;
  if (length === 254) return Number.POSITIVE_INFINITY;
  if (length === 255) return Number.NEGATIVE_INFINITY;
  return parseScore(reader.raw(length));
}

function parseScore({ buffer, start, end }: Bytes): number {
  return parseDouble(buffer, start, end) ?? Number.NaN;
}

function packedSortedSet(reader: RdbReader, elements: Bytes[]): SavedValue {
  if (elements.length % 2 !== 0) throw reader.fail('sorted set with a member without a score');
  const members = elements.filter((_, i) => i % 2 === 0);
  const scores = elements.filter((_, i) => i % 2 === 1).map(parseScore);
  return sortedSet(reader, members, scores);
}

/** The earliest time, then for each field: its time less the earliest and plus one, or 0 for none; field; value. */
function readExpiringHash(reader: RdbReader): SavedValue {
  const earliest = reader.time();
  const pairs: Bytes[] = [];
  const expiries: number[] = [];
  for (let left = reader.count(); left > 0; left--) {
    const later = reader.length();
    expiries.push(later === 0 ? NO_EXPIRY : earliest + later - 1);
    pairs.push(reader.string(), reader.string());
  }
  return checkedExpiries(reader, pairs, expiries);
}

/** The earliest time, then a listpack of field, value and time, 0 for none. */
function readExpiringListpack(reader: RdbReader): SavedValue {
  reader.time();
  const elements = listpack(reader);
  if (elements.length % 3 !== 0) throw reader.fail('hash with a field without a time');
  const pairs = elements.filter((_, i) => i % 3 !== 2);
  const times = elements.filter((_, i) => i % 3 === 2);
  return checkedExpiries(
    reader,
    pairs,
    times.map((time) => parseScore(time) || NO_EXPIRY),
  );
}

function checkedExpiries(reader: RdbReader, pairs: Bytes[], expiries: number[]): SavedValue {
  for (const when of expiries) {
    if (when !== NO_EXPIRY && !(Number.isInteger(when) && when > 0 && when < 2 ** 46))
      throw reader.fail('hash with a field whose time cannot be');
  }
  return hash(reader, pairs, expiries);
}
