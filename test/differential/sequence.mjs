// Random sequences of commands over several connections, from the groups' tables.

import { junk, words } from './generators.mjs';
import { scripting, wrapped } from './groups/scripting.mjs';
import { GROUPS } from './groups.mjs';

/** @typedef {import('./random.mjs').Random} Random */

/**
 * What happens in one piece when a sequence is shrunk: usually one command. A command in angle brackets is
 * done by the fuzzer: `<pause> ms`, `<scan> options`, a whole iteration, and `<listen> number command`, which sends a
 * command on a connection that listens to messages and gives all that it heard since.
 *
 * @typedef {{ connection: number, commands: string[][] }} Step
 */

const CONNECTIONS = 2;
const MIN_STEPS = 5;
const MAX_STEPS = 60;

/** How often a command is bent out of shape, and how often its words change their case. */
const MUTATION = 0.08;
const CASE_CHANGE = 0.1;
const SCENARIO = 0.004;
/** How often some commands run in a script instead of by themselves. */
const SCRIPT = 0.05;
/** Redis 7.0 denies scripts the blocking commands; later ones just do not block. */
const DENIED_BEFORE = /^B[LRZ]/i;

/** How often a MULTI opens, how often an open one ends, and how often it ends by EXEC. */
const OPEN_MULTI = 0.06;
const CLOSE_MULTI = 0.2;
const EXEC_SHARE = 0.85;

/**
 * @typedef {{ name: string, syntax: import('./generators.mjs').Syntax, weight: number, exact: boolean, spelled:
 * boolean, since: string, mayBeUnknown: boolean }} Entry
 */

/**
 * @param {Iterable<string>} [only] names of commands or groups; all without it
 * @returns {{ entries: Entry[], scenarios: ((random: Random) => string[][])[], scripts: boolean }} `scripts`: some
 *   commands are to run in scripts
 */
export function selectCommands(only) {
  const wanted = only && new Set([...only].map((name) => name.toUpperCase()));
  const groups = GROUPS.map((group) => ({
    scenarios: !wanted || wanted.has(group.name.toUpperCase()) ? (group.scenarios ?? []) : [],
    entries: Object.entries(group.commands)
      .filter(
        ([name]) =>
          !wanted || [group.name.toUpperCase(), name, name.split(' ')[0]].some((n) => wanted.has(n)),
      )
      .map(([name, entry]) => {
        const full = typeof entry === 'object' && 'syntax' in entry ? entry : { syntax: entry };
        const { syntax, weight = 1, exact = false, spelled = false, since = '0' } = full;
        return { name, syntax, weight, exact, spelled, since, mayBeUnknown: group.mayBeUnknown ?? false };
      }),
  }));
  return {
    entries: groups.flatMap((group) => group.entries),
    scenarios: groups.flatMap((group) => group.scenarios),
    scripts: !wanted || wanted.has(scripting.name.toUpperCase()),
  };
}

/**
 * The words of the command that an entry stands for, with no arguments.
 *
 * @param {Entry} entry
 */
export function commandWords(entry) {
  return entry.spelled ? entry.name.split(' ').slice(0, 1) : entry.name.split(' ');
}

export class SequenceMaker {
  #entries;
  #scenarios;
  #scripts;
  #totalWeight;

  /** @param {ReturnType<typeof selectCommands>} selection */
  constructor({ entries, scenarios, scripts }) {
    this.#entries = entries;
    this.#scenarios = scenarios;
    this.#scripts = scripts;
    this.#totalWeight = entries.reduce((sum, entry) => sum + entry.weight, 0);
  }

  /**
   * @param {Random} random
   * @returns {Step[]}
   */
  make(random) {
    /** @type {Step[]} */
    const steps = [];
    for (let connection = 0; connection < CONNECTIONS; connection++) {
      if (random.chance(0.5)) steps.push({ connection, commands: [['HELLO', '3']] });
    }
    const inMulti = Array(CONNECTIONS).fill(false);
    const length = random.integer(MIN_STEPS, MAX_STEPS);
    let connection = 0;
    while (steps.length < length) {
      if (random.chance(0.15)) connection = random.integer(0, CONNECTIONS - 1);
      steps.push({ connection, commands: this.#step(random, inMulti, connection) });
    }
    return steps;
  }

  /**
   * @param {Random} random
   * @param {boolean[]} inMulti by connection, whether a MULTI may be open
   * @param {number} connection
   * @returns {string[][]}
   */
  #step(random, inMulti, connection) {
    if (inMulti[connection]) {
      if (random.chance(CLOSE_MULTI)) {
        inMulti[connection] = false;
        return [[random.chance(EXEC_SHARE) ? 'EXEC' : 'DISCARD']];
      }
    } else if (random.chance(OPEN_MULTI)) {
      inMulti[connection] = true;
      return [['MULTI']];
    } else if (this.#scenarios.length > 0 && random.chance(SCENARIO)) {
      return random.pick(this.#scenarios)(random);
    }
    if (this.#scripts && random.chance(SCRIPT)) {
      const commands = Array.from({ length: random.integer(1, 6) }, () => this.#command(random));
      return [wrapped(commands.filter(([name]) => !DENIED_BEFORE.test(name)))];
    }
    const command = this.#command(random);
    const name = command[0].toUpperCase();
    if (name === 'MULTI') inMulti[connection] = true;
    return [command];
  }

  /** @param {Random} random */
  #command(random) {
    const entry = this.#pick(random);
    const name = entry.spelled ? [] : entry.name.split(' ');
    const command = [...name, ...words(entry.syntax, random)];
    if (entry.exact) return command;
    if (random.chance(CASE_CHANGE)) changeCase(command, random);
    return random.chance(MUTATION) ? mutate(command, random) : command;
  }

  /** @param {Random} random */
  #pick(random) {
    let left = random.next() * this.#totalWeight;
    for (const entry of this.#entries) {
      left -= entry.weight;
      if (left < 0) return entry;
    }
    return this.#entries[0];
  }
}

/**
 * Command names and option words mean the same in any case; keys and values are left alone, being others then.
 *
 * @param {string[]} command
 * @param {Random} random
 */
function changeCase(command, random) {
  for (const [i, word] of command.entries()) {
    if (!/^[A-Z_]{2,}$/.test(word)) continue;
    command[i] = random.chance(0.5) ? word.toLowerCase() : word[0] + word.slice(1).toLowerCase();
  }
}

/**
 * @param {string[]} command
 * @param {Random} random
 */
function mutate(command, random) {
  const mutated = [...command];
  const at = random.integer(1, Math.max(1, mutated.length - 1));
  const [stray] = words(junk, random);
  switch (random.integer(0, 4)) {
    case 0:
      return mutated.slice(0, at);
    case 1:
      mutated.splice(at, 1);
      return mutated;
    case 2:
      mutated.splice(at, 0, stray);
      return mutated;
    case 3:
      return [...mutated, stray];
    default:
      if (at < mutated.length) mutated[at] = stray;
      return mutated;
  }
}
