import { expect, it } from 'vitest';
import { startWithClient } from '../support/respite.js';

it('the commands of cluster mode say that there is none', async () => {
  const { redis } = await startWithClient();
  const disabled = 'ERR This instance has cluster support disabled';
  for (const command of [
    'CLUSTER INFO',
    'CLUSTER HELP',
    'CLUSTER KEYSLOT x',
    'ASKING',
    'READONLY',
    'READWRITE',
  ]) {
    const [name, ...args] = command.split(' ');
    await expect(redis.call(name, ...args), command).rejects.toThrow(disabled);
  }
  await expect(redis.call('CLUSTER', 'NONE')).rejects.toThrow("unknown subcommand 'NONE'. Try CLUSTER HELP.");
  await expect(redis.call('CLUSTER', 'KEYSLOT')).rejects.toThrow("arguments for 'cluster|keyslot' command");
  await expect(redis.eval("return redis.call('cluster', 'reset')", 0)).rejects.toThrow('not allowed');
});
