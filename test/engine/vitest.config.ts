import { defineConfig, type ViteUserConfig } from 'vitest/config';

/** Run through `npm run test:engine`, which installs the engine and starts the cluster. */
const config: ViteUserConfig = defineConfig({
  test: {
    root: `${import.meta.dirname}/../..`,
    include: ['test/engine/*.test.ts'],
    globalSetup: ['test/support/node-version.ts'],
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
export default config;
