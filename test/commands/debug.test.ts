import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dataFolder } from '../support/data-folder.js';
import { startSession } from '../support/raw-session.js';

const allowed = { 'enable-debug-command': 'yes' } as const;

describe('DEBUG', () => {
  it('is refused unless the configuration allows it', async () => {
    const refusal =
      '-ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", you can run it from a local connection, ' +
      'otherwise you need to set this option in the configuration file, and then restart the server.\r\n';
    expect(await (await startSession()).send('DEBUG SLEEP 0')).toBe(refusal);
    const local = await startSession({ 'enable-debug-command': 'local' });
    expect(await local.send('DEBUG SLEEP 0')).toBe('+OK\r\n');
  });

  it.each([
    ['foo', "-ERR unknown subcommand or wrong number of arguments for 'foo'. Try DEBUG HELP.\r\n"],
    ['PROTOCOL', "-ERR unknown subcommand or wrong number of arguments for 'PROTOCOL'. Try DEBUG HELP.\r\n"],
    ['SLEEP', "-ERR unknown subcommand or wrong number of arguments for 'SLEEP'. Try DEBUG HELP.\r\n"],
    ['SLEEP x', '+OK\r\n'],
    ['SLEEP 0.001', '+OK\r\n'],
    ['LOG hello', '+OK\r\n'],
    ['ERROR foo', '-foo\r\n'],
    ['OBJECT nope', '-ERR no such key\r\n'],
    ['POPULATE x', '-ERR value is out of range, must be positive\r\n'],
    ['POPULATE -1', '-ERR value is out of range, must be positive\r\n'],
    [
      'PROTOCOL foo',
      '-ERR Wrong protocol type name. Please use one of the following: string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false\r\n',
    ],
    ['CONFIG-REWRITE-FORCE-ALL', '-ERR The server is running without a config file\r\n'],
  ])('%s', async (line, reply) => {
    const { send } = await startSession(allowed);
    expect(await send(`DEBUG ${line}`)).toBe(reply);
  });

  it('SLEEP holds the whole server', async () => {
    const { send, another } = await startSession(allowed);
    const other = await another();
    await other('PING');
    const begin = performance.now();
    const slept = send('DEBUG SLEEP 0.1');
    await slept;
    await other('PING');
    expect(performance.now() - begin).toBeGreaterThanOrEqual(95);
  });

  it('POPULATE creates keys and keeps those that exist', async () => {
    const { send } = await startSession(allowed);
    await send('SET key:1 mine');
    expect(await send('DEBUG POPULATE 3')).toBe('+OK\r\n');
    expect(await send('MGET key:0 key:1 key:2 key:3')).toBe(
      '*4\r\n$7\r\nvalue:0\r\n$4\r\nmine\r\n$7\r\nvalue:2\r\n$-1\r\n',
    );
    expect(await send('DEBUG POPULATE 2 short 5')).toBe('+OK\r\n');
    expect(await send('GET short:1')).toBe('$5\r\nvalue\r\n');
    expect(await send('DEBUG POPULATE 2 long 10')).toBe('+OK\r\n');
    expect(await send('GET long:1')).toBe('$10\r\nvalue:1\0\0\0\r\n');
    expect(await send('DBSIZE')).toBe(':7\r\n');
  });

  it('OBJECT shows encoding and length', async () => {
    const { send, client } = await startSession({ ...allowed, clock: 'manual' });
    await client.raw('MSET', 'int', '12', 'short', 'abc', 'long', 'x'.repeat(100));
    const shape = (encoding: string, length: number) =>
      new RegExp(
        `^\\+Value at:0x[0-9a-f]+ refcount:1 encoding:${encoding} serializedlength:${length} lru:\\d+ lru_seconds_idle:0\\r\\n$`,
      );
    expect(await send('DEBUG OBJECT int')).toMatch(shape('int', 2));
    expect(await send('DEBUG OBJECT short')).toMatch(shape('embstr', 4));
    expect(await send('DEBUG OBJECT long')).toMatch(shape('raw', 102));
    expect(await send('DEBUG OBJECT long x')).toBe(
      "-ERR unknown subcommand or wrong number of arguments for 'OBJECT'. Try DEBUG HELP.\r\n",
    );
  });

  it('LISTPACK writes the elements of a listpack to the log', async () => {
    const logfile = join(dataFolder(), 'log');
    const { send } = await startSession({ ...allowed, logfile, loglevel: 'notice' });
    await send('HSET h field 12');
    expect(await send('DEBUG LISTPACK h')).toBe('+Listpack structure written to the log\r\n');
    await send('SADD words a');
    expect(await send('DEBUG LISTPACK words')).toBe('+Listpack structure written to the log\r\n');
    const log = readFileSync(logfile, 'utf8');
    expect(log).toContain('listpack: 16 bytes, 2 elements');
    expect(log).toContain('element 0 at 6: 7 bytes, string of 5 bytes: "field"');
    expect(log).toContain('element 1 at 13: 2 bytes, integer: "12"');
    await send('SET s v');
    await send('SADD integers 1');
    for (const key of ['s', 'integers'])
      expect(await send(`DEBUG LISTPACK ${key}`)).toBe('-ERR Not a listpack encoded object.\r\n');
    expect(await send('DEBUG LISTPACK none')).toBe('-ERR no such key\r\n');
  });

  it('SET-ACTIVE-EXPIRE keeps expired keys until somebody asks', async () => {
    const { send } = await startSession(allowed);
    expect(await send('DEBUG SET-ACTIVE-EXPIRE 0')).toBe('+OK\r\n');
    await send('SET k v PX 1');
    await send('DEBUG SLEEP 0.01');
    expect(await send('DBSIZE')).toBe(':1\r\n');
    expect(await send('EXISTS k')).toBe(':0\r\n');
    expect(await send('DBSIZE')).toBe(':0\r\n');
    expect(await send('DEBUG SET-ACTIVE-EXPIRE 1')).toBe('+OK\r\n');
  });

  it.each([
    ['string', '$11\r\nHello World\r\n', '$11\r\nHello World\r\n'],
    ['integer', ':12345\r\n', ':12345\r\n'],
    ['double', '$5\r\n3.141\r\n', ',3.141\r\n'],
    [
      'bignum',
      '$37\r\n1234567999999999999999999999999999999\r\n',
      '(1234567999999999999999999999999999999\r\n',
    ],
    ['null', '$-1\r\n', '_\r\n'],
    ['array', '*3\r\n:0\r\n:1\r\n:2\r\n', '*3\r\n:0\r\n:1\r\n:2\r\n'],
    ['set', '*3\r\n:0\r\n:1\r\n:2\r\n', '~3\r\n:0\r\n:1\r\n:2\r\n'],
    ['map', '*6\r\n:0\r\n:0\r\n:1\r\n:1\r\n:2\r\n:0\r\n', '%3\r\n:0\r\n#f\r\n:1\r\n#t\r\n:2\r\n#f\r\n'],
    ['verbatim', '$25\r\nThis is a verbatim\nstring\r\n', '=29\r\ntxt:This is a verbatim\nstring\r\n'],
    ['true', ':1\r\n', '#t\r\n'],
    ['false', ':0\r\n', '#f\r\n'],
  ])('PROTOCOL %s', async (type, resp2, resp3) => {
    const { send } = await startSession(allowed);
    expect(await send(`DEBUG PROTOCOL ${type}`)).toBe(resp2);
    await send('HELLO 3');
    expect(await send(`DEBUG PROTOCOL ${type}`)).toBe(resp3);
  });

  it('STRINGMATCH-LEN tells whether a glob matches', async () => {
    const { send } = await startSession(allowed);
    expect(await send('DEBUG STRINGMATCH-LEN a*c abbbc')).toBe(':1\r\n');
    expect(await send('DEBUG STRINGMATCH-LEN b* abc')).toBe(':0\r\n');
    expect(await send('DEBUG STRINGMATCH-TEST')).toMatch(/^\+10000 random patterns tried/);
  });

  it('REPLYBUFFER checks its arguments', async () => {
    const { send } = await startSession(allowed);
    for (const value of ['100', 'never', 'RESET'])
      expect(await send(`DEBUG REPLYBUFFER PEAK-RESET-TIME ${value}`)).toBe('+OK\r\n');
    expect(await send('DEBUG REPLYBUFFER RESIZING 0')).toBe('+OK\r\n');
    expect(await send('DEBUG REPLYBUFFER PEAK-RESET-TIME soon')).toBe(
      '-ERR value is not an integer or out of range\r\n',
    );
    expect(await send('DEBUG REPLYBUFFER SIZE 1')).toContain('Try DEBUG HELP.');
  });

  it('PROTOCOL attrib and push say more in RESP3', async () => {
    const { send, client } = await startSession(allowed);
    const attributed = '$39\r\nSome real reply following the attribute\r\n';
    expect(await send('DEBUG PROTOCOL attrib')).toBe(attributed);
    expect(await send('DEBUG PROTOCOL push')).toBe('-ERR RESP2 is not supported by this command\r\n');
    await send('HELLO 3');
    expect(await send('DEBUG PROTOCOL attrib')).toBe(
      `|1\r\n$14\r\nkey-popularity\r\n*2\r\n$7\r\nkey:123\r\n:90\r\n${attributed}`,
    );
    expect(await send('DEBUG PROTOCOL push')).toBe('$40\r\nSome real reply following the push reply\r\n');
    expect(client.pushes).toHaveLength(1);
  });
});
