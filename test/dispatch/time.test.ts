import { expect, it } from 'vitest';
import type { ManualClock } from '../../src/ambient/clock.js';
import type { CommandSpec } from '../../src/commands/command.js';
import { RawClient } from '../support/raw-client.js';
import { plain } from '../support/reply-reader.mjs';
import { startWithClient } from '../support/respite.js';

/** TAKE ms: a command that lasts so long. */
const take: CommandSpec = {
  name: 'take',
  group: 'server',
  since: '0.0.0',
  summary: 'Takes time.',
  complexity: 'O(N)',
  syntax: 'milliseconds',
  flags: [],
  handler({ server, args, reply }) {
    (server.clock as ManualClock).advance(Number(args[1].latin1()));
    reply.ok();
  },
};

const start = () => startWithClient({ clock: 'manual', commands: [take] });

it('goes on between the commands of a pipeline of which one takes long', async () => {
  const { redis } = await start();
  const replies = await redis
    .pipeline()
    .set('short', '1', 'PX', 300)
    .call('TAKE', '500')
    .get('short')
    .set('lock', 'me', 'PX', 400, 'NX')
    .pttl('lock')
    .exec();
  expect(replies?.map(([, reply]) => reply)).toEqual(['OK', 'OK', null, 'OK', 400]);
  expect(await redis.get('lock')).toBe('me');
});

it('stands still in a transaction', async () => {
  const { redis } = await start();
  const replies = await redis.multi().set('a', '1', 'PX', 300).call('TAKE', '500').get('a').exec();
  expect(replies?.map(([, reply]) => reply)).toEqual(['OK', 'OK', '1']);
  expect(await redis.get('a')).toBe(null);
});

it('has gone on for a transaction that watches a key', async () => {
  const { server } = await start();
  const client = await RawClient.connect(server);
  const lines = ['SET a 1 PX 300', 'WATCH a', 'TAKE 500', 'MULTI', 'PING', 'EXEC'];
  const replies = await client.pipeline(lines.map((line) => line.split(' ')));
  expect(plain(replies[5])).toBe(null);
});
