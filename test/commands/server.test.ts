import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src/ambient/random.js';
import { nightLandscape } from '../../src/commands/lolwut.js';
import { startSession } from '../support/raw-session.js';

describe('ROLE', () => {
  it('is that of a master without replicas', async () => {
    const { send } = await startSession();
    expect(await send('ROLE')).toBe('*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n');
  });
});

describe('SHUTDOWN', () => {
  it.each([
    ['SHUTDOWN foo', '-ERR syntax error\r\n'],
    ['SHUTDOWN NOSAVE SAVE', '-ERR syntax error\r\n'],
    ['SHUTDOWN ABORT NOW', '-ERR syntax error\r\n'],
    ['SHUTDOWN ABORT', '-ERR No shutdown in progress.\r\n'],
  ])('%s', async (line, reply) => {
    const { send } = await startSession();
    expect(await send(line)).toBe(reply);
  });

  it('ends the server without a reply', async () => {
    const { client } = await startSession();
    client.write('SHUTDOWN NOSAVE NOW FORCE\r\n');
    await expect(client.nextRaw()).rejects.toThrow('closed');
  });

  it('cannot be queued', async () => {
    const { send } = await startSession();
    await send('MULTI');
    expect(await send('SHUTDOWN')).toBe('-ERR Command not allowed inside a transaction\r\n');
  });
});

describe('LOLWUT', () => {
  it('draws, and tells the version', async () => {
    const { send } = await startSession();
    expect(await send('LOLWUT')).toMatch(/\nRespite ver\. \d+\.\d+\.\d+, Redis ver\. 7\.2\.4\n\r\n$/);
    expect(await send('LOLWUT VERSION 5 8 2')).toMatch(/^\$\d+\r\n.{0,64}\n.{0,64}\n\nRespite/);
    expect(await send('LOLWUT VERSION x')).toBe('-ERR value is not an integer or out of range\r\n');
    expect(await send('LOLWUT what')).toContain('Redis ver.');
  });

  it('draws within its frame, the same from the same seed', () => {
    for (const [columns, rows] of [
      [1, 1],
      [2, 5],
      [64, 16],
      [160, 60],
    ]) {
      const picture = nightLandscape(new SeededRandom(7), columns, rows);
      const lines = picture.split('\n');
      expect(lines.pop()).toBe('');
      expect(lines).toHaveLength(rows);
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
      expect(nightLandscape(new SeededRandom(7), columns, rows)).toBe(picture);
    }
  });
});
