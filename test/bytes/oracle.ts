import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Whether a real Redis is here to compare with. Where it is not, differential tests are reported as skipped.
 */
export const haveOracle = spawnSync('redis-server', ['--version']).status === 0;

/** A RESP2 reply; bulk strings and status lines as latin1 strings, errors with their leading `-`. */
export type Reply = string | number | null | Reply[];

/** A redis-server of our own on a unix socket in a temporary directory: needs no port. */
export class Oracle {
  private received = '';
  private readonly waiting: ((reply: Reply) => void)[] = [];

  private constructor(
    private readonly directory: string,
    private readonly server: ChildProcess,
    private readonly socket: Socket,
  ) {
    socket.on('data', (chunk) => {
      this.received += chunk.toString('latin1');
      this.deliver();
    });
  }

  static async start(): Promise<Oracle> {
    const directory = mkdtempSync(join(tmpdir(), 'respite-oracle-'));
    const path = join(directory, 'socket');
    const server = spawn('redis-server', [
      '--port',
      '0',
      '--unixsocket',
      path,
      '--save',
      '',
      '--dir',
      directory,
    ]);
    const ready = new Promise<void>((resolve, reject) => {
      let log = '';
      server.stdout.on('data', (chunk) => {
        log += chunk;
        if (log.includes('server is now ready')) resolve();
      });
      server.on('exit', () => reject(new Error(`redis-server ended: ${log}`)));
    });
    await ready;
    const socket = connect(path);
    await new Promise((resolve) => socket.once('connect', resolve));
    return new Oracle(directory, server, socket);
  }

  async stop(): Promise<void> {
    this.socket.destroy();
    const ended = new Promise((resolve) => this.server.once('exit', resolve));
    this.server.kill('SIGKILL');
    await ended;
    rmSync(this.directory, { recursive: true });
  }

  /** Sends one command; arguments are latin1 strings. */
  send(...args: string[]): Promise<Reply> {
    const bulks = args.map((arg) => `$${arg.length}\r\n${arg}\r\n`);
    this.socket.write(`*${args.length}\r\n${bulks.join('')}`, 'latin1');
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  private deliver(): void {
    let at = 0;
    while (this.waiting.length > 0) {
      const parsed = readReply(this.received, at);
      if (parsed === undefined) break;
      at = parsed[1];
      this.waiting.shift()?.(parsed[0]);
    }
    this.received = this.received.slice(at);
  }
}

function readReply(text: string, at: number): [Reply, number] | undefined {
  const lineEnd = text.indexOf('\r\n', at);
  if (lineEnd < 0) return undefined;
  const line = text.slice(at + 1, lineEnd);
  let next = lineEnd + 2;
  if (text[at] === '+') return [line, next];
  if (text[at] === '-') return [`-${line}`, next];
  if (text[at] === ':') return [Number(line), next];
  const length = Number(line);
  if (length < 0) return [null, next];
  if (text[at] === '$') {
    return next + length + 2 > text.length ? undefined : [text.slice(next, next + length), next + length + 2];
  }
  const items: Reply[] = [];
  for (let i = 0; i < length; i++) {
    const item = readReply(text, next);
    if (item === undefined) return undefined;
    items.push(item[0]);
    next = item[1];
  }
  return [items, next];
}
