import * as g from '../generators.mjs';

const { key, oneOf, optional, options, times } = g;

/** Few elements, so that searches find some; a few of them large enough to fill a node. @type {g.Syntax} */
const element = oneOf(
  oneOf('a', 'b', 'c', 'x', '', '1', '2', '-7', '\x00\xff'),
  oneOf('a', 'b', '1'),
  g.value,
  oneOf('y'.repeat(4000), 'z'.repeat(9000)),
);
const index = oneOf(g.offset, g.integerIn(-5, 5), g.edgeNumber);
const count = oneOf(g.integerIn(0, 5), g.integerIn(-5, 5), g.edgeNumber);
const end = oneOf('LEFT', 'RIGHT', 'left', 'Right', 'LEFT', 'RIGHT', 'MIDDLE');
/** Never long, for a client that waits holds up the comparison. */
const timeout = oneOf('0.001', '0.01', '0.001', '-1', '-0.5', 'x', '', '1e-3', 'nan', ' 1');
/** No sets, whose order is the server's, and no sorted sets, which SORT gives another encoding in Redis. */
const sortable = oneOf('sortable:1', 'sortable:2');
/**
 * Without NUL: ALPHA compares up to it, and what the oracle then takes as equal comes in the order its quicksort
 * happens to leave.
 *
 * @param {import('../random.mjs').Random} random
 */
const sortableElements = (random) =>
  g.words(times(1, 9, element), random).map((word) => word.replaceAll('\0', '0'));
const pattern = oneOf('w_*', 'w_*', 'h_*->f', 'none_*', '#', '*', 'h_*->', 'nosuch->*');

/** @type {import('../groups.mjs').Group} */
export const lists = {
  name: 'lists',
  commands: {
    LPUSH: { syntax: [key, times(1, 5, element)], weight: 4 },
    RPUSH: { syntax: [key, times(1, 5, element)], weight: 4 },
    LPUSHX: [key, times(1, 3, element)],
    RPUSHX: [key, times(1, 3, element)],
    'RPUSH many': {
      syntax: ['RPUSH', key, (random) => many(random.pick([20, 127, 128, 129, 700]))],
      spelled: true,
    },
    LPOP: { syntax: [key, optional(count)], weight: 2 },
    RPOP: { syntax: [key, optional(count)], weight: 2 },
    LLEN: [key],
    LINDEX: { syntax: [key, index], weight: 2 },
    LSET: { syntax: [key, index, element], weight: 2 },
    LRANGE: { syntax: [key, index, index], weight: 2 },
    LTRIM: [key, oneOf(index, '0', '1'), oneOf(index, '-1', '-2')],
    LREM: { syntax: [key, count, element], weight: 2 },
    LINSERT: { syntax: [key, oneOf('BEFORE', 'AFTER', 'after', 'AT'), element, element], weight: 3 },
    LPOS: {
      syntax: [
        key,
        element,
        options(
          ['RANK', oneOf(g.integerIn(-4, 4), '9223372036854775807', 'x')],
          ['COUNT', count],
          ['MAXLEN', count],
        ),
      ],
      weight: 2,
    },
    LMOVE: { syntax: [key, key, end, end], weight: 2 },
    RPOPLPUSH: [key, key],
    LMPOP: [g.counted(1, 3, key), end, optional('COUNT', count)],
    BLPOP: { syntax: [times(1, 3, key), timeout], exact: true },
    BRPOP: { syntax: [times(1, 3, key), timeout], exact: true },
    BLMOVE: { syntax: [key, key, end, end, timeout], exact: true },
    BRPOPLPUSH: { syntax: [key, key, timeout], exact: true },
    BLMPOP: { syntax: [timeout, g.counted(1, 3, key), end, optional('COUNT', count)], exact: true },
    'RPUSH sortable': { syntax: ['RPUSH', sortable, sortableElements], spelled: true, weight: 2 },
    'RPUSH numbers': { syntax: ['RPUSH', sortable, times(1, 9, g.smallInteger)], spelled: true, weight: 2 },
    'SORT list': {
      syntax: [
        'SORT',
        sortable,
        options('ALPHA', 'DESC', 'ASC', ['GET', pattern], ['LIMIT', count, count], ['STORE', key]),
      ],
      spelled: true,
      weight: 3,
    },
    'SORT BY': {
      syntax: ['SORT', sortable, 'BY', pattern, options('ALPHA', 'DESC', ['GET', pattern], ['STORE', key])],
      spelled: true,
    },
    'SORT_RO list': {
      syntax: ['SORT_RO', sortable, options('ALPHA', 'DESC', ['GET', pattern], ['LIMIT', count, count])],
      spelled: true,
    },
    'OBJECT ENCODING': { syntax: [key] },
  },
  scenarios: [
    (random) => underOtherLimit(random, random.pick(['-1', '-5', '0', '1', '3', '16'])),
    sortNumbers,
    workAtBothEnds,
  ],
};

/**
 * Changes under another node size, which is set back afterwards.
 *
 * @param {import('../random.mjs').Random} random
 * @param {string} limit
 */
function underOtherLimit(random, limit) {
  const [list] = g.words(key, random);
  const some = () => g.words(times(1, 8, element), random);
  const at = () => String(random.integer(-8, 8));
  return [
    ['CONFIG', 'SET', 'list-max-listpack-size', limit],
    ['DEL', list],
    ['RPUSH', list, ...some()],
    ['LPUSH', list, ...some()],
    ['LSET', list, at(), 'new'],
    ['LINSERT', list, 'BEFORE', 'new', 'z'.repeat(9000)],
    ['LINSERT', list, 'AFTER', 'new', 'after'],
    ['LRANGE', list, '0', '-1'],
    ['LREM', list, at(), 'a'],
    ['LRANGE', list, at(), at()],
    ['LPOP', list, String(random.integer(0, 6))],
    ['LTRIM', list, '1', '-2'],
    ['LINDEX', list, at()],
    ['CONFIG', 'SET', 'list-max-listpack-size', '-2'],
    ['RPUSH', list, ...some()],
    ['LRANGE', list, '0', '-1'],
  ];
}

/** @param {import('../random.mjs').Random} random */
function sortNumbers(random) {
  const [list] = g.words(key, random);
  const numbers = Array.from({ length: random.integer(1, 12) }, () => String(random.integer(-20, 20)));
  const limit = ['LIMIT', String(random.integer(-2, 5)), String(random.integer(-2, 5))];
  return [
    ['DEL', list],
    ['RPUSH', list, ...numbers],
    ['SET', `w_${numbers[0]}`, String(random.integer(-5, 5))],
    ['SET', `w_${numbers.at(-1)}`, random.pick(['7', '1.5', 'inf', 'x', ' 3', ''])],
    ['HSET', `h_${numbers[0]}`, 'f', '3'],
    ['SORT', list],
    ['SORT', list, 'DESC', ...limit],
    ['SORT', list, 'ALPHA', ...limit],
    ['SORT', list, 'BY', 'w_*'],
    ['SORT', list, 'BY', 'w_*', 'ALPHA', 'GET', '#', 'GET', 'w_*'],
    ['SORT', list, 'BY', 'h_*->f', 'DESC', 'GET', 'h_*->f'],
    ['SORT', list, 'BY', 'nosort', random.pick(['ASC', 'DESC']), ...limit],
    ['SORT', list, 'BY', 'w_*', 'STORE', 'b'],
    ['DEL', list],
    ['SADD', list, ...numbers],
    ['SORT', list, ...limit],
    ['SORT', list, 'DESC', 'GET', '#', 'GET', 'w_*'],
    ['SORT', list, 'BY', 'nosort', 'STORE', 'b'],
    ['DEL', list],
    ['ZADD', list, ...numbers.flatMap((n, i) => [String(i), n])],
    ['SORT', list],
    ['SORT', list, 'BY', 'nosort', 'DESC', ...limit],
    ['DEL', list],
    ['DEL', `w_${numbers[0]}`, `w_${numbers.at(-1)}`, `h_${numbers[0]}`],
  ];
}

/** A queue that grows beyond a node and shrinks again. @param {import('../random.mjs').Random} random */
function workAtBothEnds(random) {
  const [list] = g.words(key, random);
  const commands = [['DEL', list]];
  for (let step = random.integer(5, 30); step > 0; step--) {
    const pushes = random.chance(0.6);
    const atLeft = random.chance(0.5) ? 'L' : 'R';
    if (pushes) commands.push([`${atLeft}PUSH`, list, ...many(random.pick([1, 5, 100, 400]))]);
    else commands.push([`${atLeft}POP`, list, String(random.pick([1, 3, 99, 500]))]);
  }
  return [...commands, ['LLEN', list], ['LRANGE', list, '0', '-1']];
}

/** @param {number} length */
function many(length) {
  return Array.from({ length }, (_, i) => (i % 3 === 0 ? String(i * 37) : `element ${i}`));
}
