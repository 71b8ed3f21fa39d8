import { readSafeInteger } from '../bytes/integers.js';
import { absent, type Database } from '../keyspace/database.js';
import { encodingNames, kinds } from '../keyspace/kinds.js';
import { stringEncodingName } from '../keyspace/string-encoding.js';
import type { Ref } from '../memory/arena.js';
import { CommandError } from '../protocol/errors.js';
import type { Call, CommandSpec, Handler } from './command.js';
import { helpSubcommand } from './help.js';

const about = {
  group: 'generic' as const,
  complexity: 'O(1)',
  syntax: 'key',
  flags: ['readonly' as const],
  categories: ['keyspace'],
  keys: [{ flags: 'RO', begin: 2, find: { last: 0, step: 1 } }],
  tips: ['nondeterministic_output'],
};

/** OBJECT and its subcommands. */
export const objectCommands: CommandSpec[] = [
  {
    name: 'object',
    group: 'generic',
    since: '2.2.3',
    summary: 'Tells how values are kept in memory.',
    complexity: 'Depends on the subcommand.',
    syntax: '',
    flags: [],
    subcommands: [
      {
        ...about,
        name: 'encoding',
        since: '2.2.3',
        summary: 'Names the encoding of a value.',
        handler: replyAbout((call, ref) => call.reply.text(encodingName(call.database, ref))),
      },
      {
        ...about,
        name: 'freq',
        since: '4.0.0',
        summary: 'Tells how often a key is accessed, on a logarithmic scale; needs an LFU eviction policy.',
        handler: replyAbout(frequency),
      },
      {
        ...about,
        name: 'idletime',
        since: '2.2.3',
        summary: 'Tells for how many seconds nobody has accessed a key.',
        handler: replyAbout(idleTime),
      },
      {
        ...about,
        name: 'refcount',
        since: '2.2.3',
        summary: 'Tells how many references a value has.',
        handler: replyAbout((call, ref) => call.reply.integer(referenceCount(call, ref))),
      },
      helpSubcommand('generic', '6.2.0'),
    ],
  },
];

/** A handler that answers about the entry of a key, or that there is none. The access leaves no mark. */
function replyAbout(answer: (call: Call, ref: Ref) => void): Handler {
  return (call) => {
    const ref = call.database.look(call.args[2], true);
    if (ref === absent) call.reply.null();
    else answer(call, ref);
  };
}

export function encodingName(database: Database, ref: Ref): string {
  return encodingNames.get(database.kindOf(ref)) ?? stringEncodingName(database, ref);
}

const relearning =
  'Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.';

function countsFrequency({ server }: Call): boolean {
  return server.config.values['maxmemory-policy'].endsWith('lfu');
}

function frequency(call: Call, ref: Ref): void {
  if (!countsFrequency(call)) {
    throw new CommandError(
      `ERR An LFU maxmemory policy is not selected, access frequency not tracked. ${relearning}`,
    );
  }
  call.reply.integer(call.database.accessFrequency(ref));
}

function idleTime(call: Call, ref: Ref): void {
  if (countsFrequency(call)) {
    throw new CommandError(`ERR An LFU maxmemory policy is selected, idle time not tracked. ${relearning}`);
  }
  call.reply.integer(call.database.idleSeconds(ref));
}

const sharedIntegers = 10000;
const sharedReferences = 0x7fffffff;

/**
 * Redis shares small integers, but not copied ones, nor when it needs each value's own access time to evict.
 */
function referenceCount({ database, server }: Call, ref: Ref): number {
  const { maxmemory, 'maxmemory-policy': policy } = server.config.values;
  if (maxmemory > 0 && /l[rf]u$/.test(policy)) return 1;
  if (database.kindOf(ref) !== kinds.string || stringEncodingName(database, ref) !== 'int') return 1;
  const { buffer, start, end } = database.payload(ref);
  const value = readSafeInteger(buffer, start, end);
  return value >= 0 && value < sharedIntegers ? sharedReferences : 1;
}
