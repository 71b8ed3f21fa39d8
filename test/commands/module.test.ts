import { describe, expect, it } from 'vitest';
import { startWithClient } from '../support/respite.js';

describe('MODULE', () => {
  it('knows of no modules and loads none', async () => {
    const { redis } = await startWithClient({ 'enable-module-command': 'local' });
    expect(await redis.call('MODULE', 'LIST')).toEqual([]);
    await expect(redis.call('MODULE', 'LOAD', '/x.so')).rejects.toThrow('ERR Error loading the extension.');
    await expect(redis.call('MODULE', 'LOADEX', '/x.so')).rejects.toThrow('ERR Error loading the extension.');
    await expect(redis.call('MODULE', 'UNLOAD', 'x')).rejects.toThrow('no such module with that name');
  });

  it('is for those whom enable-module-command admits', async () => {
    const { redis } = await startWithClient();
    await expect(redis.call('MODULE', 'UNLOAD', 'x')).rejects.toThrow('ERR MODULE command not allowed.');
    expect(await redis.call('MODULE', 'LIST')).toEqual([]);
    expect(await redis.call('MODULE', 'HELP')).toContainEqual(expect.stringMatching(/^MODULE <subcommand> /));
  });
});
