import { defineConfig } from 'vitest/config';
import { bundledSources } from './test/support/bundled-sources.mjs';

export default defineConfig({
  // `vitest` alone stays and is to see changes.
  plugins: process.argv.includes('run') ? [bundledSources()] : [],
  test: {
    include: ['test/**/*.test.{ts,mjs}'],
    setupFiles: ['test/support/properties.ts'],
    testTimeout: 20_000,
    maxWorkers: 2,
    pool: 'forks',
  },
});
