import * as g from '../generators.mjs';

const { oneOf, optional, times } = g;

const directive = oneOf(
  ...['maxmemory-samples', 'lfu-log-factor', 'lfu-decay-time', 'timeout', 'slowlog-max-len', 'databases'],
  ...[
    'hash-max-listpack-entries',
    'hash-max-ziplist-entries',
    'maxmemory',
    'maxmemory-policy',
    'appendfsync',
  ],
  ...['list-max-listpack-size', 'set-max-intset-entries', 'zset-max-listpack-value', 'nosuchdirective'],
);
/** What CONFIG SET changes, and to what. */
/** @type {Record<string, g.Syntax>} */
const SETTINGS = {
  'maxmemory-samples': g.integer,
  'lfu-log-factor': g.integerIn(0, 100),
  'lfu-decay-time': g.integer,
  'slowlog-max-len': g.integer,
  'hash-max-listpack-entries': oneOf(g.integerIn(1, 1000), 'x'),
  'hll-sparse-max-bytes': g.integerIn(0, 4000),
  'hash-max-listpack-value': g.integerIn(1, 1000),
  'list-max-listpack-size': oneOf('-2', '128', '1.5'),
  'lazyfree-lazy-expire': oneOf('yes', 'no', 'maybe', 'YES'),
  'notify-keyspace-events': oneOf('KEA', 'K$', 'AE', '', 'Q'),
  appendfsync: oneOf('always', 'no', 'EVERYSEC', 'sometimes'),
  'stream-node-max-bytes': oneOf('4096', '4kb', '4mbb', '-1'),
};
export const CHANGED_DIRECTIVES = Object.keys(SETTINGS);

const setting = oneOf(
  ...Object.entries(SETTINGS),
  ['hash-max-ziplist-value', g.integerIn(1, 1000)],
  ['databases', '4'],
  ['nosuchdirective', '1'],
);

/** @type {import('../groups.mjs').Group} */
export const server = {
  name: 'server',
  commands: {
    INFO: [optional(oneOf('server', 'keyspace', 'clients', 'memory', 'stats', 'all', 'nosuchsection'))],
    'CONFIG GET': [times(1, 3, directive)],
    'CONFIG SET': { syntax: [times(1, 2, setting)], exact: true },
    'CONFIG RESETSTAT': [],
    'CONFIG REWRITE': [],
    'CONFIG HELP': [],
    CONFIG: [oneOf('NOSUCH', 'get', 'set'), optional(g.junk)],
    'COMMAND COUNT': [],
    'COMMAND INFO': [times(1, 3, oneOf('get', 'SET', 'mset', 'bitop', 'object', 'exec', 'copy', 'nosuch'))],
    'COMMAND LIST': ['FILTERBY', oneOf(['PATTERN', 'getse*'], ['MODULE', 'nosuch'], ['JUNK', 'x'])],
    // Exact: 7.0 wants an argument after the name of the command, 7.2 does not.
    'COMMAND GETKEYS': {
      exact: true,
      syntax: oneOf(
        ['GET', g.key],
        ['MSET', times(1, 3, g.key, g.value)],
        ['BITOP', 'AND', g.key, times(1, 3, g.key)],
        ['OBJECT', 'ENCODING', g.key],
        ['COPY', g.key, g.key, 'REPLACE'],
        ['SET', g.key, g.value, 'NX'],
        ['LCS', g.key, g.key, 'LEN'],
        ['PING', 'x'],
        ['NOSUCH', 'x'],
        ['GET', g.key, 'stray'],
        ['SET', g.key],
      ),
    },
    'COMMAND GETKEYSANDFLAGS': {
      exact: true,
      syntax: oneOf(
        ['GET', g.key],
        ['SET', g.key, 'v'],
        ['COPY', g.key, g.key],
        ['PING', 'x'],
        ['NOSUCH', 'x'],
        ['GET', g.key, 'stray'],
      ),
    },
    'COMMAND DOCS': [oneOf('get', 'nosuch')],
    'COMMAND HELP': [],
    'DEBUG SLEEP': { syntax: ['0'], exact: true },
    'DEBUG JUNK': [],
    'LATENCY GRAPH': ['nosuch'],
    'LATENCY HISTORY': ['nosuch'],
    'LATENCY RESET': { syntax: ['nosuch'], exact: true },
    'SLOWLOG GET': { syntax: [oneOf('0', '-2', 'x')], exact: true },
    // Not GET or LEN, which lose their junk now and then: what was slow depends on the machine.
    SLOWLOG: [oneOf('NOSUCH', 'JUNK'), 'junk', 'junk'],
    LOLWUT: [optional('VERSION', '5')],
    ROLE: [],
    SHUTDOWN: { syntax: oneOf('ABORT', 'JUNK', ['NOSAVE', 'SAVE'], ['ABORT', 'NOW']), exact: true },
    NOSUCHCOMMAND: [times(0, 3, g.value)],
  },
};
