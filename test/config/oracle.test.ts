import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Config } from '../../src/config/config.js';
import {
  describeWithRedisServer,
  redisServerVersion,
  type SpawnedServer,
  startRedisServer,
} from '../support/redis-server.js';

/** Names and defaults change from version to version; the lists here are those between 7.0 and 7.2. */
const compare = redisServerVersion?.startsWith('7.0.') === false ? describe.skip : describeWithRedisServer;

/** What redis 7.2 has beyond 7.0, and what only Respite has. */
const newer = [
  'cluster-announce-human-nodename',
  'locale-collate',
  'log-format',
  'rdb-version',
  'request-coalescing',
  'set-max-listpack-entries',
  'set-max-listpack-value',
];
/** In 7.2 hidden. */
const hiddenNow = ['aof-disable-auto-gc'];
/** Set by this test. */
const ofThisRun = ['bind', 'dir', 'enable-protected-configs', 'port', 'save'];

compare('configuration beside redis-server 7.0', () => {
  let server: SpawnedServer;
  let redis: Redis;
  let folder = '';

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'respite-oracle-'));
    server = await startRedisServer('--dir', folder, '--enable-protected-configs', 'yes');
    redis = new Redis({ port: server.port });
  });

  afterAll(async () => {
    redis.disconnect();
    await server.stop();
    rmSync(folder, { recursive: true });
  });

  async function oracle(): Promise<Map<string, string>> {
    const reply = (await redis.config('GET', '*')) as string[];
    const values = new Map<string, string>();
    for (let i = 0; i < reply.length; i += 2) values.set(reply[i], reply[i + 1]);
    return values;
  }

  it('has the same names and defaults', async () => {
    const theirs = await oracle();
    const ours = new Map(new Config().getMatching(['*']));
    expect([...theirs.keys()].filter((name) => !ours.has(name)).sort()).toEqual(hiddenNow);
    expect([...ours.keys()].filter((name) => !theirs.has(name)).sort()).toEqual(newer);
    const different = [...ours].filter(([name, value]) => theirs.has(name) && theirs.get(name) !== value);
    expect(different.map(([name]) => name).sort()).toEqual(ofThisRun);
  });

  it('accepts and refuses the same values, with the same words', async () => {
    const values = [
      '',
      '0',
      '1',
      '-1',
      '7',
      '100',
      '99999',
      '1mb',
      '5%',
      'yes',
      'NO',
      'x',
      '1 2',
      'a/b',
      '1 2 3',
    ];
    // Changing these cuts the connection or depends on the machine.
    const dangerous =
      /^(bind|port|requirepass|unixsocket|tls-.*|maxclients|maxmemory-clients|activedefrag|oom-score.*|dir|proc-title.*|timeout|loglevel)$/;
    const config = new Config();
    config.load('enable-protected-configs yes');
    const different: unknown[] = [];
    for (const name of (await oracle()).keys()) {
      if (dangerous.test(name)) continue;
      for (const value of values) {
        const theirs = await redis.config('SET', name, value).then(
          () => 'OK',
          (error: Error) => error.message,
        );
        const ours = attempt(() => config.set([[name, value]]));
        const [, shown] = (await redis.config('GET', name)) as string[];
        const [pair] = config.getMatching([name]);
        if (theirs === ours && pair[1] === shown) continue;
        different.push([name, value, theirs, ours, shown, pair[1]]);
      }
    }
    expect(different).toEqual([]);
  });
});

function attempt(action: () => void): string {
  try {
    action();
    return 'OK';
  } catch (error) {
    return error instanceof Error ? `ERR ${error.message}` : String(error);
  }
}
