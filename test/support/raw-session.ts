import type { RespiteOptions } from '../../src/index.js';
import { RawClient } from './raw-client.js';
import { startRespite } from './respite.js';

/** Sends a line of blank-separated words and gives the exact bytes of the reply. */
export type Session = (line: string) => Promise<string>;

/** A server, a connection that shows exact bytes, and a way to get more of them. Closed after the test. */
export async function startSession(options: RespiteOptions = {}): Promise<{
  send: Session;
  client: RawClient;
  another: () => Promise<Session>;
  anotherClient: () => Promise<RawClient>;
  /** With `clock: 'manual'`: lets time pass. */
  advance: (milliseconds: number) => void;
}> {
  const server = await startRespite(options);
  const anotherClient = () => RawClient.connect({ port: server.port, host: server.host });
  const client = await anotherClient();
  return {
    send: session(client),
    client,
    another: async () => session(await anotherClient()),
    anotherClient,
    advance: (milliseconds) => server.advanceTime(milliseconds),
  };
}

function session(client: RawClient): Session {
  return (line) => client.raw(...line.split(' '));
}
