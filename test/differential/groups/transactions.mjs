import * as g from '../generators.mjs';

/** MULTI blocks are also made by sequence.mjs; these come at any moment, fitting or not. */
/** @type {import('../groups.mjs').Group} */
export const transactions = {
  name: 'transactions',
  commands: {
    MULTI: { syntax: [], weight: 2 },
    EXEC: { syntax: [], weight: 2 },
    DISCARD: [],
    WATCH: { syntax: [g.times(1, 3, g.key)], weight: 3 },
    UNWATCH: [],
  },
};
