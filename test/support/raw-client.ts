import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { encodeCommand, type Words } from './encode-command.mjs';
import { parseReply, plain, type Reply, ReplyReader } from './reply-reader.mjs';

export type { Reply } from './reply-reader.mjs';

/**
 * A connection with nothing between the test and the wire: exact bytes out, tagged replies in.
 *
 * It reads RESP2 and RESP3 alike (redis-parser knows RESP2 only and drops the types). Replies come in the
 * order of the requests; pushes are collected apart in `pushes`.
 */
export class RawClient {
  /** Out-of-band messages that came so far. */
  readonly pushes: Reply[] = [];
  /** Resolves when the server has closed the connection, or `close` was called. */
  readonly closed: Promise<void>;

  private readonly reader = new ReplyReader();
  private readonly replies: Buffer[] = [];
  private readonly waiting: { resolve: (raw: Buffer) => void; reject: (error: Error) => void }[] = [];
  private failure: Error | undefined;

  private constructor(readonly socket: Socket) {
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.receive(chunk));
    socket.on('error', (error) => this.fail(error));
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.fail(new Error('the connection is closed'));
        resolve();
      });
    });
  }

  static async connect(address: { port: number; host?: string } | { path: string }): Promise<RawClient> {
    const { host = '127.0.0.1' } = 'port' in address ? address : {};
    const socket = 'path' in address ? connect(address.path) : connect(address.port, host);
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  /** Sends one command and waits for its reply, with its type. */
  async send(...words: Words): Promise<Reply> {
    this.write(encodeCommand(words));
    return this.next();
  }

  /** Sends one command and waits for its reply as plain values; an error reply is thrown. */
  async call(...words: Words): Promise<unknown> {
    const value = plain(await this.send(...words));
    if (value instanceof Error) throw value;
    return value;
  }

  /** Sends one command and waits for the exact bytes of its reply. */
  async raw(...words: Words): Promise<string> {
    this.write(encodeCommand(words));
    return (await this.nextRaw()).toString('latin1');
  }

  /** Sends several commands in one write and waits for all replies. */
  async pipeline(commands: readonly Words[]): Promise<Reply[]> {
    this.write(Buffer.concat(commands.map(encodeCommand)));
    return Promise.all(commands.map(() => this.next()));
  }

  /** Sends bytes as they are. */
  write(bytes: string | Buffer): void {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }

  /** The next reply that nobody has asked for yet. */
  async next(): Promise<Reply> {
    return parseReply(await this.nextRaw());
  }

  nextRaw(): Promise<Buffer> {
    const raw = this.replies.shift();
    if (raw) return Promise.resolve(raw);
    if (this.failure) return Promise.reject(this.failure);
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }));
  }

  async close(): Promise<void> {
    this.socket.destroy();
    await this.closed;
  }

  private receive(chunk: Buffer): void {
    try {
      for (const raw of this.reader.push(chunk)) this.deliver(raw);
    } catch (error) {
      this.fail(error instanceof Error ? error : new Error(String(error)));
      this.socket.destroy();
    }
  }

  private deliver(raw: Buffer): void {
    if (raw[0] === '>'.charCodeAt(0)) {
      this.pushes.push(parseReply(raw));
      return;
    }
    const waiter = this.waiting.shift();
    if (waiter) waiter.resolve(raw);
    else this.replies.push(raw);
  }

  private fail(error: Error): void {
    this.failure ??= error;
    for (const { reject } of this.waiting.splice(0)) reject(this.failure);
  }
}
