import type { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src/ambient/random.js';
import { connect, startRespite } from '../support/respite.js';
import { until } from '../support/waiting.js';

const ENTRIES = 600;

type Batch = [id: string, fields: string[]][];

/**
 * A worker of a group. It takes new entries, and what others left behind, and dies now and then: before or after it has
 * processed a batch, but before it has acknowledged it.
 */
async function work(
  open: () => Redis,
  name: string,
  random: () => number,
  processed: Map<string, number>,
  isDone: () => boolean,
): Promise<void> {
  for (let life = 0; !isDone(); life++) {
    const redis = open();
    const consumer = `${name}:${life}`;
    while (!isDone()) {
      const [, abandoned] = (await redis.call(
        ...(['XAUTOCLAIM', 'jobs', 'workers', consumer, '0', '-', 'COUNT', '7'] as [string, ...string[]]),
      )) as [string, Batch];
      const fresh = (await redis.call(
        ...(['XREADGROUP', 'GROUP', 'workers', consumer, 'COUNT', '7', 'STREAMS', 'jobs', '>'] as [
          string,
          ...string[],
        ]),
      )) as [[string, Batch]] | null;
      const batch = [...abandoned, ...(fresh?.[0][1] ?? [])];
      if (random() < 0.2) break;
      for (const [id, [, number]] of batch) {
        expect(id).toMatch(/^\d+-\d+$/);
        processed.set(number, (processed.get(number) ?? 0) + 1);
      }
      if (random() < 0.2) break;
      if (batch.length > 0) await redis.xack('jobs', 'workers', ...batch.map(([id]) => id));
    }
    redis.disconnect();
  }
}

describe('workers of a consumer group that die at random', () => {
  it('process every entry at least once, and lose none', async () => {
    const server = await startRespite();
    const control = connect(server);
    await control.xgroup('CREATE', 'jobs', 'workers', '0', 'MKSTREAM');
    const chance = new SeededRandom(7);
    const processed = new Map<string, number>();
    let isDone = false;
    const open = () => connect(server);
    const workers = ['a', 'b', 'c', 'd'].map((name) =>
      work(
        open,
        name,
        () => chance.next(),
        processed,
        () => isDone,
      ),
    );
    for (let n = 0; n < ENTRIES; n++) await control.xadd('jobs', '*', 'number', String(n));
    const isFinished = async () => {
      const [pending] = (await control.xpending('jobs', 'workers')) as [number];
      const [[, , , , , , , , , , , lag]] = (await control.call('XINFO', 'GROUPS', 'jobs')) as unknown[][];
      return pending === 0 && lag === 0;
    };
    await until('all is acknowledged', isFinished, 25_000);
    isDone = true;
    await Promise.all(workers);
    expect(processed.size).toBe(ENTRIES);
    expect([...processed.keys()].map(Number).sort((a, b) => a - b)).toEqual(
      Array.from({ length: ENTRIES }, (_, n) => n),
    );
  }, 30_000);
});
