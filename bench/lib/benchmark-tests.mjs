import { fill } from './client.mjs';
import { readInfoNumber } from './info.mjs';
import { sleep } from './stats.mjs';

/** @typedef {import('./client.mjs').RawClient} RawClient */

/**
 * A test of redis-benchmark.
 *
 * @typedef {object} BenchmarkTest
 * @property {string} name as its -t option takes it
 * @property {string[]} [command] the command itself, where -t would run more than this test
 * @property {{ prefix: string, value: string }} [keys] the random keys that it reads or changes: all of them are
 *   created on both sides first, so that every round measures the same data set. A test without them does not depend on
 *   the number of keys.
 * @property {(client: RawClient, requests: number) => Promise<unknown>} [before] makes the same start for each run
 * @property {number} [weight] divides the number of requests, for tests whose operations are larger; not without
 *   pipelines, where the round trip takes most of the time
 */

/** Elements that one command of the preparation adds. */
const PER_COMMAND = 100;
const plainKeys = { prefix: 'key:', value: 'xyz' };

/**
 * The default list of redis-benchmark 7.0, in its order.
 *
 * @type {BenchmarkTest[]}
 */
export const TESTS = [
  { name: 'PING_INLINE' },
  { name: 'PING_MBULK' },
  { name: 'SET', keys: plainKeys },
  { name: 'GET', keys: plainKeys },
  { name: 'INCR', keys: { prefix: 'counter:', value: '0' } },
  { name: 'LPUSH', before: without('mylist') },
  { name: 'RPUSH', before: without('mylist') },
  { name: 'LPOP', before: list(), weight: 2 },
  { name: 'RPOP', before: list(), weight: 2 },
  { name: 'SADD', before: without('myset') },
  { name: 'HSET', before: without('myhash') },
  { name: 'SPOP', before: filled('SADD', 'myset', (i) => [element(i)]), weight: 2 },
  { name: 'ZADD', before: without('myzset') },
  { name: 'ZPOPMIN', before: filled('ZADD', 'myzset', (i) => [i, element(i)]), weight: 2 },
  ...[100, 300, 500, 600].map(lrange),
  { name: 'MSET', keys: plainKeys, weight: 5 },
];

/** redis-benchmark reads 450 elements for its LRANGE_500. @param {number} count @returns {BenchmarkTest} */
function lrange(count) {
  const last = (count === 500 ? 450 : count) - 1;
  return {
    name: `LRANGE_${count}`,
    command: ['LRANGE', 'mylist', '0', String(last)],
    before: list(1000),
    weight: count / 10,
  };
}

/** @param {number} i */
function element(i) {
  return `element:${String(i).padStart(12, '0')}`;
}

/** The run starts without the key. @param {string} key */
function without(key) {
  return (/** @type {RawClient} */ client) => clear(client, key);
}

/**
 * Removes a key, and waits for its memory to be freed: Respite does that in slices.
 *
 * @param {RawClient} client
 * @param {string} key
 */
async function clear(client, key) {
  await client.command('DEL', key);
  while ((await readInfoNumber(client, 'memory', 'lazyfree_pending_objects')) > 0) await sleep(5);
}

/** The run starts with a list of so many items, or of one for each request. @param {number} [length] */
function list(length) {
  return filled('RPUSH', 'mylist', () => ['xyz'], length);
}

/**
 * The run starts with a collection of `length` elements, or of one for each request.
 *
 * @param {string} command
 * @param {string} key
 * @param {(index: number) => (string | number)[]} make the arguments that add element `index`
 * @param {number} [length]
 */
function filled(command, key, make, length) {
  return async (/** @type {RawClient} */ client, /** @type {number} */ requests) => {
    const wanted = length ?? requests;
    await clear(client, key);
    await fill(
      client,
      Math.ceil(wanted / PER_COMMAND),
      (block) => {
        const count = Math.min(PER_COMMAND, wanted - block * PER_COMMAND);
        const elements = Array.from({ length: count }, (_, i) => make(block * PER_COMMAND + i));
        return [command, key, ...elements.flat()];
      },
      { batch: 20 },
    );
  };
}
