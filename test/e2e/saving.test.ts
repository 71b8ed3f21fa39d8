import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RawClient } from '../support/raw-client.js';
import { freePort } from '../support/redis-server.js';
import { untilInfo } from '../support/waiting.js';

const main = join(import.meta.dirname, '../../dist/main.cjs');
let folder: string;
const running: ChildProcess[] = [];

beforeEach(() => {
  if (!existsSync(main)) throw new Error('dist/main.cjs is missing: run `npm run build` first');
  folder = mkdtempSync(join(tmpdir(), 'respite-saving-'));
});
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

/** The compiled server as a process: its snapshots are written by a thread. */
async function start(...args: string[]) {
  const port = await freePort();
  const standard = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder];
  const child = spawn(process.execPath, [main, ...standard, '--enable-debug-command', 'yes', ...args]);
  running.push(child);
  let out = '';
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (text: Buffer) => {
      out += text.toString();
      if (out.includes('Ready to accept')) resolve();
    });
    child.once('exit', () => reject(new Error(out)));
  });
  const client = await RawClient.connect({ port });
  const exited = once(child, 'close').then(([code]) => code as number | null);
  const saved = () => untilInfo(client, 'rdb_bgsave_in_progress', 0);
  return { child, client, exited, saved, output: () => out };
}

describe('a process', () => {
  it('saves in the background, and loads what it saved', async () => {
    const first = await start('--save', '');
    await first.client.call('DEBUG', 'POPULATE', '20000');
    await first.client.call('HSET', 'hash', ...Array.from({ length: 4000 }, (_, i) => `x${i}`));
    const digest = await first.client.call('DEBUG', 'DIGEST');
    await first.client.call('BGSAVE');
    await first.client.call('FLUSHDB');
    await first.client.call('DEBUG', 'POPULATE', '20000', 'other');
    await first.saved();
    expect(String(await first.client.call('INFO', 'persistence'))).toContain('rdb_last_bgsave_status:ok');
    expect(readdirSync(folder)).toEqual(['dump.rdb']);
    first.child.kill('SIGKILL');
    const second = await start('--save', '');
    expect(await second.client.call('DEBUG', 'DIGEST')).toBe(digest);
  });

  it('saves at SIGTERM if there are save points', async () => {
    const first = await start('--save', '900 1');
    await first.client.call('SET', 'a', '1');
    first.child.kill('SIGTERM');
    expect(await first.exited).toBe(0);
    expect(first.output()).toContain('* Saving the final RDB snapshot before exiting.');
    const second = await start();
    expect(await second.client.call('GET', 'a')).toBe('1');
  });

  it('leaves no temporary file behind when it ends during a save', async () => {
    const { client, child, exited } = await start('--save', '', '--rdb-key-save-delay', '10000');
    await client.call('DEBUG', 'POPULATE', '1000');
    await client.call('BGSAVE');
    await expect.poll(() => readdirSync(folder).length, { timeout: 10_000 }).toBe(1);
    child.kill('SIGTERM');
    expect(await exited).toBe(0);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('saves at its end also while the append-only file is rewritten that is off', async () => {
    const { client, child, exited } = await start('--save', '900 1', '--rdb-key-save-delay', '2000');
    await client.call('DEBUG', 'POPULATE', '500');
    await client.call('BGREWRITEAOF');
    expect(String(await client.call('INFO', 'persistence'))).toContain('aof_rewrite_in_progress:1');
    child.kill('SIGTERM');
    expect(await exited).toBe(0);
    const second = await start();
    expect(await second.client.call('DBSIZE')).toBe(500);
  });

  it('tells nothing of a file that was given up when it had its name already', async () => {
    const compiled = (name: string) =>
      import(pathToFileURL(join(import.meta.dirname, '../../dist/persistence', name)).href);
    const [{ openFileSink }, { systemFiles }] = [await compiled('file-sink.js'), await compiled('files.js')];
    const [temporary, path] = [join(folder, 'temporary'), join(folder, 'complete')];
    const sink = openFileSink(systemFiles, { temporary, path, checksum: 'none', incrementalSync: false });
    let told = false;
    sink.onEnd = () => {
      told = true;
    };
    sink.write(Buffer.from(Uint8Array.from([1, 2, 3]).buffer));
    sink.end();
    // What the thread says cannot be heard meanwhile.
    const end = Date.now() + 10_000;
    while (!existsSync(path) && Date.now() < end) readdirSync(folder);
    await sink.abandon();
    for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(told).toBe(false);
    expect(readdirSync(folder)).toEqual(['complete']);
  });

  it.skipIf(process.getuid?.() === 0)('stays when it cannot save, unless it is forced', async () => {
    const { client, child, exited, output } = await start('--save', '900 1');
    await client.call('SET', 'a', '1');
    chmodSync(folder, 0o500);
    child.kill('SIGTERM');
    await expect.poll(output, { timeout: 10_000 }).toContain('Errors trying to shut down the server');
    expect(await client.call('GET', 'a')).toBe('1');
    client.write('SHUTDOWN FORCE\r\n');
    expect(await exited).toBe(0);
    chmodSync(folder, 0o700);
  });
});
