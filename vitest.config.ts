import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.{ts,mjs}'],
    setupFiles: ['test/support/properties.ts'],
    testTimeout: 20_000,
    maxWorkers: 2,
    pool: 'forks',
  },
});
