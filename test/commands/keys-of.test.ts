import { expect, it } from 'vitest';
import { Bytes } from '../../src/bytes/bytes.js';
import type { CommandSpec, KeySpec } from '../../src/commands/command.js';
import { CommandFlag } from '../../src/commands/command.js';
import { keyRange } from '../../src/commands/key-specs.js';
import { keysOf } from '../../src/commands/keys-of.js';
import { Command } from '../../src/commands/registry.js';

function commandWith(keys: KeySpec[], flags: CommandSpec['flags'] = []): Command {
  return new Command({
    name: 'test',
    group: 'generic',
    since: '1.0.0',
    summary: '',
    complexity: '',
    syntax: '[argument [argument ...]]',
    flags,
    keys,
  });
}

/** The keys of `test <line>`, each with its flags, or undefined. */
function found(command: Command, line: string): string[] | undefined {
  const args = `test ${line}`.split(' ').map(Bytes.of);
  return keysOf(command, args, args.length)?.map(
    ({ position, flags }) => `${args[position].latin1()}:${flags}`,
  );
}

const fixed: KeySpec = { flags: 'OW', begin: 1, find: { last: 0, step: 1 } };
const counted: KeySpec = { flags: 'RO', begin: 2, find: { keyCountAt: 0, firstKey: 1, step: 1 } };
const afterStreams: KeySpec = {
  flags: 'RO',
  begin: { keyword: 'STREAMS', startFrom: 1 },
  find: { last: -1, step: 1, limit: 2 },
};
const afterKeysFromEnd: KeySpec = {
  flags: 'RW',
  begin: { keyword: 'KEYS', startFrom: -2 },
  find: { last: -1, step: 1 },
};
const unknown: KeySpec = { flags: 'RO', begin: 'unknown', find: 'unknown' };

it('finds keys that are counted', () => {
  const command = commandWith([fixed, counted]);
  expect(found(command, 'd 2 a b WEIGHTS 1 2')).toEqual(['d:OW', 'a:RO', 'b:RO']);
  for (const wrong of ['d 5 a b', 'd x a', 'd -1 a', 'd 0 a', 'd']) {
    expect(found(command, wrong)).toBeUndefined();
  }
});

it('lets a command without mandatory keys have none', () => {
  const command = commandWith([counted], ['no_mandatory_keys']);
  expect(found(command, 'script 0 argument')).toEqual([]);
  expect(found(command, 'script 1 key')).toEqual(['key:RO']);
});

it('finds keys after a word, from either end', () => {
  expect(found(commandWith([afterStreams]), 'COUNT 1 streams a b 0 0')).toEqual(['a:RO', 'b:RO']);
  expect(found(commandWith([afterStreams]), 'COUNT 1')).toEqual([]);
  expect(found(commandWith([afterKeysFromEnd]), 'host KEYS a b')).toEqual(['a:RW', 'b:RW']);
});

it('leaves out what nobody can know', () => {
  expect(found(commandWith([fixed, unknown]), 'a b')).toEqual(['a:OW']);
});

it('merges ranges that follow one another, and knows which commands need more than a range', () => {
  const rest: KeySpec = { flags: 'RO', begin: 2, find: { last: -1, step: 1 } };
  const cases: [KeySpec[], [number, number, number], boolean][] = [
    [[], [0, 0, 0], false],
    [[fixed], [1, 1, 1], false],
    [[fixed, rest], [1, -1, 1], false],
    [[fixed, counted], [1, 1, 1], true],
    [[counted], [0, 0, 0], true],
    [[afterStreams], [0, 0, 0], true],
    [[fixed, unknown], [1, 1, 1], true],
  ];
  for (const [keys, [first, last, step], movable] of cases) {
    const command = commandWith(keys);
    expect(keyRange(command.spec)).toEqual({ first, last, step });
    expect(command.has(CommandFlag.movablekeys)).toBe(movable);
  }
});
