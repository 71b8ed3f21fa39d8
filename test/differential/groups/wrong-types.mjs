import * as g from '../generators.mjs';

const member = g.oneOf('m', '1', '2', 'x', 'member');

/**
 * Keys of other types, for the commands of other groups to refuse. Their own groups will test them; until a
 * server knows these commands they are left out.
 *
 * @type {import('../groups.mjs').Group}
 */
export const wrongTypes = {
  name: 'wrong-types',
  mayBeUnknown: true,
  commands: {
    RPUSH: [g.key, g.times(1, 3, member)],
    SADD: [g.key, g.times(1, 3, member)],
    HSET: [g.key, g.times(1, 2, member, member)],
    ZADD: [g.key, g.times(1, 2, g.smallInteger, member)],
    XADD: [g.key, '1-1', 'f', 'v'],
  },
};
