// Mutated request streams against a running server: it must neither crash nor hang nor take memory that it
// has not received. See CONTRIBUTING.md.
import { randomInt } from 'node:crypto';
import { connect } from 'node:net';
import { parseArgs } from 'node:util';
import { abort, encode, RawClient } from '../bench/lib/client.mjs';
import { rssBytes } from '../bench/lib/process-usage.mjs';
import { DEFAULT_COMMANDS, startServer } from '../bench/lib/servers.mjs';
import { Random } from '../test/differential/random.mjs';

const HELP = `Sends mutated byte streams to a server and checks that it lives on.

  --streams N   how many (20000)
  --seed N      repeats a run
  --server CMD  command line of the server (${DEFAULT_COMMANDS.respite})`;

const { values: options } = parseArgs({
  options: {
    streams: { type: 'string', default: '20000' },
    seed: { type: 'string' },
    server: { type: 'string', default: DEFAULT_COMMANDS.respite },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) {
  console.log(HELP);
  process.exit(0);
}

/** Streams that are under way at once, and after how many a fresh connection must get its PONG. */
const PARALLEL = 16;
const CHECK_EVERY = 256;

/** A connection is used for several streams, unless the server closes it (most mutations make it do so). */
const STREAMS_PER_CONNECTION = 8;
const MAX_PIECES = 4;

const PONG_TIMEOUT_MS = 5000;
const CONNECT_TIMEOUT_MS = 5000;

/** How long a stream's answer is waited for: an incomplete request rightly gets none. */
const ANSWER_MS = 2;

/** What the process may grow by, whatever lengths the streams announce. */
const MAX_GROWTH_BYTES = 256 * 2 ** 20;

/** Announced lengths that a server must not believe. */
const LENGTHS = [
  ...['2147483648', '2147483647', '1000000000', '1073741824', '536870912', '536870913', '1048577', '1048576'],
  ...[
    '-1',
    '-2',
    '-2147483648',
    '0',
    '00',
    '+1',
    ' 1',
    '1 ',
    '',
    'x',
    '1.5',
    '0x10',
    '1e3',
    '18446744073709551616',
  ],
];

const INLINE = [
  ...[
    'PING\r\n',
    'PING\n',
    '\r\n',
    '\n',
    ' \r\n',
    'SET a "b\r\n',
    "SET a 'b\r\n",
    'ECHO "\\x41\\n"\r\n',
    'ECHO "a"b\r\n',
  ],
  ...[
    '\x00\x01\x02\r\n',
    '\xff\xfe\xfd',
    `GET ${'x'.repeat(70_000)}`,
    `${'PING '.repeat(2000)}\r\n`,
    'QUIT\r\n',
  ],
  ...[
    'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
    '$5\r\nhello\r\n',
    '+OK\r\n',
    ':1\r\n',
    '%1\r\n+a\r\n+b\r\n',
    '>1\r\n+x\r\n',
  ],
];

/** Harmless commands of several shapes. None of them blocks, ends the server or asks for much memory. */
const COMMANDS = [
  ['PING'],
  ['SET', 'key', 'value'],
  ['GET', 'key'],
  ['MSET', 'a', '1', 'b', '2', 'c', '3'],
  ['INCRBY', 'a', '5'],
  ['APPEND', 'tail', 'x'.repeat(40)],
  ['SET', 'big', 'y'.repeat(3000)],
  ['DEL', 'tail', 'big'],
  ['HELLO', '3'],
  ['SETRANGE', 'range', '10', 'abc'],
  ['MULTI'],
  ['EXEC'],
  ['EXPIRE', 'key', '100'],
  ['SCAN', '0', 'MATCH', '*', 'COUNT', '10'],
  ['OBJECT', 'ENCODING', 'key'],
  ['CLIENT', 'SETNAME', 'fuzz'],
  ['COMMAND', 'COUNT'],
  ['ECHO', '\x00\r\n\xff'],
];

const seed = options.seed === undefined ? randomInt(2 ** 32) : Number(options.seed);
const total = Number(options.streams);
console.log(`seed ${seed}`);
const server = await startServer({ name: 'server', command: options.server });
try {
  await fuzz();
} catch (error) {
  console.error(
    `FAILED (seed ${seed}): ${error instanceof Error ? error.message : error}\n${server.output()}`,
  );
  process.exitCode = 1;
} finally {
  await server.stop();
}

async function fuzz() {
  const startedAt = performance.now();
  const rssBefore = rssBytes(server.pid);
  let rssPeak = rssBefore;
  /** @type {string[][]} the last streams, to show what the server did not survive */
  let recent = [];
  for (let done = 0; done < total; done += CHECK_EVERY) {
    const count = Math.min(CHECK_EVERY, total - done);
    const streams = Array.from({ length: count }, (_, i) => makeStream(new Random(seed + done + i)));
    recent = streams;
    try {
      await sendAll(streams);
      await checkAlive();
    } catch (error) {
      throw new Error(
        `${error instanceof Error ? error.message : error}\nafter streams:\n${recent.map(show).join('\n')}`,
      );
    }
    const rss = rssBytes(server.pid);
    rssPeak = Math.max(rssPeak, rss);
    if (rss - rssBefore > MAX_GROWTH_BYTES) throw new Error(`RSS grew from ${rssBefore} to ${rss} bytes`);
  }
  const seconds = (performance.now() - startedAt) / 1000;
  const megabytes = (/** @type {number} */ bytes) => (bytes / 2 ** 20).toFixed(0);
  console.log(
    `${total} streams in ${seconds.toFixed(1)} s, RSS ${megabytes(rssBefore)} MB before, ` +
      `${megabytes(rssPeak)} MB at most (seed ${seed})`,
  );
}

/**
 * A few requests with something wrong in them, cut into pieces that are written one by one.
 *
 * @param {Random} random
 * @returns {string[]}
 */
function makeStream(random) {
  let bytes = '';
  for (let left = random.integer(1, 6); left > 0; left--) {
    bytes += random.chance(0.12) ? random.pick(INLINE) : encode(random.pick(COMMANDS));
  }
  for (let left = random.pick([0, 1, 1, 1, 2, 4]); left > 0; left--) bytes = mutate(bytes, random);
  const pieces = [];
  let from = 0;
  for (let left = random.integer(0, MAX_PIECES - 1); left > 0 && from < bytes.length; left--) {
    const to = random.integer(from, bytes.length);
    if (to > from) pieces.push(bytes.slice(from, to));
    from = to;
  }
  return from < bytes.length ? [...pieces, bytes.slice(from)] : pieces;
}

/**
 * @param {string} bytes
 * @param {Random} random
 */
function mutate(bytes, random) {
  const at = random.integer(0, bytes.length - 1);
  const before = bytes.slice(0, at);
  switch (random.integer(0, 7)) {
    case 0: // a bit flips
      return (
        before + String.fromCharCode(bytes.charCodeAt(at) ^ (1 << random.integer(0, 7))) + bytes.slice(at + 1)
      );
    case 1: // the end is missing
      return before;
    case 2: // bytes are missing
      return before + bytes.slice(at + random.integer(1, 10));
    case 3: // bytes come twice
      return bytes.slice(0, at + random.integer(1, 20)) + bytes.slice(at);
    case 4: // bytes that do not belong there
      return (
        before + String.fromCharCode(random.integer(0, 255)).repeat(random.integer(1, 8)) + bytes.slice(at)
      );
    case 5: // another argument count
      return replaceLength(bytes, '*', random);
    case 6: // another argument length
      return replaceLength(bytes, '$', random);
    default:
      return before + random.pick(INLINE) + bytes.slice(at);
  }
}

/**
 * @param {string} bytes
 * @param {'*' | '$'} mark
 * @param {Random} random
 */
function replaceLength(bytes, mark, random) {
  const places = [...bytes.matchAll(mark === '*' ? /\*\d+\r\n/g : /\$\d+\r\n/g)];
  if (places.length === 0) return `${mark}${random.pick(LENGTHS)}\r\n${bytes}`;
  const place = random.pick(places);
  const rest = bytes.slice(place.index + place[0].length);
  return `${bytes.slice(0, place.index)}${mark}${random.pick(LENGTHS)}\r\n${rest}`;
}

/** @param {string[][]} streams */
async function sendAll(streams) {
  let next = 0;
  const lanes = Array.from({ length: PARALLEL }, async () => {
    while (next < streams.length) {
      const mine = streams.slice(next, next + STREAMS_PER_CONNECTION);
      next += STREAMS_PER_CONNECTION;
      while (mine.length > 0) await sendOnOneConnection(mine);
    }
  });
  await Promise.all(lanes);
}

/**
 * Sends streams, taking them off the list, until the list is empty or the server closes the connection.
 *
 * @param {string[][]} streams
 */
async function sendOnOneConnection(streams) {
  const socket = await open();
  let answer = () => {};
  socket.on('data', () => answer());
  socket.on('close', () => answer());
  while (streams.length > 0 && socket.writable) {
    const stream = streams.shift() ?? [];
    for (const [i, piece] of stream.entries()) {
      socket.write(piece, 'latin1');
      // A turn of the event loop makes separate writes, and usually separate reads at the other end.
      if (i < stream.length - 1) await new Promise((resolve) => setImmediate(resolve));
    }
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, ANSWER_MS, undefined);
      answer = () => {
        clearTimeout(timer);
        resolve(undefined);
      };
    });
  }
  abort(socket);
}

/** @returns {Promise<import('node:net').Socket>} */
function open() {
  return new Promise((resolve, reject) => {
    const socket = connect({ port: server.port, host: '127.0.0.1', noDelay: true });
    const timer = setTimeout(() => reject(new Error('no connection in time')), CONNECT_TIMEOUT_MS);
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.off('error', reject);
      // The server may close the connection while we write: that is its right.
      socket.on('error', () => socket.destroy());
      resolve(socket);
    });
    socket.once('error', reject);
  });
}

async function checkAlive() {
  if (!server.alive()) throw new Error('the server ended');
  const client = await RawClient.connect({ port: server.port });
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('no PONG in time')), PONG_TIMEOUT_MS);
  });
  const reply = await Promise.race([client.command('PING'), late]);
  clearTimeout(timer);
  client.close();
  if (reply !== 'PONG') throw new Error(`PING was answered by ${reply}`);
}

/** @param {string[]} pieces */
function show(pieces) {
  return pieces
    .map((piece) => JSON.stringify(piece.length > 300 ? `${piece.slice(0, 300)}...` : piece))
    .join(' + ');
}
