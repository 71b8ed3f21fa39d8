import * as g from '../generators.mjs';

const { key, oneOf, optional, times } = g;

const bit = oneOf('0', '1', '0', '1', '2', '-1', 'x');
const bitOffset = oneOf(g.integerIn(0, 100), g.integerIn(0, 5000), oneOf('8388607', '8388608'), g.edgeNumber);
const unit = oneOf('BYTE', 'BIT', 'BYTE', 'BIT', 'BITS');

/** @type {g.Syntax} */
const encoding = (random) => {
  const signed = random.chance(0.5);
  const width = random.pick([
    1,
    2,
    4,
    5,
    7,
    8,
    9,
    13,
    16,
    31,
    32,
    33,
    53,
    54,
    60,
    62,
    63,
    signed ? 64 : 63,
    0,
    65,
  ]);
  return `${random.chance(0.02) ? 'f' : signed ? 'i' : 'u'}${width}`;
};
const fieldOffset = oneOf(
  g.integerIn(0, 70),
  g.integerIn(0, 300),
  (random) => `#${random.integer(0, 12)}`,
  g.edgeNumber,
);
const get = ['GET', encoding, fieldOffset];
const field = oneOf(
  get,
  ['SET', encoding, fieldOffset, g.integer],
  ['INCRBY', encoding, fieldOffset, g.integer],
  ['OVERFLOW', oneOf('WRAP', 'SAT', 'FAIL', 'NONE'), 'INCRBY', encoding, fieldOffset, g.integer],
);

/** @type {import('../groups.mjs').Group} */
export const bitmaps = {
  name: 'bitmaps',
  commands: {
    SETBIT: { syntax: [key, bitOffset, bit], weight: 2 },
    GETBIT: [key, bitOffset],
    BITCOUNT: [key, optional(g.offset, g.offset, optional(unit))],
    BITPOS: [key, bit, optional(g.offset, optional(g.offset, optional(unit)))],
    BITOP: { syntax: [oneOf('AND', 'OR', 'XOR', 'NOT', 'NAND'), key, times(1, 4, key)], weight: 2 },
    'BITOP NOT': { syntax: ['BITOP', 'NOT', key, key], spelled: true },
    BITFIELD: { syntax: [key, times(0, 4, field)], weight: 3 },
    BITFIELD_RO: [key, times(0, 3, oneOf(get, get, get, field))],
  },
};
