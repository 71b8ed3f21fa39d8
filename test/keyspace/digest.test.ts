import { afterAll, beforeAll, expect, it } from 'vitest';
import { RawClient } from '../support/raw-client.js';
import { describeWithRedisServer, type SpawnedServer, startRedisServer } from '../support/redis-server.js';
import { startRespite } from '../support/respite.js';

/** Integers of every width, texts of every length class, bytes that are no text, numbers that are not canonical. */
const texts = [
  ...[
    '0',
    '-1',
    '127',
    '4095',
    '32768',
    '-8388609',
    '2147483648',
    '9223372036854775807',
    '-9223372036854775808',
  ],
  ...[
    '9223372036854775808',
    '007',
    '-0',
    '1.5',
    '',
    'a',
    '\x00\xff\r\n',
    'x'.repeat(63),
    'y'.repeat(64),
    'z'.repeat(5000),
  ],
];
const integers = texts.slice(0, 9);
const scores = [
  '0',
  '1',
  '-3',
  '0.1',
  '3.0000000000000004',
  '1e300',
  '-1e-300',
  'inf',
  '-inf',
  '123456789012345678',
];

/** More elements than any packed encoding takes. */
const many = Array.from({ length: 700 }, (_, i) => `member:${i}`);

const commands: string[][] = [
  ...texts.map((text, i) => ['SET', `string:${i}`, text]),
  ['SETBIT', 'bits', '77', '1'],
  ['SET', 'expiring', 'x', 'EX', '10000'],
  ['RPUSH', 'list', ...texts],
  ['RPUSH', 'list:big', ...many, 'w'.repeat(9000), ...many],
  ['SADD', 'set:integers', ...integers],
  ['SADD', 'set:few', ...texts],
  ['SADD', 'set:many', ...many],
  ['HSET', 'hash', ...texts.slice(0, 17).flatMap((text) => [text, `${text}!`])],
  ['HSET', 'hash:big', ...many.flatMap((text) => [text, `${text}!`])],
  ['ZADD', 'zset', ...scores.flatMap((score, i) => [score, `m${i}`])],
  ['ZADD', 'zset:big', ...many.flatMap((member, i) => [String(i / 7), member])],
  ['ZADD', 'zset:geo', '3479099956230698', 'Palermo', '-0', 'zero'],
  ['EXPIRE', 'list:big', '10000'],
  ['SELECT', '3'],
  ['SET', 'string:0', 'in another database'],
  ['HSET', 'one', '', ''],
  ['SELECT', '0'],
];

const keys = commands.filter(([name]) => name !== 'SELECT' && name !== 'EXPIRE').map(([, key]) => key);

describeWithRedisServer('DEBUG DIGEST', () => {
  let redis: SpawnedServer;
  beforeAll(async () => {
    redis = await startRedisServer('--enable-debug-command', 'yes');
  });
  afterAll(() => redis.stop());

  it('equals that of redis-server for the same data of every type and encoding', async () => {
    const respite = await startRespite({ 'enable-debug-command': 'yes' });
    const ours = await RawClient.connect({ port: respite.port });
    const theirs = await RawClient.connect({ port: redis.port });
    for (const command of commands) expect(await ours.raw(...command)).toBe(await theirs.raw(...command));
    for (const key of [...keys, 'none']) {
      const value = await ours.raw('DEBUG', 'DIGEST-VALUE', key);
      expect(value, key).toBe(await theirs.raw('DEBUG', 'DIGEST-VALUE', key));
    }
    expect(await ours.raw('DEBUG', 'DIGEST')).toBe(await theirs.raw('DEBUG', 'DIGEST'));
    await ours.close();
    await theirs.close();
  });
});
