import { describe, expect, it } from 'vitest';
import { startSession } from '../support/raw-session.js';

describe('CONFIG', () => {
  it('GET takes globs and several patterns', async () => {
    const { send } = await startSession();
    expect(await send('CONFIG GET maxmemory')).toBe('*2\r\n$9\r\nmaxmemory\r\n$1\r\n0\r\n');
    expect(await send('CONFIG GET nope')).toBe('*0\r\n');
    const several = await send('CONFIG GET HZ max*-policy');
    expect(several).toContain('$16\r\nmaxmemory-policy\r\n$10\r\nnoeviction\r\n');
    expect(several.startsWith('*4\r\n')).toBe(true);
    await send('HELLO 3');
    expect(await send('CONFIG GET maxmemory')).toBe('%1\r\n$9\r\nmaxmemory\r\n$1\r\n0\r\n');
  });

  it('SET changes all or nothing', async () => {
    const { send } = await startSession();
    expect(await send('CONFIG SET maxmemory 1mb hz 20')).toBe('+OK\r\n');
    expect(await send('CONFIG GET maxmemory')).toContain('\r\n1048576\r\n');
    expect(await send('CONFIG SET maxmemory 2mb maxclients x')).toBe(
      "-ERR CONFIG SET failed (possibly related to argument 'maxclients') - argument couldn't be parsed into an integer\r\n",
    );
    expect(await send('CONFIG GET maxmemory')).toContain('\r\n1048576\r\n');
  });

  it.each([
    ['SET foo', "-ERR wrong number of arguments for 'config|set' command\r\n"],
    ['SET foo bar', "-ERR Unknown option or number of arguments for CONFIG SET - 'foo'\r\n"],
    ['SET maxmemory 1 hz', '-ERR syntax error\r\n'],
    [
      'SET maxmemory abc',
      "-ERR CONFIG SET failed (possibly related to argument 'maxmemory') - argument must be a memory value\r\n",
    ],
    [
      'SET databases 4',
      "-ERR CONFIG SET failed (possibly related to argument 'databases') - can't set immutable config\r\n",
    ],
    [
      'SET dir /',
      "-ERR CONFIG SET failed (possibly related to argument 'dir') - can't set protected config\r\n",
    ],
    ['SET hz 1 HZ 2', "-ERR CONFIG SET failed (possibly related to argument 'HZ') - duplicate parameter\r\n"],
    ['GET', "-ERR wrong number of arguments for 'config|get' command\r\n"],
    ['REWRITE', '-ERR The server is running without a config file\r\n'],
    ['foo', "-ERR unknown subcommand 'foo'. Try CONFIG HELP.\r\n"],
  ])('%s', async (line, reply) => {
    const { send } = await startSession();
    expect(await send(`CONFIG ${line}`)).toBe(reply);
  });

  it('RESETSTAT clears counters, command and error statistics', async () => {
    const { send } = await startSession();
    await send('SET k v');
    await send('GET k');
    await send('nope');
    expect(await send('INFO commandstats')).toContain('cmdstat_set:calls=1,');
    expect(await send('CONFIG RESETSTAT')).toBe('+OK\r\n');
    const stats = await send('INFO stats commandstats errorstats');
    expect(stats).toContain('keyspace_hits:0\r\n');
    expect(stats).toContain('total_error_replies:0\r\n');
    expect(stats).not.toContain('cmdstat_set');
    expect(stats).not.toContain('errorstat_');
  });
});
