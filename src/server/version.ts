import { readFileSync } from 'node:fs';

/**
 * The version in the package's own package.json, which lies two folders above this file, in src/ as in dist/.
 */
export const respiteVersion: string = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
).version;
