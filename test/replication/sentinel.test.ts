import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Respite } from '../../src/index.js';
import { dataFolder } from '../support/data-folder.js';
import { infoField } from '../support/info.js';
import { freePort } from '../support/redis-server.js';
import { untilLinked } from '../support/replicas.js';
import { connect, connectTo, startRespite } from '../support/respite.js';
import { until } from '../support/waiting.js';

const hasSentinel = spawnSync('redis-sentinel', ['--version']).error === undefined;

/** A redis-sentinel that watches the primary at that port. Returns its own port. */
async function startSentinel(primaryPort: number): Promise<number> {
  const folder = dataFolder();
  const port = await freePort();
  const file = join(folder, 'sentinel.conf');
  writeFileSync(
    file,
    [
      `port ${port}`,
      'bind 127.0.0.1',
      `dir ${folder}`,
      `sentinel monitor watched 127.0.0.1 ${primaryPort} 1`,
      'sentinel down-after-milliseconds watched 3000', // who is only held up is not down
      'sentinel failover-timeout watched 3000',
    ].join('\n'),
  );
  const child = spawn('redis-sentinel', [file], { stdio: ['ignore', 'pipe', 'inherit'] });
  child.stdout.resume();
  onTestFinished(async () => {
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  });
  await until('the sentinel listens', () => answers(port));
  return port;
}

async function answers(port: number): Promise<boolean> {
  const client = connectTo(port, { lazyConnect: true });
  try {
    await client.connect();
    return (await client.ping()) === 'PONG';
  } catch {
    return false;
  } finally {
    client.disconnect();
  }
}

/** A server whose part changes ends the connections of its clients. */
const comingBack = { retryStrategy: () => 10 };

describe.runIf(hasSentinel)('redis-sentinel', () => {
  it('makes another server the primary when one is gone, and the former one its replica', async () => {
    const primary = await startRespite({ 'repl-diskless-sync-delay': 0 });
    const follow = ({ port }: Respite) =>
      startRespite({ replicaof: { host: '127.0.0.1', port }, 'repl-diskless-sync-delay': 0 });
    const replicas = [await follow(primary), await follow(primary)];
    for (const replica of replicas) await untilLinked(connect(replica));
    await connect(primary).set('before', '1');
    const sentinel = connectTo(await startSentinel(primary.port));
    // It would watch the former primary for eight seconds, and rest for thirty when it was held up for two.
    const periods = { 'publish-period': 200, 'info-period': 500, 'tilt-trigger': 10_000 };
    await sentinel.call('sentinel', 'debug', ...Object.entries(periods).flat());
    await until('it knows the replicas', async () => {
      const known = (await sentinel.call('sentinel', 'replicas', 'watched')) as string[][];
      return known.length === 2 && known.every((fields) => fields.includes('ok'));
    });
    const { port } = primary;
    await primary.close();
    const address = async () =>
      Number(((await sentinel.call('sentinel', 'get-master-addr-by-name', 'watched')) as string[])[1]);
    await until('there is another primary', async () => (await address()) !== port);
    const next = connectTo(await address(), comingBack);
    expect(await infoField(next, 'role')).toBe('master');
    expect(await next.get('before')).toBe('1');
    await until('it is followed', async () => (await infoField(next, 'connected_slaves')) === '1');
    const former = connect(await startRespite({ port }), comingBack);
    await until('the former primary follows', async () => {
      return (await infoField(former, 'master_port')) === String(await address());
    });
    await untilLinked(former);
    expect(await former.get('before')).toBe('1');
  }, 60_000);
});
