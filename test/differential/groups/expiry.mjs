import * as g from '../generators.mjs';

const { key, oneOf, options } = g;

const condition = options('NX', 'XX', 'GT', 'LT');

/** Longer than the shortest time to live that scenarios use, with room for a slow machine. */
const PAUSE_MS = '25';

/** @type {g.Syntax} */
const shortLife = (random) => String(random.integer(1, 5));

/** @type {import('../groups.mjs').Group} */
export const expiry = {
  name: 'expiry',
  commands: {
    EXPIRE: { syntax: [key, g.seconds, condition], weight: 2 },
    PEXPIRE: { syntax: [key, g.milliseconds, condition], weight: 2 },
    EXPIREAT: { syntax: [key, g.unixSeconds, condition], weight: 2 },
    PEXPIREAT: { syntax: [key, g.unixMilliseconds, condition], weight: 2 },
    'EXPIRE past': { syntax: ['EXPIRE', key, oneOf('-1', '0', '-1000')], spelled: true },
    'PEXPIREAT past': { syntax: ['PEXPIREAT', key, oneOf('1', '0', '-1', '1000000')], spelled: true },
    TTL: [key],
    PTTL: [key],
    EXPIRETIME: [key],
    PEXPIRETIME: [key],
    PERSIST: [key],
  },
  // Real time passes in these. Each ends by touching the key, so that no key that has expired but is still
  // counted stays behind.
  scenarios: [
    (random) => {
      const [name] = g.words(key, random);
      const after = random.pick([
        [['GET', name]],
        [['INCR', name]],
        [['APPEND', name, 'x']],
        [['RENAME', name, 'a']],
        [['COPY', name, 'b', 'REPLACE']],
        [['SET', name, 'new', 'XX', 'GET']],
        [['SETRANGE', name, '2', 'x']],
        [['PERSIST', name]],
        [['EXPIRE', name, '1000']],
        [['OBJECT', 'ENCODING', name]],
        [['TTL', name]],
        [['DEL', name]],
        [['<scan>']],
        [['KEYS', '*']],
      ]);
      return [
        ['SET', name, '12', 'PX', ...g.words(shortLife, random)],
        ['<pause>', PAUSE_MS],
        ...after,
        ['EXISTS', name, 'a', 'b'],
      ];
    },
    (random) => {
      const [name] = g.words(key, random);
      const watch = ['WATCH', name];
      const set = ['SET', name, 'v', 'PX', '20'];
      const early = random.chance(0.5) ? [set, watch] : [watch, set];
      const late = [['MULTI'], ['SET', 'c', 'done'], ['GET', name], ['EXEC'], ['EXISTS', name]];
      return [...early, ['<pause>', '60'], ...late];
    },
  ],
};
