import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ENTRYPOINT = fileURLToPath(new URL('../../docker/docker-entrypoint.sh', import.meta.url));
const HEALTHCHECK = fileURLToPath(new URL('../../docker/healthcheck.mjs', import.meta.url));
const OPEN = ['--protected-mode', 'no'];

describe.skipIf(process.platform === 'win32')('docker-entrypoint.sh', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'respite-entrypoint-'));
    writeFileSync(join(folder, 'respite'), '#!/bin/sh\nprintf \'%s\\n\' respite "$@"\n');
    chmodSync(join(folder, 'respite'), 0o755);
    writeFileSync(join(folder, 'empty.conf'), '# protected-mode yes\n');
    writeFileSync(join(folder, 'closed.conf'), 'port 7000\n  Protected-Mode yes\n');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  function run(...args: string[]): string[] {
    const env = { ...process.env, PATH: `${folder}${delimiter}${process.env.PATH}` };
    const { stdout, stderr } = spawnSync('sh', [ENTRYPOINT, ...args], { env, cwd: folder, encoding: 'utf8' });
    expect(stderr).toBe('');
    return stdout.trimEnd().split('\n');
  }

  it('starts the server, open to the container’s network', () => {
    expect(run('respite')).toEqual(['respite', ...OPEN]);
  });

  it('takes flags and a configuration file for arguments of the server', () => {
    expect(run('--port', '7000')).toEqual(['respite', '--port', '7000', ...OPEN]);
    expect(run('empty.conf', '--hz', '20')).toEqual(['respite', 'empty.conf', '--hz', '20', ...OPEN]);
  });

  it('leaves what the user has set alone', () => {
    expect(run('closed.conf')).toEqual(['respite', 'closed.conf']);
    expect(run('--protected-mode', 'yes')).toEqual(['respite', '--protected-mode', 'yes']);
    expect(run('--protected-mode yes')).toEqual(['respite', '--protected-mode yes']);
  });

  it('runs any other program as it is', () => {
    expect(run('echo', 'a b', '--port')).toEqual(['a b --port']);
  });
});

describe('healthcheck.mjs', () => {
  async function statusFor(answer: string | undefined): Promise<number> {
    const server = createServer((socket) => (answer ? socket.write(answer) : socket.destroy()));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo; // a TCP server has no other kind of address
    const check = spawn(process.execPath, [HEALTHCHECK], {
      env: { ...process.env, RESPITE_PORT: String(port) },
    });
    const [status] = await once(check, 'exit');
    server.close();
    return status;
  }

  it('is content with a server that answers', async () => {
    expect(await statusFor('+PONG\r\n')).toBe(0);
    expect(await statusFor('-NOAUTH Authentication required.\r\n')).toBe(0);
  });

  it('is not content with another answer or none', async () => {
    expect(await statusFor('HTTP/1.1 400 Bad Request\r\n')).toBe(1);
    expect(await statusFor(undefined)).toBe(1);
  });
});
