import { Redis, type RedisOptions } from 'ioredis';
import { afterEach } from 'vitest';
import { Respite, type RespiteOptions } from '../../src/index.js';

const open: (() => unknown)[] = [];

/** A server that is closed after the current test. */
export async function startRespite(options: RespiteOptions = {}): Promise<Respite> {
  const server = await Respite.start(options);
  open.push(() => server.close());
  return server;
}

/** A client of a server, disconnected after the current test. No retries: a lost connection is an error. */
export function connect(server: Respite, options: RedisOptions = {}): Redis {
  const client = new Redis({ host: server.host, port: server.port, retryStrategy: () => null, ...options });
  client.on('error', () => {});
  open.push(() => client.disconnect());
  return client;
}

/** A server and a client of it. */
export async function startWithClient(
  options: RespiteOptions = {},
): Promise<{ server: Respite; redis: Redis }> {
  const server = await startRespite(options);
  return { server, redis: connect(server) };
}

afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});
