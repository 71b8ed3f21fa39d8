import * as g from '../generators.mjs';

const { key, oneOf, options, optional, times } = g;

const scanOptions = options(
  ['MATCH', g.pattern],
  ['COUNT', oneOf('1', '2', '10', '1000')],
  ['TYPE', oneOf('string', 'STRING', 'list', 'hash', 'nosuchtype')],
);

/** @type {import('../groups.mjs').Group} */
export const keys = {
  name: 'keys',
  commands: {
    DEL: [times(1, 3, key)],
    UNLINK: [times(1, 3, key)],
    EXISTS: [times(1, 4, key)],
    TYPE: [key],
    KEYS: [g.pattern],
    SCAN: [
      oneOf('0', g.integerIn(0, 64), g.edgeNumber),
      scanOptions,
      optional(oneOf(['COUNT', g.integer], 'junk')),
    ],
    '<scan>': { syntax: [scanOptions], exact: true },
    RANDOMKEY: [],
    RENAME: [key, key],
    RENAMENX: [key, key],
    COPY: { syntax: [key, key, options(['DB', g.database], 'REPLACE')], weight: 2 },
    MOVE: [key, g.database],
    TOUCH: [times(1, 3, key)],
    'OBJECT ENCODING': { syntax: [key], weight: 2 },
    'OBJECT REFCOUNT': [key],
    'OBJECT IDLETIME': [key],
    'OBJECT FREQ': [key],
    'OBJECT HELP': [],
    OBJECT: [oneOf('NOSUCH', 'encoding', g.junk), optional(key)],
    DBSIZE: [],
    FLUSHDB: [optional(oneOf('ASYNC', 'SYNC', 'junk'))],
    FLUSHALL: [optional(oneOf('ASYNC', 'SYNC', 'junk'))],
    SELECT: { syntax: [g.database], weight: 2 },
    SWAPDB: [g.database, g.database],
    TIME: [],
  },
};
