import * as g from '../generators.mjs';

const { key, oneOf, times } = g;

/**
 * Few elements, so that sets overlap, and sometimes many at once, so that sparse ones become dense. @type {g.Syntax}
 */
const element = oneOf(g.integerIn(0, 40), g.integerIn(0, 1e6), g.value, '');
const elements = oneOf(times(0, 5, element), times(0, 5, element), times(100, 900, g.integerIn(0, 1e6)));

/** @type {import('../groups.mjs').Group} */
export const hyperLogLogs = {
  name: 'hyperloglogs',
  commands: {
    PFADD: { syntax: [key, elements], weight: 6 },
    PFCOUNT: { syntax: [times(1, 3, key)], weight: 3 },
    PFMERGE: { syntax: [key, times(0, 3, key)], weight: 2 },
    'PFDEBUG ENCODING': [key],
    'PFDEBUG DECODE': [key],
    'PFDEBUG TODENSE': [key],
    PFDEBUG: [oneOf('GETREG', 'NOSUCH', 'encoding'), key],
    'CONFIG SET limit': {
      syntax: ['CONFIG', 'SET', 'hll-sparse-max-bytes', oneOf('0', '30', '300', '3000', '20000')],
      exact: true,
      spelled: true,
    },
    'SETRANGE broken': {
      syntax: ['SETRANGE', key, g.integerIn(0, 40), oneOf('\x00', '\x80', 'H')],
      spelled: true,
    },
  },
};
