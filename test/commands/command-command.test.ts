import { describe, expect, it } from 'vitest';
import { startSession } from '../support/raw-session.js';

/** Bulk strings and simple strings of a reply, in order, without headers. */
function words(reply: string): string[] {
  return reply.split('\r\n').filter((line) => line !== '' && !/^[$*~%:]-?\d+$/.test(line));
}

describe('COMMAND INFO', () => {
  it('tells ten facts, in RESP2', async () => {
    const { send } = await startSession();
    expect(await send('COMMAND INFO get')).toBe(
      '*1\r\n*10\r\n$3\r\nget\r\n:2\r\n*2\r\n+readonly\r\n+fast\r\n:1\r\n:1\r\n:1\r\n*3\r\n+@read\r\n+@string\r\n+@fast\r\n*0\r\n' +
        '*1\r\n*6\r\n$5\r\nflags\r\n*2\r\n+RO\r\n+access\r\n$12\r\nbegin_search\r\n*4\r\n$4\r\ntype\r\n$5\r\nindex\r\n$4\r\nspec\r\n' +
        '*2\r\n$5\r\nindex\r\n:1\r\n$9\r\nfind_keys\r\n*4\r\n$4\r\ntype\r\n$5\r\nrange\r\n$4\r\nspec\r\n*6\r\n$7\r\nlastkey\r\n:0\r\n' +
        '$7\r\nkeystep\r\n:1\r\n$5\r\nlimit\r\n:0\r\n*0\r\n',
    );
  });

  it('uses sets and maps in RESP3', async () => {
    const { send } = await startSession();
    await send('HELLO 3');
    expect(await send('COMMAND INFO client|id')).toBe(
      '*1\r\n*10\r\n$9\r\nclient|id\r\n:2\r\n~3\r\n+noscript\r\n+loading\r\n+stale\r\n:0\r\n:0\r\n:0\r\n~2\r\n+@slow\r\n+@connection\r\n~0\r\n~0\r\n~0\r\n',
    );
    expect(await send('COMMAND INFO mset')).toContain(
      '%3\r\n$5\r\nflags\r\n~2\r\n+OW\r\n+update\r\n$12\r\nbegin_search\r\n%2\r\n',
    );
  });

  it('has nothing for unknown names', async () => {
    const { send } = await startSession();
    expect(await send('COMMAND INFO nope get|key config|get|key')).toBe('*3\r\n$-1\r\n$-1\r\n$-1\r\n');
  });

  it('without names tells all, as COMMAND does', async () => {
    const { send } = await startSession();
    const count = (await send('COMMAND COUNT')).slice(1).trim();
    const all = await send('COMMAND');
    expect(all.startsWith(`*${count}\r\n*10\r\n`)).toBe(true);
    expect(await send('COMMAND INFO')).toBe(all);
  });

  it('has the categories and tips of Redis where these do not follow from the group', async () => {
    const { send } = await startSession();
    const categories = async (name: string) =>
      words(await send(`COMMAND INFO ${name}`)).filter((word) => word.startsWith('+@'));
    expect(await categories('wait')).toEqual(['+@slow', '+@connection']);
    expect(await categories('waitaof')).toEqual(['+@slow', '+@connection']);
    const dangerous = ['+@keyspace', '+@write', '+@slow', '+@dangerous'];
    expect(await categories('restore-asking')).toEqual(dangerous);
    expect(await categories('restore')).toEqual(dangerous);
    expect(words(await send('COMMAND INFO latency|reset'))).toContain('response_policy:agg_sum');
  });

  it('counts a container without the category of its group', async () => {
    const { send } = await startSession();
    expect(words(await send('COMMAND INFO client')).slice(0, 3)).toEqual(['client', '+@slow', 'client|id']);
  });
});

describe('COMMAND DOCS', () => {
  it('describes arguments', async () => {
    const { send } = await startSession();
    const docs = await send('COMMAND DOCS get');
    expect(words(docs)).toEqual([
      'get',
      'summary',
      expect.any(String),
      'since',
      '1.0.0',
      'group',
      'string',
      'complexity',
      'O(1)',
      'arguments',
      ...['name', 'key', 'type', 'key', 'display_text', 'key', 'key_spec_index'],
    ]);
    expect(docs.endsWith('key_spec_index\r\n:0\r\n')).toBe(true);
  });

  it('shows flags, tokens and nested arguments as maps and sets in RESP3', async () => {
    const { send } = await startSession();
    await send('HELLO 3');
    expect(await send('COMMAND DOCS expire')).toContain(
      '%4\r\n$4\r\nname\r\n$9\r\ncondition\r\n$4\r\ntype\r\n$5\r\noneof\r\n$5\r\nflags\r\n~1\r\n+optional\r\n$9\r\narguments\r\n*4\r\n' +
        '%3\r\n$4\r\nname\r\n$2\r\nnx\r\n$4\r\ntype\r\n$10\r\npure-token\r\n$5\r\ntoken\r\n$2\r\nNX\r\n',
    );
  });

  it('marks what is deprecated, and describes subcommands', async () => {
    const { send } = await startSession();
    expect(words(await send('COMMAND DOCS quit')).slice(-6)).toEqual([
      ...[
        'doc_flags',
        '+deprecated',
        'deprecated_since',
        '7.2.0',
        'replaced_by',
        'just closing the connection',
      ],
    ]);
    expect(words(await send('COMMAND DOCS config'))).toContain('config|rewrite');
  });

  it('skips unknown names', async () => {
    const { send } = await startSession();
    expect(await send('COMMAND DOCS nope')).toBe('*0\r\n');
  });

  it('can tell every command', async () => {
    const { send } = await startSession();
    const count = Number((await send('COMMAND COUNT')).slice(1).trim());
    expect((await send('COMMAND DOCS')).startsWith(`*${count * 2}\r\n`)).toBe(true);
  });
});

describe('COMMAND LIST', () => {
  it('filters', async () => {
    const { send } = await startSession();
    const list = async (filter: string) => words(await send(`COMMAND LIST${filter}`));
    expect(await list('')).toEqual(expect.arrayContaining(['set', 'client|list']));
    expect(await list(' FILTERBY PATTERN set')).toEqual(['set']);
    expect(await list(' filterby pattern CONFIG|RE*')).toEqual(['config|rewrite', 'config|resetstat']);
    expect(await list(' FILTERBY ACLCAT transaction')).toEqual([
      'multi',
      'exec',
      'discard',
      'watch',
      'unwatch',
    ]);
    expect(await list(' FILTERBY ACLCAT nope')).toEqual([]);
    expect(await list(' FILTERBY MODULE nope')).toEqual([]);
  });

  it.each(['x', 'FILTERBY x', 'FILTERBY x y', 'FILTERBY PATTERN a b'])('refuses %s', async (filter) => {
    const { send } = await startSession();
    expect(await send(`COMMAND LIST ${filter}`)).toBe('-ERR syntax error\r\n');
  });
});

describe('COMMAND GETKEYS', () => {
  it.each([
    ['GET key', ['key']],
    ['MSET a 1 b 2', ['a', 'b']],
    ['COPY a b DB 1', ['a', 'b']],
    ['BITOP AND d a b', ['d', 'a', 'b']],
    ['LCS a b LEN', ['a', 'b']],
    ['OBJECT FREQ a', ['a']],
    ['WATCH a b', ['a', 'b']],
    ['EVAL s 1 a b', ['a']],
    ['EVAL s abc a', []],
    ['EVAL s -1 a', []],
    ['EVAL s 5 a', []],
  ])('%s', async (line, keys) => {
    const { send } = await startSession();
    expect(words(await send(`COMMAND GETKEYS ${line}`))).toEqual(keys);
  });

  it.each([
    ['SET a b', '*1\r\n*2\r\n$1\r\na\r\n*2\r\n+OW\r\n+update\r\n'],
    ['SET a b GET', '*1\r\n*2\r\n$1\r\na\r\n*3\r\n+RW\r\n+access\r\n+update\r\n'],
    ['BITFIELD a GET u1 0', '*1\r\n*2\r\n$1\r\na\r\n*2\r\n+RO\r\n+access\r\n'],
    [
      'MSET a 1 b 2',
      '*2\r\n*2\r\n$1\r\na\r\n*2\r\n+OW\r\n+update\r\n*2\r\n$1\r\nb\r\n*2\r\n+OW\r\n+update\r\n',
    ],
  ])('with flags: %s', async (line, reply) => {
    const { send } = await startSession();
    expect(await send(`COMMAND GETKEYSANDFLAGS ${line}`)).toBe(reply);
  });

  it.each([
    ['foo bar', 'Invalid command specified'],
    ['config foo x', 'Invalid command specified'],
    ['ping a', 'The command has no key arguments'],
    ['config get x', 'The command has no key arguments'],
    ['config', 'The command has no key arguments'],
    ['spublish a b', 'The command has no key arguments'],
    ['ssubscribe a b', 'The command has no key arguments'],
    ['set a', 'Invalid number of arguments specified for command'],
  ])('refuses %s', async (line, text) => {
    const { send } = await startSession();
    expect(await send(`COMMAND GETKEYS ${line}`)).toBe(`-ERR ${text}\r\n`);
  });
});

it('COMMAND refuses what it does not know', async () => {
  const { send } = await startSession();
  expect(await send('COMMAND foo')).toBe("-ERR unknown subcommand 'foo'. Try COMMAND HELP.\r\n");
  expect(await send('COMMAND COUNT a')).toBe(
    "-ERR wrong number of arguments for 'command|count' command\r\n",
  );
  expect(words(await send('COMMAND HELP'))[0]).toBe(
    '+COMMAND <subcommand> [<arg> [value] [opt] ...]. Subcommands are:',
  );
});
