// Generators of arguments, and the combinators to build a command's syntax from them. A group's table reads
// like the syntax lines of the documentation: `[key, value, optional('GET')]`.

/** @typedef {import('./random.mjs').Random} Random */

/**
 * What can stand in a syntax: a word, a function that makes words, or a list of both in order.
 *
 * @typedef {string | ((random: Random) => string | string[]) | Syntax[]} Syntax
 */

/**
 * The words of one random instance of a syntax.
 *
 * @param {Syntax} syntax
 * @param {Random} random
 * @returns {string[]}
 */
export function words(syntax, random) {
  if (typeof syntax === 'string') return [syntax];
  if (Array.isArray(syntax)) return syntax.flatMap((part) => words(part, random));
  return [syntax(random)].flat();
}

/**
 * Exactly one of the alternatives.
 *
 * @param {...Syntax} alternatives
 * @returns {Syntax}
 */
export function oneOf(...alternatives) {
  return (random) => words(random.pick(alternatives), random);
}

/**
 * The parts in order, or nothing.
 *
 * @param {...Syntax} parts
 * @returns {Syntax}
 */
export function optional(...parts) {
  return (random) => (random.chance(0.5) ? words(parts, random) : []);
}

/**
 * Any of the options in any order, now and then one twice or contradicting ones.
 *
 * @param {...Syntax} alternatives
 * @returns {Syntax}
 */
export function options(...alternatives) {
  return (random) => {
    const count = random.pick([0, 0, 1, 1, 1, 2, 2, 3, alternatives.length]);
    const chosen = random.shuffle(alternatives).slice(0, count);
    if (chosen.length > 0 && random.chance(0.05)) chosen.push(chosen[0]);
    return words(chosen, random);
  };
}

/**
 * The parts `low` to `high` times over.
 *
 * @param {number} low
 * @param {number} high
 * @param {...Syntax} parts
 * @returns {Syntax}
 */
export function times(low, high, ...parts) {
  return (random) => {
    const found = [];
    for (let left = random.integer(low, high); left > 0; left--) found.push(...words(parts, random));
    return found;
  };
}

/**
 * A number of things, then that many of them (`numkeys key [key ...]`); rarely the number is wrong.
 *
 * @param {number} low
 * @param {number} high
 * @param {...Syntax} parts
 * @returns {Syntax}
 */
export function counted(low, high, ...parts) {
  return (random) => {
    const count = random.integer(low, high);
    const shown = random.chance(0.05) ? random.integer(-1, high + 2) : count;
    return [String(shown), ...words(times(count, count, ...parts), random)];
  };
}

/**
 * @param {number} low
 * @param {number} high
 * @returns {Syntax}
 */
export function integerIn(low, high) {
  return (random) => String(random.integer(low, high));
}

/** Few keys, so that commands meet; among them the empty one, and one that is not text. */
const keys = ['a', 'a', 'b', 'b', 'c', 'c', 'd', 'user:1', 'user:2', '{t}x', '{t}y', 'k\x00\xff\r\n', ''];

export const keyNames = [...new Set(keys)];

/** @type {Syntax} */
export const key = (random) => random.pick(keys);

/** @type {Syntax} */
export const smallInteger = (random) => String(random.integer(-20, 200));

/** @type {Syntax} */
export const offset = (random) =>
  String(random.chance(0.1) ? random.integer(-3000, 3000) : random.integer(-12, 30));

/** Numbers at the edges of what integers, floats and parsers take. @type {Syntax} */
export const edgeNumber = (random) => random.pick(EDGE_NUMBERS);

const EDGE_NUMBERS = [
  ...['9223372036854775807', '-9223372036854775808', '9223372036854775808', '-9223372036854775809'],
  ...['9223372036854775806', '-9223372036854775807', '18446744073709551615', '99999999999999999999999'],
  ...['9007199254740991', '9007199254740992', '9007199254740993', '-9007199254740993'],
  ...['2147483647', '2147483648', '-2147483648', '-2147483649', '4294967295', '4294967296'],
  ...['0', '-0', '-1', '+1', '01', ' 1', '1 ', '1\n', '0x10', '1e5', '1.5', '-1.5', '.5', '5.', '1e400'],
  ...['inf', '-inf', '+inf', 'infinity', 'nan', '-nan', 'NaN', '3.0e3', '--1', '', '1_000', '1,5'],
];

/** @type {Syntax} */
export const integer = oneOf(smallInteger, smallInteger, smallInteger, integerIn(-1e9, 1e9), edgeNumber);

/** Decimal fractions of few digits: sums are exact in decimal, and as Redis prints them. @type {Syntax} */
export const float = (random) => {
  const digits = random.integer(0, 6);
  const number = (random.integer(-1e6, 1e6) / 10 ** random.integer(0, 4)).toFixed(digits);
  return random.chance(0.1) ? `${number}e${random.integer(-3, 5)}` : number;
};

/** @type {Syntax} */
export const number = oneOf(float, float, smallInteger, integer, edgeNumber);

/** Any bytes: lengths around the limits of encodings, numbers, binary. @type {Syntax} */
export const value = oneOf(
  oneOf('', 'x', 'foo', 'foobar', 'hello world', 'Hello'),
  integer,
  number,
  (random) =>
    random.pick(['ab', '\x00', 'value ', '\xff']).repeat(random.pick([1, 2, 5, 10, 22, 23, 44, 45, 50])),
  (random) => 'y'.repeat(random.pick([43, 44, 45, 63, 64, 65, 127, 128, 255, 256, 1000, 16_384])),
  (random) =>
    Array.from({ length: random.integer(0, 40) }, () => String.fromCharCode(random.integer(0, 255))).join(''),
);

/** Far enough in the future that nothing expires while a sequence runs. @type {Syntax} */
export const seconds = oneOf(integerIn(100, 100_000), integerIn(100, 100_000), edgeNumber);
/** @type {Syntax} */
export const milliseconds = oneOf(
  integerIn(100_000, 100_000_000),
  integerIn(100_000, 100_000_000),
  edgeNumber,
);
/** @type {Syntax} */
export const unixSeconds = oneOf(
  (random) => String(Math.floor(Date.now() / 1000) + random.integer(100, 100_000)),
  edgeNumber,
);
/** @type {Syntax} */
export const unixMilliseconds = oneOf(
  (random) => String(Date.now() + random.integer(100_000, 100_000_000)),
  edgeNumber,
);

/** @type {Syntax} */
export const database = oneOf('0', '1', '2', '3', '0', '1', oneOf('16', '-1', 'x', '99999999999'));

/** Glob patterns, some of them malformed. @type {Syntax} */
export const pattern = oneOf(
  '*',
  'a',
  '?',
  'user:*',
  'u*:[12]',
  '[a-c]',
  '[^a]',
  '{t}?',
  'k*',
  '\\a',
  '[',
  '[a',
  '*\\',
  '',
);

/** What a mutation puts where something else belongs. @type {Syntax} */
export const junk = oneOf(
  edgeNumber,
  oneOf('', '*', 'NX', 'XX', 'EX', 'GET', 'junk', '\x00', '\xff\xfe', "quote'd", 'x'.repeat(200)),
  key,
);
