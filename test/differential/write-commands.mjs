// Random commands that change data, for the comparison of what is propagated.
import { Random } from './random.mjs';
import { SequenceMaker, selectCommands } from './sequence.mjs';

const GROUPS = [
  ...['strings', 'sorted-sets', 'geo', 'bitmaps', 'hashes', 'hyperloglogs', 'lists', 'keys', 'expiry'],
  ...['transactions', 'sets', 'wrong-types'],
];

export { keyNames } from './generators.mjs';

/** @type {SequenceMaker | undefined} */
let maker;

/**
 * @param {number} seed
 * @param {readonly string[]} [without] commands to leave out
 * @returns {string[][]}
 */
export function writeCommands(seed, without = []) {
  maker ??= new SequenceMaker(withKnownCommands());
  return maker
    .make(new Random(seed))
    .flatMap((step) => step.commands)
    .filter(([name]) => !name.startsWith('<') && !/^(hello|config|xadd)$/i.test(name))
    .filter(([name]) => !without.includes(name.toUpperCase()))
    .filter((command) => !expiresSoon(command));
}

/** Two servers do not look at the clock in the same moment. @param {string[]} command */
function expiresSoon(command) {
  return command[3]?.toUpperCase() === 'PX' && Number(command[4]) < 1000;
}

/** What the oracle is too old for is left out. */
function withKnownCommands() {
  const { entries, scenarios } = selectCommands(GROUPS);
  return { scenarios, entries: entries.filter(({ since }) => since <= '7.0') };
}
