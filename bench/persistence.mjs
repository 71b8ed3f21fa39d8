// Saving beside redis-server. Each section starts its servers itself and gives rows and bars. See bench/README.md.

import { parseCount, readOptions } from './lib/options.mjs';
import { conclude, formatNumber, markdownTable } from './lib/report.mjs';
import { measureSaving } from './lib/saving.mjs';
import { requirePrograms, splitCommandLine } from './lib/servers.mjs';

/**
 * @typedef {object} SectionResult
 * @property {(string | number)[][]} rows a name, Respite's value, redis-server's
 * @property {{ what: string, value: number, max?: number, min?: number, unit: string }[]} verdicts
 */

/** @type {Record<string, (options: { respite: string, redis: string }, keys: number) => Promise<SectionResult>>} */
const SECTIONS = { saving: measureSaving };

const options = readOptions('Measures saving and loading.', {
  keys: { type: 'string', default: '2M', help: 'how many keys' },
  only: { type: 'string', default: '', help: `one section: ${Object.keys(SECTIONS).join(', ')}` },
});
requirePrograms(splitCommandLine(options.redis)[0], 'redis-benchmark');
const keys = parseCount(options.keys);
/** @type {Record<string, unknown>} */
const results = {};
const verdicts = [];
for (const [name, measure] of Object.entries(SECTIONS)) {
  if (options.only !== '' && options.only !== name) continue;
  const section = await measure(options, keys);
  results[name] = section.rows;
  verdicts.push(...section.verdicts);
  console.log(`${name}, ${keys} keys\n`);
  const cells = section.rows.map(([what, ...values]) => [
    String(what),
    ...values.map((value) => formatNumber(Number(value))),
  ]);
  console.log(markdownTable(['', 'Respite', 'redis'], cells));
}
conclude({ title: 'bench:persistence', results, verdicts, options });
