import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/cluster/**', 'test/engine/**', 'node_modules/**'],
    globalSetup: ['test/support/node-version.ts'],
    testTimeout: 60_000,
  },
});
