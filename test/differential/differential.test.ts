import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { redisServerVersion } from '../support/redis-server.js';

const FUZZ = fileURLToPath(new URL('./fuzz.mjs', import.meta.url));
const MAIN = fileURLToPath(new URL('../../dist/main.cjs', import.meta.url));
const SECONDS = 12;
/** The same sequences each time, so that a change is to blame for a failure; `npm run fuzz` takes others each time. */
const SEED = 1;

const missing = [
  ...(redisServerVersion ? [] : ['redis-server is not installed']),
  ...(existsSync(MAIN) ? [] : ['dist/ is not built']),
];
const title = `Respite beside redis-server ${redisServerVersion ?? ''}`;

describe.skipIf(missing.length > 0)(
  missing.length > 0 ? `${title} (skipped: ${missing.join(', ')})` : title,
  () => {
    it('answers random command sequences alike and holds the same data after them', {
      timeout: 120_000,
    }, async () => {
      const args = ['--seed', String(SEED), '--seconds', String(SECONDS), '--max-failures', '3'];
      const fuzz = spawn(process.execPath, [FUZZ, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
      let output = '';
      for (const stream of [fuzz.stdout, fuzz.stderr]) {
        stream.on('data', (chunk: Buffer) => {
          output += chunk.toString();
        });
      }
      const [status] = await once(fuzz, 'close');
      expect(output).toMatch(/^\d+ sequences, \d+ commands, 0 differences/m);
      expect(status).toBe(0);
    });
  },
);
