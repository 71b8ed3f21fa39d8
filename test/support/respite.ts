import { Redis, type RedisOptions } from 'ioredis';
import { afterEach } from 'vitest';
import { SystemClock } from '../../src/ambient/clock.js';
import { Config, type Directives } from '../../src/config/config.js';
import { Respite, type RespiteOptions } from '../../src/index.js';
import type { FileSystem } from '../../src/persistence/files.js';
import { createLog } from '../../src/server/log.js';
import { RespiteServer } from '../../src/server/server.js';

const open: (() => unknown)[] = [];

/** A server that is closed after the current test. */
export async function startRespite(options: RespiteOptions = {}): Promise<Respite> {
  const server = await Respite.start(options);
  open.push(() => server.close());
  return server;
}

/** A client of a server, disconnected after the current test. No retries: a lost connection is an error. */
export function connect(server: Respite, options: RedisOptions = {}): Redis {
  return connectTo(server.port, { host: server.host, ...options });
}

/**
 * A client that has been answered once. One that is still asking for INFO when a script goes over its time takes
 * BUSY for a server that is not ready, and disconnects.
 */
export async function connected(server: Respite): Promise<Redis> {
  const client = connect(server);
  await client.ping();
  return client;
}

/** A client of whatever listens on a port of this machine, disconnected after the current test. */
export function connectTo(port: number, options: RedisOptions = {}): Redis {
  const client = new Redis({ host: '127.0.0.1', port, retryStrategy: () => null, ...options });
  client.on('error', () => {});
  open.push(() => client.disconnect());
  return client;
}

/** A server without the embedding API, on files that a test provides; closed after the current test. */
export async function startServer(
  directives: Partial<Directives>,
  files: FileSystem,
  clock = new SystemClock(),
): Promise<{ server: RespiteServer; clock: SystemClock }> {
  const config = new Config();
  config.assign({ port: 0, bind: ['127.0.0.1'], save: [], loglevel: 'nothing', ...directives });
  const log = createLog({
    level: 'nothing',
    format: 'redis',
    file: '',
    pid: process.pid,
    role: 'M',
    clock: () => clock.now(),
  });
  const server = new RespiteServer({ config, log, clock, files, anyPort: true });
  open.push(() => server.close());
  await server.start();
  return { server, clock };
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
