import { defineConfig, type ViteUserConfig } from 'vitest/config';

const only = process.env['FOREWARM_CLUSTER_FILES'];

/** Run through `npm run test:cluster`, which builds and starts the cluster. One file after the other: they share it. */
const config: ViteUserConfig = defineConfig({
  test: {
    root: `${import.meta.dirname}/../..`,
    include: [only ?? 'test/cluster/*.test.ts'],
    globalSetup: ['test/support/node-version.ts'],
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 120_000,
  },
});
export default config;
