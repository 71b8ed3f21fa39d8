// Kills the server at random moments while it is written to, also while it rewrites its files, saves or loads, and
// checks after each restart that what it acknowledged is there and nothing is torn.
//
//   npm run test:crash -- --rounds 1000 --appendfsync always --seed 1
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { freePort } from '../bench/lib/servers.mjs';
import { sleep } from '../bench/lib/stats.mjs';
import { Random } from '../test/differential/random.mjs';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '200' },
    appendfsync: { type: 'string', default: 'always' },
    writers: { type: 'string', default: '8' },
    seed: { type: 'string', default: String(process.pid) },
    keep: { type: 'boolean', default: false },
  },
});
const rounds = Number(options.rounds);
const writerCount = Number(options.writers);
const random = new Random(Number(options.seed));
/** With everysec so much of the end may be missing. */
const toleratedLossMs = options.appendfsync === 'always' ? 0 : 2000;
const longestStartMs = 30_000;
const directory = mkdtempSync(join(tmpdir(), 'respite-crash-'));

/**
 * Starts the server.
 *
 * @param {number} port
 */
async function start(port) {
  const args = ['dist/main.cjs', '--port', port, '--dir', directory, '--appendonly', 'yes'];
  args.push('--appendfsync', options.appendfsync, '--save', '', '--auto-aof-rewrite-min-size', '64kb');
  args.push('--aof-use-rdb-preamble', random.next() < 0.5 ? 'yes' : 'no');
  const child = spawn(process.execPath, args.map(String), { stdio: ['ignore', 'pipe', 'inherit'] });
  let log = '';
  child.stdout.on('data', (chunk) => {
    log = (log + chunk).slice(-20_000);
  });
  const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code)));
  return { child, ended, log: () => log };
}

/** @param {number} port */
function connect(port) {
  const client = new Redis({ port, host: '127.0.0.1', retryStrategy: () => null, lazyConnect: true });
  client.on('error', () => {});
  return client;
}

/**
 * A client, once the server answers and has loaded its data.
 *
 * @param {number} port
 * @param {{ child: import('node:child_process').ChildProcess, log: () => string }} server
 */
async function ready(port, server) {
  const deadline = Date.now() + longestStartMs;
  for (;;) {
    const client = connect(port);
    try {
      await client.connect();
      await client.ping();
      return client;
    } catch {
      client.disconnect();
      if (server.child.exitCode !== null) throw new Error(`the server ended by itself:\n${server.log()}`);
      if (Date.now() > deadline) throw new Error(`the server does not start:\n${server.log()}`);
      await sleep(5);
    }
  }
}

/** What one writer did: for each of its keys how far it was sent, and how far acknowledged, with the time. */
class Writer {
  /** @param {string} name */
  constructor(name) {
    this.name = name;
    this.sent = this.known = 0;
    /**
     * Number and time of acknowledgements, in order.
     *
     * @type {[number, number][]}
     */
    this.acknowledged = [];
  }

  /**
   * One step writes its number into values of every type, and twice in a transaction.
   *
   * @param {import('ioredis').ChainableCommander} pipeline
   * @param {number} n
   */
  commands(pipeline, n) {
    const { name } = this;
    pipeline.rpush(`${name}:list`, n);
    pipeline.set(`${name}:string`, `${n}:${'x'.repeat(Math.floor(random.next() ** 4 * 30_000))}:${n}`);
    pipeline.hset(`${name}:hash`, 'last', n, `field${n % 700}`, n);
    pipeline.zadd(`${name}:zset`, n, `member${n % 300}`);
    pipeline.sadd(`${name}:set`, n);
    pipeline.call('MULTI');
    pipeline.incr(`${name}:first`);
    pipeline.incr(`${name}:second`);
    pipeline.call('EXEC');
  }

  /** @param {Redis} client */
  async run(client) {
    while (client.status === 'ready') {
      const pipeline = client.pipeline();
      const steps = 1 + Math.floor(random.next() * 6);
      for (let i = 0; i < steps; i++) this.commands(pipeline, ++this.sent);
      const upTo = this.sent;
      const replies = await pipeline.exec().catch(() => null);
      if (replies === null || replies.some(([error]) => error !== null)) return;
      this.acknowledged.push([upTo, Date.now()]);
    }
  }

  /**
   * Compares what is there with what was acknowledged before `killedAt`, and goes on from there.
   *
   * @param {Redis} client
   * @param {number} killedAt unix time in ms
   * @returns {Promise<string[]>} what is wrong
   */
  async check(client, killedAt) {
    const { name } = this;
    const [list, string, hash, zset, set, first, second] = await Promise.all([
      client.lrange(`${name}:list`, 0, -1),
      client.get(`${name}:string`),
      client.hget(`${name}:hash`, 'last'),
      client.zrange(`${name}:zset`, -1, -1, 'WITHSCORES'),
      client.scard(`${name}:set`),
      client.get(`${name}:first`),
      client.get(`${name}:second`),
    ]);
    const problems = [];
    const safe = this.acknowledged.filter(([, time]) => time <= killedAt - toleratedLossMs);
    const least = Math.max(this.known, safe.at(-1)?.[0] ?? 0);
    const numbers = {
      list: list.length,
      string: Number(string?.split(':')[0] ?? 0),
      hash: Number(hash ?? 0),
      zset: Number(zset[1] ?? 0),
      set,
      first: Number(first ?? 0),
      second: Number(second ?? 0),
    };
    for (const [key, value] of Object.entries(numbers)) {
      if (value < least) problems.push(`${name}:${key} is at ${value}, but ${least} was acknowledged`);
      if (value > this.sent) problems.push(`${name}:${key} is at ${value}, but only ${this.sent} was sent`);
    }
    if (list.some((item, i) => Number(item) !== i + 1)) problems.push(`${name}:list has a gap`);
    if (string !== null && string.split(':')[2] !== string.split(':')[0])
      problems.push(`${name}:string is torn`);
    if (numbers.first !== numbers.second)
      problems.push(`${name}: a transaction is torn: ${first} and ${second}`);
    // One step may be there in part: its commands are separate. The next round goes on behind the last.
    await this.settle(client, numbers);
    return problems;
  }

  /**
   * Brings all keys to the number of the one that is furthest.
   *
   * @param {Redis} client
   * @param {Record<string, number>} numbers
   */
  async settle(client, numbers) {
    const { name } = this;
    const last = Math.max(...Object.values(numbers));
    const missing = [];
    for (let n = numbers.list + 1; n <= last; n++) missing.push(n);
    if (missing.length > 0) await client.rpush(`${name}:list`, ...missing);
    for (let n = numbers.set + 1; n <= last; n++) await client.sadd(`${name}:set`, n);
    await client.set(`${name}:string`, `${last}:x:${last}`);
    await client.hset(`${name}:hash`, 'last', last);
    await client.zadd(`${name}:zset`, last, 'last');
    await client.mset(`${name}:first`, last, `${name}:second`, last);
    this.sent = this.known = last;
    this.acknowledged = [];
  }
}

async function main() {
  const port = await freePort();
  const writers = Array.from({ length: writerCount }, (_, i) => new Writer(`w${i}`));
  const totals = { steps: 0, rewrites: 0, loads: 0, switches: 0 };
  let killedAt = Date.now();
  for (let round = 1; round <= rounds; round++) {
    if (random.next() < 0.2) {
      // Killed while it starts and loads.
      const server = await start(port);
      await sleep(random.next() * 400);
      server.child.kill('SIGKILL');
      await server.ended;
      totals.loads++;
    }
    const server = await start(port);
    const control = await ready(port, server);
    const problems = (await Promise.all(writers.map((writer) => writer.check(control, killedAt)))).flat();
    if (problems.length > 0) {
      console.error(
        `round ${round}, seed ${options.seed}, files in ${directory}:\n${problems.join('\n')}\n${server.log()}`,
      );
      server.child.kill('SIGKILL');
      process.exit(1);
    }
    if (round % 20 === 0) await begin(control, writers);
    const clients = writers.map(() => connect(port));
    await Promise.all(clients.map((client) => client.connect()));
    const switching = random.next() < 0.15;
    if (switching) totals.switches++;
    const work = switching ? [switchOver(control)] : writers.map((writer, i) => writer.run(clients[i]));
    await sleep(random.next() * 250);
    if (!switching && random.next() < 0.6) {
      totals.rewrites++;
      void control.call(random.next() < 0.7 ? 'BGREWRITEAOF' : 'BGSAVE').catch(() => {});
      await sleep(random.next() ** 2 * 120);
    }
    server.child.kill('SIGKILL');
    killedAt = Date.now();
    await server.ended;
    await Promise.all(work);
    for (const client of [control, ...clients]) client.disconnect();
    totals.steps += writers.reduce((sum, { sent, known }) => sum + sent - known, 0);
    if (round % 50 === 0) console.log(`round ${round}: ${JSON.stringify(totals)}`);
  }
  console.log(
    `${rounds} rounds with appendfsync ${options.appendfsync}, seed ${options.seed}: nothing that was acknowledged is missing, nothing is torn; ${totals.steps} steps of 9 commands, ${totals.rewrites} rewrites or saves begun, ${totals.loads} kills while starting, ${totals.switches} while the file was switched off and on`,
  );
  if (!options.keep) rmSync(directory, { recursive: true });
}

/**
 * Switches the append-only file off and on, until the server is killed. Nobody writes meanwhile: what is written then
 * is safe when the first rewrite is done.
 *
 * @param {Redis} control
 */
async function switchOver(control) {
  try {
    for (;;) {
      await control.config('SET', 'appendonly', 'no');
      await control.config('SET', 'appendonly', 'yes');
      await sleep(random.next() * 100);
    }
  } catch {
    // The connection has ended.
  }
}

/**
 * Begins with nothing. A rewrite comes to its end, too: on a busy machine none of the others may, and each start would
 * repeat all that was ever written.
 *
 * @param {Redis} control
 * @param {Writer[]} writers
 */
async function begin(control, writers) {
  await control.flushall();
  await control.bgrewriteaof().catch(() => {}); // one has begun by itself
  while (/aof_rewrite_(in_progress|scheduled):1/.test(await control.info('persistence'))) await sleep(5);
  for (const writer of writers) {
    writer.sent = writer.known = 0;
    writer.acknowledged = [];
  }
}

await main();
