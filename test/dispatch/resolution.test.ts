import { expect, it } from 'vitest';
import { Bytes } from '../../src/bytes/bytes.js';
import { resolve, Unresolved } from '../../src/dispatch/resolution.js';
import { infoFields } from '../support/info.js';
import { RawClient } from '../support/raw-client.js';
import { startWithClient } from '../support/respite.js';

it('a name may be longer than a string can be', () => {
  const name = new Bytes(Buffer.alloc(2 ** 29 + 1));
  const resolved = resolve(undefined, [name, name], 2);
  expect(resolved).toBeInstanceOf(Unresolved);
  const shown = '\0'.repeat(128);
  expect((resolved as Unresolved).message).toBe(
    `ERR unknown command '${shown}', with args beginning with: '${shown}' `,
  );
});

it('only what names a command is counted as a rejected call of it', async () => {
  const { redis } = await startWithClient();
  for (const words of [['foo'], ['get'], []]) await redis.call('config', ...words).catch(() => {});
  const fields = await infoFields(redis, 'commandstats');
  expect(fields.get('cmdstat_config')).toMatch(/rejected_calls=1,/);
  expect(fields.get('cmdstat_config|get')).toMatch(/rejected_calls=1,/);
});

it.each(['POST / HTTP/1.1', 'post /', 'Host: localhost:6379'])('a browser is cut off: %s', async (line) => {
  const { server, redis } = await startWithClient();
  const browser = await RawClient.connect({ port: server.port });
  browser.write(`${line}\r\nContent-Length: 10\r\n\r\nSET a 1\r\n`);
  await expect(browser.nextRaw()).rejects.toThrow('closed');
  expect(await redis.exists('a')).toBe(0);
});
