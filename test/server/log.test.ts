import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createLog, type LogSettings, logDate, type ServerLog } from '../../src/server/log.js';

const instant = new Date(2026, 10, 2, 7, 2, 9, 45).getTime();
let lines: string[] = [];
const folders: string[] = [];

function log(settings: Partial<LogSettings> = {}): ServerLog {
  lines = [];
  return createLog({
    level: 'notice',
    format: 'redis',
    file: '',
    clock: () => instant + 0.9,
    pid: 42,
    role: 'M',
    write: (line) => lines.push(line),
    ...settings,
  });
}

function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'respite-log-'));
  folders.push(folder);
  return folder;
}
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function sayAll(to: ServerLog): void {
  to.debug('d');
  to.verbose('v');
  to.notice('n');
  to.warning('w');
}

describe("redis's format", () => {
  it('shows pid, role, date, mark and message', () => {
    sayAll(log({ level: 'debug' }));
    const date = '02 Nov 2026 07:02:09.045';
    expect(lines).toEqual([
      `42:M ${date} . d\n`,
      `42:M ${date} - v\n`,
      `42:M ${date} * n\n`,
      `42:M ${date} # w\n`,
    ]);
    expect(logDate(instant)).toBe(date);
  });

  it('follows the role', () => {
    const server = log();
    server.role = 'S';
    server.notice('x');
    expect(lines[0]).toMatch(/^42:S /);
  });

  it('writes messages as they are, without the format characters of printf', () => {
    log().notice('100%s %d %j "quoted" \\ é');
    expect(lines[0]).toMatch(/ \* 100%s %d %j "quoted" \\ é\n$/);
  });

  it('writes raw text without a heading', () => {
    log().raw('a logo\n PID: 42');
    expect(lines).toEqual(['a logo\n PID: 42\n']);
  });
});

describe('json format', () => {
  it('prints what pino prints, with the name of the level', () => {
    const server = log({ format: 'json' });
    server.warning('a "b"');
    server.raw('a logo');
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { level: 'warning', time: instant, pid: 42, role: 'M', msg: 'a "b"' },
    ]);
  });

  it('can be chosen while running', () => {
    const server = log();
    server.format = 'json';
    server.notice('x');
    server.format = 'redis';
    server.notice('y');
    expect(lines[0]).toMatch(/^\{.*\}\n$/);
    expect(lines[1]).toMatch(/^42:M .* \* y\n$/);
  });
});

describe('level', () => {
  it.each([
    ['debug', 'dvnw'],
    ['verbose', 'vnw'],
    ['notice', 'nw'],
    ['warning', 'w'],
    ['nothing', ''],
  ] as const)('%s writes %j', (level, written) => {
    const server = log();
    server.level = level;
    sayAll(server);
    expect(lines.map((line) => line.at(-2)).join('')).toBe(written);
    expect(server.isLogged('verbose')).toBe(written.includes('v'));
  });
});

describe('file', () => {
  it('is appended to, line by line, and made again when it was moved away', () => {
    const file = join(temporary(), 'redis.log');
    const server = log({ file, write: undefined });
    server.notice('one');
    expect(readFileSync(file, 'utf8')).toMatch(/^42:M .* \* one\n$/);
    renameSync(file, `${file}.1`);
    server.notice('two');
    expect(readFileSync(file, 'utf8')).toMatch(/^42:M .* \* two\n$/);
  });

  it('can be changed, and stays as it was if the new one cannot be opened', () => {
    const folder = temporary();
    const server = log({ file: join(folder, 'a'), write: undefined });
    server.file = join(folder, 'b');
    expect(() => (server.file = join(folder, 'none', 'c'))).toThrow(
      `Can't open the log file '${join(folder, 'none', 'c')}': No such file or directory`,
    );
    server.notice('x');
    expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('');
    expect(readFileSync(join(folder, 'b'), 'utf8')).toMatch(/ \* x\n$/);
  });

  it('has to be one that can be opened', () => {
    expect(() => log({ file: join(temporary(), 'none', 'c') })).toThrow("Can't open the log file");
  });
});
