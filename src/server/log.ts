import { closeSync, openSync, writeSync } from 'node:fs';
import { pino } from 'pino';
import { blockThread } from '../ambient/block-thread.js';
import type { Log } from '../commands/server-api.js';
import type { Directives } from '../config/config.js';
import { systemErrorText } from '../config/files.js';

export type LogLevel = Directives['loglevel'];
export type LogFormat = Directives['log-format'];
/** What this process is, as a log line shows it: master or replica (S). */
export type LogRole = 'M' | 'S';

export interface LogSettings {
  level: LogLevel;
  format: LogFormat;
  /** Path to append to, '' for the standard output. */
  file: string;
  /** Milliseconds since the epoch. */
  clock: () => number;
  pid: number;
  role: LogRole;
  /** Takes the lines instead of `file`. */
  write?: (line: string) => void;
}

const weights = { debug: 10, verbose: 20, notice: 30, warning: 40 } as const;
type Weight = keyof typeof weights;

const labels = new Map<number, Weight>([
  [weights.debug, 'debug'],
  [weights.verbose, 'verbose'],
  [weights.notice, 'notice'],
  [weights.warning, 'warning'],
]);
const marks: Readonly<Record<Weight, string>> = { debug: '.', verbose: '-', notice: '*', warning: '#' };
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** How long to wait for a reader of the standard output that is slower than the log. */
const fullPipePauseMs = 5;

type PinoLog = pino.Logger<Weight>;

/**
 * The server's log, made by pino. Each line is written before the call returns, so that none is lost in a
 * crash. Level, format, file and role may be changed at any time.
 */
export class ServerLog implements Log {
  private readonly pino: PinoLog;
  private formatNow: LogFormat;
  private fileNow: string;

  constructor(private readonly settings: LogSettings) {
    this.formatNow = settings.format;
    this.fileNow = settings.file;
    this.pino = pino<Weight>(
      {
        customLevels: weights,
        useOnlyCustomLevels: true,
        level: pinoLevel(settings.level),
        base: null,
        timestamp: () => `,"time":${Math.floor(settings.clock())}`,
        formatters: { level: (label) => ({ level: label }) },
        mixin: () => ({ pid: settings.pid, role: settings.role }),
      },
      this.destination(),
    );
  }

  debug(text: string): void {
    this.pino.debug(text);
  }

  verbose(text: string): void {
    this.pino.verbose(text);
  }

  notice(text: string): void {
    this.pino.notice(text);
  }

  warning(text: string): void {
    this.pino.warning(text);
  }

  /** Text without pid and date, such as the logo; a notice. Left out of JSON, which is for machines. */
  raw(text: string): void {
    if (this.formatNow === 'redis' && this.isLogged('notice')) this.write(`${text}\n`);
  }

  /** Whether a line of this weight is written; for texts that cost something to make. */
  isLogged(weight: Weight): boolean {
    return this.pino.isLevelEnabled(weight);
  }

  get level(): LogLevel {
    return this.settings.level;
  }

  set level(level: LogLevel) {
    this.settings.level = level;
    this.pino.level = pinoLevel(level);
  }

  get format(): LogFormat {
    return this.formatNow;
  }

  set format(format: LogFormat) {
    this.formatNow = format;
  }

  get role(): LogRole {
    return this.settings.role;
  }

  set role(role: LogRole) {
    this.settings.role = role;
  }

  get file(): string {
    return this.fileNow;
  }

  /** Throws Error if the file cannot be appended to; the log then stays where it was. */
  set file(file: string) {
    checkFile(file);
    this.fileNow = file;
  }

  /**
   * pino hands over each line of JSON, and, because of the metadata mark, tells first what it was made from:
   * Redis's format takes that and leaves the JSON.
   */
  private destination(): pino.DestinationStream {
    const log = this;
    const stream = {
      [pino.symbols.needsMetadataGsym]: true,
      lastLevel: 0,
      lastMsg: '',
      write(line: string): void {
        log.write(log.formatNow === 'json' ? line : log.redisLine(labels.get(this.lastLevel), this.lastMsg));
      },
    };
    return stream;
  }

  private redisLine(weight: Weight = 'warning', text: string): string {
    const { pid, role, clock } = this.settings;
    return `${pid}:${role} ${logDate(clock())} ${marks[weight]} ${text}\n`;
  }

  private write(line: string): void {
    if (this.settings.write !== undefined) this.settings.write(line);
    else if (this.fileNow !== '') appendLine(this.fileNow, line);
    else writeToOutput(line);
  }
}

/** Opens the server's log. Throws Error if the file cannot be appended to. */
export function createLog(settings: LogSettings): ServerLog {
  checkFile(settings.file);
  return new ServerLog({ ...settings });
}

/** `dd Mon yyyy hh:mm:ss.mmm` in local time. */
export function logDate(milliseconds: number): string {
  const date = new Date(milliseconds);
  const day = `${pad(date.getDate())} ${months[date.getMonth()]} ${date.getFullYear()}`;
  const time = `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
  return `${day} ${time}.${pad(date.getMilliseconds(), 3)}`;
}

function pad(value: number, width = 2): string {
  return String(value).padStart(width, '0');
}

function pinoLevel(level: LogLevel): Weight | 'silent' {
  return level === 'nothing' ? 'silent' : level;
}

function checkFile(file: string): void {
  if (file === '') return;
  try {
    closeSync(openSync(file, 'a'));
  } catch (error) {
    throw new Error(`Can't open the log file '${file}': ${systemErrorText(error)}`);
  }
}

/** Opened anew for each line, as Redis does it: a file that was moved away or removed is made again. */
function appendLine(file: string, line: string): void {
  try {
    const descriptor = openSync(file, 'a');
    try {
      writeSync(descriptor, line);
    } finally {
      closeSync(descriptor);
    }
  } catch {
    // A full or vanished disk must not end the server, and there is no other place to say so.
  }
}

function writeToOutput(line: string): void {
  const bytes = Buffer.from(line);
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(1, bytes, at);
    } catch (error) {
      // A pipe that is full for now; anything else means that nobody reads any more.
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) return;
      blockThread(fullPipePauseMs);
    }
  }
}
