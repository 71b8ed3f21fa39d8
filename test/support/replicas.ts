import type { Redis } from 'ioredis';
import { infoField } from './info.js';
import { until, untilInfo } from './waiting.js';

/** Waits until the link of a replica to its primary is up. */
export async function untilLinked(replica: Redis): Promise<void> {
  await untilInfo(replica, 'master_link_status', 'up');
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
