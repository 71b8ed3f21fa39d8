import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { startRespite } from '../support/respite.js';

const request = 'PING\r\n';
/** What the server reads at a time: then it goes on reading, and sees the end before it has replied. */
const readBytes = 65_536;

it.each([100, readBytes])(
  'a pipeline of %i bytes is answered although its client sends no more',
  async (bytes) => {
    const server = await startRespite();
    const count = Math.floor(bytes / request.length);
    const body = `${'PING'.padEnd(bytes - (count - 1) * request.length - 2)}\r\n${request.repeat(count - 1)}`;
    for (let round = 0; round < 5; round++) {
      const socket = connect({ host: '127.0.0.1', port: server.port, allowHalfOpen: true });
      await once(socket, 'connect');
      let replies = '';
      socket.on('data', (data) => {
        replies += data.toString('latin1');
      });
      socket.end(body);
      await once(socket, 'end');
      expect(replies).toBe('+PONG\r\n'.repeat(count));
    }
  },
);
