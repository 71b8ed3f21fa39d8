import * as g from '../generators.mjs';

const { key, oneOf, optional, options, times } = g;

/**
 * Few members, so that sets meet; integers of all widths, and some longer than what a listpack takes. @type
 * {g.Syntax}
 */
const member = oneOf(
  g.integerIn(-5, 30),
  g.integerIn(-5, 30),
  g.integer,
  oneOf('m', 'n', 'o', 'p', '', '\x00\xff', 'm'),
  oneOf('x'.repeat(64), 'x'.repeat(65), g.value),
);
const integerMember = oneOf(
  g.integerIn(-10, 40),
  g.integerIn(-5, 30),
  oneOf('-32768', '32768', '2147483648', '-1e3'),
);
const count = oneOf(
  g.integerIn(-12, 12),
  g.integerIn(-12, 12),
  oneOf('-9223372036854775808', '9223372036854775807', '0'),
);

/** @type {import('../groups.mjs').Group} */
export const sets = {
  name: 'sets',
  commands: {
    SADD: { syntax: [key, times(1, 5, member)], weight: 6 },
    SREM: { syntax: [key, times(1, 4, member)], weight: 3 },
    SISMEMBER: [key, member],
    SMISMEMBER: [key, times(1, 4, member)],
    SCARD: [key],
    SMEMBERS: [key],
    'SPOP all': { syntax: ['SPOP', key, '100000'], spelled: true, exact: true },
    'SPOP none': { syntax: ['SPOP', key, oneOf('0', '-1', 'x')], spelled: true, exact: true },
    SRANDMEMBER: [key, optional(count)],
    SMOVE: { syntax: [key, key, member], weight: 3 },
    SINTER: [times(1, 4, key)],
    SINTERCARD: [g.counted(1, 3, key), options(['LIMIT', oneOf(g.integerIn(-1, 5), g.integer)])],
    SINTERSTORE: { syntax: [key, times(1, 3, key)], weight: 2 },
    SUNION: [times(1, 4, key)],
    SUNIONSTORE: { syntax: [key, times(1, 3, key)], weight: 2 },
    SDIFF: [times(1, 4, key)],
    SDIFFSTORE: { syntax: [key, times(1, 3, key)], weight: 2 },
    SSCAN: [key, oneOf('0', '0', g.integer), options(['MATCH', g.pattern], ['COUNT', g.integer])],
    'SADD integers': { syntax: ['SADD', key, times(1, 8, integerMember)], spelled: true, weight: 4 },
    'SADD many': {
      syntax: ['SADD', key, (random) => manyMembers(random.pick(['', 'm']), random.pick(SIZES))],
      spelled: true,
    },
    'OBJECT ENCODING': { syntax: [key] },
  },
  scenarios: [
    (random) => underOtherLimit(random, 'set-max-intset-entries', random.pick(['0', '1', '3']), '512'),
  ],
};

const SIZES = [20, 127, 128, 129, 511, 512, 513, 600];

/**
 * @param {string} prefix
 * @param {number} size
 */
function manyMembers(prefix, size) {
  return Array.from({ length: size }, (_, i) => `${prefix}${i}`);
}

/**
 * Some changes with a directive that is set back afterwards.
 *
 * @param {import('../random.mjs').Random} random
 * @param {string} directive
 * @param {string} limit
 * @param {string} usual
 */
function underOtherLimit(random, directive, limit, usual) {
  const [set] = g.words(key, random);
  const change = () => ['SADD', set, ...g.words(times(1, 4, integerMember), random)];
  return [
    ['CONFIG', 'SET', directive, limit],
    change(),
    change(),
    ['OBJECT', 'ENCODING', set],
    ['CONFIG', 'SET', directive, usual],
    change(),
  ];
}
