import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type CommandSpec, oneKey } from '../../src/commands/command.js';
import { dataFolder } from '../support/data-folder.js';
import { RawClient } from '../support/raw-client.js';
import { startSession } from '../support/raw-session.js';
import { startWithClient } from '../support/respite.js';
import { until } from '../support/waiting.js';

const syntaxError = '-ERR syntax error\r\n';
const wrongWords = (subcommand: string) =>
  `-ERR unknown subcommand or wrong number of arguments for '${subcommand}'. Try CLIENT HELP.\r\n`;

/** The fields of a line of CLIENT LIST. */
function fieldsOf(line: string): Record<string, string> {
  return Object.fromEntries(
    line
      .trim()
      .split(' ')
      .map((field) => field.split(/=(.*)/s).slice(0, 2)),
  );
}

/** The lines in the reply of CLIENT LIST, without the bulk's length. */
function linesOf(reply: string): string[] {
  return reply
    .slice(reply.indexOf('\r\n') + 2)
    .trim()
    .split('\n')
    .filter((line) => line !== '');
}

describe('CLIENT INFO and LIST', () => {
  it('show every field in its order', async () => {
    const { send } = await startSession({ clock: 'manual' });
    const reply = await send('CLIENT INFO');
    expect(reply).toMatch(
      /^\$\d+\r\nid=1 addr=127\.0\.0\.1:\d+ laddr=127\.0\.0\.1:\d+ fd=-?\d+ name= age=0 idle=0 flags=N db=0 sub=0 psub=0 ssub=0 multi=-1 qbuf=26 qbuf-free=0 argv-mem=10 multi-mem=0 rbs=16384 rbp=0 obl=0 oll=0 omem=0 tot-mem=\d+ events=r cmd=client\|info user=default redir=-1 resp=2 lib-name= lib-ver=\n\r\n$/,
    );
  });

  it('are verbatim text in RESP3', async () => {
    const { send } = await startSession();
    await send('HELLO 3');
    expect(await send('CLIENT INFO')).toMatch(/^=\d+\r\ntxt:id=1 /);
    expect(await send('CLIENT LIST')).toMatch(/^=\d+\r\ntxt:id=1 /);
  });

  it('tell of name, library, database, transaction and the command last run', async () => {
    const { send, another } = await startSession();
    const other = await another();
    await other('CLIENT SETNAME other');
    await other('CLIENT SETINFO LIB-NAME lib');
    await other('CLIENT SETINFO lib-ver 1.2');
    await other('SELECT 3');
    await other('MULTI');
    await other('PING');
    const line = linesOf(await send('CLIENT LIST'))[1];
    expect(fieldsOf(line)).toMatchObject({
      id: '2',
      name: 'other',
      db: '3',
      flags: 'x',
      multi: '1',
      'lib-name': 'lib',
      'lib-ver': '1.2',
    });
  });

  it('tell which command was sent last, whatever became of it', async () => {
    const { send, another } = await startSession();
    const other = await another();
    const lastOf = async (line: string) => {
      await other(line);
      return fieldsOf(linesOf(await send('CLIENT LIST'))[1]).cmd;
    };
    expect(await lastOf('SET a')).toBe('set');
    expect(await lastOf('NOSUCH')).toBe('NULL');
    expect(await lastOf('CONFIG GET')).toBe('config|get');
    expect(await lastOf('CONFIG nosuch')).toBe('NULL');
    expect(await lastOf('MULTI')).toBe('multi');
    expect(await lastOf('GET a')).toBe('get');
    expect(await lastOf('MONITOR x')).toBe('monitor');
    expect(await lastOf('DISCARD')).toBe('discard');
    await other('SUBSCRIBE a');
    expect(await lastOf('GET a')).toBe('get');
  });

  it('tell of an EXEC while its commands run', async () => {
    const { client } = await startSession();
    const transaction = [['MULTI'], ['GET', 'a'], ['CLIENT', 'INFO'], ['CLIENT', 'LIST']];
    await client.pipeline(transaction);
    const [, ...lines] = (await client.call('EXEC')) as string[];
    for (const line of lines) expect(fieldsOf(line)).toMatchObject({ flags: 'x', multi: '3', cmd: 'exec' });
    const after = String(await client.call('CLIENT', 'INFO'));
    expect(fieldsOf(after)).toMatchObject({ flags: 'N', multi: '-1', cmd: 'client|info' });
  });

  it('filter by type and by id', async () => {
    const { send, another } = await startSession();
    await (await another())('PING');
    const ids = async (line: string) => linesOf(await send(line)).map((shown) => fieldsOf(shown).id);
    expect(await ids('CLIENT LIST TYPE normal')).toEqual(['1', '2']);
    expect(await ids('CLIENT LIST TYPE PUBSUB')).toEqual([]);
    expect(await ids('CLIENT LIST TYPE replica')).toEqual([]);
    expect(await ids('CLIENT LIST ID 2 99 1')).toEqual(['2', '1']);
  });

  it.each([
    ['CLIENT LIST TYPE x', "-ERR Unknown client type 'x'\r\n"],
    ['CLIENT LIST TYPE', syntaxError],
    ['CLIENT LIST ID', syntaxError],
    ['CLIENT LIST ID x', '-ERR Invalid client ID\r\n'],
    ['CLIENT LIST foo', syntaxError],
    ['CLIENT foo', "-ERR unknown subcommand 'foo'. Try CLIENT HELP.\r\n"],
    ['CLIENT', "-ERR wrong number of arguments for 'client' command\r\n"],
    ['CLIENT GETREDIR', ':-1\r\n'],
    ['CLIENT ID', ':1\r\n'],
  ])('%s', async (line, reply) => {
    const { send } = await startSession();
    expect(await send(line)).toBe(reply);
  });
});

describe('CLIENT SETNAME and SETINFO', () => {
  it('set and clear', async () => {
    const { send, client } = await startSession();
    expect(await send('CLIENT GETNAME')).toBe('$-1\r\n');
    expect(await send('CLIENT SETNAME me')).toBe('+OK\r\n');
    expect(await send('CLIENT GETNAME')).toBe('$2\r\nme\r\n');
    expect(await client.raw('CLIENT', 'SETNAME', '')).toBe('+OK\r\n');
    expect(await send('CLIENT GETNAME')).toBe('$-1\r\n');
  });

  it('refuse what would break a line of CLIENT LIST', async () => {
    const { send, client } = await startSession();
    await send('CLIENT SETNAME before');
    await send('CLIENT SETINFO lib-name before');
    expect(await client.raw('CLIENT', 'SETNAME', 'a b')).toBe(
      '-ERR Client names cannot contain spaces, newlines or special characters.\r\n',
    );
    expect(await client.raw('CLIENT', 'SETINFO', 'lib-name', 'a\n')).toBe(
      '-ERR lib-name cannot contain spaces, newlines or special characters.\r\n',
    );
    expect(await send('CLIENT SETINFO badger x')).toBe("-ERR Unrecognized option 'badger'\r\n");
    expect(await send('CLIENT INFO')).toMatch(/ name=before .* lib-name=before /);
  });
});

describe('CLIENT KILL', () => {
  it('ends a connection by address, the old way', async () => {
    const { send, anotherClient } = await startSession();
    const victim = await anotherClient();
    const { addr } = fieldsOf(await victim.raw('CLIENT', 'INFO'));
    expect(await send(`CLIENT KILL ${addr}`)).toBe('+OK\r\n');
    await victim.closed;
    expect(await send(`CLIENT KILL ${addr}`)).toBe('-ERR No such client\r\n');
  });

  it('ends all that pass every filter, but oneself only if asked to', async () => {
    const { send, client, anotherClient } = await startSession();
    const victims = [await anotherClient(), await anotherClient()];
    for (const victim of victims) await victim.raw('PING');
    expect(await send('CLIENT KILL ID 2 TYPE pubsub')).toBe(':0\r\n');
    expect(await send('CLIENT KILL ID 99 ID 2 USER default')).toBe(':1\r\n');
    await victims[0].closed;
    expect(await send('CLIENT KILL SKIPME yes')).toBe(':1\r\n');
    await victims[1].closed;
    expect(await send('CLIENT KILL TYPE normal SKIPME no')).toBe(':1\r\n');
    await client.closed;
  });

  it('knows own addresses and ages', async () => {
    const { send, anotherClient } = await startSession();
    const victim = await anotherClient();
    await victim.raw('PING');
    const { laddr } = fieldsOf(await send('CLIENT INFO'));
    expect(await send(`CLIENT KILL LADDR ${laddr} MAXAGE 1000`)).toBe(':0\r\n');
    expect(await send(`CLIENT KILL LADDR ${laddr}`)).toBe(':1\r\n');
  });

  it.each([
    ['CLIENT KILL', "-ERR wrong number of arguments for 'client|kill' command\r\n"],
    ['CLIENT KILL ID', '-ERR No such client\r\n'],
    ['CLIENT KILL ID 10 wrong', syntaxError],
    ['CLIENT KILL ID x', '-ERR client-id should be greater than 0\r\n'],
    ['CLIENT KILL ID -1', '-ERR client-id should be greater than 0\r\n'],
    ['CLIENT KILL TYPE x', "-ERR Unknown client type 'x'\r\n"],
    ['CLIENT KILL USER x', "-ERR No such user 'x'\r\n"],
    ['CLIENT KILL SKIPME x', syntaxError],
    ['CLIENT KILL foo bar', syntaxError],
    ['CLIENT KILL MAXAGE 0', '-ERR maxage should be greater than 0\r\n'],
  ])('%s', async (line, reply) => {
    const { send } = await startSession();
    expect(await send(line)).toBe(reply);
  });
});

describe('CLIENT UNBLOCK, NO-EVICT, NO-TOUCH and HELP', () => {
  it.each([
    ['CLIENT UNBLOCK 1', ':0\r\n'],
    ['CLIENT UNBLOCK 99 TIMEOUT', ':0\r\n'],
    ['CLIENT UNBLOCK x', '-ERR value is not an integer or out of range\r\n'],
    ['CLIENT UNBLOCK 1 foo', '-ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR\r\n'],
    ['CLIENT UNBLOCK x foo', '-ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR\r\n'],
    ['CLIENT Unblock 1 ERROR x', wrongWords('Unblock')],
    ['CLIENT PAUSE 0 WRITE x', wrongWords('PAUSE')],
    ['CLIENT PAUSE x foo', '-ERR CLIENT PAUSE mode must be WRITE or ALL\r\n'],
    ['CLIENT PAUSE x', '-ERR timeout is not an integer or out of range\r\n'],
    ['CLIENT PAUSE 9223372036854775807', '-ERR timeout is out of range\r\n'],
    ['CLIENT PAUSE 0', '+OK\r\n'],
    ['CLIENT NO-EVICT x', syntaxError],
    ['CLIENT NO-TOUCH x', syntaxError],
    ['CLIENT NO-TOUCH', "-ERR wrong number of arguments for 'client|no-touch' command\r\n"],
  ])('%s', async (line, reply) => {
    const { send } = await startSession();
    expect(await send(line)).toBe(reply);
  });

  it('show as flags', async () => {
    const { send } = await startSession();
    expect(await send('CLIENT NO-EVICT ON')).toBe('+OK\r\n');
    expect(await send('CLIENT NO-TOUCH ON')).toBe('+OK\r\n');
    expect(await send('CLIENT INFO')).toContain(' flags=eT ');
    expect(await send('CLIENT NO-EVICT off')).toBe('+OK\r\n');
    expect(await send('CLIENT INFO')).toContain(' flags=T ');
  });

  it('NO-TOUCH keeps the time of the last access, except for TOUCH', async () => {
    const { send, advance } = await startSession({ clock: 'manual' });
    await send('SET k v');
    await send('CLIENT NO-TOUCH on');
    advance(5000);
    await send('GET k');
    expect(await send('OBJECT IDLETIME k')).toBe(':5\r\n');
    await send('TOUCH k');
    expect(await send('OBJECT IDLETIME k')).toBe(':0\r\n');
    await send('CLIENT NO-TOUCH off');
    advance(5000);
    await send('GET k');
    expect(await send('OBJECT IDLETIME k')).toBe(':0\r\n');
  });

  it.each(['SET k w', 'SET k w KEEPTTL', 'SETEX k 100 w', 'MSET k w', 'GETSET k w', 'BITOP NOT k other'])(
    'NO-TOUCH keeps the time of the last access of a key that is overwritten: %s',
    async (line) => {
      const { send, advance } = await startSession({ clock: 'manual' });
      await send('SET k v');
      await send('SET other v');
      await send('CLIENT NO-TOUCH on');
      advance(5000);
      await send(line);
      expect(await send('OBJECT IDLETIME k')).toBe(':5\r\n');
      await send('CLIENT NO-TOUCH off');
      await send(line);
      expect(await send('OBJECT IDLETIME k')).toBe(':0\r\n');
    },
  );

  it('NO-TOUCH keeps the time of the last access in a transaction, except for TOUCH', async () => {
    const { client, advance } = await startSession({ clock: 'manual' });
    await client.pipeline([
      ['SET', 'a', 'v'],
      ['SET', 'b', 'v'],
      ['CLIENT', 'NO-TOUCH', 'on'],
    ]);
    advance(5000);
    await client.pipeline([['MULTI'], ['GET', 'a'], ['TOUCH', 'b'], ['GET', 'a'], ['EXEC']]);
    expect(await client.call('OBJECT', 'IDLETIME', 'a')).toBe(5);
    expect(await client.call('OBJECT', 'IDLETIME', 'b')).toBe(0);
  });

  it('HELP begins and ends as in Redis', async () => {
    const { send } = await startSession();
    const help = await send('CLIENT HELP');
    expect(help).toMatch(
      /^\*\d+\r\n\+CLIENT <subcommand> \[<arg> \[value\] \[opt\] \.\.\.\]\. Subcommands are:\r\n\+ID\r\n\+ {4}/,
    );
    expect(help).toMatch(/\r\n\+HELP\r\n\+ {4}Print this help\.\r\n$/);
  });
});

it('CLIENT UNBLOCK wakes a blocked client, with an error or as if its time were up', async () => {
  const { send, anotherClient } = await startSession({ commands: [waitForKey] });
  const waiting = await anotherClient();
  await waiting.raw('PING');
  for (const [reason, reply] of [
    ['', '$4\r\nlate\r\n'],
    [' TIMEOUT', '$4\r\nlate\r\n'],
    [' ERROR', '-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n'],
  ]) {
    waiting.write('WAITFORKEY k\r\n');
    await until('the client waits', async () => /id=2 .* flags=b /.test(await send('CLIENT LIST')));
    expect(await send(`CLIENT UNBLOCK 2${reason}`)).toBe(':1\r\n');
    expect(String(await waiting.nextRaw())).toBe(reply);
  }
});

/** Waits for a key without end. */
const waitForKey: CommandSpec = {
  name: 'waitforkey',
  group: 'generic',
  since: '1.0.0',
  summary: 'Waits for a key.',
  complexity: 'O(1)',
  syntax: 'key',
  flags: ['blocking'],
  keys: oneKey('RO'),
  handler: (call) => call.block([call.args[1]], Number.POSITIVE_INFINITY, (reply) => reply.text('late')),
};

it.skipIf(process.platform === 'win32')(
  'CLIENT KILL ends all connections that have the address',
  async () => {
    const path = join(dataFolder(), 'socket');
    const { redis } = await startWithClient({ unixsocket: path });
    const [first, second] = await Promise.all([1, 2].map(() => RawClient.connect({ path })));
    for (const client of [first, second]) await client.call('PING');
    expect(await redis.client('KILL', `${path}:0`)).toBe('OK');
    await Promise.all([first.closed, second.closed]);
  },
);
