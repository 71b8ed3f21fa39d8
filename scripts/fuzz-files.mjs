// Mutated RDB files, DUMP payloads, append-only files and manifests: none may crash or hang the server that reads them,
// nor take more memory than they have bytes for. See CONTRIBUTING.md.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { Crc64 } from '../dist/bytes/crc64.js';
import { FileCheck } from '../dist/check/check-file.js';
import { LoadError, Respite } from '../dist/index.js';
import { Random } from '../test/differential/random.mjs';
import { commandText, encodeCommand } from '../test/support/encode-command.mjs';
import { ReplyReader } from '../test/support/reply-reader.mjs';

const HELP = `Loads mutated files and payloads, and uses what they bring.

  --mutations N   how many (10000)
  --seed N        repeats a run`;

/** No mutation may take longer. */
const PATIENCE_MS = 60_000;
/**
 * What the worker sends: that it lives, something to print, what went wrong.
 *
 * @typedef {{ line?: string, failure?: string }} Message
 */
/** @typedef {{ random: Chance, folder: string, client: Client, payloads: Buffer[], library: Buffer }} Context */

/** What the process may grow by, whatever lengths the files announce. */
const MOST_GROWTH_BYTES = 512 * 2 ** 20;

async function supervise() {
  const { values: options } = parseArgs({
    options: {
      mutations: { type: 'string', default: '10000' },
      seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
      help: { type: 'boolean', default: false },
    },
  });
  if (options.help) return console.log(HELP);
  const { mutations, seed } = options;
  console.log(`${mutations} mutations, seed ${seed}`);
  const worker = new Worker(fileURLToPath(import.meta.url), {
    workerData: { mutations: Number(mutations), seed: Number(seed) },
    resourceLimits: { maxOldGenerationSizeMb: 1024 },
  });
  let last = Date.now();
  const watch = setInterval(() => {
    if (Date.now() - last > PATIENCE_MS) fail(`nothing happened for ${PATIENCE_MS} ms`);
  }, 1000);
  /** @param {unknown} why */
  const fail = (why) => {
    console.error(`FAILED (seed ${seed}): ${why}`);
    process.exit(1);
  };
  worker.on('message', (/** @type {Message} */ message) => {
    last = Date.now();
    if (message.failure !== undefined) fail(message.failure);
    if (message.line !== undefined) console.log(message.line);
  });
  worker.on('error', (error) => fail(error instanceof Error ? error.stack : error));
  await new Promise((resolve) => worker.on('exit', resolve));
  clearInterval(watch);
}

/** @param {{ mutations: number, seed: number }} run */
async function fuzz({ mutations, seed }) {
  const random = new Chance(seed);
  const folder = mkdtempSync(join(tmpdir(), 'respite-fuzz-'));
  /** @type {Record<string, [accepted: number, refused: number]>} */
  const tally = {
    'RDB files': [0, 0],
    payloads: [0, 0],
    'append-only files, checked': [0, 0],
    'append-only files, loaded': [0, 0],
  };
  const server = await Respite.start({
    seed,
    clock: 'manual',
    'enable-debug-command': 'yes',
    dir: folder,
    dbfilename: 'none.rdb',
    save: [],
  });
  const client = new Client(server.port);
  const payloads = await makePayloads(client);
  const library = Buffer.from(LIBRARY, 'latin1');
  const rss = process.memoryUsage.rss();
  let most = rss;
  for (let i = 0; i < mutations; i++) {
    const { kind, accepted } = await one(i % 10, { random, folder, client, payloads, library });
    tally[kind][accepted ? 0 : 1]++;
    if (i % 50 === 0) {
      most = Math.max(most, process.memoryUsage.rss());
      report({});
    }
  }
  await client.call('FLUSHALL');
  const errors = /unexpected_error_replies:(\d+)/.exec(await client.call('INFO', 'stats'))?.[1];
  const growth = most - rss;
  client.close();
  await server.close();
  rmSync(folder, { recursive: true });
  for (const [kind, [accepted, refused]] of Object.entries(tally)) {
    report({ line: `${kind}: ${accepted} accepted, ${refused} refused` });
  }
  report({ line: `most memory beyond the start: ${(growth / 2 ** 20).toFixed(0)} MiB` });
  if (errors !== '0') report({ failure: `${errors} errors that are defects` });
  if (growth > MOST_GROWTH_BYTES) report({ failure: 'too much memory' });
}

class Chance extends Random {
  /** @param {number} limit the number is whole and below it */
  below(limit) {
    return this.integer(0, limit - 1);
  }
}

/**
 * Of ten mutations four are of files, four of payloads, two of append-only files.
 *
 * @param {number} turn
 * @param {Context} context
 */
async function one(turn, context) {
  if (turn < 4) return { kind: 'RDB files', accepted: await loadFile(context) };
  if (turn < 8) return { kind: 'payloads', accepted: await restore(context) };
  if (turn < 9) return { kind: 'append-only files, checked', accepted: checkAof(context) };
  return { kind: 'append-only files, loaded', accepted: await loadAof(context) };
}

/** @param {Message} message */
function report(message) {
  parentPort?.postMessage(message);
}

/**
 * A value of every type and encoding, dumped.
 *
 * @param {Client} client
 */
async function makePayloads(client) {
  const many = Array.from({ length: 600 }, (_, i) => `member:${i}`);
  const texts = ['0', '-1', '200', '-40000', '2147483648', '9223372036854775807', '007', '', 'text\r\n'];
  const commands = [
    ['SET', 'text'],
    ['SET', '12345'],
    ['SET', 'x'.repeat(3000)],
    ['RPUSH', ...texts],
    ['RPUSH', ...many, 'y'.repeat(9000), ...many],
    ['SADD', '1', '2', '300000'],
    ['SADD', ...texts],
    ['SADD', ...many],
    ['HSET', ...texts.flatMap((text) => [text, `${text}!`])],
    ['HSET', ...many.flatMap((text) => [text, text])],
    ['ZADD', '1', 'a', '-0.1', 'b', 'inf', 'c', '-inf', '5', '1e300', ''],
    ['ZADD', ...many.flatMap((member, i) => [String(i / 7), member])],
  ];
  const payloads = [];
  for (const [command, ...args] of commands) {
    await client.call(command, 'k', ...args);
    payloads.push(Buffer.from(await client.call('DUMP', 'k'), 'latin1'));
    await client.call('DEL', 'k');
  }
  for (const expiries of [['a'], ['a', 'b', 'c']]) {
    await client.call('HSET', 'k', 'a', '1', 'b', '2', 'c', '3');
    await client.call('HPEXPIREAT', 'k', '50000000000000', 'FIELDS', expiries.length, ...expiries);
    payloads.push(Buffer.from(await client.call('DUMP', 'k'), 'latin1'));
    await client.call('DEL', 'k');
  }
  for (const entries of [5, 300]) {
    await makeStream(client, entries);
    payloads.push(Buffer.from(await client.call('DUMP', 'k'), 'latin1'));
    await client.call('DEL', 'k');
  }
  return payloads;
}

/**
 * A stream with deleted entries, and groups of which one has consumers with pending entries.
 *
 * @param {Client} client
 * @param {number} entries
 */
async function makeStream(client, entries) {
  for (let i = 1; i <= entries; i++) {
    const fields = i % 3 === 0 ? ['other', `text ${i}`, 'n', i] : ['n', i, 'm', -i];
    await client.call('XADD', 'k', `${1_700_000_000_000 + (i >> 2)}-${i}`, ...fields);
  }
  await client.call('XDEL', 'k', '1700000000000-2');
  await client.call('XGROUP', 'CREATE', 'k', 'idle', '$');
  await client.call('XGROUP', 'CREATE', 'k', 'busy', '0');
  await client.call('XREADGROUP', 'GROUP', 'busy', 'alice', 'COUNT', 3, 'STREAMS', 'k', '>');
  await client.call('XREADGROUP', 'GROUP', 'busy', 'bob', 'COUNT', 1, 'STREAMS', 'k', '>');
  await client.call('XACK', 'k', 'busy', '1700000000000-1');
}

const LIBRARY = `#!lua name=shelf
redis.register_function('put', function(keys, args) return redis.call('SET', keys[1], args[1]) end)
redis.register_function{function_name='look', callback=function(keys) return redis.call('GET', keys[1]) end, flags={'no-writes'}}`;

/** Interesting bytes: ends of number ranges, and the first bytes of lengths, encodings and records. */
const BYTES = [
  0, 1, 2, 0x3f, 0x40, 0x7f, 0x80, 0x81, 0xc0, 0xc1, 0xc3, 0xf0, 0xf4, 0xfa, 0xfb, 0xfc, 0xfe, 0xff,
];

/**
 * @param {Buffer} bytes
 * @param {Chance} random
 */
function mutate(bytes, random) {
  let result = Buffer.from(bytes);
  for (let edits = 1 + random.below(1 + random.below(4)); edits > 0 && result.length > 0; edits--) {
    // Mostly in front, where the lengths and headers are.
    const at = random.below(random.below(2) === 0 ? Math.min(result.length, 40) : result.length);
    const kind = random.below(6);
    if (kind === 0) result[at] ^= 1 << random.below(8);
    else if (kind === 1) result[at] = random.below(256);
    else if (kind === 2) result[at] = BYTES[random.below(BYTES.length)];
    else if (kind === 3)
      result = Buffer.concat([result.subarray(0, at), result.subarray(at + 1 + random.below(8))]);
    else if (kind === 4) {
      const from = random.below(result.length);
      result = Buffer.concat([
        result.subarray(0, at),
        result.subarray(from, from + 1 + random.below(64)),
        result.subarray(at),
      ]);
    } else if (random.below(4) === 0) result = result.subarray(0, at);
  }
  return result;
}

/** @param {Buffer} body */
function sealed(body) {
  const bytes = Buffer.concat([body, Buffer.alloc(8)]);
  new Crc64().update(bytes, 0, body.length).write(bytes, body.length);
  return bytes;
}

/**
 * A payload whose value was changed, with a version and checksum that are right.
 *
 * @param {Context} context
 */
async function restore({ random, client, payloads }) {
  const payload = payloads[random.below(payloads.length)];
  const value = mutate(payload.subarray(0, -10), random);
  const reply = await client.call(
    'RESTORE',
    'k',
    '0',
    sealed(Buffer.concat([value, Buffer.from([11, 0])])),
    'REPLACE',
  );
  if (reply instanceof Error) return false;
  await use(client, 'k', random);
  return true;
}

/**
 * A file of several keys, changed, that is loaded in place of the data.
 *
 * @param {Context} context
 */
async function loadFile({ random, folder, client, payloads, library }) {
  const records = [];
  if (random.below(4) === 0) {
    const { length } = library;
    records.push(Buffer.from([0xf5, 0x40 | (length >> 8), length & 0xff]), library);
  }
  for (let i = 0; i < 4; i++) {
    const payload = payloads[random.below(payloads.length)];
    if (random.below(3) === 0) records.push(Buffer.from([0xfc, 0, 0, 0, 0, 0, 1, 0, 0]));
    records.push(payload.subarray(0, 1), Buffer.from([2, 0x6b, 0x30 + i]), payload.subarray(1, -10));
  }
  const body = Buffer.concat([
    Buffer.from('REDIS0011'),
    Buffer.from([0xfe, 0, 0xfb, 4, 1]),
    ...records,
    Buffer.from([0xff]),
  ]);
  const changed = mutate(body, random);
  writeFileSync(
    join(folder, 'none.rdb'),
    random.below(4) === 0 ? Buffer.concat([changed, Buffer.alloc(8)]) : sealed(changed),
  );
  const reply = await client.call('DEBUG', 'RELOAD', 'NOSAVE');
  // What was read before the file broke is there, and must be sound.
  for (let i = 0; i < 4; i++) await use(client, `k${i}`, random);
  return !(reply instanceof Error);
}

/** @type {Record<string, (key: string) => string[][]>} */
const USES = {
  string: (k) => [
    ['GET', k],
    ['APPEND', k, 'x'],
    ['SETRANGE', k, '3', 'y'],
    ['INCR', k],
    ['BITCOUNT', k],
  ],
  list: (k) => [
    ...[
      ['LRANGE', k, '0', '-1'],
      ['LPOP', k],
      ['RPOP', k],
      ['LPUSH', k, 'a'],
      ['RPUSH', k, '7'],
    ],
    ...[
      ['LINSERT', k, 'BEFORE', 'member:7', 'z'],
      ['LSET', k, '1', 'q'],
      ['LREM', k, '1', 'member:3'],
      ['LPOS', k, '0'],
    ],
    ['LTRIM', k, '1', '-2'],
  ],
  set: (k) => [
    ['SMEMBERS', k],
    ['SADD', k, 'new', '5'],
    ['SREM', k, '1', 'member:3'],
    ['SISMEMBER', k, '200'],
    ['SPOP', k],
    ['SRANDMEMBER', k, '-5'],
    ['SSCAN', k, '0'],
  ],
  hash: (k) => [
    ['HGETALL', k],
    ['HSET', k, 'new', '5', 'a', 'b'],
    ['HDEL', k, '0', 'member:3'],
    ['HGET', k, '200'],
    ['HRANDFIELD', k, '-5'],
    ['HSCAN', k, '0'],
    ['HINCRBY', k, '-1', '1'],
    ['HPEXPIRE', k, '100000', 'FIELDS', '1', 'a'],
  ],
  zset: (k) => [
    ['ZRANGE', k, '0', '-1', 'WITHSCORES'],
    ['ZADD', k, '3', 'new', '1', 'a'],
    ['ZREM', k, 'b', 'member:3'],
    ['ZRANK', k, 'a'],
    ['ZPOPMIN', k],
    ['ZPOPMAX', k],
    ['ZINCRBY', k, '1', 'c'],
    ['ZRANGEBYSCORE', k, '-inf', '(5'],
    ['ZREMRANGEBYRANK', k, '0', '1'],
    ['ZSCAN', k, '0'],
  ],
  stream: (k) => [
    ...[
      ['XLEN', k],
      ['XRANGE', k, '-', '+'],
      ['XREVRANGE', k, '+', '-', 'COUNT', '7'],
      ['XINFO', 'STREAM', k, 'FULL', 'COUNT', '0'],
      ['XINFO', 'GROUPS', k],
      ['XINFO', 'CONSUMERS', k, 'busy'],
    ],
    ...[
      ['XADD', k, '*', 'n', '1'],
      ['XDEL', k, '1700000000000-1', '1700000000001-4'],
      ['XREADGROUP', 'GROUP', 'busy', 'carol', 'COUNT', '2', 'STREAMS', k, '>'],
      ['XREADGROUP', 'GROUP', 'busy', 'alice', 'STREAMS', k, '0'],
      ['XPENDING', k, 'busy', '-', '+', '10'],
    ],
    ...[
      ['XACK', k, 'busy', '1700000000000-3'],
      ['XAUTOCLAIM', k, 'busy', 'dave', '0', '0'],
      ['XCLAIM', k, 'busy', 'erin', '0', '1700000000001-4', 'JUSTID'],
      ['XGROUP', 'DELCONSUMER', k, 'busy', 'bob'],
      ['XTRIM', k, 'MAXLEN', '3'],
      ['XGROUP', 'DESTROY', k, 'idle'],
    ],
  ],
};

/**
 * Does with a key what clients do, and compares it with its copy.
 *
 * @param {Client} client
 * @param {string} key
 * @param {Chance} random
 */
async function use(client, key, random) {
  const type = await client.call('TYPE', key);
  const commands = USES[type];
  if (commands === undefined) return;
  const replies = [];
  replies.push(
    client.call('COPY', key, 'copy', 'REPLACE'),
    client.call('DEBUG', 'DIGEST-VALUE', key, 'copy'),
  );
  for (const command of commands(key)) if (random.below(3) > 0) replies.push(client.call(...command));
  replies.push(
    client.call('DUMP', key),
    client.call('MEMORY', 'USAGE', key),
    client.call('DEL', key),
    client.call('PING'),
  );
  const answers = await Promise.all(replies);
  const [ours, copy] = answers[1];
  const broken = answers.find((answer) => answer instanceof Error && /internal error/i.test(answer.message));
  if (ours !== copy || broken !== undefined || answers.at(-1) !== 'PONG') {
    report({ failure: `a ${type} that does not work: ${broken ?? [ours, copy]}` });
  }
}

const COMMANDS =
  `#TS:1700000000\r\n${commandText('MULTI')}${commandText('SET', 'a', 1)}` +
  `${commandText('EXEC')}${commandText('DEL', 'a')}`;
const MANIFEST = 'file a.1.base.rdb seq 1 type b\nfile a.1.incr.aof seq 1 type i\n';

/**
 * Commands or a manifest, changed, that `respite check` looks at, and cuts.
 *
 * @param {Context} context
 */
function checkAof({ random, folder }) {
  const path = join(folder, 'file.aof');
  const text = random.below(3) === 0 ? MANIFEST : COMMANDS.repeat(3);
  writeFileSync(path, mutate(Buffer.from(text, 'latin1'), random));
  /** @param {boolean} fix */
  const check = (fix) => new FileCheck(() => {}, fix).check(path);
  const valid = check(false);
  if (text !== MANIFEST && check(true) && !check(false))
    report({ failure: 'a file that was cut is broken still' });
  return valid;
}

/** What an append-only file may have: every kind of command that changes data, functions and scripts. */
const CHANGES = [
  ['SELECT', 1],
  ['SET', 'a', 'text', 'PXAT', 4_000_000_000_000],
  ['RPUSH', 'l', 1, 'two', ''],
  ['LMOVE', 'l', 'm', 'LEFT', 'RIGHT'],
  ['SADD', 's', 1, 2, 'three'],
  ['HSET', 'h', 'f', 1, 'g', 'x'],
  ['HPEXPIREAT', 'h', 4_000_000_000_000, 'FIELDS', 1, 'f'],
  ['ZADD', 'z', 1.5, 'a', '-inf', 'b'],
  ['PFADD', 'p', 'a', 'b'],
  ['SETBIT', 'b', 77, 1],
  ['XADD', 'x', '1-1', 'n', 1],
  ['XGROUP', 'CREATE', 'x', 'g', 0],
  [
    'XCLAIM',
    'x',
    'g',
    'c',
    0,
    '1-1',
    'TIME',
    1_700_000_000_000,
    'RETRYCOUNT',
    1,
    'FORCE',
    'JUSTID',
    'LASTID',
    '1-1',
  ],
  ['MULTI'],
  ['INCRBY', 'n', 7],
  ['SET', 'a', 2],
  ['EXEC'],
  ['FUNCTION', 'LOAD', 'REPLACE', LIBRARY],
  ['FCALL', 'put', 1, 'f', 'v'],
  ['EVAL', "return redis.call('APPEND', KEYS[1], ARGV[1])", 1, 'e', 'x'],
  ['COPY', 'z', 'y'],
  ['RENAME', 'y', 'yy'],
  ['UNLINK', 's'],
];
const INCREMENTAL = CHANGES.map((words) => commandText(...words)).join('');

/**
 * A whole append-only file: manifest, snapshot, commands. One of the three is changed, a server starts on them, and
 * starts again if it could; what it has then must be the same.
 *
 * @param {Context} context
 */
async function loadAof({ random, folder, payloads }) {
  const dir = mkdtempSync(join(folder, 'aof-'));
  const path = join(dir, 'appendonlydir');
  mkdirSync(path);
  const payload = payloads[random.below(payloads.length)];
  const base = sealed(
    Buffer.concat([
      Buffer.from('REDIS0011\xfe\x00', 'latin1'),
      payload.subarray(0, 1),
      Buffer.from('\x01k', 'latin1'),
      payload.subarray(1, -10),
      Buffer.from([0xff]),
    ]),
  );
  const files = {
    'appendonly.aof.manifest':
      'file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n',
    'appendonly.aof.1.base.rdb': base,
    'appendonly.aof.1.incr.aof': INCREMENTAL,
  };
  const target = Object.keys(files)[[0, 1, 2, 2][random.below(4)]];
  for (const [name, content] of Object.entries(files)) {
    const bytes = Buffer.isBuffer(content) ? content : Buffer.from(content, 'latin1');
    const written = name === target ? mutate(bytes, random) : bytes;
    writeFileSync(join(path, name), written);
    // Beside it, as it was before the server cut it.
    if (name === target) writeFileSync(join(dir, name), written);
  }
  const first = await digestOfStart(dir);
  const second = first === undefined ? undefined : await digestOfStart(dir);
  if (first !== second)
    report({ failure: `an append-only file that brings ${first}, then ${second}: ${dir}` });
  else rmSync(dir, { recursive: true });
  return first !== undefined;
}

/**
 * What a server has that starts on these files; undefined if it refuses them.
 *
 * @param {string} dir
 * @returns {Promise<string | undefined>}
 */
async function digestOfStart(dir) {
  let server;
  try {
    server = await Respite.start({ dir, appendonly: true, save: [], 'enable-debug-command': 'yes' });
  } catch (error) {
    if (error instanceof LoadError) return undefined;
    throw error;
  }
  const client = new Client(server.port);
  const digest = await client.call('DEBUG', 'DIGEST');
  client.close();
  await server.close();
  return digest;
}

/** Pipelines commands; errors are Errors, strings latin1. */
class Client {
  /** @type {((reply: any) => void)[]} */
  #waiting = [];
  #reader = new ReplyReader();

  /** @param {number} port */
  constructor(port) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('data', (chunk) => {
      for (const reply of this.#reader.push(Buffer.from(chunk))) this.#waiting.shift()?.(decode(reply));
    });
    this.socket.on('close', () => {
      if (this.#waiting.length > 0) report({ failure: 'the server closed the connection' });
    });
  }

  /**
   * @param {...(string | number | Buffer)} words
   * @returns {Promise<any>}
   */
  call(...words) {
    this.socket.write(encodeCommand(words));
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  close() {
    this.socket.destroy();
  }
}

/** @param {Buffer} bytes */
function decode(bytes) {
  const text = bytes.toString('latin1');
  const end = text.indexOf('\r\n');
  const first = text.slice(1, end);
  if (text[0] === '-') return new Error(first);
  if (text[0] === '+' || text[0] === ':') return first;
  if (text[0] === '$') return first === '-1' ? null : text.slice(end + 2, -2);
  // Only flat arrays of simple strings are looked at.
  return text
    .slice(end + 2, -2)
    .split('\r\n')
    .map((line) => line.slice(1));
}

if (isMainThread) await supervise();
else await fuzz(workerData);
