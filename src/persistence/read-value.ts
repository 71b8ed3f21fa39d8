import { Bytes } from '../bytes/bytes.js';
import { parseDouble } from '../bytes/doubles.js';
import { NO_EXPIRY } from '../memory/entry.js';
import type { Quicklist } from '../values/quicklist.js';
import { expiringHashOf, hashOf, listOf, setOf, sortedSetOf } from './element-values.js';
import {
  GradualExpiringHash,
  GradualHash,
  GradualList,
  GradualSet,
  GradualSortedSet,
} from './gradual-values.js';
import { readZiplist, readZipmap } from './old-packings.js';
import {
  elementsOf,
  isUsualNode,
  notANumber,
  packedListOf,
  packedSortedSetOf,
  readExpiringListpack,
  readIntset,
  readListpack,
  readListpackHash,
  readListpackSet,
  readListpackSortedSet,
} from './packed-values.js';
import type { RdbReader } from './rdb-reader.js';
import { ListNode, RdbType } from './rdb-types.js';
import {
  emptyValue,
  type GradualValue,
  type SavedValue,
  stringValue,
  type ValueTarget,
} from './saved-value.js';
import { loadStream } from './stream-load.js';

/**
 * Reads a value of one form: all of it, or its beginning, where it may be large. Throws RdbError for bytes that are not
 * one, and changes nothing; or what the reader throws where the bytes at hand end, to be called again with more.
 */
export type ValueReader = (reader: RdbReader, target: ValueTarget) => SavedValue | GradualValue;

/** How each form is read. */
const readers = new Map<number, ValueReader>([
  [RdbType.string, (reader) => stringValue(reader.string())],
  [RdbType.list, (reader, target) => new GradualList(reader.count(), target, pushOne)],
  [RdbType.listZiplist, (reader, target) => listOf(ziplist(reader, 'List ziplist'), target)],
  [RdbType.listZiplists, (reader, target) => new GradualList(reader.count(), target, pushZiplist)],
  [RdbType.listListpacks, readListpacks],
  [RdbType.set, readSet],
  [RdbType.setIntset, readIntset],
  [RdbType.setListpack, readListpackSet],
  [RdbType.hash, readHash],
  [
    RdbType.hashZipmap,
    (reader, target) => hashOf(reader, packed(reader, 'Zipmap', readZipmap), target, 'Zipmap'),
  ],
  [
    RdbType.hashZiplist,
    (reader, target) => hashOf(reader, ziplist(reader, 'Hash ziplist'), target, 'Hash ziplist'),
  ],
  [RdbType.hashListpack, readListpackHash],
  [RdbType.expiringHashEarly, (reader, target) => readExpiringHash(reader, target, 1)],
  [RdbType.expiringHashListpackEarly, readExpiringListpack],
  [RdbType.expiringHash, (reader, target) => readExpiringHash(reader, target, reader.time())],
  [
    RdbType.expiringHashListpack,
    (reader, target) => {
      reader.time();
      return readExpiringListpack(reader, target);
    },
  ],
  [RdbType.sortedSetText, (reader, target) => readSortedSet(reader, target, textScore)],
  [RdbType.sortedSet, (reader, target) => readSortedSet(reader, target, binaryScore)],
  [
    RdbType.sortedSetZiplist,
    (reader, target) => packedSortedSetOf(reader, ziplist(reader, 'Zset ziplist'), target, 'Zset ziplist'),
  ],
  [RdbType.sortedSetListpack, readListpackSortedSet],
  [RdbType.streamListpacks, (reader, target) => loadStream(reader, target, 1)],
  [RdbType.streamListpacks2, (reader, target) => loadStream(reader, target, 2)],
  [RdbType.streamListpacks3, (reader, target) => loadStream(reader, target, 3)],
]);

/** Begins to read a value of that form, or reads all of it. Throws RdbError. */
export function beginValue(reader: RdbReader, type: number, target: ValueTarget): SavedValue | GradualValue {
  const read = readers.get(type);
  if (read === undefined) throw refusal(reader, type);
  return read(reader, target);
}

/** True for bytes that begin a key with its value. */
export function isValueType(type: number): boolean {
  return readers.has(type) || type === RdbType.module || type === RdbType.module2;
}

export function isGradual(value: SavedValue | GradualValue): value is GradualValue {
  return 'readMore' in value;
}

/** Reads a value of that form whose bytes are all there. Throws RdbError. */
export function readValue(reader: RdbReader, type: number, target: ValueTarget): SavedValue {
  const value = beginValue(reader, type, target);
  if (!isGradual(value)) return value;
  try {
    for (;;) {
      const whole = value.readMore(reader);
      if (whole !== undefined) return whole;
    }
  } catch (error) {
    value.discard();
    throw error;
  }
}

function refusal(reader: RdbReader, type: number): Error {
  if (type === RdbType.module) return reader.fail('a value of a module, in a form of before Redis 5');
  if (type === RdbType.module2)
    return reader.fail(`a value of the module ${moduleName(reader)}, which is not there`);
  return reader.fail(`values of type ${type} are not supported`);
}

const moduleLetters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** The name of a module's type: nine letters of 6 bits, then 10 bits of a version. */
export function moduleName(reader: RdbReader): string {
  // The reader refuses lengths of more than 53 bits, which ids usually have: so they are read as bytes.
  const first = reader.byte();
  if (first !== 0x81) return 'unknown';
  const { buffer, start } = reader.raw(8);
  const id = buffer.readBigUInt64BE(start);
  let name = '';
  for (let shift = 58n; shift >= 10n; shift -= 6n) name += moduleLetters[Number((id >> shift) & 63n)];
  return name;
}

function pushOne(reader: RdbReader, list: Quicklist): void {
  reader.stringInto(view);
  list.pushLast(view);
}

/** An element that had a node of its own for its size; so it has one. */
function pushPlain(reader: RdbReader, list: Quicklist): void {
  reader.stringInto(view);
  if (view.length === 0) throw reader.fail('a node of a list without bytes');
  list.pushLast(view);
}

function pushZiplist(reader: RdbReader, list: Quicklist): void {
  for (const element of ziplist(reader, 'Quicklist ziplist')) list.pushLast(element);
}

function readListpacks(reader: RdbReader, target: ValueTarget): SavedValue | GradualValue {
  const nodes = reader.count();
  if (nodes !== 1) return new GradualList(nodes, target, pushNode);
  const before = reader.offset;
  if (reader.length() === ListNode.packed) {
    const value = packedListOf(readListpack(reader, 'Quicklist listpack'), target);
    if (value !== undefined) return value;
  }
  reader.offset = before;
  return new GradualList(nodes, target, pushNode);
}

function pushNode(reader: RdbReader, list: Quicklist): void {
  const container = reader.length();
  if (container === ListNode.plain) return pushPlain(reader, list);
  if (container !== ListNode.packed) throw reader.fail(`unknown list node ${container}`);
  const bytes = readListpack(reader, 'Quicklist listpack');
  if (isUsualNode(bytes)) list.appendListpack(bytes.buffer, bytes.start, bytes.length);
  else for (const element of elementsOf(bytes)) list.pushLast(element);
}

function readSet(reader: RdbReader, target: ValueTarget): SavedValue | GradualValue {
  const count = reader.count();
  if (count === 0) return emptyValue;
  const { 'set-max-intset-entries': integers, 'set-max-listpack-entries': listpack } = target.limits;
  if (count > Math.max(integers, listpack)) return new GradualSet(count, target);
  return setOf(reader, strings(reader, count), target);
}

function readHash(reader: RdbReader, target: ValueTarget): SavedValue | GradualValue {
  const count = reader.count();
  if (count > target.limits['hash-max-listpack-entries']) return new GradualHash(count, target);
  return hashOf(reader, strings(reader, count * 2), target);
}

/** For each field: 0 if it does not expire, else when, counted from the moment before `earliest`; field; value. */
function readExpiringHash(
  reader: RdbReader,
  target: ValueTarget,
  earliest: number,
): SavedValue | GradualValue {
  const expiry = (from: RdbReader) => {
    const later = from.length();
    return later === 0 ? NO_EXPIRY : earliest + later - 1;
  };
  const count = reader.count();
  if (count > target.limits['hash-max-listpack-entries'])
    return new GradualExpiringHash(count, target, expiry);
  const pairs: Bytes[] = [];
  const expiries: number[] = [];
  for (let left = count; left > 0; left--) {
    expiries.push(expiry(reader));
    pairs.push(reader.string(), reader.string());
  }
  return expiringHashOf(reader, pairs, expiries, target);
}

function readSortedSet(
  reader: RdbReader,
  target: ValueTarget,
  readScore: (reader: RdbReader) => number,
): SavedValue | GradualValue {
  const count = reader.count();
  if (count > target.limits['zset-max-listpack-entries'])
    return new GradualSortedSet(count, target, readScore);
  const members: Bytes[] = [];
  const scores: number[] = [];
  for (let left = count; left > 0; left--) {
    members.push(reader.string());
    scores.push(readScore(reader));
  }
  return sortedSetOf(reader, members, scores, target);
}

function strings(reader: RdbReader, count: number): Bytes[] {
  const elements: Bytes[] = [];
  while (elements.length < count) elements.push(reader.string());
  return elements;
}

function packed(reader: RdbReader, what: string, read: (bytes: Bytes) => Bytes[] | undefined): Bytes[] {
  const elements = read(reader.string());
  if (elements === undefined) throw reader.fail(`${what} integrity check failed before the byte`);
  return elements;
}

function ziplist(reader: RdbReader, what: string): Bytes[] {
  return packed(reader, what, readZiplist);
}

const view = new Bytes();

function binaryScore(reader: RdbReader): number {
  const score = reader.double();
  if (Number.isNaN(score)) throw notANumber(reader);
  return score;
}

/** A byte with the length of the text; three values of it are numbers that have no digits. */
function textScore(reader: RdbReader): number {
  const length = reader.byte();
  if (length === 253) throw notANumber(reader);
  if (length === 254) return Number.POSITIVE_INFINITY;
  if (length === 255) return Number.NEGATIVE_INFINITY;
  const { buffer, start, end } = reader.raw(length);
  const score = parseDouble(buffer, start, end);
  if (score === undefined || Number.isNaN(score)) throw notANumber(reader);
  return score;
}
