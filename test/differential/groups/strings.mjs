import * as g from '../generators.mjs';

const { key, value, oneOf, options, optional, times } = g;

/** @type {g.Syntax} */
const expiry = oneOf(
  ['EX', g.seconds],
  ['PX', g.milliseconds],
  ['EXAT', g.unixSeconds],
  ['PXAT', g.unixMilliseconds],
);

/** @type {import('../groups.mjs').Group} */
export const strings = {
  name: 'strings',
  commands: {
    SET: { syntax: [key, value, options(oneOf('NX', 'XX'), 'GET', oneOf(expiry, 'KEEPTTL'))], weight: 6 },
    GET: { syntax: [key], weight: 2 },
    SETNX: [key, value],
    SETEX: [key, g.seconds, value],
    PSETEX: [key, g.milliseconds, value],
    MSET: [times(1, 4, key, value)],
    MSETNX: [times(1, 3, key, value)],
    MGET: [times(1, 5, key)],
    GETSET: [key, value],
    GETDEL: [key],
    GETEX: [key, options(oneOf(expiry, 'PERSIST'))],
    APPEND: [key, value],
    STRLEN: [key],
    SETRANGE: [key, oneOf(g.offset, g.integerIn(0, 60), g.edgeNumber), value],
    GETRANGE: [key, oneOf(g.offset, g.integer), oneOf(g.offset, g.integer)],
    SUBSTR: [key, g.offset, g.offset],
    INCR: { syntax: [key], weight: 2 },
    DECR: [key],
    INCRBY: { syntax: [key, g.integer], weight: 2 },
    DECRBY: { syntax: [key, g.integer], weight: 2 },
    INCRBYFLOAT: { syntax: [key, g.number], weight: 2 },
    LCS: [key, key, options('LEN', 'IDX', ['MINMATCHLEN', g.integerIn(-1, 6)], 'WITHMATCHLEN')],
    'SET counter': { syntax: ['SET', key, g.integer], spelled: true, weight: 3 },
    'SET number': { syntax: ['SET', key, g.number, optional('KEEPTTL')], spelled: true, weight: 2 },
  },
};
