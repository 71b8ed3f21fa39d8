// The whole data of a server, in a form in which two servers' data can be compared.
import { parseReply, plain } from '../support/reply-reader.mjs';
import { ADMIN_CONNECTION } from './side.mjs';

/** The databases that the generators write to. */
const DATABASES = [0, 1, 2, 3];

/** Time to live may differ by what passes between the two snapshots. */
const TTL_SLACK_MS = 5000;

/** How a value of each type is read whole; the order of hashes and sets means nothing. */
/**
 * @type {Record<string, { command: (key: string) => string[], unordered?: 'elements' | 'pairs', scored?: boolean }>}
 */
const READERS = {
  string: { command: (key) => ['GET', key] },
  list: { command: (key) => ['LRANGE', key, '0', '-1'] },
  set: { command: (key) => ['SMEMBERS', key], unordered: 'elements' },
  hash: { command: (key) => ['HGETALL', key], unordered: 'pairs' },
  zset: { command: (key) => ['ZRANGE', key, '0', '-1', 'WITHSCORES'], scored: true },
  stream: { command: (key) => ['XRANGE', key, '-', '+'] },
};

/** Encodings that 7.2 chooses where the 7.0 oracle chooses another. */
const CHANGED_ENCODINGS = [
  { ours: 'listpack', oracle: 'hashtable', type: 'set' },
  { ours: 'listpack', oracle: 'quicklist', type: 'list' },
  // 7.2 chooses by the number of arguments, repeated ones included, where the oracle adds one after the other.
  { ours: 'hashtable', oracle: 'intset', type: 'set' },
];

/**
 * @typedef {{ type: string, encoding: string, ttlMs: number, value: string }} Entry
 */

/**
 * @param {import('./side.mjs').Side} side
 * @returns {Promise<Map<string, Entry>>} by database and key
 */
export async function takeSnapshot(side) {
  /** @param {string[][]} commands @returns {Promise<any[]>} */
  const ask = async (commands) => {
    const replies = await side.run([{ connection: ADMIN_CONNECTION, commands }]);
    return replies.map((raw) => (raw.startsWith('<') ? raw : plain(parseReply(Buffer.from(raw, 'latin1')))));
  };
  const lists = await ask(
    DATABASES.flatMap((db) => [
      ['SELECT', String(db)],
      ['KEYS', '*'],
    ]),
  );
  /** @type {Map<string, Entry>} */
  const snapshot = new Map();
  for (const db of DATABASES) {
    const keys = lists[db * 2 + 1];
    if (!Array.isArray(keys)) throw new Error(`KEYS * in database ${db} of ${side.name}: ${keys}`);
    if (keys.length === 0) continue;
    const facts = await ask([
      ['SELECT', String(db)],
      ...keys.flatMap((key) => [
        ['TYPE', key],
        ['OBJECT', 'ENCODING', key],
        ['PTTL', key],
      ]),
    ]);
    const readers = keys.map((_, i) => READERS[facts[1 + i * 3]]);
    const values = await ask(keys.map((key, i) => readers[i]?.command(key) ?? ['PING']));
    for (const [i, key] of keys.entries()) {
      const [type, encoding, ttlMs] = facts.slice(1 + i * 3, 4 + i * 3).map(String);
      const value = normalize(values[i], readers[i]?.unordered, readers[i]?.scored);
      snapshot.set(`db${db} ${JSON.stringify(key)}`, { type, encoding, ttlMs: Number(ttlMs), value });
    }
  }
  return snapshot;
}

/**
 * @param {unknown} value
 * @param {'elements' | 'pairs' | undefined} unordered
 * @param {boolean | undefined} scored every other element is a score: versions print them differently, and C libraries
 *   differ in the last digits of distances
 */
function normalize(value, unordered, scored) {
  if (scored && Array.isArray(value)) {
    return JSON.stringify(
      value.map((element, i) =>
        i % 2 === 1 && /\d/.test(element) ? Number(element).toPrecision(12) : element,
      ),
    );
  }
  if (!Array.isArray(value) || !unordered) return JSON.stringify(value);
  if (unordered === 'elements') return JSON.stringify([...value].sort());
  const pairs = value.flatMap((field, i) => (i % 2 === 0 ? [[field, value[i + 1]]] : []));
  return JSON.stringify(pairs.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * The first difference between two snapshots, in words.
 *
 * @param {Map<string, Entry>} ours
 * @param {Map<string, Entry>} oracle
 * @returns {string | undefined}
 */
export function compareSnapshots(ours, oracle) {
  for (const name of new Set([...ours.keys(), ...oracle.keys()])) {
    const [a, b] = [ours.get(name), oracle.get(name)];
    if (!a || !b) return `${name} exists only in ${a ? 'A' : 'B'}: ${JSON.stringify(a ?? b)}`;
    const what = difference(a, b);
    if (what) return `${name} differs in its ${what}:\n  A ${JSON.stringify(a)}\n  B ${JSON.stringify(b)}`;
  }
  return undefined;
}

/**
 * @param {Entry} a
 * @param {Entry} b
 * @returns {string | undefined}
 */
function difference(a, b) {
  if (a.type !== b.type) return 'type';
  if (a.value !== b.value) return 'value';
  if (a.ttlMs < 0 !== b.ttlMs < 0 || Math.abs(a.ttlMs - b.ttlMs) > TTL_SLACK_MS) return 'time to live';
  const isKnown = CHANGED_ENCODINGS.some(
    (change) => change.type === a.type && change.ours === a.encoding && change.oracle === b.encoding,
  );
  return a.encoding === b.encoding || isKnown ? undefined : 'encoding';
}
