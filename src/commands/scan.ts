import { Bytes } from '../bytes/bytes.js';
import { globMatch } from '../bytes/glob.js';
import { readCursor } from '../bytes/integers.js';
import { absent, type Database } from '../keyspace/database.js';
import { typeNames } from '../keyspace/events.js';
import type { Ref } from '../memory/arena.js';
import { CommandError, errors } from '../protocol/errors.js';
import { ArgumentReader } from './arguments.js';
import type { Call, CommandSpec } from './command.js';

const defaultCount = 10;
/** Buckets that one SCAN looks at, at most, for each key it may return: they can be empty. */
const bucketsPerKey = 10;

/** Commands that list keys. */
export const scanCommands: CommandSpec[] = [
  {
    name: 'keys',
    group: 'generic',
    since: '1.0.0',
    summary: 'Lists all keys that match a pattern.',
    complexity: 'O(N) with N keys in the database; O(1) for a pattern that only one key can match.',
    syntax: 'pattern',
    flags: ['readonly'],
    categories: ['dangerous'],
    tips: ['request_policy:all_shards', 'nondeterministic_output_order'],
    handler: keys,
  },
  {
    name: 'scan',
    group: 'generic',
    since: '2.8.0',
    summary: 'Lists keys bit by bit: each call returns some of them and the cursor for the next call.',
    complexity: 'O(COUNT) for each call, O(N) for all keys, with N keys in the database.',
    syntax: 'cursor [MATCH pattern] [COUNT count] [TYPE type]',
    flags: ['readonly'],
    tips: ['nondeterministic_output', 'request_policy:special', 'response_policy:special'],
    history: [['6.0.0', 'Takes TYPE.']],
    handler: scan,
  },
];

const star = Bytes.of('*');
const keyView = new Bytes(Buffer.alloc(0));

function keys({ args, database, reply }: Call): void {
  const pattern = args[1];
  const found: Ref[] = [];
  if (isLiteral(pattern)) {
    const ref = database.peek(pattern);
    if (ref !== absent && !database.isExpired(ref)) found.push(ref);
  } else {
    const all = pattern.equals(star);
    database.keys.forEach((ref) => {
      if ((all || globMatch(pattern, database.keyOf(ref, keyView))) && !database.isExpired(ref))
        found.push(ref);
    });
  }
  reply.array(found.length);
  for (const ref of found) reply.bytes(database.keyOf(ref, keyView));
}

interface ScanOptions {
  /** Undefined for all keys. */
  pattern: Bytes | undefined;
  count: number;
  /** As `ValueType`; undefined for all types, -1 for one that no key has. */
  type: number | undefined;
}

function scan(call: Call): void {
  const { args, database, reply } = call;
  const start = cursorArgument(args[1]);
  const options = scanOptions(call);
  const found: Ref[] = [];
  const next = collect(database, start, options, found);
  reply.array(2);
  reply.text(String(next));
  reply.array(found.length);
  for (const ref of found) reply.bytes(database.keyOf(ref, keyView));
}

/** Collects some keys from `start` on, and returns the cursor for the next ones. Removes those that have expired. */
function collect(database: Database, start: number, options: ScanOptions, found: Ref[]): number {
  const { pattern, count, type } = options;
  if (pattern !== undefined && isLiteral(pattern)) {
    const ref = database.live(pattern);
    if (ref !== absent && (type === undefined || database.typeOf(ref) === type)) found.push(ref);
    return 0;
  }
  let seen = 0;
  const visit = (ref: Ref) => {
    seen++;
    if (pattern !== undefined && !globMatch(pattern, database.keyOf(ref, keyView))) return;
    if (database.isExpired(ref)) database.expireEntry(ref);
    else if (type === undefined || database.typeOf(ref) === type) found.push(ref);
  };
  let cursor = start;
  let bucketsLeft = count * bucketsPerKey;
  do {
    cursor = database.keys.scan(cursor, visit);
    bucketsLeft--;
  } while (cursor !== 0 && seen < count && bucketsLeft > 0);
  return cursor;
}

/** A cursor is any 64-bit number; those that `Table.scan` gives have 32 bits, and the rest of another is ignored. */
function cursorArgument(argument: Bytes): number {
  const cursor = readCursor(argument.buffer, argument.start, argument.end);
  if (cursor === undefined) throw new CommandError('ERR invalid cursor');
  return Number(BigInt.asUintN(32, cursor));
}

function scanOptions({ args, argc }: Call): ScanOptions {
  const reader = new ArgumentReader(args, argc, 2);
  const options: ScanOptions = { pattern: undefined, count: defaultCount, type: undefined };
  while (!reader.done) {
    if (reader.left === 1) throw new CommandError(errors.syntax);
    if (reader.take('count')) options.count = countArgument(reader);
    else if (reader.take('match')) options.pattern = patternArgument(reader);
    else if (reader.take('type')) options.type = typeArgument(reader);
    else throw new CommandError(errors.syntax);
  }
  return options;
}

function countArgument(reader: ArgumentReader): number {
  const count = reader.long();
  if (count < 1) throw new CommandError(errors.syntax);
  return count;
}

function patternArgument(reader: ArgumentReader): Bytes | undefined {
  const pattern = reader.next();
  return pattern.equals(star) ? undefined : pattern;
}

function typeArgument(reader: ArgumentReader): number {
  const name = reader.next();
  return typeNames.findIndex((known) => name.is(known));
}

/** True if a pattern has no special byte, so that it matches only itself. */
function isLiteral({ buffer, start, end }: Bytes): boolean {
  for (let i = start; i < end; i++) {
    const byte = buffer[i];
    if (byte === 0x2a || byte === 0x3f || byte === 0x5b || byte === 0x5c) return false; // * ? [ \
  }
  return true;
}
