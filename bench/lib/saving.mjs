import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fill } from './client.mjs';
import { readInfoNumber } from './info.mjs';
import { startProbe } from './probe.mjs';
import { rssBytes } from './process-usage.mjs';
import { startBenchmark } from './redis-benchmark.mjs';
import { MIB } from './report.mjs';
import { onEachSide } from './servers.mjs';
import { sleep } from './stats.mjs';

const WARM_UP_MS = 1000;
const BEFORE_MS = 3000;
const POLL_MS = 50;

/**
 * SAVE, and BGSAVE while redis-benchmark writes.
 *
 * @param {{ respite: string, redis: string }} commands
 * @param {number} keys
 */
export async function measureSaving(commands, keys) {
  const directory = mkdtempSync(join(tmpdir(), 'bench-saving-'));
  try {
    return await onEachSide(commands, ['--dir', directory], (server) => measureSide(server, keys, directory));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/**
 * @param {import('./servers.mjs').RunningServer} server
 * @param {number} keys
 * @param {string} directory
 */
async function measureSide(server, keys, directory) {
  const client = await server.connect();
  await fill(client, keys, (i) => ['SET', `key:${String(i).padStart(12, '0')}`, `value:${i}:xxxx`]);
  const saveSeconds = await best(3, () => client.command('SAVE'));
  const quietSeconds = await best(2, async () => {
    await client.command('BGSAVE');
    await untilSaved(client, () => {});
  });
  const load = startLoad(server.port, keys);
  await sleep(WARM_UP_MS);
  const quiet = await startProbe(server.port);
  const before = await throughput(client, () => sleep(BEFORE_MS));
  const { worstMs: beforeWorstMs, p999Ms: beforeP999Ms } = await quiet.stop();
  const rss = rssBytes(server.pid);
  let peak = rss;
  const probe = await startProbe(server.port);
  const began = performance.now();
  const during = await throughput(client, async () => {
    await client.command('BGSAVE');
    await untilSaved(client, () => {
      peak = Math.max(peak, rssBytes(server.pid));
    });
  });
  const loadedSeconds = (performance.now() - began) / 1000;
  const { worstMs, p999Ms } = await probe.stop();
  load.stop();
  client.close();
  rmSync(join(directory, 'dump.rdb')); // the other server may be too old for it
  const riseMegabytes = (peak - rss) / MIB;
  return {
    saveSeconds,
    quietSeconds,
    loadedSeconds,
    before,
    during,
    beforeP999Ms,
    p999Ms,
    beforeWorstMs,
    worstMs,
    riseMegabytes,
  };
}

/**
 * The shortest time in s of a few tries.
 *
 * @param {number} tries
 * @param {() => Promise<unknown>} work
 */
async function best(tries, work) {
  let shortest = Number.POSITIVE_INFINITY;
  for (let left = tries; left > 0; left--) {
    const began = performance.now();
    await work();
    shortest = Math.min(shortest, (performance.now() - began) / 1000);
  }
  return shortest;
}

/**
 * Commands per second while something goes on.
 *
 * @param {import('./client.mjs').RawClient} client
 * @param {() => Promise<unknown>} work
 */
async function throughput(client, work) {
  const commands = await readInfoNumber(client, 'stats', 'total_commands_processed');
  const began = performance.now();
  await work();
  const seconds = (performance.now() - began) / 1000;
  return ((await readInfoNumber(client, 'stats', 'total_commands_processed')) - commands) / seconds;
}

/**
 * @param {import('./client.mjs').RawClient} client
 * @param {() => void} look
 */
async function untilSaved(client, look) {
  do {
    await sleep(POLL_MS);
    look();
  } while ((await readInfoNumber(client, 'persistence', 'rdb_bgsave_in_progress')) === 1);
}

/**
 * SET of random keys, 16 at a time, until it is stopped.
 *
 * @param {number} port
 * @param {number} keys
 */
function startLoad(port, keys) {
  return startBenchmark(port, ['-P', 16, '-t', 'set', '-r', keys, '-d', 16, '-n', 1_000_000_000, '-q']);
}
