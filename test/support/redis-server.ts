import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'vitest';

/** What `redis-server --version` says, or undefined where it is not installed. */
export const redisServerVersion: string | undefined = findVersion();

/**
 * `describe` for tests that need a real redis-server. Where there is none, the block is reported as skipped
 * and its name says why.
 */
export const describeWithRedisServer: (name: string, tests: () => void) => void = redisServerVersion
  ? (name, tests) => describe(`${name} (redis-server ${redisServerVersion})`, tests)
  : (name, tests) => describe.skip(`${name} (skipped: redis-server is not installed)`, tests);

export interface SpawnedServer {
  port: number;
  pid: number;
  stop(): Promise<void>;
}

/**
 * Starts redis-server on a free port of 127.0.0.1, without persistence, and waits until it is ready. It has a folder
 * of its own, for as a replica it writes a file, which the next server would load.
 */
export async function startRedisServer(...directives: string[]): Promise<SpawnedServer> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'respite-redis-'));
  const args = ['--port', String(port), '--save', '', '--bind', '127.0.0.1', '--dir', folder, ...directives];
  const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`redis-server ended with status ${code}\n${output}`)));
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString('latin1');
      if (output.includes('Ready to accept')) resolve();
    });
  });
  return {
    port,
    pid: child.pid!,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        const exited = once(child, 'exit');
        child.kill('SIGKILL');
        await exited;
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A port of 127.0.0.1 that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no TCP address');
  return address.port;
}

function findVersion(): string | undefined {
  const { stdout } = spawnSync('redis-server', ['--version'], { encoding: 'latin1' });
  return /v=(\S+)/.exec(stdout ?? '')?.[1];
}
