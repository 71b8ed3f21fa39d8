import { Bytes } from '../bytes/bytes.js';
import { parseDouble } from '../bytes/doubles.js';
import { kinds } from '../keyspace/kinds.js';
import { NO_EXPIRY } from '../memory/entry.js';
import { Intset, isValidIntset } from '../memory/intset.js';
import { hasDistinctElements, inspectListpack, ListpackReport } from '../memory/listpack-check.js';
import {
  END,
  elementLength,
  HEADER_LENGTH,
  integerAt,
  isIntegerAt,
  readElement,
} from '../memory/listpack-format.js';
import { expiringHashOf, hashOf, lastExpiryPossible, setOf, sortedSetOf, twice } from './element-values.js';
import type { RdbReader } from './rdb-reader.js';
import { emptyValue, packedValue, type SavedValue, type ValueTarget } from './saved-value.js';

/**
 * Values that were saved packed. Where the bytes are just what this server would have, they are the value: checked, and
 * copied. Else it is built of their elements, so that no file can bring a structure that is not what it should be.
 */

const report = new ListpackReport();
const view = new Bytes();
const before = new Bytes();

/** A listpack that is one from its first byte to its last. `report` says more of it. */
export function readListpack(reader: RdbReader, what: string): Bytes {
  const bytes = reader.string();
  if (!inspectListpack(bytes.buffer, bytes.start, bytes.end, report)) {
    throw reader.fail(`${what} integrity check failed before the byte`);
  }
  return bytes;
}

/** Its elements, views of it but for integers. */
export function elementsOf({ buffer, start }: Bytes): Bytes[] {
  const elements: Bytes[] = [];
  for (let at = start + HEADER_LENGTH; buffer[at] !== END; at += elementLength(buffer, at)) {
    const element = new Bytes(buffer);
    readElement(buffer, at, element);
    elements.push(isIntegerAt(buffer, at) ? element.copy() : element);
  }
  return elements;
}

/** A list of one listpack that this server would have as one; else undefined. */
export function packedListOf(
  bytes: Bytes,
  { keyspace: { listSettings } }: ValueTarget,
): SavedValue | undefined {
  const fits = report.canonical && !listSettings.exceeded(bytes.length, report.count);
  return fits ? packedValue(kinds.listpackList, bytes) : undefined;
}

/** True of the listpack that was read last if it can be the node of a list. */
export function isUsualNode(bytes: Bytes): boolean {
  return report.canonical && report.count > 0 && bytes.length <= largestNode;
}

/** Redis makes no nodes of more bytes, but of elements that are larger. */
const largestNode = 65536 + 32;

export function readListpackHash(reader: RdbReader, target: ValueTarget): SavedValue {
  const bytes = readListpack(reader, 'Hash listpack');
  const { count } = report;
  if (count === 0) return emptyValue;
  if (count % 2 !== 0) throw reader.fail('hash with a field without a value');
  if (report.canonical && count / 2 <= target.limits['hash-max-listpack-entries']) {
    if (target.unsanitized !== true) requireDistinct(reader, bytes, count / 2, 2, 'Hash listpack');
    return packedValue(kinds.listpackHash, bytes);
  }
  return hashOf(reader, elementsOf(bytes), target, 'Hash listpack');
}

export function readListpackSet(reader: RdbReader, target: ValueTarget): SavedValue {
  const bytes = readListpack(reader, 'Set listpack');
  const { count } = report;
  if (count === 0) return emptyValue;
  if (report.canonical && count <= target.limits['set-max-listpack-entries']) {
    if (!hasDistinctElements(bytes.buffer, bytes.start, count, 1)) {
      if (target.unsanitized !== true) throw twice(reader, 'Set listpack');
      target.keyspace.repeatedMembers = true;
    }
    return packedValue(kinds.listpackSet, bytes);
  }
  return setOf(reader, elementsOf(bytes), target, 'Set listpack');
}

export function readIntset(reader: RdbReader, target: ValueTarget): SavedValue {
  const bytes = reader.string();
  const { buffer, start, end } = bytes;
  if (!isValidIntset(buffer, start, end)) throw reader.fail('Intset integrity check failed before the byte');
  const integers = new Intset({
    buffer,
    offset: start,
    length: end - start,
    beforeChange: refuse,
    resize: refuse,
  });
  const { count } = integers;
  if (count === 0) return emptyValue;
  if (count <= target.limits['set-max-intset-entries']) return packedValue(kinds.intset, bytes);
  const members = Array.from({ length: count }, (_, index) => Bytes.of(integers.get(index).toString()));
  return setOf(reader, members, target);
}

function refuse(): never {
  throw new Error('an intset that is only read has another length');
}

export function readListpackSortedSet(reader: RdbReader, target: ValueTarget): SavedValue {
  const bytes = readListpack(reader, 'Zset listpack');
  const { count } = report;
  if (count === 0) return emptyValue;
  if (count % 2 !== 0) throw reader.fail('sorted set with a member without a score');
  const fits = report.canonical && count / 2 <= target.limits['zset-max-listpack-entries'];
  if (fits && isOrdered(reader, bytes)) {
    requireDistinct(reader, bytes, count / 2, 2, 'Zset listpack');
    return packedValue(kinds.listpackSortedSet, bytes);
  }
  return packedSortedSetOf(reader, elementsOf(bytes), target, 'Zset listpack');
}

/** A sorted set of members and scores as text, one after the other. */
export function packedSortedSetOf(
  reader: RdbReader,
  elements: Bytes[],
  target: ValueTarget,
  what: string,
): SavedValue {
  if (elements.length % 2 !== 0) throw reader.fail('sorted set with a member without a score');
  const members = elements.filter((_, i) => i % 2 === 0);
  const scores = elements
    .filter((_, i) => i % 2 === 1)
    .map(({ buffer, start, end }) => {
      const score = parseDouble(buffer, start, end);
      if (score === undefined || Number.isNaN(score)) throw notANumber(reader);
      return score;
    });
  return sortedSetOf(reader, members, scores, target, what);
}

export function notANumber(reader: RdbReader): Error {
  return reader.fail('sorted set with a score that is no number');
}

/** True if the pairs are in the order of scores, then members. Throws if a score is none. */
function isOrdered(reader: RdbReader, { buffer, start }: Bytes): boolean {
  let previous = Number.NEGATIVE_INFINITY;
  let previousAt = 0;
  for (let at = start + HEADER_LENGTH; buffer[at] !== END; ) {
    const scoreAt = at + elementLength(buffer, at);
    const score = scoreOf(reader, buffer, scoreAt);
    if (score < previous) return false;
    if (score === previous && previousAt !== 0 && !isAscending(buffer, previousAt, at)) return false;
    previous = score;
    previousAt = at;
    at = scoreAt + elementLength(buffer, scoreAt);
  }
  return true;
}

function isAscending(buffer: Buffer, a: number, b: number): boolean {
  readElement(buffer, a, before);
  readElement(buffer, b, view);
  return before.buffer.compare(view.buffer, view.start, view.end, before.start, before.end) <= 0;
}

function scoreOf(reader: RdbReader, buffer: Buffer, at: number): number {
  const integer = integerAt(buffer, at);
  if (!Number.isNaN(integer)) return integer;
  readElement(buffer, at, view);
  const score = parseDouble(view.buffer, view.start, view.end);
  if (score === undefined || Number.isNaN(score)) throw notANumber(reader);
  return score;
}

/**
 * A hash in triples of field, value and expiry, 0 for none; in front of it, but for those of release candidates, the
 * earliest expiry.
 */
export function readExpiringListpack(reader: RdbReader, target: ValueTarget): SavedValue {
  const bytes = readListpack(reader, 'Hash listpack');
  const { count } = report;
  if (count === 0) return emptyValue;
  if (count % 3 !== 0) throw reader.fail('hash with a field without a time');
  if (report.canonical && count / 3 <= target.limits['hash-max-listpack-entries']) {
    const { buffer, start } = bytes;
    const kind = kindOfTriples(buffer, start);
    if (kind !== undefined) {
      requireDistinct(reader, bytes, count / 3, 3, 'Hash listpack');
      return packedValue(kind, bytes);
    }
  }
  const elements = elementsOf(bytes);
  const pairs = elements.filter((_, i) => i % 3 !== 2);
  const times = elements
    .filter((_, i) => i % 3 === 2)
    .map(({ buffer, start, end }) => parseDouble(buffer, start, end) || NO_EXPIRY);
  return expiringHashOf(reader, pairs, times, target, 'Hash listpack');
}

/** The kind of hash that the triples are as they lie there; undefined if they have to be put in order. */
function kindOfTriples(buffer: Buffer, start: number): number | undefined {
  let latest = 0;
  let expiring = false;
  for (let at = start + HEADER_LENGTH; buffer[at] !== END; ) {
    at += elementLength(buffer, at);
    at += elementLength(buffer, at);
    const time = integerAt(buffer, at);
    at += elementLength(buffer, at);
    const when = time === 0 ? NO_EXPIRY : time;
    // Also false of what is no number.
    if (!(when >= latest && (time === 0 || time < lastExpiryPossible))) return undefined;
    latest = when;
    if (time !== 0) expiring = true;
  }
  return expiring ? kinds.expiringListpackHash : kinds.restingListpackHash;
}

/** Of `names` elements, each `stride`-th, none may be there twice. */
function requireDistinct(reader: RdbReader, bytes: Bytes, names: number, stride: number, what: string): void {
  if (!hasDistinctElements(bytes.buffer, bytes.start, names, stride)) throw twice(reader, what);
}
