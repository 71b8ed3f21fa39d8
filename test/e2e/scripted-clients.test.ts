import { FlowProducer, type Job, Queue, QueueEvents, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { RateLimiterRedis } from 'rate-limiter-flexible';
import Redlock from 'redlock';
import { afterEach, describe, expect, it } from 'vitest';
import type { Respite } from '../../src/index.js';
import { commandSpecs } from '../../src/server/all-commands.js';
import { connect, startRespite, startWithClient } from '../support/respite.js';

/** Libraries that live on scripts, as they come from npm, with their defaults. */

describe('redlock', () => {
  it('locks, extends and unlocks; nobody else gets the lock meanwhile', async () => {
    const { redis } = await startWithClient();
    const redlock = new Redlock([redis]);
    const impatient = new Redlock([redis], { retryCount: 0 });
    const lock = await redlock.lock('locks:a', 5000);
    await expect(impatient.lock('locks:a', 5000)).rejects.toThrow(/unable to achieve a quorum|exceeded/i);
    const extended = await lock.extend(10_000);
    expect(await redis.pttl('locks:a')).toBeGreaterThan(5000);
    await extended.unlock();
    expect(await redis.exists('locks:a')).toBe(0);
    await (await impatient.lock('locks:a', 5000)).unlock();
  });
});

describe('rate-limiter-flexible', () => {
  it('counts points and refuses when they are used up', async () => {
    const { redis } = await startWithClient();
    const limiter = new RateLimiterRedis({ storeClient: redis, points: 3, duration: 5 });
    expect((await limiter.consume('user')).remainingPoints).toBe(2);
    expect((await limiter.consume('user', 2)).remainingPoints).toBe(0);
    await expect(limiter.consume('user')).rejects.toMatchObject({ remainingPoints: 0, consumedPoints: 4 });
    expect((await limiter.get('user'))?.consumedPoints).toBe(4);
    await limiter.reward('user', 2);
    expect((await limiter.get('user'))?.consumedPoints).toBe(2);
    await limiter.delete('user');
    expect(await limiter.get('user')).toBeNull();
  });

  it('blocks in memory, too', async () => {
    const { redis } = await startWithClient();
    const limiter = new RateLimiterRedis({ storeClient: redis, points: 1, duration: 5, blockDuration: 10 });
    await limiter.consume('user');
    await expect(limiter.consume('user')).rejects.toMatchObject({ remainingPoints: 0 });
    expect(await redis.pttl('rlflx:user')).toBeGreaterThan(5000);
  });
});

const hasStreams = commandSpecs().some(({ name }) => name === 'xadd');

/** BullMQ's events are streams. */
describe.skipIf(!hasStreams)('BullMQ', () => {
  interface Closing {
    close(): Promise<unknown>;
  }

  const open: Closing[] = [];
  const closing = <T extends Closing>(it: T): T => {
    open.push(it);
    return it;
  };
  // Before the server goes, for some wait for its answers.
  afterEach(async () => {
    for (const it of open.splice(0).reverse()) await it.close();
  });
  const connectionOf = ({ host, port }: Respite) => ({ host, port });

  async function start() {
    const server = await startRespite();
    const connection = connectionOf(server);
    const redis: Redis = connect(server);
    const queue = closing(new Queue('work', { connection }));
    const events = closing(new QueueEvents('work', { connection }));
    await events.waitUntilReady();
    return { connection, redis, queue, events };
  }

  it('processes jobs and tells of it', async () => {
    const { connection, queue, events } = await start();
    closing(new Worker('work', async ({ data }: Job) => data.n * 2, { connection }));
    const jobs = await queue.addBulk(Array.from({ length: 20 }, (_, n) => ({ name: 'double', data: { n } })));
    expect(await Promise.all(jobs.map((job) => job.waitUntilFinished(events)))).toEqual(
      Array.from({ length: 20 }, (_, n) => n * 2),
    );
    expect(await queue.getJobCounts('completed', 'failed', 'wait', 'active')).toEqual({
      completed: 20,
      failed: 0,
      wait: 0,
      active: 0,
    });
  });

  it('retries failed jobs, and keeps those that fail for good', async () => {
    const { connection, queue, events } = await start();
    closing(
      new Worker(
        'work',
        async ({ attemptsMade, name }: Job) => {
          if (name === 'never' || attemptsMade < 2) throw new Error('not yet');
          return attemptsMade;
        },
        { connection },
      ),
    );
    const lucky = await queue.add('lucky', {}, { attempts: 3, backoff: { type: 'fixed', delay: 10 } });
    const never = await queue.add('never', {}, { attempts: 2 });
    expect(await lucky.waitUntilFinished(events)).toBe(2);
    await expect(never.waitUntilFinished(events)).rejects.toThrow('not yet');
    expect(await queue.getFailedCount()).toBe(1);
  });

  it('delays jobs, and takes urgent ones first', async () => {
    const { connection, queue, events } = await start();
    const delay = 150;
    const seen: string[] = [];
    let waited = 0;
    await queue.add('low', {}, { priority: 10 });
    await queue.add('high', {}, { priority: 1 });
    // Its priority keeps it behind the others if it is due before the worker begins.
    const delayed = await queue.add('delayed', {}, { delay, priority: 20 });
    expect(await queue.getDelayedCount()).toBe(1);
    const work = async ({ name, timestamp }: Job) => {
      seen.push(name);
      if (name === 'delayed') waited = Date.now() - timestamp;
    };
    closing(new Worker('work', work, { connection }));
    await delayed.waitUntilFinished(events);
    expect(seen).toEqual(['high', 'low', 'delayed']);
    expect(waited).toBeGreaterThanOrEqual(delay);
  });

  it('runs flows: parents wait for their children', async () => {
    const { connection, events } = await start();
    const flows = closing(new FlowProducer({ connection }));
    closing(
      new Worker(
        'work',
        async (job: Job) => {
          if (job.name !== 'parent') return job.data.n;
          const values: number[] = Object.values(await job.getChildrenValues());
          return values.reduce((sum, n) => sum + n, 0);
        },
        { connection },
      ),
    );
    const { job } = await flows.add({
      name: 'parent',
      queueName: 'work',
      children: [1, 2, 3].map((n) => ({ name: 'child', queueName: 'work', data: { n } })),
    });
    expect(await job.waitUntilFinished(events)).toBe(6);
  });

  it('repeats jobs', async () => {
    const { connection, queue } = await start();
    const times = await new Promise<number>((resolve) => {
      let runs = 0;
      closing(
        new Worker(
          'work',
          async () => {
            if (++runs === 3) resolve(runs);
          },
          { connection },
        ),
      );
      void queue.upsertJobScheduler('often', { every: 50 }, { name: 'tick' });
    });
    expect(times).toBe(3);
    expect(await queue.removeJobScheduler('often')).toBe(true);
  });

  it('limits the rate', async () => {
    const { connection, queue, events } = await start();
    closing(new Worker('work', async () => 'done', { connection, limiter: { max: 2, duration: 200 } }));
    const began = performance.now();
    const jobs = await queue.addBulk(Array.from({ length: 5 }, () => ({ name: 'job', data: {} })));
    await Promise.all(jobs.map((job) => job.waitUntilFinished(events)));
    expect(performance.now() - began).toBeGreaterThan(350);
  });
});
