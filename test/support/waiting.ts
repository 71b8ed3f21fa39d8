import type { Redis } from 'ioredis';
import { type Asking, infoField } from './info.js';

const LIMIT_MS = 10_000;

/**
 * Polls until something is so; while a server that is asked loads its data, it is not. Rejects after `limitMs` with
 * what `what` says.
 */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  limitMs = LIMIT_MS,
): Promise<void> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    try {
      if (await condition()) return;
    } catch (error) {
      if (!(error as Error).message.startsWith('LOADING')) throw error;
    }
    if (performance.now() > deadline) throw new Error(`in vain waited until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Waits until a field of INFO has a value. */
export async function untilInfo(client: Asking, name: string, value: string | number): Promise<void> {
  await until(`${name} is ${value}`, async () => (await infoField(client, name)) === String(value));
}

/** Waits until clients are told that a script has run too long, and gives what they are told. */
export async function untilBusy(redis: Redis): Promise<string> {
  let answer = '';
  await until('a script is said to run', async () => {
    answer = await redis.ping().catch((error: Error) => error.message);
    return answer.startsWith('BUSY');
  });
  return answer;
}

/** Has the append-only file rewritten, and waits for the end of that. */
export async function rewritten(client: Asking): Promise<void> {
  await client.call('BGREWRITEAOF');
  await untilInfo(client, 'aof_rewrite_in_progress', 0);
}
