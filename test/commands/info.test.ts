import { describe, expect, it } from 'vitest';
import { humanBytes } from '../../src/server/human-bytes.js';
import { startSession } from '../support/raw-session.js';

/** The titles of the sections in a reply of INFO. */
function titles(reply: string): string[] {
  return [...reply.matchAll(/^# (\w+)\r$/gm)].map(([, title]) => title);
}

const defaults = [
  ...['Server', 'Clients', 'Memory', 'Persistence', 'Stats', 'Replication', 'CPU', 'Modules', 'Errorstats'],
  ...['Cluster', 'Keyspace'],
];
const all = [
  ...['Server', 'Clients', 'Memory', 'Persistence', 'Stats', 'Replication', 'CPU', 'Modules', 'Commandstats'],
  ...['Errorstats', 'Latencystats', 'Cluster', 'Keyspace'],
];

describe('INFO', () => {
  it.each([
    ['INFO', defaults],
    ['INFO default', defaults],
    ['INFO all', all],
    ['INFO everything', all],
    ['INFO cpu', ['CPU']],
    ['INFO CommandStats', ['Commandstats']],
    ['INFO keyspace cpu cpu', ['CPU', 'Keyspace']],
    ['INFO cpu default', defaults],
    ['INFO cpu all', all],
    ['INFO sentinel', []],
  ])('%s', async (line, expected) => {
    const { send } = await startSession();
    expect(titles(await send(line))).toEqual(expected);
  });

  it('has its form: a title, fields, a blank line between sections', async () => {
    const { send } = await startSession();
    expect(await send('INFO cluster')).toBe('$30\r\n# Cluster\r\ncluster_enabled:0\r\n\r\n');
    expect(await send('INFO cluster modules')).toBe(
      '$43\r\n# Modules\r\n\r\n# Cluster\r\ncluster_enabled:0\r\n\r\n',
    );
    await send('HELLO 3');
    expect(await send('INFO cluster')).toBe('=34\r\ntxt:# Cluster\r\ncluster_enabled:0\r\n\r\n');
    expect(await send('INFO nope')).toBe('=4\r\ntxt:\r\n');
  });

  it('tells who the server is', async () => {
    const { send } = await startSession({ clock: 'manual' });
    const info = await send('INFO server');
    for (const field of ['redis_version:7.2.4', 'redis_mode:standalone', `process_id:${process.pid}`]) {
      expect(info).toContain(`\r\n${field}\r\n`);
    }
    expect(info).toMatch(/\r\nrun_id:[0-9a-f]{40}\r\ntcp_port:[1-9]\d*\r\n/);
    expect(info).toContain('\r\nuptime_in_seconds:0\r\n');
  });

  it('counts what happens', async () => {
    const { send, another } = await startSession();
    await (await another())('PING');
    await send('SET k v');
    await send('SET t v EX 100');
    await send('GET k');
    await send('GET none');
    await send('INCR k');
    await send('set k');
    const info = await send('INFO everything');
    for (const field of [
      ...['connected_clients:2', 'total_connections_received:2', 'keyspace_hits:1', 'keyspace_misses:1'],
      ...['total_error_replies:2', 'rdb_changes_since_last_save:2', 'errorstat_ERR:count=2', 'role:master'],
    ]) {
      expect(info).toContain(`\r\n${field}\r\n`);
    }
    expect(info).toMatch(
      /\r\ncmdstat_set:calls=2,usec=\d+,usec_per_call=\d+\.\d\d,rejected_calls=1,failed_calls=0\r\n/,
    );
    expect(info).toMatch(
      /\r\ncmdstat_incr:calls=1,usec=\d+,usec_per_call=\d+\.\d\d,rejected_calls=0,failed_calls=1\r\n/,
    );
    expect(info).toMatch(/\r\n# Keyspace\r\ndb0:keys=2,expires=1,avg_ttl=\d+,subexpiry=0\r\n/);
  });

  it('counts errors inside EXEC where they happen, and EXEC without MULTI as a failure of EXEC', async () => {
    const { send } = await startSession();
    for (const line of ['SET k v', 'MULTI', 'INCR k', 'EXEC', 'EXEC']) await send(line);
    const info = await send('INFO commandstats errorstats');
    expect(info).toMatch(/cmdstat_incr:calls=1,.*,failed_calls=1\r/);
    expect(info).toMatch(/cmdstat_exec:calls=2,.*,failed_calls=1\r/);
    expect(info).toContain('errorstat_ERR:count=2\r\n');
  });

  it('counts memory as keys come and go', async () => {
    const { send, client } = await startSession();
    const used = async () => Number(/used_memory:(\d+)/.exec(await send('INFO memory'))![1]);
    const before = await used();
    await client.raw('SET', 'big', 'x'.repeat(1_000_000));
    const during = await used();
    expect(during - before).toBeGreaterThanOrEqual(1_000_000);
    expect(during - before).toBeLessThan(1_100_000);
    await send('DEL big');
    expect(await used()).toBe(before);
    expect(Number(/used_memory_peak:(\d+)/.exec(await send('INFO memory'))![1])).toBeGreaterThanOrEqual(
      during,
    );
  });
});

it('bytes for people have Redis form', () => {
  expect([0, 512, 1024, 1536, 1.23 * 1024 ** 2, 1024 ** 3].map(humanBytes)).toEqual([
    ...['0B', '512B', '1.00K', '1.50K', '1.23M', '1.00G'],
  ]);
});
