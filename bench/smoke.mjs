// Most benchmarks in their shortest form: shows that they run, measures nothing. For CI.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** @type {[string, ...string[]][]} */
const RUNS = [
  ['run.mjs'],
  ['memory.mjs', '--scale', '0.02'],
  ['memory.mjs', '--big', '--big-keys', '200k'],
  ['connections.mjs', '--connections', '300'],
  ['start.mjs', '--rounds', '2'],
  ['expire.mjs', '--keys', '50k'],
  ['streams.mjs', '--entries', '1000', '--operations', '2000', '--rounds', '1', '--long', '2000'],
  ['pubsub.mjs', '--subscribers', '10', '--messages', '200', '--rounds', '1'],
  ['persistence.mjs', '--keys', '20k'],
  ['appending.mjs', '--requests', '20k', '--rounds', '1'],
  ['collections.mjs'],
  ['single.mjs'],
  ['loading.mjs', '--keys', '20k', '--rounds', '1'],
];

// Options such as --respite are handed on.
const passedOn = process.argv.slice(2);
for (const [script, ...args] of RUNS) {
  console.log(`\n## ${script} ${args.join(' ')}\n`);
  const file = fileURLToPath(new URL(script, import.meta.url));
  const { status } = spawnSync(process.execPath, [file, '--smoke', ...args, ...passedOn], {
    stdio: 'inherit',
  });
  if (status !== 0) {
    console.error(`${script} ended with status ${status}`);
    process.exit(1);
  }
}
