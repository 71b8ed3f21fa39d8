// Random command sequences to two servers; their replies and data must be the same. See README.md here.
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { DEFAULT_COMMANDS, requirePrograms, splitCommandLine } from '../../bench/lib/servers.mjs';
import { compareSequence, printSteps, shrink } from './compare.mjs';
import { Random } from './random.mjs';
import { commandWords, SequenceMaker, selectCommands } from './sequence.mjs';
import { ADMIN_CONNECTION, Side } from './side.mjs';

const HELP = `Sends random command sequences to two servers and compares replies and data.

  --seconds N       how long (30)
  --sequences N     how many sequences, instead of a time
  --seed N          repeats a run
  --commands A,B    only these commands or groups
  --a COMMAND       the server under test (${DEFAULT_COMMANDS.respite})
  --b COMMAND       the oracle (${DEFAULT_COMMANDS.redis})
  --max-failures N  goes on after a difference, until N different ones are found (1)`;

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '30' },
    sequences: { type: 'string' },
    seed: { type: 'string' },
    commands: { type: 'string' },
    a: { type: 'string', default: DEFAULT_COMMANDS.respite },
    b: { type: 'string', default: DEFAULT_COMMANDS.redis },
    'max-failures': { type: 'string', default: '1' },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) {
  console.log(HELP);
  process.exit(0);
}
requirePrograms(splitCommandLine(options.b)[0]);

/** The group `server` sends a command that no server knows. */
const MADE_UP = 'NOSUCHCOMMAND';

const seed = options.seed === undefined ? randomInt(2 ** 32) : Number(options.seed);
const maxFailures = Number(options['max-failures']);
const maxSequences = options.sequences === undefined ? Number.POSITIVE_INFINITY : Number(options.sequences);
const endsAt =
  options.sequences === undefined ? Date.now() + Number(options.seconds) * 1000 : Number.POSITIVE_INFINITY;
const a = new Side('A', options.a);
const b = new Side('B', options.b);

try {
  process.exitCode = (await fuzz()) ? 0 : 1;
} finally {
  await Promise.all([a.stop(), b.stop()]);
}

/** @returns {Promise<boolean>} whether the servers agreed */
async function fuzz() {
  console.log(`seed ${seed}`);
  const selection = selectCommands(options.commands?.split(','));
  const { unknown, known } = await probe(selection.entries);
  for (const name of unknown) console.log(`FAILED: A does not know ${name}`);
  if (known.length === 0) throw new Error('no command to compare');
  const maker = new SequenceMaker({ ...selection, entries: known });
  const failures = new Set();
  let [sequences, commands] = [0, 0];
  while (sequences < maxSequences && Date.now() < endsAt && failures.size < maxFailures) {
    // Each sequence has a seed of its own, so that one can be repeated without those before it.
    const sequenceSeed = (seed + sequences) >>> 0;
    const steps = maker.make(new Random(sequenceSeed));
    const difference = await compareSequence(a, b, steps);
    sequences++;
    commands += steps.reduce((sum, step) => sum + step.commands.length, 0);
    if (!difference || failures.has(difference.where)) continue;
    failures.add(difference.where);
    await report(sequenceSeed, steps, difference);
  }
  console.log(`${sequences} sequences, ${commands} commands, ${failures.size} differences (seed ${seed})`);
  return failures.size === 0 && unknown.length === 0;
}

/**
 * @param {number} sequenceSeed
 * @param {import('./sequence.mjs').Step[]} steps
 * @param {import('./compare.mjs').Difference} difference
 */
async function report(sequenceSeed, steps, difference) {
  const smallest = await shrink(a, b, steps, difference);
  console.log(`\nFAILED: ${difference.where} (repeat: --seed ${sequenceSeed} --sequences 1)\n`);
  console.log(printSteps(smallest.steps));
  console.log(`\n${smallest.difference.text}\n`);
}

/**
 * Which commands both servers know: one that A lacks is a failure, unless its group says that it may.
 *
 * @param {import('./sequence.mjs').Entry[]} entries
 */
async function probe(entries) {
  await Promise.all([a.reset(), b.reset()]);
  const probed = entries.map((entry) => commandWords(entry)[0]);
  const lacking = { a: await unknownNames(a, probed), b: await unknownNames(b, probed) };
  const isKnown = (/** @type {string} */ name) => !lacking.a.has(name) && !lacking.b.has(name);
  const version = await versionOf(b);
  const mandatory = new Set(entries.flatMap((entry, i) => (entry.mayBeUnknown ? [] : [probed[i]])));
  return {
    known: entries.filter(
      (entry, i) => (isKnown(probed[i]) || probed[i] === MADE_UP) && !isNewer(entry.since, version),
    ),
    unknown: [...lacking.a].filter((name) => mandatory.has(name) && name !== MADE_UP).sort(),
  };
}

/**
 * @param {Side} side
 * @returns {Promise<string>}
 */
async function versionOf(side) {
  const [info] = await side.run([{ connection: ADMIN_CONNECTION, commands: [['INFO', 'server']] }]);
  return /redis_version:([\d.]+)/.exec(info)?.[1] ?? '0';
}

/**
 * @param {string} version
 * @param {string} than
 */
function isNewer(version, than) {
  return version.localeCompare(than, 'en', { numeric: true }) > 0;
}

/**
 * @param {Side} side
 * @param {string[]} names
 * @returns {Promise<Set<string>>}
 */
async function unknownNames(side, names) {
  const found = new Set();
  for (const name of new Set(names)) {
    // An arity error or a subcommand error shows that the command is there; the rest are harmless alone.
    if (name.startsWith('<') || ['SHUTDOWN', 'QUIT', 'RESET'].includes(name)) continue;
    const [reply] = await side.run([{ connection: ADMIN_CONNECTION, commands: [[name]] }]);
    if (reply.startsWith('-ERR unknown command')) found.add(name);
  }
  return found;
}
