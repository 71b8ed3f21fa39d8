import { parseArgs } from 'node:util';
import { DEFAULT_COMMANDS } from './servers.mjs';

/**
 * @typedef {{ type: 'string' | 'boolean', default?: string | boolean, help: string }} Option
 */

/**
 * Options that every comparison understands.
 *
 * @type {Record<string, Option>}
 */
const COMMON = {
  respite: { type: 'string', default: DEFAULT_COMMANDS.respite, help: 'command line that starts Respite' },
  redis: {
    type: 'string',
    default: DEFAULT_COMMANDS.redis,
    help: 'command line of the server to compare with',
  },
  json: { type: 'string', help: 'write the results to this file' },
  check: { type: 'boolean', default: false, help: 'exit with status 1 when a bar is missed' },
  smoke: { type: 'boolean', default: false, help: 'only show that it runs: no bars' },
  help: { type: 'boolean', default: false, help: 'print this and exit' },
};

/**
 * Parses the command line of a benchmark; `--help` and mistakes print the table of options.
 *
 * @param {string} summary
 * @param {Record<string, Option>} own
 * @returns {Record<string, any>}
 */
export function readOptions(summary, own) {
  /** @type {Record<string, Option>} */
  const options = { ...own, ...COMMON };
  try {
    const { values } = parseArgs({ options });
    if (!values.help) return values;
    console.log(usage(summary, options));
    process.exit(0);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${usage(summary, options)}`);
    process.exit(2);
  }
}

/**
 * @param {string} summary
 * @param {Record<string, Option>} options
 */
function usage(summary, options) {
  const lines = Object.entries(options).map(([name, option]) => {
    const shown = `--${name}${option.type === 'string' ? ' VALUE' : ''}`;
    const fallback = option.default === undefined || option.default === false ? '' : ` (${option.default})`;
    return `  ${shown.padEnd(22)} ${option.help}${fallback}`;
  });
  return [summary, '', ...lines].join('\n');
}

/**
 * `100k`, `3M`, `20000` as a number.
 *
 * @param {string} text
 */
export function parseCount(text) {
  const match = /^(\d+(?:\.\d+)?)([kM]?)$/.exec(text.trim());
  if (!match) throw new Error(`not a count: ${text}`);
  return Math.round(Number(match[1]) * { '': 1, k: 1e3, M: 1e6 }[/** @type {'' | 'k' | 'M'} */ (match[2])]);
}

/** @param {string} text */
export function parseCounts(text) {
  return text.split(',').map(parseCount);
}
