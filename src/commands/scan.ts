import { Bytes } from '../bytes/bytes.js';
import { globMatch, isLiteral } from '../bytes/glob.js';
import { absent, type Database } from '../keyspace/database.js';
import { typeNames } from '../keyspace/events.js';
import type { Ref } from '../memory/arena.js';
import type { ArgumentReader } from './arguments.js';
import type { Call, CommandSpec } from './command.js';
import { cursorArgument, readScanOptions, type ScanOptions, scanSome } from './scan-options.js';

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
    touchesArbitraryKeys: true,
    handler: scan,
  },
];

const star = Bytes.of('*');
const keyView = new Bytes();

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
  for (const ref of found) {
    if (reply.overflowed) return; // the client gets nothing of it, however long it is
    reply.bytes(database.keyOf(ref, keyView));
  }
}

interface KeyScanOptions extends ScanOptions {
  /** As `ValueType`; undefined for all types, -1 for one that no key has. */
  type: number | undefined;
}

function scan(call: Call): void {
  const { args, database, reply } = call;
  const start = cursorArgument(args[1]);
  const options = keyScanOptions(call);
  const found: Ref[] = [];
  const next = collect(database, start, options, found);
  reply.array(2);
  reply.text(String(next));
  reply.array(found.length);
  for (const ref of found) reply.bytes(database.keyOf(ref, keyView));
}

/**
 * Collects some keys from `start` on, and returns the cursor for the next ones. Removes those that have
 * expired.
 */
function collect(database: Database, start: number, options: KeyScanOptions, found: Ref[]): number {
  const { pattern, count, type } = options;
  if (pattern !== undefined && isLiteral(pattern)) {
    const ref = database.live(pattern);
    if (ref !== absent && (type === undefined || database.typeOf(ref) === type)) found.push(ref);
    return 0;
  }
  return scanSome(database.keys, start, count, (ref: Ref) => {
    if (pattern !== undefined && !globMatch(pattern, database.keyOf(ref, keyView))) return;
    if (database.isExpired(ref)) database.expireEntry(ref);
    else if (type === undefined || database.typeOf(ref) === type) found.push(ref);
  });
}

function keyScanOptions(call: Call): KeyScanOptions {
  let type: number | undefined;
  const options = readScanOptions(call, 2, (reader) => {
    if (!reader.take('type')) return false;
    type = typeArgument(reader);
    return true;
  });
  return { ...options, type };
}

function typeArgument(reader: ArgumentReader): number {
  const name = reader.next();
  return typeNames.findIndex((known) => name.is(known));
}
