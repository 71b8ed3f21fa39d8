import { readFileSync } from 'node:fs';

/** Lua code and what redis-server 7.0.15 answers, in one session. The differential test verifies the answers. */
export const recordedCases = JSON.parse(
  readFileSync(new URL('library-cases.json', import.meta.url), 'latin1'),
) as [code: string, results: string][];
