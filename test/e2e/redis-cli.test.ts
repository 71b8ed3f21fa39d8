import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Respite } from '../../src/index.js';
import { startWithClient } from '../support/respite.js';

const isInstalled = (program: string) => spawnSync(program, ['--version']).status === 0;

/** `describe` for tests that need programs: reported as skipped, with the reason, where one is absent. */
function describeWith(programs: string[], name: string, tests: () => void): void {
  const absent = programs.filter((program) => !isInstalled(program));
  if (absent.length === 0) describe(name, tests);
  else describe.skip(`${name} (skipped: ${absent.join(' and ')} not installed)`, tests);
}

interface Run {
  status: number | null;
  output: string;
}

/** Runs a program until it ends. */
function run(program: string, args: string[], input = ''): Promise<Run> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = outputOf(child, () => {});
  child.stdin.on('error', () => {}); // it may have ended already
  child.stdin.end(input);
  return ended;
}

/** Gathers what a program prints until it ends, and shows `watch` all of it each time that there is more. */
function outputOf(child: ChildProcessWithoutNullStreams, watch: (output: string) => void): Promise<Run> {
  let output = '';
  const read = (chunk: Buffer) => {
    output += chunk.toString('utf8');
    watch(output);
  };
  child.stdout.on('data', read);
  child.stderr.on('data', read);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, output }));
  });
}

const address = ({ host, port }: Respite) => ['-h', host, '-p', String(port)];
const cli = (server: Respite, args: string[], input = '') =>
  run('redis-cli', [...address(server), ...args], input);

/**
 * redis-cli on a terminal of its own: types the text once it prompts, and ends it once the output matches.
 */
function onTerminal(server: Respite, args: string[], typed: string, until: RegExp): Promise<Run> {
  const command = ['stty cols 120; TERM=xterm redis-cli', ...address(server), ...args].join(' ');
  const child = spawn('script', ['-qec', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'pipe'] });
  let prompted = false;
  return outputOf(child, (output) => {
    if (!prompted && output.includes(`:${server.port}> `)) {
      prompted = true;
      child.stdin.write(typed);
    }
    if (until.test(output)) child.kill();
  });
}

describeWith(['redis-cli'], 'redis-cli', () => {
  it('runs single commands, with their status', async () => {
    const { server } = await startWithClient();
    expect(await cli(server, ['SET', 'k', 'v'])).toEqual({ status: 0, output: 'OK\n' });
    expect((await cli(server, ['-3', 'HGETALL', 'none'])).output).toBe('\n');
    expect((await cli(server, ['-e', 'LPUSH', 'k', 'x'])).status).toBe(1);
  });

  it('runs commands from a file, transactions among them', async () => {
    const { server } = await startWithClient();
    const { output } = await cli(server, ['-n', '2'], 'MULTI\nSET a 1\nINCR a\nEXEC\n');
    expect(output).toBe('OK\nQUEUED\nQUEUED\nOK\n2\n');
  });

  it('--pipe sends many commands and counts replies and errors', async () => {
    const { server, redis } = await startWithClient();
    const lines = Array.from({ length: 20_000 }, (_, i) => `SET key:${i} ${i}\r\n`).join('');
    const { status, output } = await cli(server, ['--pipe'], `${lines}SET wrong\r\n`);
    expect(output).toContain('errors: 1, replies: 20001');
    expect(status).toBe(1);
    expect(await redis.dbsize()).toBe(20_000);
  });

  it('--scan finds all keys of a pattern', async () => {
    const { server, redis } = await startWithClient();
    await redis.mset(Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`key:${i}`, 'x'])));
    await redis.set('other', 'x');
    const { output } = await cli(server, ['--scan', '--pattern', 'key:*']);
    expect(new Set(output.trim().split('\n')).size).toBe(1000);
    expect((await cli(server, ['--scan', '--pattern', 'oth*'])).output).toBe('other\n');
  });

  it('--bigkeys measures every type', async () => {
    const { server, redis } = await startWithClient();
    await redis.set('text', 'x'.repeat(500));
    await redis.rpush('list', '1', '2', '3');
    await redis.sadd('set', '1', '2');
    await redis.zadd('zset', 1, 'a');
    await redis.hset('hash', { a: '1', b: '2' });
    const { status, output } = await cli(server, ['--bigkeys']);
    expect(status).toBe(0);
    expect(output).toContain('Sampled 5 keys in the keyspace!');
    expect(output).toContain('Biggest string found \'"text"\' has 500 bytes');
    expect(output).toContain('Biggest   list found \'"list"\' has 3 items');
    expect(output).toContain('Biggest    set found \'"set"\' has 2 members');
    expect(output).toContain('Biggest   zset found \'"zset"\' has 1 members');
    expect(output).toContain('Biggest   hash found \'"hash"\' has 2 fields');
  });

  it('--latency measures for a while', async () => {
    const { server } = await startWithClient();
    const { output } = await cli(server, ['--latency', '--raw', '-i', '0.1']);
    expect(output).toMatch(/^\d+ \d+ \d+\.\d+ \d+/);
  });
});

describeWith(['redis-cli', 'script'], 'redis-cli on a terminal', () => {
  it('--stat shows keys, memory and requests', async () => {
    const { server, redis } = await startWithClient();
    await redis.mset({ a: '1', b: '2', c: '3' });
    const { output } = await onTerminal(server, ['--stat', '-i', '0.05'], '', /(^3 [^\n]*\n){2}/m);
    expect(output).toContain('keys       mem      clients blocked requests            connections');
    expect(output).toMatch(/^3 +[\d.]+[BKM] +2 +0 +\d+ \(\+\d+\) +\d+/m);
  });

  it('hints at arguments while one types', async () => {
    const { server } = await startWithClient();
    const { output } = await onTerminal(server, [], 'getrange ', /key start end/);
    expect(output).toContain('key start end');
  });

  it('HELP explains commands in the words of the server', async () => {
    const { server } = await startWithClient();
    const { output } = await onTerminal(server, [], 'help getdel\r', /group:.* string/);
    expect(output).toContain('Gives the string under a key and removes the key.');
    expect(output).toMatch(/since:\S* 6\.2\.0/);
  });
});

describeWith(['redis-cli', 'redis-check-rdb'], 'redis-cli as a replica', () => {
  it.each([
    ['--rdb', true, /sending REPLCONF rdb-only/, '2 keys read'],
    ['--rdb', false, /bytes to/, '2 keys read'],
    ['--functions-rdb', true, /rdb-filter-only functions/, '0 keys read'],
  ])('writes a snapshot to a file: %s (diskless: %s)', async (option, diskless, said, keys) => {
    const { server, redis } = await startWithClient({
      'rdb-version': '10',
      'repl-diskless-sync': diskless,
      'repl-diskless-sync-delay': 0,
    });
    await redis.mset('a', '1', 'b', '2');
    await redis.call('FUNCTION', 'LOAD', '#!lua name=l\nredis.register_function("f", function() end)');
    const folder = mkdtempSync(join(tmpdir(), 'respite-cli-'));
    const file = join(folder, 'snapshot.rdb');
    const written = await cli(server, [option, file]);
    expect(written.output).toMatch(said);
    expect(written.status).toBe(0);
    const checked = await run('redis-check-rdb', [file]);
    rmSync(folder, { recursive: true });
    expect(checked.output).toContain('RDB looks OK!');
    expect(checked.output).toContain(keys);
  });
});
