import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { encodeCommand, type Words } from './encode-command.mjs';
import { parseReply, plain, ReplyReader } from './reply-reader.mjs';

/** A replica made by hand: it asks for synchronization and takes what it is sent, byte for byte. */
export class ReplicaClient {
  private received = Buffer.alloc(0);
  private wake: (() => void) | undefined;
  private ended = false;
  private readonly reader = new ReplyReader();
  private readonly commands: string[][] = [];

  private constructor(readonly socket: Socket) {
    socket.on('data', (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk]);
      this.wake?.();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.ended = true;
      this.wake?.();
    });
  }

  static async connect(port: number): Promise<ReplicaClient> {
    const socket = connect({ host: '127.0.0.1', port });
    await once(socket, 'connect');
    return new ReplicaClient(socket);
  }

  send(...words: Words): void {
    this.socket.write(encodeCommand(words));
  }

  private async until(ready: () => boolean): Promise<void> {
    while (!ready()) {
      if (this.ended) throw new Error('the connection is closed');
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  /** Resolves when the server has ended the connection. */
  async closed(): Promise<void> {
    while (!this.ended)
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
  }

  /** A line, without its end. Empty ones only say that somebody is there. */
  async line(): Promise<string> {
    for (;;) {
      await this.until(() => this.received.includes('\n'));
      const end = this.received.indexOf('\n');
      const line = this.received.toString('latin1', 0, end).replace(/\r$/, '');
      this.received = this.received.subarray(end + 1);
      if (line !== '') return line;
    }
  }

  async bytes(count: number): Promise<Buffer> {
    await this.until(() => this.received.length >= count);
    const bytes = this.received.subarray(0, count);
    this.received = this.received.subarray(count);
    return bytes;
  }

  /** A snapshot in either form. */
  async snapshot(): Promise<Buffer> {
    const line = await this.line();
    const mark = /^\$EOF:(.{40})$/.exec(line)?.[1];
    if (mark === undefined) return this.bytes(Number(/^\$(\d+)$/.exec(line)![1]));
    await this.until(() => this.received.includes(mark));
    const snapshot = await this.bytes(this.received.indexOf(mark));
    await this.bytes(mark.length);
    return snapshot;
  }

  /** The next command of the stream. */
  async command(): Promise<string[]> {
    while (this.commands.length === 0) {
      await this.until(() => this.received.length > 0);
      for (const raw of this.reader.push(this.received))
        this.commands.push(plain(parseReply(raw)) as string[]);
      this.received = Buffer.alloc(0);
    }
    return this.commands.shift()!;
  }

  close(): void {
    this.socket.destroy();
  }
}
