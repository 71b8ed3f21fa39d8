import type { Redis } from 'ioredis';

/**
 * Polls until something is so; while a server that is asked loads its data, it is not. Rejects after ten seconds with
 * what `what` says.
 */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 10_000;
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

/** A field of INFO. */
export async function infoField(redis: Redis, name: string): Promise<string> {
  const text = await redis.info('everything');
  return new RegExp(`^${name}:(.*)\r?$`, 'm').exec(text)?.[1].trim() ?? '';
}

/** Waits until the link of a replica to its primary is up. */
export async function untilLinked(replica: Redis): Promise<void> {
  await until('the link is up', async () => (await infoField(replica, 'master_link_status')) === 'up');
}

/** Waits until a replica has applied all that its primary has sent. */
export async function untilCaughtUp(primary: Redis, replica: Redis): Promise<void> {
  await untilLinked(replica);
  await until('the replica has caught up', async () => {
    const offset = await infoField(primary, 'master_repl_offset');
    return (await infoField(replica, 'slave_repl_offset')) === offset;
  });
}

/** The digest of all data. */
export async function digest(redis: Redis): Promise<string> {
  return String(await redis.call('debug', 'digest'));
}
