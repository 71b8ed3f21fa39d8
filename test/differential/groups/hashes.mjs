import * as g from '../generators.mjs';

const { key, oneOf, optional, options, times } = g;

/** Few fields, so that commands meet; some longer than what a listpack takes. @type {g.Syntax} */
const field = oneOf(
  ...['f', 'f', 'g', 'h', 'i', '', '1', '2', '-7', '\x00\xff'],
  oneOf('x'.repeat(64), 'x'.repeat(65)),
  g.integerIn(0, 40),
);
const value = oneOf(g.value, g.integer, g.number, 'v');
const count = oneOf(
  g.integerIn(-12, 12),
  g.integerIn(-12, 12),
  '-9223372036854775808',
  '9223372036854775807',
);

/** @type {import('../groups.mjs').Group} */
export const hashes = {
  name: 'hashes',
  commands: {
    HSET: { syntax: [key, times(1, 4, field, value)], weight: 6 },
    HMSET: [key, times(1, 3, field, value)],
    HSETNX: { syntax: [key, field, value], weight: 2 },
    HGET: { syntax: [key, field], weight: 2 },
    HMGET: [key, times(1, 5, field)],
    HGETALL: [key],
    HKEYS: [key],
    HVALS: [key],
    HLEN: [key],
    HSTRLEN: [key, field],
    HEXISTS: [key, field],
    HDEL: { syntax: [key, times(1, 4, field)], weight: 2 },
    HINCRBY: { syntax: [key, field, g.integer], weight: 3 },
    HINCRBYFLOAT: { syntax: [key, field, g.number], weight: 3 },
    HRANDFIELD: [key, optional(count, optional('WITHVALUES'))],
    HSCAN: [key, oneOf('0', '0', g.integer), options(['MATCH', g.pattern], ['COUNT', g.integer])],
    'HSET many': {
      syntax: ['HSET', key, (random) => manyPairs(random.pick([30, 127, 128, 129, 511, 512, 513, 600]))],
      spelled: true,
    },
    'HSET number': { syntax: ['HSET', key, field, g.number], spelled: true, weight: 2 },
    'OBJECT ENCODING': { syntax: [key] },
  },
  scenarios: [
    (random) => underOtherLimit(random, 'hash-max-listpack-entries', random.pick(['0', '1', '3']), '512'),
    (random) => underOtherLimit(random, 'hash-max-listpack-value', random.pick(['0', '1', '3']), '64'),
  ],
};

/**
 * Some changes with a directive that is set back afterwards.
 *
 * @param {import('../random.mjs').Random} random
 * @param {string} directive
 * @param {string} limit
 * @param {string} usual
 */
function underOtherLimit(random, directive, limit, usual) {
  const [hash] = g.words(key, random);
  const change = () => ['HSET', hash, ...g.words(times(1, 4, field, value), random)];
  return [
    ['CONFIG', 'SET', directive, limit],
    change(),
    ['OBJECT', 'ENCODING', hash],
    ['HINCRBY', hash, 'n', '123456'],
    ['OBJECT', 'ENCODING', hash],
    ['CONFIG', 'SET', directive, usual],
    change(),
  ];
}

/** @param {number} count */
function manyPairs(count) {
  return Array.from({ length: count }, (_, i) => [String(i), `value ${i}`]).flat();
}
