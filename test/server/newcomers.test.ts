import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../src/ambient/clock.js';
import { Newcomers } from '../../src/server/newcomers.js';
import { RawClient } from '../support/raw-client.js';
import { connect, startRespite, startWithClient } from '../support/respite.js';
import { until } from '../support/waiting.js';

describe('connections that come together', () => {
  it('are all served, whatever they send at once', async () => {
    const { server } = await startWithClient({});
    const clients = await Promise.all(
      Array.from({ length: 60 }, () => RawClient.connect({ port: server.port })),
    );
    const replies = await Promise.all(clients.map((client, i) => client.call('ECHO', `${i}`)));
    expect(replies.map(String)).toEqual(clients.map((_, i) => `${i}`));
  });

  it('are served when time stands still', async () => {
    const server = await startRespite({ clock: 'manual' });
    const clients = Array.from({ length: 10 }, () => connect(server));
    expect(await Promise.all(clients.map((client) => client.ping()))).toEqual(clients.map(() => 'PONG'));
  });
});

describe('a crowd with gaps', () => {
  function setUp() {
    const clock = new ManualClock(0);
    const newcomers = new Newcomers(clock);
    const log: string[] = [];
    const socket = (name: string) => ({ resume: () => log.push(`resume ${name}`) }) as unknown as Socket;
    const events = {
      onBytes: (buffer: Buffer, length: number) => void log.push(buffer.toString('latin1', 0, length)),
      onEnd: () => {},
      onClose: () => {},
    };
    /** Somebody comes alone, and after a long turn somebody else. */
    const come = async () => {
      newcomers.add(socket('first'));
      await until('the first one is read from', () => log.length > 0);
      clock.advance(2);
      newcomers.add(socket('second'));
    };
    return { newcomers, log, events, come };
  }

  it('has those who are served already wait until it is complete', async () => {
    const { newcomers, log, events, come } = setUp();
    await come();
    expect(newcomers.holding).toBe(true);
    const buffer = Buffer.from('one two');
    newcomers.putAside(events, buffer, 3);
    buffer.write('six');
    newcomers.putAside(events, buffer, 7);
    expect(log).toEqual(['resume first']);
    await until('all are served', () => !newcomers.holding);
    expect(log).toEqual(['resume first', 'one', 'six two', 'resume second']);
  });

  it('has nothing lost of who goes meanwhile', async () => {
    const { newcomers, log, events, come } = setUp();
    await come();
    newcomers.putAside(events, Buffer.from('last'), 4);
    newcomers.deliver();
    expect(log).toEqual(['resume first', 'last']);
    expect(newcomers.holding).toBe(false);
  });
});
