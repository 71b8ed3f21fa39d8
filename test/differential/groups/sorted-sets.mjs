import * as g from '../generators.mjs';

const { key, oneOf, options, optional, times, counted } = g;

/** Keys of this group, so that they mostly are sorted sets. @type {g.Syntax} */
const zkey = oneOf('z1', 'z1', 'z1', 'z2', 'z2', 'z3', key);

/** Few members, among them integers, and one too long for a listpack. @type {g.Syntax} */
const member = oneOf(oneOf('a', 'b', 'c', 'd', 'e', 'foo', 'foobar', ''), g.integerIn(-3, 300), (random) =>
  'm'.repeat(random.pick([1, 63, 64, 64, 65])),
);

/** Scores that both versions print alike: the oracle has 17 digits where 7.2 has the fewest. @type {g.Syntax} */
const score = oneOf(
  g.integerIn(-5, 5),
  g.integerIn(-5, 5),
  oneOf('0', '1', '1.5', '-2.25', 'inf', '-inf', '+inf', '1e3', '0x10', '3.0', '-0'),
  oneOf('9007199254740991', '-2147483649', '4294967296', '1e15', '-1.25e1', '.5', '5.', '1e400'),
  oneOf('nan', '', ' 1', '1 ', '1e', '0x', 'x', '+', '1_0', 'infinity', '-INF'),
);

const bound = oneOf(
  score,
  score,
  [(random) => `(${random.integer(-5, 5)}`],
  '-inf',
  '+inf',
  '(1.5',
  '(',
  '(x',
);
const lexBound = oneOf('-', '+', '[a', '(a', '[c', '(foo', '[foobar', '[1', '(20', '[', '(', '-x', 'a');
const rank = oneOf(g.integerIn(-8, 8), g.integerIn(-8, 8), g.edgeNumber);
const limit = ['LIMIT', g.integerIn(-2, 4), g.integerIn(-2, 6)];
const aggregate = ['AGGREGATE', oneOf('SUM', 'MIN', 'MAX', 'AVG')];
/** As many as there are keys, most of the time. @type {g.Syntax} */
const weights = ['WEIGHTS', times(1, 3, oneOf('1', '2', '-1', '0.5', 'inf', '0', 'x'))];
const end = oneOf('MIN', 'MAX', 'MIN', 'MAX', 'NEXT');
const keys = counted(1, 3, zkey);

/** Many members at once, on both sides of the listpack's limit. @param {import('../random.mjs').Random} random */
function many(random) {
  const count = random.pick([5, 20, 126, 127, 128, 129, 200]);
  const name = random.pick(['z1', 'z2', 'z3']);
  const equal = random.chance(0.3);
  const pairs = Array.from({ length: count }, (_, i) => [
    equal ? '1' : String(random.integer(-50, 50)),
    random.chance(0.5) ? `member:${i}` : String(i),
  ]);
  return [['ZADD', name, ...pairs.flat()]];
}

/** @type {import('../groups.mjs').Group} */
export const sortedSets = {
  name: 'sorted-sets',
  scenarios: [many, many, many],
  commands: {
    ZADD: {
      syntax: [zkey, options(oneOf('NX', 'XX'), oneOf('GT', 'LT'), 'CH', 'INCR'), times(1, 4, score, member)],
      weight: 6,
    },
    'ZADD plain': {
      syntax: ['ZADD', zkey, times(1, 8, g.integerIn(-5, 5), member)],
      spelled: true,
      weight: 6,
    },
    'ZADD equal': {
      syntax: ['ZADD', 'zlex', times(1, 8, '0', member)],
      spelled: true,
      exact: true,
      weight: 3,
    },
    ZINCRBY: { syntax: [zkey, oneOf(g.integerIn(-4, 4), score), member], weight: 2 },
    ZREM: [zkey, times(1, 3, member)],
    ZCARD: [zkey],
    // Exact, for a mutated count asks for more than anybody can answer.
    ZRANDMEMBER: { syntax: [zkey, optional(g.integerIn(-9, 9), optional('WITHSCORES'))], exact: true },
    // Exact, for the oracle ends a cursor at its first NUL byte.
    ZSCAN: {
      syntax: [zkey, oneOf('0', '0', 'x'), options(['MATCH', g.pattern], ['COUNT', g.integerIn(0, 9)])],
      exact: true,
    },
    ZSCORE: [zkey, member],
    ZMSCORE: [zkey, times(1, 3, member)],
    // Exact, for WITHSCORE came with 7.2.
    ZRANK: { syntax: [zkey, member], weight: 2, exact: true },
    ZREVRANK: { syntax: [zkey, member], weight: 2, exact: true },
    ZCOUNT: { syntax: [zkey, bound, bound], weight: 2 },
    ZLEXCOUNT: ['zlex', lexBound, lexBound],
    ZRANGE: {
      syntax: [zkey, rank, rank, options('REV', 'WITHSCORES', limit)],
      weight: 3,
    },
    'ZRANGE score': {
      syntax: ['ZRANGE', zkey, bound, bound, 'BYSCORE', options('REV', 'WITHSCORES', limit)],
      spelled: true,
      weight: 2,
    },
    'ZRANGE lex': {
      syntax: ['ZRANGE', 'zlex', lexBound, lexBound, 'BYLEX', options('REV', 'WITHSCORES', limit)],
      spelled: true,
      // With another key its scores differ, and then the order by bytes means nothing.
      exact: true,
      weight: 2,
    },
    'ZRANGESTORE rank': {
      syntax: ['ZRANGESTORE', zkey, zkey, rank, rank, options('REV', limit)],
      spelled: true,
    },
    'ZRANGESTORE score': {
      syntax: ['ZRANGESTORE', zkey, zkey, bound, bound, 'BYSCORE', options('REV', limit)],
      spelled: true,
    },
    ZREVRANGE: [zkey, rank, rank, optional('WITHSCORES')],
    ZRANGEBYSCORE: [zkey, bound, bound, options('WITHSCORES', limit)],
    ZREVRANGEBYSCORE: [zkey, bound, bound, options('WITHSCORES', limit)],
    ZRANGEBYLEX: { syntax: ['zlex', lexBound, lexBound, optional(limit)], exact: true },
    ZREVRANGEBYLEX: { syntax: ['zlex', lexBound, lexBound, optional(limit)], exact: true },
    ZREMRANGEBYRANK: [zkey, rank, rank],
    ZREMRANGEBYSCORE: [zkey, bound, bound],
    ZREMRANGEBYLEX: { syntax: ['zlex', lexBound, lexBound], exact: true },
    ZPOPMIN: [zkey, optional(oneOf(g.integerIn(0, 5), g.edgeNumber))],
    ZPOPMAX: [zkey, optional(oneOf(g.integerIn(0, 5), g.edgeNumber))],
    ZMPOP: [keys, end, optional('COUNT', oneOf(g.integerIn(0, 5), g.edgeNumber))],
    ZUNION: { syntax: [keys, options(weights, aggregate, 'WITHSCORES')], weight: 2 },
    ZINTER: { syntax: [keys, options(weights, aggregate, 'WITHSCORES')], weight: 2 },
    ZDIFF: [keys, optional('WITHSCORES')],
    ZUNIONSTORE: { syntax: [zkey, keys, options(weights, aggregate)], weight: 2 },
    ZINTERSTORE: { syntax: [zkey, keys, options(weights, aggregate)], weight: 2 },
    ZDIFFSTORE: [zkey, keys],
    ZINTERCARD: [keys, optional('LIMIT', g.integerIn(-1, 4))],
    'OBJECT ENCODING zset': { syntax: ['OBJECT', 'ENCODING', zkey], spelled: true, weight: 3 },
    'DEL zset': { syntax: ['DEL', zkey], spelled: true },
  },
};
