import { Bytes } from '../bytes/bytes.js';
import { parseDouble } from '../bytes/doubles.js';
import { absent, type Database } from '../keyspace/database.js';
import { EventClass, ValueType } from '../keyspace/events.js';
import { ListValue } from '../keyspace/list-value.js';
import { SetValue } from '../keyspace/set-value.js';
import { openAsTree } from '../keyspace/sorted-sets.js';
import type { Ref } from '../memory/arena.js';
import { CommandError, errors } from '../protocol/errors.js';
import { ListCursor } from '../values/list-cursor.js';
import { ArgumentReader } from './arguments.js';
import { ByteStrings } from './byte-strings.js';
import { type Call, type CommandSpec, type KeySpec, oneKey } from './command.js';
import { KeyPattern } from './key-pattern.js';
import type { FoundKey } from './keys-of.js';
import { integerBytes, integersOf, sortIntegers } from './sort-integers.js';
import { firstInOrder, type Ordering, reversed } from './sort-order.js';

const about = {
  group: 'generic' as const,
  complexity: 'O(N+M*log(M)) with N elements, and M of them returned; O(N) if they are not sorted.',
  types: { 'by-pattern': 'pattern' as const, 'get-pattern': 'pattern' as const },
  categories: ['-keyspace', 'set', 'sortedset', 'list', 'dangerous'],
};
const sorting =
  '[BY by-pattern] [LIMIT offset count] [GET get-pattern [GET get-pattern ...]] [ASC | DESC] [ALPHA]';

const patternKeys: KeySpec = {
  flags: 'RO access',
  begin: 'unknown',
  find: 'unknown',
  notes: 'The keys that BY and GET name depend on the elements.',
};

export const sortCommands: CommandSpec[] = [
  {
    ...about,
    name: 'sort',
    since: '1.0.0',
    summary: 'Sorts the elements of a list, a set or a sorted set, and gives or stores them.',
    syntax: `key ${sorting} [STORE destination]`,
    flags: ['write', 'denyoom'],
    keys: [
      ...oneKey('RO access'),
      patternKeys,
      {
        flags: 'OW update',
        begin: 'unknown',
        find: 'unknown',
        notes: 'STORE may stand anywhere among the arguments.',
      },
    ],
    findKeys: sortedAndStored,
    handler: (call) => sort(call, true),
  },
  {
    ...about,
    name: 'sort_ro',
    since: '7.0.0',
    summary: 'Sorts the elements of a list, a set or a sorted set, and gives them.',
    syntax: `key ${sorting}`,
    flags: ['readonly'],
    keys: [...oneKey('RO access'), patternKeys],
    findKeys: () => [{ position: 1, flags: 'RO access' }],
    handler: (call) => sort(call, false),
  },
];

/** Arguments that an option takes along, so that they are not mistaken for STORE. */
const optionValues = new Map([
  ['limit', 2],
  ['get', 1],
  ['by', 1],
]);

/** The key that is sorted, and that of the last STORE. */
function sortedAndStored(args: Bytes[], argc: number): FoundKey[] {
  let stored = 0;
  for (let i = 2; i < argc; i++) {
    const word = args[i].latin1().toLowerCase();
    if (word === 'store' && i + 1 < argc) stored = i + 1;
    i += optionValues.get(word) ?? 0;
  }
  const found = [{ position: 1, flags: 'RO access' }];
  return stored === 0 ? found : [...found, { position: stored, flags: 'OW update' }];
}

interface SortOptions {
  /** What to sort by, if not by the elements. */
  by: KeyPattern | undefined;
  /** BY names no key that depends on the element: the elements stay in their order. */
  keepOrder: boolean;
  gets: KeyPattern[];
  alpha: boolean;
  descending: boolean;
  offset: number;
  /** Negative: all. */
  count: number;
  store: Bytes | undefined;
}

function readOptions(reader: ArgumentReader, mayStore: boolean): SortOptions {
  const options: SortOptions = {
    by: undefined,
    keepOrder: false,
    gets: [],
    alpha: false,
    descending: false,
    offset: 0,
    count: -1,
    store: undefined,
  };
  while (!reader.done) {
    const { left } = reader;
    if (reader.take('asc')) options.descending = false;
    else if (reader.take('desc')) options.descending = true;
    else if (reader.take('alpha')) options.alpha = true;
    else if (left > 2 && reader.take('limit')) {
      options.offset = reader.long();
      options.count = reader.long();
    } else if (mayStore && left > 1 && reader.take('store')) options.store = reader.next();
    else if (left > 1 && reader.take('by')) readBy(options, reader.next());
    else if (left > 1 && reader.take('get')) options.gets.push(new KeyPattern(reader.next()));
    else throw new CommandError(errors.syntax);
  }
  return options;
}

/** A BY without `*` keeps the order, whatever other BY there is. */
function readBy(options: SortOptions, pattern: Bytes): void {
  options.by = new KeyPattern(pattern);
  if (!pattern.latin1().includes('*')) options.keepOrder = true;
}

function sort(call: Call, mayStore: boolean): void {
  const { database, args, argc } = call;
  const options = readOptions(new ArgumentReader(args, argc, 2), mayStore);
  const ref = database.read(args[1]);
  const numbers = ref === absent || !byTheirValue(options) ? undefined : integersOf(database, ref);
  if (numbers !== undefined) sortNumbers(call, numbers, options);
  else sortStrings(call, readElements(database, ref, options, call.fromScript), options);
}

/** True if the elements themselves are sorted and given, as numbers. */
function byTheirValue({ alpha, by, gets }: SortOptions): boolean {
  return !alpha && by === undefined && gets.length === 0;
}

function sortNumbers({ database, reply }: Call, numbers: Float64Array, options: SortOptions): void {
  const { start, end } = windowOf(numbers.length, options);
  const wanted = sortIntegers(numbers, options.descending, start, end);
  if (options.store !== undefined) {
    const output = new ByteStrings();
    for (let i = 0; i < wanted.length; i++) output.add(integerBytes(wanted[i]));
    reply.integer(store(database, options.store, output));
    return;
  }
  reply.array(wanted.length);
  for (let i = 0; i < wanted.length; i++) reply.bytes(integerBytes(wanted[i]));
}

function sortStrings({ database, reply }: Call, elements: ByteStrings, options: SortOptions): void {
  const { start, end } = windowOf(elements.length, options);
  const order = options.keepOrder ? undefined : sorted(database, elements, options, end);
  const indexes = order?.slice(start, end) ?? Array.from({ length: end - start }, (_, i) => start + i);
  if (options.store !== undefined) {
    reply.integer(store(database, options.store, collect(database, elements, indexes, options.gets)));
    return;
  }
  const element = new Bytes();
  const value = new Bytes();
  reply.array(indexes.length * (options.gets.length || 1));
  for (const index of indexes) {
    elements.read(index, element);
    if (options.gets.length === 0) reply.bytes(element);
    for (const pattern of options.gets) {
      if (pattern.read(database, element, value)) reply.bytes(value);
      else reply.null();
    }
  }
}

/** From which place to which (not included) the sorted elements are wanted. */
function windowOf(length: number, { offset, count }: SortOptions): { start: number; end: number } {
  const start = Math.min(Math.max(offset, 0), length);
  const end = count < 0 ? length : Math.min(start + count, length);
  return { start, end };
}

/**
 * Copies of the elements, in their own order, or in the reverse one where that is wanted. Where it is kept, only those
 * that are wanted. A set has no order that one could keep: what is stored of it, or given to a script, is sorted by
 * the members themselves.
 */
function readElements(database: Database, ref: Ref, options: SortOptions, forScript: boolean): ByteStrings {
  const elements = new ByteStrings();
  if (ref === absent) return elements;
  const type = database.typeOf(ref);
  if (type === ValueType.list) addItems(elements, database, ref, options);
  else if (type === ValueType.set) {
    addMembers(elements, database, ref);
    if (options.keepOrder && (forScript || options.store !== undefined)) {
      Object.assign(options, { keepOrder: false, alpha: true, by: undefined });
    }
  } else if (type === ValueType.sortedSet) addByScore(elements, database, ref, options);
  else throw new CommandError(errors.wrongType);
  return elements;
}

const view = new Bytes();
const list = new ListValue();
const set = new SetValue();
const cursor = new ListCursor();

function addItems(elements: ByteStrings, database: Database, ref: Ref, options: SortOptions): void {
  list.open(database, ref);
  const { start, end, backwards } = takeWindow(list.length, options);
  if (start === end) return;
  list.seek(cursor, backwards ? -1 - start : start);
  for (let i = start; i < end; i++) {
    cursor.read(view);
    elements.add(view);
    if (backwards) cursor.previous();
    else cursor.next();
  }
}

/**
 * Which elements of a value that has an order to read, counted from its end if `backwards`: all, if they are yet to be
 * sorted, else those that are wanted. Then the options want all of these.
 */
function takeWindow(
  length: number,
  options: SortOptions,
): { start: number; end: number; backwards: boolean } {
  if (!options.keepOrder) return { start: 0, end: length, backwards: false };
  const window = windowOf(length, options);
  options.offset = 0;
  options.count = -1;
  return { ...window, backwards: options.descending };
}

function addMembers(elements: ByteStrings, database: Database, ref: Ref): void {
  set.open(database, ref);
  set.forEach((place) => {
    set.nameAt(place, view);
    elements.add(view);
  });
}

function addByScore(elements: ByteStrings, database: Database, ref: Ref, options: SortOptions): void {
  const members = openAsTree(database, ref);
  const { size } = members;
  const { start, end, backwards } = takeWindow(size, options);
  const from = backwards ? size - end : start;
  members.visitRanks(from, from + end - start, backwards, (member) => elements.add(member));
}

/** The indexes of the first `wanted` elements in sorted order. */
function sorted(
  database: Database,
  elements: ByteStrings,
  { alpha, by, descending }: SortOptions,
  wanted: number,
): number[] {
  const ordering = alpha ? alphabetically(database, elements, by) : numerically(database, elements, by);
  return firstInOrder(descending ? reversed(ordering) : ordering, wanted);
}

/** By the elements, or by the strings that a pattern names; those without come first. */
function alphabetically(database: Database, elements: ByteStrings, by: KeyPattern | undefined): Ordering {
  const strings = by === undefined ? elements : new ByteStrings();
  const keys = new Float64Array(elements.length);
  for (let i = 0; by !== undefined && i < keys.length; i++) {
    if (!by.read(database, elements.read(i, view), value)) {
      keys[i] = -1;
      value.start = value.end = 0; // where it pointed may be gone
    }
    strings.add(value);
  }
  // Most comparisons are decided by numbers, which takes a fraction of the time.
  const common = strings.commonPrefix();
  for (let i = 0; i < keys.length; i++) if (keys[i] === 0) keys[i] = strings.sixBytes(i, common);
  return { keys, tie: (a, b) => strings.compare(a, b) };
}

const value = new Bytes();

/**
 * By the numbers that the elements are, or that a pattern names, 0 where it names none; then by the elements'
 * bytes.
 */
function numerically(database: Database, elements: ByteStrings, by: KeyPattern | undefined): Ordering {
  const keys = new Float64Array(elements.length);
  for (let i = 0; i < keys.length; i++) {
    elements.read(i, view);
    if (by === undefined) keys[i] = scoreOf(view);
    else if (by.read(database, view, value)) keys[i] = scoreOf(value);
  }
  return { keys, tie: (a, b) => elements.compare(a, b) };
}

/**
 * A number as C reads it: blanks before it, or nothing at all, which is 0, will do; and it ends at a zero
 * byte.
 */
function scoreOf(bytes: Bytes): number {
  const { buffer } = bytes;
  let { start, end } = bytes;
  const quick = parseDouble(buffer, start, end);
  if (quick !== undefined) return quick;
  if (start === end || buffer[start] === 0) return 0;
  while (start < end && isBlank(buffer[start])) start++;
  const zero = buffer.subarray(start, end).indexOf(0);
  if (zero >= 0) end = start + zero;
  const score = parseDouble(buffer, start, end);
  if (score === undefined) throw new CommandError("ERR One or more scores can't be converted into double");
  return score;
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

/** What will be stored: the elements, or what the patterns name, with an empty string for what is missing. */
function collect(
  database: Database,
  elements: ByteStrings,
  indexes: number[],
  gets: KeyPattern[],
): ByteStrings {
  const output = new ByteStrings();
  const element = new Bytes();
  for (const index of indexes) {
    elements.read(index, element);
    if (gets.length === 0) output.add(element);
    for (const pattern of gets) {
      if (!pattern.read(database, element, value)) value.start = value.end = 0;
      output.add(value);
    }
  }
  return output;
}

/** Stores a list of these elements, or removes the key if there are none. Returns how many. */
function store(database: Database, key: Bytes, output: ByteStrings): number {
  const { length } = output;
  if (length > 0) {
    list.create(database, key).pushAll(output.views(), 0, length, false);
    list.settle();
    database.modified(key, EventClass.list, 'sortstore', length);
  } else database.removeAndTell(key);
  return length;
}
