// Where two faithful servers may answer differently, each with its reason. Everything else must be the same
// bytes.
import { parseReply } from '../support/reply-reader.mjs';
import { unwrapped } from './groups/scripting.mjs';

/** @typedef {import('../support/reply-reader.d.mts').Reply} Reply */

/**
 * @typedef {object} Tolerance
 * @property {string} why
 * @property {(a: Reply, b: Reply, command: string[]) => boolean} accepts `a` is the server under test, `b` the oracle
 */

/** Between the two servers handling the same command, on a busy machine. */
const CLOCK_SLACK_MS = 3000;

/** @param {number} slack @returns {Tolerance['accepts']} */
const integersWithin = (slack) => (a, b) =>
  a.type === 'integer' &&
  b.type === 'integer' &&
  Number(a.value) >= 0 &&
  Math.abs(Number(a.value) - Number(b.value)) <= slack;

/** @param {Reply} a @param {Reply} b */
const sameType = (a, b) => a.type === b.type && a.type !== 'error';

/** @param {Reply} a @param {Reply} b */
const sameElements = (a, b) =>
  Array.isArray(a.value) &&
  a.type === b.type &&
  JSON.stringify(sorted(a.value)) === JSON.stringify(sorted(b.value));

/** @param {unknown} value */
function sorted(value) {
  const elements = /** @type {unknown[]} */ (value).map((element) => JSON.stringify(element, printBigInts));
  return elements.sort();
}

/** @param {string} _name @param {unknown} value */
function printBigInts(_name, value) {
  return typeof value === 'bigint' ? String(value) : value;
}

const milliseconds = { why: 'a moment passes between the servers', accepts: integersWithin(CLOCK_SLACK_MS) };
const seconds = {
  why: 'a moment passes between the servers',
  accepts: integersWithin(CLOCK_SLACK_MS / 1000),
};
const chance = { why: 'the server chooses', accepts: sameType };
const unordered = { why: 'the order is the hash table’s', accepts: sameElements };
const ownWords = {
  why: 'help and art are every server’s own words',
  /** @type {Tolerance['accepts']} */
  accepts: sameType,
};

const staleErrors = {
  why: 'the oracle refuses numbers that it takes otherwise, after an earlier command that overflowed',
  /** @type {Tolerance['accepts']} */
  accepts: (a, b) =>
    a.type !== 'error' && b.type === 'error' && /can't be converted into double/.test(String(b.value)),
};

/** @type {Record<string, Tolerance>} by command, or command and subcommand, in lower case */
export const TOLERANCES = {
  ttl: seconds,
  expiretime: seconds,
  pttl: milliseconds,
  pexpiretime: milliseconds,
  time: { why: 'a moment passes between the servers', accepts: sameType },
  randomkey: { why: 'the server chooses', accepts: (a, b) => isNull(a) === isNull(b) },
  keys: unordered,
  'pubsub channels': unordered,
  'pubsub shardchannels': unordered,
  scan: { why: 'cursor and order are the server’s; <scan> compares whole iterations', accepts: sameType },
  hgetall: { why: 'the order is the hash table’s', accepts: samePairs },
  hkeys: unordered,
  hvals: unordered,
  hrandfield: chance,
  hscan: { why: 'cursor and order are the server’s', accepts: sameType },
  smembers: unordered,
  sinter: unordered,
  sunion: unordered,
  sdiff: unordered,
  spop: { why: 'in any order', accepts: sameElements },
  srandmember: chance,
  sscan: { why: 'cursor and order are the server’s', accepts: sameType },
  'object encoding': {
    why: 'sets and lists as listpacks came with 7.2, and sets of the size of a command',
    accepts: newerEncoding,
  },
  zrandmember: chance,
  zscan: { why: 'cursor and order are the server’s', accepts: sameType },
  'object idletime': {
    why: 'a moment passes, and the oracle shares small integers between keys',
    accepts: (a, b) => sameType(a, b) && Number(a.value) >= 0,
  },
  'object refcount': {
    why: 'in a transaction the oracle’s own queue refers to the value',
    accepts: (a, b) => Number(a.value) === 1 && Number(b.value) === 2,
  },
  'object freq': { why: 'a probabilistic counter', accepts: sameType },
  'object help': ownWords,
  'client id': { why: 'numbers given by each server', accepts: sameType },
  'client list': { why: 'addresses, memory, times', accepts: sameType },
  'client info': { why: 'addresses, memory, times', accepts: sameType },
  'client help': ownWords,
  hello: { why: 'name, version, id and modules of the server', accepts: sameGreeting },
  info: { why: 'figures of each server; the key counts must agree', accepts: sameKeyspaceInfo },
  'config get': {
    why: 'the order is the hash table’s, and a pattern finds what each server has',
    accepts: (a, b, command) => (/[*?[]/.test(command.join(' ')) ? sameType(a, b) : sameElements(a, b)),
  },
  'config help': ownWords,
  command: {
    why: 'the list of all commands',
    accepts: (a, b, command) => command.length === 1 && sameType(a, b),
  },
  'command count': chance,
  'command list': {
    why: 'the order is the hash table’s, and without a filter the list has what each server has',
    accepts: (a, b, command) => (command.length === 2 ? sameType(a, b) : sameElements(a, b)),
  },
  'command docs': ownWords,
  'command help': ownWords,
  'command info': { why: 'flags, tips and subcommands are compared elsewhere', accepts: sameCommandInfo },
  'slowlog len': { why: 'which commands are slow depends on the machine', accepts: sameType },
  'slowlog get': { why: 'which commands are slow depends on the machine', accepts: sameType },
  sort: staleErrors,
  sort_ro: staleErrors,
  lolwut: ownWords,
  role: { why: 'replication offsets', accepts: sameType },
  xpending: { why: 'a moment passes between the servers', accepts: samePending },
  'xinfo stream': {
    why: 'times; 7.2 has more of them, and creates consumers that get nothing',
    accepts: sameStreamInfo,
  },
  'xinfo groups': { why: '7.2 creates consumers that get nothing', accepts: sameStreamInfo },
  'xinfo consumers': { why: 'times; 7.2 creates consumers that get nothing', accepts: sameStreamInfo },
  'xinfo help': ownWords,
  'xgroup help': ownWords,
  'xgroup createconsumer': { why: '7.2 creates consumers that get nothing', accepts: sameType },
};

/**
 * Error texts that changed between 7.0 (the oracle) and 7.2 (the contract).
 *
 * @type {{ oracle: RegExp, ours: RegExp, why: string }[]}
 */
export const CHANGED_TEXTS = [
  {
    oracle: /^ERR Unknown subcommand or wrong number of arguments for '(.*)'\. Try (\w+) HELP\.$/,
    ours: /^ERR unknown subcommand '.*'\. Try \w+ HELP\.$/,
    why: 'one text for all containers since 7.0',
  },
  {
    oracle: /^ERR Unbalanced XREAD list of streams/,
    ours: /^ERR Unbalanced 'xread(group)?' list of streams/,
    why: '7.2 names the command',
  },
  {
    oracle: /^ERR The ID specified in XSETID is smaller than the target stream top item$/,
    ours: /^ERR The ID specified in XSETID is smaller than current max_deleted_entry_id$/,
    why: 'new in 7.2',
  },
];

/** Entries with the time for which they have been idle. @type {Tolerance['accepts']} */
function samePending(a, b) {
  /** @param {string} _name @param {any} value */
  const print = (_name, value) => {
    const isEntry = Array.isArray(value) && value.length === 4 && value[2]?.type === 'integer';
    return isEntry ? [value[0], value[1], value[3]] : printBigInts(_name, value);
  };
  return JSON.stringify(a, print) === JSON.stringify(b, print);
}

const TIMES = ['idle', 'inactive', 'seen-time', 'active-time', 'consumers'];

/** What XINFO says without times, and of consumers only those that have something. @type {Tolerance['accepts']} */
function sameStreamInfo(a, b) {
  return a.type === b.type && a.type !== 'error' && simpleInfo(a) === simpleInfo(b);
}

/** @param {Reply} reply @returns {string} */
function simpleInfo(reply) {
  if (reply.type === 'map') return simpleInfo({ type: 'array', value: reply.value.flat() });
  if (reply.type === 'integer') return Number(reply.value) > 1e12 ? 'time' : String(reply.value);
  if (reply.type !== 'array') return JSON.stringify(reply.value);
  const { value } = reply;
  if (value[0]?.value !== 'name' && value[0]?.value !== 'length') {
    return `[${value.map(simpleInfo).filter((each) => !/^\{.*"pending" 0 |^\{.*"pel-count" 0 "pending" \[\] \}/.test(each) || /last-delivered/.test(each))}]`;
  }
  // Redis keeps the node of entries that XTRIM MINID has removed one by one; here an empty node goes.
  const empty = value[0].value === 'length' && Number(value[1].value) === 0;
  const pairs = value.flatMap((name, i) => {
    if (i % 2 === 1 || (empty && /^radix-tree/.test(String(name.value)))) return [];
    const isCount = name.value === 'consumers' && value[i + 1].type === 'integer';
    if (isCount || (name.value !== 'consumers' && TIMES.includes(String(name.value)))) return [];
    return [`${JSON.stringify(name.value)} ${simpleInfo(value[i + 1])}`];
  });
  return `{${pairs.join(' ')} }`;
}

/** @type {Tolerance['accepts']} */
function newerEncoding(a, b) {
  if (a.value === 'hashtable') return b.value === 'intset';
  return a.value === 'listpack' && (b.value === 'hashtable' || b.value === 'quicklist');
}

/** Maps, or in RESP2 flat arrays of keys and values. @type {Tolerance['accepts']} */
function samePairs(a, b) {
  if (a.type === 'map') return sameElements(a, b);
  return JSON.stringify(pairsOf(a)) === JSON.stringify(pairsOf(b));
}

/** @param {Reply} reply */
function pairsOf(reply) {
  if (reply.type !== 'array') return undefined;
  const flat = reply.value;
  return sorted(flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1]]] : [])));
}

/** @param {Reply} reply */
function isNull(reply) {
  return reply.type.startsWith('null');
}

/** @type {Tolerance['accepts']} */
function sameGreeting(a, b) {
  const [ours, theirs] = [fieldsOf(a), fieldsOf(b)];
  if (!ours || !theirs || a.type !== b.type) return false;
  return ['proto', 'mode', 'role'].every((field) => ours.get(field) === theirs.get(field));
}

/**
 * A RESP3 map, or the RESP2 array that stands for one, by field.
 *
 * @param {Reply} reply
 */
function fieldsOf(reply) {
  if (reply.type === 'map') return new Map(reply.value.map(([name, value]) => [name.value, value.value]));
  if (reply.type !== 'array') return undefined;
  const flat = reply.value;
  return new Map(flat.flatMap((name, i) => (i % 2 === 0 ? [[name.value, flat[i + 1]?.value]] : [])));
}

/** @type {Tolerance['accepts']} */
function sameKeyspaceInfo(a, b, command) {
  if (a.type !== b.type || a.type === 'error') return false;
  if (command[1]?.toLowerCase() !== 'keyspace') return true;
  /** @param {Reply} reply */
  const lines = (reply) =>
    String(reply.value)
      .replace(/,avg_ttl=\d+.*$/gm, '')
      .trim();
  return lines(a) === lines(b);
}

/** Name, arity and key positions: elements 0, 1 and 3 to 5. @type {Tolerance['accepts']} */
function sameCommandInfo(a, b, command) {
  if (command.length === 2) return sameType(a, b);
  if (a.type !== 'array' || b.type !== 'array' || a.value.length !== b.value.length) return false;
  return a.value.every((ours, i) => {
    const theirs = b.value[i];
    if (ours.type !== 'array' || theirs.type !== 'array') return ours.type === theirs.type;
    const [left, right] = [ours.value, theirs.value];
    return [0, 1, 3, 4, 5].every((part) => left[part]?.value === right[part]?.value);
  });
}

/**
 * Whether two replies to a command agree. For EXEC, `queued` holds the commands that the array answers.
 *
 * @param {string[]} command
 * @param {string} a raw bytes, latin1
 * @param {string} b
 * @param {string[][]} queued
 */
export function agree(command, a, b, queued) {
  if (a === b) return true;
  if (a === '' || b === '' || a.startsWith('<') || b.startsWith('<') || a.startsWith('[')) return false;
  return agreeParsed(
    command,
    parseReply(Buffer.from(a, 'latin1')),
    parseReply(Buffer.from(b, 'latin1')),
    queued,
  );
}

/**
 * 7.2 prints the fewest digits of a score, the oracle 17; C libraries differ in the last ones of a distance.
 *
 * @param {Reply} a
 * @param {Reply} b
 */
export function sameScores(a, b) {
  /** @param {string} _name @param {unknown} value */
  const print = (_name, value) => {
    const isNumber = typeof value === 'string' && /^-?\d+(\.\d+)?(e[+-]\d+)?$/.test(value);
    return isNumber ? `number ${Number(value).toPrecision(12)}` : printBigInts(_name, value);
  };
  return JSON.stringify(a, print) === JSON.stringify(b, print);
}

/**
 * @param {string[]} command
 * @param {Reply} a
 * @param {Reply} b
 * @param {string[][]} queued
 * @returns {boolean}
 */
function agreeParsed(command, a, b, queued) {
  if (JSON.stringify(a, printBigInts) === JSON.stringify(b, printBigInts)) return true;
  const name = command[0].toLowerCase();
  const parts = name === 'exec' ? queued : unwrapped(command);
  if (parts && a.type === 'array' && b.type === 'array' && a.value.length === b.value.length) {
    const [ours, theirs] = [a.value, b.value];
    return ours.every((reply, i) => agreeParsed(parts[i] ?? ['?'], reply, theirs[i], []));
  }
  if (a.type === 'error' && b.type === 'error') {
    const [ours, theirs] = [a.value, b.value];
    if (CHANGED_TEXTS.some((text) => text.oracle.test(theirs) && text.ours.test(ours))) return true;
    // The oracle ends a quoted argument at its first NUL byte.
    if (ours.includes('\x00')) return theirs.startsWith(ours.slice(0, ours.indexOf('\x00')));
  }
  if (/^(z|geo)/.test(name) && sameScores(a, b)) return true;
  const tolerance = TOLERANCES[`${name} ${command[1]?.toLowerCase()}`] ?? TOLERANCES[name];
  return tolerance?.accepts(a, b, command) ?? false;
}
