import { describe, expect, it } from 'vitest';
import { RawClient } from '../support/raw-client.js';
import { connect, startRespite, startWithClient } from '../support/respite.js';

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
