// One of the two servers, and the connections of a sequence to it.
import { connect } from 'node:net';
import { abort, encode } from '../../bench/lib/client.mjs';
import { startServer } from '../../bench/lib/servers.mjs';
import { sleep } from '../../bench/lib/stats.mjs';
import { parseReply, plain, ReplyReader } from '../support/reply-reader.mjs';
import { CHANGED_DIRECTIVES } from './groups/server.mjs';

const REPLY_TIMEOUT_MS = 10_000;
const CLOSE_TIMEOUT_MS = 2000;
const MAX_SCAN_CALLS = 10_000;

/** Small limits, so that "too large" is reached with little memory, and expiry that only depends on access. */
const ARGS = ['--enable-debug-command', 'yes', '--proto-max-bulk-len', '1mb'];

/** For what the fuzzer itself sends; sequences have connections from 0 on. */
export const ADMIN_CONNECTION = -1;

/** Connections of a sequence that listen to messages. */
const FIRST_LISTENER = 100;

/** What stands for a reply that did not come. */
export const CLOSED = '<connection closed>';
export const TIMEOUT = '<no reply in time>';

export class Side {
  /** @type {import('../../bench/lib/servers.mjs').RunningServer | undefined} */
  #server;
  /** @type {Map<number, Connection>} */
  #connections = new Map();
  /** @type {string[]} */
  #settings = [];

  /**
   * @param {string} name
   * @param {string} command
   */
  constructor(name, command) {
    this.name = name;
    this.command = command;
  }

  /** Makes sure the server runs, holds no data and has no connection left from before. */
  async reset() {
    this.disconnect();
    if (!this.#server?.alive()) {
      this.#server = await startServer({ name: this.name, command: this.command, args: ARGS });
      // Not every server has it, and a comparison is possible without.
      await this.#admin([['DEBUG', 'SET-ACTIVE-EXPIRE', '0']]);
      this.#settings = await this.#readSettings();
    }
    await this.#admin([
      ['FLUSHALL'],
      ['FUNCTION', 'FLUSH'],
      ['SCRIPT', 'FLUSH'],
      ['CONFIG', 'SET', ...this.#settings],
    ]);
  }

  /** @param {string[][]} commands */
  #admin(commands) {
    return this.run([{ connection: ADMIN_CONNECTION, commands }]);
  }

  /** Names and values of what sequences change: put back before each, or a seed alone would not repeat it. */
  async #readSettings() {
    const [raw] = await this.#admin([['CONFIG', 'GET', ...CHANGED_DIRECTIVES]]);
    const reply = plain(parseReply(Buffer.from(raw, 'latin1')));
    return Array.isArray(reply) ? reply.map(String) : [];
  }

  /** @returns {boolean} */
  get alive() {
    return this.#server?.alive() ?? false;
  }

  get output() {
    return this.#server?.output() ?? '';
  }

  disconnect() {
    for (const connection of this.#connections.values()) connection.destroy();
    this.#connections.clear();
  }

  async stop() {
    this.disconnect();
    await this.#server?.stop();
  }

  /**
   * Runs steps in order and gives the bytes of each command's reply. Commands that follow each other on one
   * connection are sent in one write.
   *
   * @param {import('./sequence.mjs').Step[]} steps
   * @returns {Promise<string[]>}
   */
  async run(steps) {
    /** @type {string[]} */
    const replies = [];
    for (const { connection, commands } of batches(steps)) {
      const [name, ...args] = commands[0];
      if (name === '<pause>') {
        await sleep(Number(args[0]));
        replies.push('');
      } else if (name === '<scan>') replies.push(await this.#scan(connection, args));
      else if (name === '<listen>') replies.push(await this.#listen(args));
      else replies.push(...(await (await this.#connection(connection)).exchange(commands)));
    }
    return replies;
  }

  /**
   * Every key that a whole iteration gives, sorted, once each: cursors and order are the server's own affair.
   *
   * @param {number} number
   * @param {string[]} args
   * @returns {Promise<string>}
   */
  async #scan(number, args) {
    const connection = await this.#connection(number);
    const found = new Set();
    let cursor = '0';
    for (let calls = 0; calls < MAX_SCAN_CALLS; calls++) {
      const [reply] = await connection.exchange([['SCAN', cursor, ...args]]);
      if (!reply.startsWith('*')) return reply;
      const [next, keys] = /** @type {[string, string[]]} */ (
        plain(parseReply(Buffer.from(reply, 'latin1')))
      );
      for (const key of keys) found.add(key);
      cursor = next;
      if (cursor === '0') return JSON.stringify([...found].sort());
    }
    return '<the iteration did not end>';
  }

  /**
   * Sends a command, if there is one, on a connection that listens, and gives all that came since the last time.
   *
   * @param {string[]} args
   */
  async #listen([number, ...command]) {
    const connection = await this.#connection(FIRST_LISTENER + Number(number));
    const heard = (await connection.listen(command)).map(withoutOwnNames);
    // In which order several patterns match, or all subscriptions end, is the hash table's affair.
    const isMessage = (/** @type {string} */ reply) => /^.\d+\r\n\$\d+\r\ns?message\r\n/.test(reply);
    const others = heard.filter((reply) => !isMessage(reply)).sort();
    if (/unsubscribe/i.test(command[0]) && command.length === 1) return JSON.stringify(others.length);
    return JSON.stringify([heard.filter(isMessage), others]);
  }

  /** @param {number} number */
  async #connection(number) {
    let connection = this.#connections.get(number);
    if (!connection?.open) {
      if (!this.#server) throw new Error('the server has not been started');
      connection = await Connection.open(this.#server.port);
      this.#connections.set(number, connection);
    }
    return connection;
  }
}

/**
 * @param {import('./sequence.mjs').Step[]} steps
 * @returns {{ connection: number, commands: string[][] }[]}
 */
function batches(steps) {
  /** @type {{ connection: number, commands: string[][] }[]} */
  const found = [];
  let joinable = false;
  for (const { connection, commands } of steps) {
    for (const command of commands) {
      const isSpecial = command[0].startsWith('<');
      const last = found.at(-1);
      if (joinable && !isSpecial && last?.connection === connection) last.commands.push(command);
      else found.push({ connection, commands: [command] });
      joinable = !isSpecial && command[0].toUpperCase() !== 'QUIT';
    }
  }
  return found;
}

class Connection {
  open = true;
  #reader = new ReplyReader();
  /** @type {string[]} */
  #replies = [];
  #wanted = 0;
  /** @type {() => void} */
  #wake = () => {};
  #socket;
  /** Everything that came to a connection that listens, since it was asked last. @type {string[] | undefined} */
  #heard;
  #listened = 0;

  /** @param {import('node:net').Socket} socket */
  constructor(socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#receive(chunk));
    const ended = () => {
      this.open = false;
      this.#wake();
    };
    socket.on('error', ended);
    socket.on('close', ended);
  }

  /**
   * @param {number} port
   * @returns {Promise<Connection>}
   */
  static open(port) {
    return new Promise((resolve) => {
      const socket = connect({ port, host: '127.0.0.1' });
      const connection = new Connection(socket);
      socket.once('connect', () => resolve(connection));
      // A server that is gone shows as replies that do not come.
      socket.once('error', () => resolve(connection));
    });
  }

  /**
   * @param {string[][]} commands
   * @returns {Promise<string[]>} as many replies, CLOSED or TIMEOUT standing for those that did not come
   */
  async exchange(commands) {
    this.#wanted = commands.length;
    this.#replies = [];
    if (this.open) this.#socket.write(commands.map(encode).join(''), 'latin1');
    let missing = CLOSED;
    if (this.open) {
      await new Promise((resolve) => {
        const timer = setTimeout(() => {
          missing = TIMEOUT;
          resolve(undefined);
        }, REPLY_TIMEOUT_MS);
        this.#wake = () => {
          clearTimeout(timer);
          resolve(undefined);
        };
      });
    }
    if (missing === TIMEOUT) this.destroy();
    const replies = this.#replies;
    while (replies.length < commands.length) replies.push(missing);
    if (commands.at(-1)?.[0].toUpperCase() === 'QUIT')
      replies.push((replies.pop() ?? '') + (await this.#untilClosed()));
    return replies;
  }

  /** After QUIT the next command must find a new connection, not race with the end of this one. */
  async #untilClosed() {
    for (let waitedMs = 0; this.open && waitedMs < CLOSE_TIMEOUT_MS; waitedMs++) await sleep(1);
    return this.open ? '<connection left open>' : '';
  }

  /**
   * Sends a command, if there is one, and gives everything that came until the server was done with it, pushes
   * included.
   *
   * @param {string[]} command
   * @returns {Promise<string[]>}
   */
  async listen(command) {
    this.#heard ??= [];
    const token = `end ${++this.#listened}`;
    const commands = [...(command.length > 0 ? [command] : []), ['PING', token]];
    if (this.open) this.#socket.write(commands.map(encode).join(''), 'latin1');
    const until = Date.now() + REPLY_TIMEOUT_MS;
    const isEnd = (/** @type {string} */ reply) => reply.includes(`\r\n${token}\r\n`);
    while (this.open && !this.#heard.some(isEnd) && Date.now() < until) {
      await new Promise((resolve) => {
        this.#wake = () => resolve(undefined);
        setTimeout(resolve, 100);
      });
    }
    const heard = this.#heard.splice(0);
    if (!heard.some(isEnd)) heard.push(this.open ? TIMEOUT : CLOSED);
    return heard.filter((reply) => !isEnd(reply));
  }

  destroy() {
    this.open = false;
    abort(this.#socket);
  }

  /** @param {Buffer} chunk */
  #receive(chunk) {
    try {
      for (const reply of this.#reader.push(chunk)) {
        if (this.#heard) this.#heard.push(reply.toString('latin1'));
        else if (reply[0] !== '>'.charCodeAt(0)) this.#replies.push(reply.toString('latin1'));
      }
    } catch (error) {
      this.#replies.push(`<${error instanceof Error ? error.message : error}>`);
      this.destroy();
      this.#wake();
    }
    if (this.#heard || this.#replies.length >= this.#wanted) this.#wake();
  }
}

/** HELLO tells what each server calls itself. @param {string} reply */
function withoutOwnNames(reply) {
  return reply.includes('\r\nserver\r\n') ? '<greeting>' : reply;
}
