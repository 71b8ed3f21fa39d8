import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { isBuiltin } from 'node:module';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { RawClient } from '../support/raw-client.js';
import { freePort } from '../support/redis-server.js';

const main = join(import.meta.dirname, '../../dist/main.cjs');
const folder = mkdtempSync(join(tmpdir(), 'respite-process-'));
const running: ChildProcess[] = [];

beforeAll(() => {
  if (!existsSync(main)) throw new Error('dist/main.cjs is missing: run `npm run build` first');
});
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What other processes do takes its time on a busy machine. */
const eventually = <T>(look: () => T) => expect.poll(look, { timeout: 10_000 });

interface Run {
  child: ChildProcess;
  readonly out: string;
  readonly err: string;
  /** Resolves when what was printed to stdout matches. */
  prints(pattern: RegExp): Promise<void>;
  status: Promise<number | null>;
}

function respite(args: string[], { stdin = '', cwd = folder, env = {} } = {}): Run {
  const child = spawn(process.execPath, [main, ...args], { cwd, env: { ...process.env, ...env } });
  running.push(child);
  const printed = { out: '', err: '' };
  const listeners = new Set<() => void>();
  child.stdout.on('data', (text: Buffer) => {
    printed.out += text.toString();
    for (const listener of listeners) listener();
  });
  child.stderr.on('data', (text: Buffer) => {
    printed.err += text.toString();
  });
  child.stdin.end(stdin);
  return {
    child,
    get out() {
      return printed.out;
    },
    get err() {
      return printed.err;
    },
    prints: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (pattern.test(printed.out)) resolve();
        };
        listeners.add(look);
        look();
        child.once('close', () =>
          reject(new Error(`ended without ${pattern}:\n${printed.out}${printed.err}`)),
        );
      }),
    status: once(child, 'close').then(([code]) => code as number | null),
  };
}

async function start(...args: string[]) {
  const port = await freePort();
  const run = respite(['--port', String(port), '--bind', '127.0.0.1', ...args]);
  await run.prints(/Ready to accept connections tcp/);
  return { ...run, run, port };
}

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

async function configOf(port: number, name: string): Promise<unknown> {
  const client = await RawClient.connect({ port });
  const reply = await client.call('CONFIG', 'GET', name);
  await client.close();
  return (reply as unknown[])[1];
}

/** A snapshot with the string `a` = `1`; without a checksum. */
const snapshot = Buffer.from('REDIS0011\x00\x01a\x011\xff\0\0\0\0\0\0\0\0', 'latin1');

describe('a data set', () => {
  it('is loaded from dir, or imported from elsewhere for one start', async () => {
    const dir = mkdtempSync(join(folder, 'data-'));
    writeFileSync(join(folder, 'elsewhere.rdb'), snapshot);
    const imported = await start('--dir', dir, '--save', '', '--import', 'elsewhere.rdb');
    expect(imported.out).toMatch(/Importing .*elsewhere\.rdb\n(.*\n)*.*DB loaded from disk/);
    const client = await RawClient.connect(imported);
    expect(await client.call('GET', 'a')).toBe('1');
    await client.close();
    writeFileSync(join(dir, 'dump.rdb'), snapshot);
    const refused = respite(['--port', String(await freePort()), '--dir', dir, '--import', 'elsewhere.rdb']);
    expect(await refused.status).toBe(1);
    expect(refused.out).toContain('there is a data set already');
    const loaded = await start('--dir', dir, '--save', '');
    expect(loaded.out).toMatch(
      /Server initialized\n(.*\n)*.*Done loading RDB, keys loaded: 1, keys expired: 0, empty keys skipped: 0\.\n.*DB loaded from disk: \d\.\d{3} seconds\n.*Ready to accept/,
    );
  });

  it('is imported from an append-only file too, which stays as it is', async () => {
    const from = mkdtempSync(join(folder, 'aof-'));
    const commands = '*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$1\r\n2\r\n*2\r\n$3\r\n';
    const manifest = 'file a.1.base.rdb seq 1 type b\nfile a.1.incr.aof seq 1 type i\n';
    writeFileSync(join(from, 'a.1.base.rdb'), snapshot);
    writeFileSync(join(from, 'a.1.incr.aof'), commands);
    writeFileSync(join(from, 'a.manifest'), manifest);
    for (const path of [from, join(from, 'a.manifest')]) {
      const dir = mkdtempSync(join(folder, 'imported-'));
      const server = await start('--dir', dir, '--save', '', '--appendonly', 'yes', '--import', path);
      const client = await RawClient.connect(server);
      expect(await client.call('MGET', 'a', 'b')).toEqual(['1', '2']);
      await client.close();
      expect(existsSync(join(dir, 'appendonlydir', 'appendonly.aof.manifest'))).toBe(true);
      expect(readFileSync(join(from, 'a.1.incr.aof'), 'latin1')).toBe(commands);
    }
    const single = await start(
      '--dir',
      mkdtempSync(join(folder, 'single-')),
      '--import',
      join(from, 'a.1.incr.aof'),
    );
    const client = await RawClient.connect(single);
    expect(await client.call('GET', 'b')).toBe('2');
    await client.close();
    const refused = respite(['--port', String(await freePort()), '--import', join(folder, 'nowhere')]);
    expect(await refused.status).toBe(1);
    expect(refused.out).toMatch(/Can't import .*nowhere: No such file or directory/);
  });

  it('that is broken keeps the server from starting, and can be looked at', async () => {
    const dir = mkdtempSync(join(folder, 'broken-'));
    writeFileSync(join(dir, 'dump.rdb'), snapshot.subarray(0, 12));
    const run = respite(['--port', String(await freePort()), '--dir', dir]);
    expect(await run.status).toBe(1);
    expect(run.out.trimEnd().split('\n').at(-1)).toMatch(
      /Fatal error loading the DB from .*dump\.rdb: unexpected end of data at offset 12, .* Terminating server after rdb file reading failure\.$/,
    );
    const check = respite(['check', join(dir, 'dump.rdb')]);
    expect(await check.status).toBe(1);
    expect(check.out).toContain('BROKEN: unexpected end of data at offset 12');
    const usage = respite(['check']);
    expect(await usage.status).toBe(1);
    expect(usage.err).toBe('Usage: respite check FILE [--fix]\n');
  });
});

describe('the command', () => {
  it.each(['--help', '-h'])('explains itself: %s', async (flag) => {
    const run = respite([flag]);
    expect(await run.status).toBe(0);
    expect(run.out).toMatch(/^Usage: respite \[file\]/);
    expect(run.out).toMatch(/^Network:\n/m);
    expect(run.out).toContain('--appendonly <yes|no>');
  });

  it('is loaded from one file, for each further one takes time at the start', () => {
    const code = readFileSync(join(import.meta.dirname, '../../dist/process.cjs'), 'utf8');
    const required = [...code.matchAll(/\brequire\("([^"]+)"\)/g)].map(([, name]) => name);
    expect(required.filter((name) => !isBuiltin(name))).toEqual([]);
    expect(code).not.toMatch(/\bimport\(/);
  });

  it('takes what the engine compiled at an earlier start', async () => {
    const dist = join(import.meta.dirname, '../../dist');
    const caches = () =>
      readdirSync(dist)
        .filter((file) => file.includes('.cache'))
        .map((file) => `${file} ${statSync(join(dist, file)).mtimeMs}`);
    const start = async () => {
      const run = respite(['--port', String(await freePort())]);
      await run.prints(/Ready to accept/);
      run.child.kill('SIGTERM');
      expect(await run.status).toBe(0);
    };
    await start();
    const kept = caches();
    expect(kept.length).toBeGreaterThan(0);
    await start();
    expect(caches()).toEqual(kept);
  });

  it('runs by the strict rules of modules, in which it is written', () => {
    for (const file of ['main.cjs', 'process.cjs']) {
      const code = readFileSync(join(import.meta.dirname, '../../dist', file), 'utf8');
      expect(code).toMatch(/^(#!.*\n|\(function \([^)]*\) \{)['"]use strict['"];/);
    }
  });

  it('can be started by its other name', async () => {
    const other = spawn(process.execPath, [join(import.meta.dirname, '../../dist/main.js'), '--version']);
    expect(await once(other, 'exit')).toEqual([0, null]);
  });

  it.skipIf(process.platform !== 'linux')(
    'lets threads that compile stand back behind the one that serves',
    async () => {
      const run = respite(['--port', String(await freePort())]);
      await run.prints(/Ready to accept/);
      const { pid } = run.child;
      const threads = readdirSync(`/proc/${pid}/task`).map(Number);
      const niceness = threads.filter((thread) => thread !== pid).map((thread) => getPriority(thread));
      const furtherBack = Math.min(getPriority() + 10, 19);
      expect(niceness.filter((value) => value === furtherBack).length).toBeGreaterThan(1);
      expect(getPriority(pid)).toBe(getPriority());
    },
  );

  it('tells its version', async () => {
    const run = respite(['--version']);
    expect(await run.status).toBe(0);
    expect(run.out).toMatch(/^Respite server v=\d+\.\d+\.\d+ redis=7\.2\.4 node=/);
  });

  it('takes file, standard input and directives, the later ones winning', async () => {
    const port = await freePort();
    const path = file('order.conf', `port ${port}\nbind 127.0.0.1\nhz 20\nmaxclients 20\ntimeout 20\n`);
    const run = respite([path, '--timeout', '22', '-'], { stdin: 'maxclients 21\ntimeout 21\n' });
    await run.prints(/Ready/);
    expect(await configOf(port, 'hz')).toBe('20');
    expect(await configOf(port, 'maxclients')).toBe('21');
    expect(await configOf(port, 'timeout')).toBe('22');
  });

  it('takes name and value in one argument', async () => {
    const port = await freePort();
    const run = respite([`--port ${port}`, '--bind 127.0.0.1']);
    await run.prints(/Ready/);
    expect(await configOf(port, 'port')).toBe(String(port));
  });

  it.each([
    [
      ['--no-such-thing', '1'],
      'at line 2\n>>> \'no-such-thing "1"\'\nBad directive or wrong number of arguments',
    ],
    [['--port', 'x'], "at line 2\n>>> 'port \"x\"'\nargument couldn't be parsed into an integer"],
    [['--dir', '/no/such/folder'], 'No such file or directory'],
    [['--dir', ''], 'No such file or directory'],
    [
      ['--rename-command', 'nosuch', 'x'],
      `>>> 'rename-command "nosuch" "x"'\nNo such command in rename-command`,
    ],
    [['--rename-command', 'get', 'set'], 'Target command name already exists'],
    [
      ['--shutdown-on-sigterm', 'save nosave'],
      "shutdown options SAVE and NOSAVE can't be used simultaneously",
    ],
    [['/no/such/file.conf'], "Fatal error, can't open config file '"],
  ])('does not start with %j', async (args, reason) => {
    const run = respite(args);
    expect(await run.status).toBe(1);
    expect(run.err).toContain(reason);
    expect(run.out).toBe('');
  });

  it('names file, line and reason of a mistake in the configuration', async () => {
    const path = file('wrong.conf', '# a comment\n\nsave 1\n');
    const run = respite([path]);
    expect(await run.status).toBe(1);
    expect(run.err).toContain(`at line 3 of ${path}\n>>> 'save 1'\nInvalid save parameters`);
    const other = respite([file('wrong too.conf', 'loglevel é\n')]);
    expect(await other.status).toBe(1);
    expect(other.err).toContain(">>> 'loglevel é'\nargument(s) must be one of");
  });

  it.each([
    [['--port', '0'], 'Configured to not listen anywhere, exiting.'],
    [['--bind', ''], 'Configured to not listen anywhere, exiting.'],
    [
      ['--port', '0', '--unixsocket', '/tmp/no/such/folder'],
      'Failed opening Unix socket: bind: No such file or directory',
    ],
    [
      ['--port', '0', '--unixsocket', `/tmp/${'x'.repeat(120)}`],
      'unix socket path too long (125), must be under 10',
    ],
    [['--bind', '-nosuch.invalid', '127.0.0.1'], 'bind: Name or service not known'],
  ])('does not start where nobody could reach it: %j', async (args, reason) => {
    const run = respite(args);
    expect(await run.status).toBe(1);
    expect(run.out).toContain(reason);
  });

  it('does not start on a port in use', async () => {
    const { port } = await start();
    const second = respite(['--port', String(port), '--bind', '127.0.0.1']);
    expect(await second.status).toBe(1);
    expect(second.out).toMatch(
      /# Warning: Could not create server TCP listening socket .* Address already in use/,
    );
    expect(second.out).toMatch(/# Failed listening on port \d+ \(tcp\), aborting\.\n$/);
  });

  it('reports directives without effect, once', async () => {
    const { run } = await start('--syslog-enabled', 'yes');
    expect(run.out.match(/Directive 'syslog-enabled' has no effect: /g)).toHaveLength(1);
  });

  it('warns of those that one would rely on', async () => {
    const { run } = await start('--cluster-enabled', 'yes');
    expect(run.out).toMatch(/# Warning: 'cluster-enabled' has no effect yet: This server is no node/);
  });
});

describe('the log', () => {
  it("has Redis's format", async () => {
    const { run } = await start();
    for (const line of run.out.trimEnd().split('\n'))
      expect(line).toMatch(/^\d+:M \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d\.\d{3} [.\-*#] \S/);
  });

  it('can be JSON, in a file', async () => {
    const path = join(folder, 'log.json');
    const port = await freePort();
    const run = respite(['--port', String(port), '--log-format', 'json', '--logfile', path]);
    await eventually(() => existsSync(path) && readFileSync(path, 'utf8')).toContain('Ready to accept');
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    expect(JSON.parse(lines[0])).toMatchObject({ level: 'notice', pid: run.child.pid, role: 'M' });
    expect(run.out).toBe('');
  });

  it('that cannot be opened ends the start', async () => {
    const path = join(folder, 'missing', 'log');
    const run = respite(['--port', '0', '--logfile', path]);
    expect(await run.status).toBe(1);
    expect(run.err).toBe(`Can't open the log file '${path}': No such file or directory\n`);
  });
});

describe.skipIf(process.platform === 'win32')('signals and files', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('%s ends the server cleanly', async (signal) => {
    const pidfile = join(folder, `${signal}.pid`);
    const { run, child } = await start('--pidfile', pidfile);
    await eventually(() => existsSync(pidfile) && readFileSync(pidfile, 'utf8')).toBe(`${child.pid}\n`);
    child.kill(signal);
    expect(await run.status).toBe(0);
    expect(run.out).toContain(`# Received ${signal} scheduling shutdown...`);
    expect(run.out).toMatch(/bye bye\.\.\.\n$/);
    expect(existsSync(pidfile)).toBe(false);
  });

  it.each(['SIGHUP', 'SIGUSR1'] as const)('%s is ignored', async (signal) => {
    const { run, child, port } = await start();
    const client = await RawClient.connect({ port });
    child.kill(signal);
    expect(await client.call('PING')).toBe('PONG');
    expect(await client.call('PING')).toBe('PONG');
    expect(run.err).toBe('');
    await client.close();
  });

  it('names of files are text in UTF-8', async () => {
    const [log, socket] = ['lög.txt', 'ü.sock'].map((name) => join(folder, name));
    respite(['--port', '0', '--unixsocket', socket, '--logfile', log]);
    await eventually(() => existsSync(log) && readFileSync(log, 'utf8')).toContain('Ready to accept');
    const client = await RawClient.connect({ path: socket });
    expect(await client.call('PING')).toBe('PONG');
    await client.close();
  });

  it('a second SIGINT during the last save ends the server at once, without a trace of the file', async () => {
    const dir = mkdtempSync(join(folder, 'insist-'));
    const { run, child, port } = await start(
      '--dir',
      dir,
      '--save',
      '900 1',
      '--rdb-key-save-delay',
      '100000000',
    );
    const client = await RawClient.connect({ port });
    await client.call('MSET', 'a', '1', 'b', '2', 'c', '3');
    child.kill('SIGINT');
    await eventually(() => existsSync(join(dir, `temp-${child.pid}.rdb`))).toBe(true);
    child.kill('SIGINT');
    expect(await run.status).toBe(1);
    expect(run.out).toContain('# You insist... exiting now.');
    expect(readdirSync(dir)).toEqual([]);
  });

  it('SIGTERM waits for the script that runs, so that no file has half of its changes', async () => {
    const dir = mkdtempSync(join(folder, 'script-'));
    const options = ['--dir', dir, '--save', '900 1', '--busy-reply-threshold', '1'];
    const { run, child, port } = await start(...options);
    const client = await RawClient.connect({ port });
    client
      .call('EVAL', 'redis.call("SET","a",1) for i=1,2e7 do end redis.call("SET","a",2)', '0')
      .catch(() => {});
    await run.prints(/Slow script detected/);
    child.kill('SIGTERM');
    expect(await run.status).toBe(0);
    const again = await start(...options);
    const second = await RawClient.connect(again);
    expect(await second.call('GET', 'a')).toBe('2');
    await second.close();
  });

  it('SIGABRT leaves a report in the log', async () => {
    const { run, child } = await start();
    const ended = once(child, 'close');
    child.kill('SIGABRT');
    expect(await ended).toEqual([null, 'SIGABRT']);
    expect(run.out).toMatch(/crashed by signal: 6 \(SIGABRT\).*STACK TRACE.*redis_version:.*REPORT END/s);
  });

  it('DEBUG SEGFAULT leaves a report in the log, unless it is not wanted', async () => {
    const { run, child, port } = await start('--enable-debug-command', 'local', '--crash-log-enabled', 'no');
    const ended = once(child, 'close');
    const client = await RawClient.connect({ port });
    client.write('DEBUG SEGFAULT\r\n');
    expect(await ended).toEqual([null, 'SIGSEGV']);
    expect(run.out).not.toContain('crashed by signal');
  });

  it('SHUTDOWN ends the server cleanly', async () => {
    const { run, port } = await start();
    const client = await RawClient.connect({ port });
    client.write('SHUTDOWN NOSAVE\r\n');
    await client.closed;
    expect(await run.status).toBe(0);
  });

  it('runs in the background with `daemonize yes`, found by relative paths', async () => {
    const port = await freePort();
    mkdirSync(join(folder, 'data'));
    file('daemon.conf', `port ${port}\nbind 127.0.0.1\ndir ${join(folder, 'data')}\npidfile here.pid\n`);
    const run = respite(['daemon.conf', '--daemonize', 'yes']);
    expect(await run.status).toBe(0);
    const pidfile = join(folder, 'data', 'here.pid');
    await eventually(() => existsSync(pidfile) && readFileSync(pidfile, 'utf8')).toMatch(/\d\n/);
    const client = await RawClient.connect({ port });
    expect(await client.call('CONFIG', 'GET', 'daemonize')).toEqual(['daemonize', 'yes']);
    client.write('SHUTDOWN\r\n');
    await client.closed;
    await eventually(() => existsSync(pidfile)).toBe(false);
  });

  it('listens at several addresses and a unix socket with its permissions', async () => {
    const path = join(folder, 'socket');
    const port = await freePort();
    const run = respite([
      ...['--port', String(port), '--bind', '127.0.0.1', '-127.0.0.2', '-192.0.2.1', '-::1'],
      ...['--unixsocket', path, '--unixsocketperm', '700'],
    ]);
    await run.prints(/Ready to accept connections unix/);
    expect(statSync(path).mode & 0o777).toBe(0o700);
    // Not every system has more than one address of its own.
    const second = process.platform === 'darwin' ? '127.0.0.1' : '127.0.0.2';
    for (const address of [{ port }, { port, host: second }, { path }]) {
      const client = await RawClient.connect(address);
      expect(await client.call('PING')).toBe('PONG');
      await client.close();
    }
    run.child.kill('SIGTERM');
    expect(await run.status).toBe(0);
    expect(existsSync(path)).toBe(false);
  });

  it('says what is missing for `supervised systemd`', async () => {
    const { run } = await start('--supervised', 'systemd');
    await run.prints(/systemd supervision requested, but NOTIFY_SOCKET not found!/);
  });
});

describe('a running server', () => {
  it('refuses more clients than `maxclients`', async () => {
    const { port } = await start('--maxclients', '1');
    const first = await RawClient.connect({ port });
    expect(await first.call('PING')).toBe('PONG');
    const second = await RawClient.connect({ port });
    expect((await second.nextRaw()).toString()).toBe('-ERR max number of clients reached\r\n');
    await second.closed;
    expect(await first.call('PING')).toBe('PONG');
    await first.close();
  });

  it('renames commands, and takes them away', async () => {
    const port = await freePort();
    const path = file(
      'rename.conf',
      `port ${port}\nbind 127.0.0.1\nrename-command FLUSHALL ""\nrename-command GET fetch\n`,
    );
    const run = respite([path]);
    await run.prints(/Ready/);
    const client = await RawClient.connect({ port });
    expect(await client.raw('FLUSHALL')).toMatch(/^-ERR unknown command 'FLUSHALL'/);
    expect(await client.raw('GET', 'k')).toMatch(/^-ERR unknown command 'GET'/);
    expect(await client.raw('FETCH', 'k')).toBe('$-1\r\n');
    await client.close();
  });

  it('rewrites its configuration file and keeps the comments', async () => {
    const port = await freePort();
    const path = file('rewrite.conf', `# mine\nport ${port}\n\nbind 127.0.0.1\n# the end\n`);
    const run = respite([path]);
    await run.prints(/Ready/);
    const client = await RawClient.connect({ port });
    expect(await client.call('CONFIG', 'SET', 'timeout', '7', 'bind', '127.0.0.1 -127.0.0.2')).toBe('OK');
    expect(await client.call('CONFIG', 'REWRITE')).toBe('OK');
    await client.close();
    const text = readFileSync(path, 'utf8');
    expect(text).toMatch(/^# mine\nport \d+\n\nbind 127\.0\.0\.1 -127\.0\.0\.2\n# the end\n/);
    expect(text).toMatch(/^timeout 7$/m);
  });
});
