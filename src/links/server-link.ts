import { connect, type Socket } from 'node:net';
import RedisParser from 'redis-parser';

/** At what a link failed. */
export type LinkFailure = 'connecting' | 'writing' | 'reading';

/** No connection, or no more. */
export class LinkError extends Error {
  constructor(
    readonly during: LinkFailure,
    readonly timedOut: boolean,
    reason: string,
  ) {
    super(reason);
  }
}

/** What came back; error replies are Errors. With a failure there are fewer replies than requests. */
export interface Exchange {
  replies: unknown[];
  failure: LinkError | undefined;
}

/**
 * A connection on which this server is a client of another one. One exchange at a time. It keeps the process alive only
 * during one.
 */
export class ServerLink {
  /** The database that is selected there; -1 while that is unknown. */
  database = -1;
  /** False when the connection has ended. */
  open = true;
  /** Called once, when the connection has ended. */
  onClosed: () => void = () => {};
  private readonly parser: RedisParser;
  private replies: unknown[] = [];
  private wanted = 0;
  private sent = true;
  private settle: ((failure: LinkError | undefined) => void) | undefined;

  private constructor(private readonly socket: Socket) {
    this.parser = new RedisParser({
      returnReply: (reply) => this.received(reply),
      returnError: (error) => this.received(error),
      returnFatalError: (error) => this.fail(false, error.message),
    });
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.parser.execute(chunk));
    socket.on('timeout', () => this.fail(true, 'timeout'));
    socket.on('error', (error) => this.fail(false, error.message));
    socket.on('end', () => this.fail(false, 'closed by the other side'));
    socket.on('close', () => this.fail(false, 'closed'));
  }

  /** Connects. Rejects with LinkError. */
  static connect(host: string, port: number, timeoutMs: number): Promise<ServerLink> {
    if (!(port >= 0 && port < 65536)) {
      return Promise.reject(new LinkError('writing', false, `${port} is no port`));
    }
    return new Promise((resolve, reject) => {
      const refuse = (during: LinkFailure, timedOut: boolean, reason: string) => {
        socket.destroy();
        reject(new LinkError(during, timedOut, reason));
      };
      const socket = connect({ host, port });
      socket.setTimeout(timeoutMs, () => refuse('connecting', true, 'timeout'));
      // A name without an address is found out before the connection, a refusal only when it is used.
      socket.on('error', (error: NodeJS.ErrnoException) => {
        refuse(error.syscall === 'getaddrinfo' ? 'connecting' : 'writing', false, error.message);
      });
      socket.once('connect', () => {
        socket.removeAllListeners('timeout').removeAllListeners('error');
        resolve(new ServerLink(socket));
      });
    });
  }

  /**
   * Sends requests and waits for so many replies. Fails when nothing moved for `timeoutMs`, after which the link is
   * of no more use. Never rejects.
   */
  exchange(requests: readonly Buffer[], count: number, timeoutMs: number): Promise<Exchange> {
    return new Promise((resolve) => {
      this.replies = [];
      this.wanted = count;
      this.settle = (failure) => resolve({ replies: this.replies, failure });
      if (!this.open) return this.finish(new LinkError('writing', false, 'closed'));
      const { socket } = this;
      this.sent = false;
      socket.ref();
      socket.setTimeout(timeoutMs);
      socket.cork();
      for (const request of requests) socket.write(request);
      socket.write('', () => {
        this.sent = true;
      });
      socket.uncork();
    });
  }

  /** Nobody needs the link for now: it ends after so long. */
  rest(idleMs: number): void {
    this.socket.unref();
    this.socket.setTimeout(idleMs);
  }

  close(): void {
    this.fail(false, 'closed');
  }

  private received(reply: unknown): void {
    if (this.settle === undefined) return this.fail(false, 'a reply to nothing');
    this.replies.push(reply);
    if (this.replies.length === this.wanted) this.finish(undefined);
  }

  private finish(failure: LinkError | undefined): void {
    const { settle } = this;
    this.settle = undefined;
    settle?.(failure);
  }

  private fail(timedOut: boolean, reason: string): void {
    if (!this.open) return;
    this.open = false;
    this.socket.destroy();
    this.finish(new LinkError(this.sent ? 'reading' : 'writing', timedOut, reason));
    this.onClosed();
  }
}
