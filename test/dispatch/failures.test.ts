import { describe, expect, it } from 'vitest';
import type { CommandSpec } from '../../src/commands/command.js';
import { ArenaFullError } from '../../src/memory/arena.js';
import { CommandError } from '../../src/protocol/errors.js';
import { RawClient } from '../support/raw-client.js';
import { startRespite } from '../support/respite.js';

const failures: Record<string, () => unknown> = {
  client: () => new CommandError('ERR yours'),
  arena: () => new ArenaFullError('cannot allocate 10 bytes'),
  engine: () => new RangeError('Array buffer allocation failed'),
  defect: () => new TypeError('undefined is not a function'),
};

/** FAIL how: a command that throws. */
const fail: CommandSpec = {
  name: 'fail',
  group: 'string',
  since: '0.0.0',
  summary: 'Fails.',
  complexity: 'O(1)',
  syntax: 'how',
  flags: [],
  handler({ args }): void {
    throw failures[args[1].latin1()]();
  },
};

describe('a command that throws', () => {
  it.each([
    ['client', '-ERR yours\r\n'],
    ['arena', '-OOM the server could not get the memory that the command needs\r\n'],
    ['engine', '-OOM the server could not get the memory that the command needs\r\n'],
    ['defect', "-ERR internal error in 'fail', see the server's log\r\n"],
  ])('gets one error reply: %s', async (how, reply) => {
    const server = await startRespite({ commands: [fail] });
    const client = await RawClient.connect({ port: server.port });
    expect(await client.raw('FAIL', how)).toBe(reply);
    expect(await client.raw('PING')).toBe('+PONG\r\n');
    await client.close();
  });
});
