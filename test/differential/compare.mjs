// Runs a sequence on both servers and finds the first difference; makes a failing sequence small.
import { compareSnapshots, takeSnapshot } from './snapshot.mjs';
import { agree } from './tolerances.mjs';

/** @typedef {import('./sequence.mjs').Step} Step */
/** @typedef {import('./side.mjs').Side} Side */

/**
 * @typedef {object} Difference
 * @property {string} where the command that was answered differently, or what else differs
 * @property {string} text
 */

const SHRINK_BUDGET_MS = 15_000;

/** How much of a reply a report shows. */
const SHOWN_REPLY = 600;

/**
 * @param {Side} a the server under test
 * @param {Side} b the oracle
 * @param {Step[]} steps
 * @returns {Promise<Difference | undefined>}
 */
export async function compareSequence(a, b, steps) {
  await Promise.all([a.reset(), b.reset()]);
  const [ours, theirs] = await Promise.all([a.run(steps), b.run(steps)]);
  const inReplies = compareReplies(steps, ours, theirs);
  for (const side of [a, b]) {
    if (!side.alive) return { where: `${side.name} ended`, text: `${side.name} ended\n${side.output}` };
  }
  if (inReplies) return inReplies;
  const difference = compareSnapshots(...(await Promise.all([takeSnapshot(a), takeSnapshot(b)])));
  return difference === undefined ? undefined : { where: 'data', text: difference };
}

/**
 * @param {Step[]} steps
 * @param {string[]} ours
 * @param {string[]} theirs
 * @returns {Difference | undefined}
 */
function compareReplies(steps, ours, theirs) {
  /** @type {Map<number, string[][]>} */
  const queues = new Map();
  let index = 0;
  for (const { connection, commands } of steps) {
    for (const command of commands) {
      const [a, b] = [ours[index], theirs[index]];
      index++;
      const queued = queues.get(connection) ?? [];
      if (!agree(command, a, b, queued)) {
        const text = `${printCommand(command)}\n  A ${printReply(a)}\n  B ${printReply(b)}`;
        return { where: commandName(command), text };
      }
      if (b === '+QUEUED\r\n')
        queues.set(connection, [...queued, command[0] === '<scan>' ? ['SCAN', '0'] : command]);
      // A MULTI inside a MULTI is an error that leaves the queue as it is.
      else if (/^(exec|discard|reset|quit)$/i.test(command[0])) queues.delete(connection);
    }
  }
  return undefined;
}

/** @param {string[]} command */
function commandName(command) {
  const name = command[0].toUpperCase();
  const isContainer = /^(OBJECT|CLIENT|CONFIG|COMMAND|DEBUG)$/.test(name);
  return isContainer && /^[a-z]+$/i.test(command[1] ?? '') ? `${name} ${command[1].toUpperCase()}` : name;
}

/**
 * Delta debugging: drops ever smaller parts of the sequence as long as the same command still differs.
 *
 * @param {Side} a
 * @param {Side} b
 * @param {Step[]} steps
 * @param {Difference} difference
 * @returns {Promise<{ steps: Step[], difference: Difference }>}
 */
export async function shrink(a, b, steps, difference) {
  const deadline = Date.now() + SHRINK_BUDGET_MS;
  let best = { steps, difference };
  let chunk = Math.ceil(steps.length / 2);
  while (chunk >= 1 && Date.now() < deadline) {
    let removed = false;
    for (let from = 0; from < best.steps.length && Date.now() < deadline; ) {
      const candidate = best.steps.toSpliced(from, chunk);
      const found = await compareSequence(a, b, candidate);
      if (found?.where === difference.where) {
        best = { steps: candidate, difference: found };
        removed = true;
      } else from += chunk;
    }
    if (!removed || chunk > 1) chunk = chunk === 1 ? 0 : Math.ceil(chunk / 2);
  }
  return best;
}

/**
 * The sequence as one can type it into redis-cli, a comment where the connection changes.
 *
 * @param {Step[]} steps
 */
export function printSteps(steps) {
  const lines = [];
  let last;
  for (const { connection, commands } of steps) {
    if (connection !== last) lines.push(`# connection ${connection + 1}`);
    last = connection;
    for (const command of commands) lines.push(printCommand(command));
  }
  return lines.join('\n');
}

/** @param {string[]} command */
function printCommand(command) {
  if (command[0] === '<pause>') return `# wait ${command[1]} ms`;
  if (command[0] === '<scan>') return `# SCAN from 0 until 0 with: ${command.slice(1).map(quote).join(' ')}`;
  if (command[0] === '<listen>') return `# listener ${command[1]}: ${command.slice(2).map(quote).join(' ')}`;
  return command.map(quote).join(' ');
}

/** @param {string} reply */
function printReply(reply) {
  const text = JSON.stringify(reply);
  return text.length <= SHOWN_REPLY ? text : `${text.slice(0, SHOWN_REPLY)}... (${reply.length} bytes)`;
}

/** @param {string} word */
function quote(word) {
  if (/^[\w:.{}*+-]+$/.test(word)) return word;
  const escaped = word.replace(/["\\]/g, '\\$&').replace(/[^ -~]/g, (byte) => {
    return `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
  return `"${escaped}"`;
}
