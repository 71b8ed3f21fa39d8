import { connect } from 'node:net';
import RedisParser from 'redis-parser';

/** @typedef {readonly (string | number)[]} Command */

/**
 * One command as a RESP array. Strings hold bytes (latin1), as everywhere in this project.
 *
 * @param {Command} command
 */
export function encode(command) {
  let text = `*${command.length}\r\n`;
  for (const argument of command) {
    const word = String(argument);
    text += `$${word.length}\r\n${word}\r\n`;
  }
  return text;
}

/**
 * A pipelined raw connection. Replies come in the order of the commands; an error reply is a value (an
 * Error), not a rejection, because a benchmark wants to see it and go on. A lost connection rejects.
 */
export class RawClient {
  /** @type {{ wanted: number, replies: any[], resolve: (replies: any[]) => void, reject: (e: Error) => void }[]} */
  #batches = [];
  #parser;
  #socket;

  /** @param {import('node:net').Socket} socket */
  constructor(socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    /** @param {unknown} reply */
    const returnReply = (reply) => this.#receive(reply);
    this.#parser = new RedisParser({
      returnReply,
      returnError: returnReply,
      returnFatalError: (error) => socket.destroy(error),
    });
    socket.on('data', (chunk) => this.#parser.execute(chunk));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('the server closed the connection')));
  }

  /**
   * @param {{ port: number, host?: string, localAddress?: string }} address
   * @returns {Promise<RawClient>}
   */
  static connect({ port, host = '127.0.0.1', localAddress }) {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host, localAddress });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new RawClient(socket));
      });
    });
  }

  /** @param {...(string | number)} command */
  async command(...command) {
    const [reply] = await this.pipeline([command]);
    return reply;
  }

  /** @param {Command[]} commands */
  pipeline(commands) {
    let text = '';
    for (const command of commands) text += encode(command);
    return this.write(text, commands.length);
  }

  /**
   * Sends bytes that hold `wanted` commands.
   *
   * @param {string} text
   * @param {number} wanted
   * @returns {Promise<any[]>}
   */
  write(text, wanted) {
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) return reject(new Error('the connection is closed'));
      this.#batches.push({ wanted, replies: [], resolve, reject });
      this.#socket.write(text, 'latin1');
    });
  }

  close() {
    this.#socket.destroy();
  }

  /** @param {unknown} reply */
  #receive(reply) {
    const batch = this.#batches[0];
    if (!batch) return;
    batch.replies.push(reply);
    if (batch.replies.length < batch.wanted) return;
    this.#batches.shift();
    batch.resolve(batch.replies);
  }

  /** @param {Error} error */
  #fail(error) {
    for (const batch of this.#batches.splice(0)) batch.reject(error);
  }
}

/**
 * Sends `total` commands in pipelined batches, keeping a few batches in flight, and stops at the first
 * error reply.
 *
 * @param {RawClient} client
 * @param {number} total
 * @param {(index: number) => Command} makeCommand
 * @param {{ batch?: number, inFlight?: number, onProgress?: (sent: number) => void | Promise<void> }} [options]
 */
export async function fill(client, total, makeCommand, { batch = 500, inFlight = 4, onProgress } = {}) {
  /** @type {Promise<void>[]} */
  const pending = [];
  for (let from = 0; from < total; from += batch) {
    const to = Math.min(from + batch, total);
    let text = '';
    for (let index = from; index < to; index++) text += encode(makeCommand(index));
    pending.push(client.write(text, to - from).then(throwOnError));
    if (pending.length >= inFlight) await pending.shift();
    await onProgress?.(to);
  }
  await Promise.all(pending);
}

/**
 * Sends the same command from several connections at once: each sends `pipeline` of them in one go, and the next ones
 * when all are answered. Error replies go unnoticed.
 *
 * @param {readonly RawClient[]} clients
 * @param {Command} command
 * @param {number} total how often at least, over all connections
 * @param {number} pipeline
 * @returns {Promise<number>} how often it was sent: batches are whole, and as many on each connection
 */
export async function pipelineAll(clients, command, total, pipeline) {
  const batch = Array.from({ length: pipeline }, () => command);
  const batchesEach = Math.ceil(total / pipeline / clients.length);
  await Promise.all(
    clients.map(async (client) => {
      for (let i = 0; i < batchesEach; i++) await client.pipeline(batch);
    }),
  );
  return batchesEach * pipeline * clients.length;
}

/** @param {unknown[]} replies */
function throwOnError(replies) {
  for (const reply of replies) if (reply instanceof Error) throw reply;
}

/**
 * Ends a connection at once, by a reset, so that it does not linger in TIME_WAIT: thousands of short connections
 * would use up the local ports. A socket that is being shut down already cannot be reset: Node fails with EINVAL
 * and leaves it open, and the process never ends. Such a socket is destroyed.
 *
 * @param {import('node:net').Socket} socket
 */
export function abort(socket) {
  if (socket.readyState === 'open' && !socket.writableEnded) socket.resetAndDestroy();
  else socket.destroy();
}
