import { parentPort } from 'node:worker_threads';
import { runFixedFleet } from './fixed-fleet.ts';

/** Wall seconds of a run, after one that warms the thread up. */
runFixedFleet(100_000);
const before = performance.now();
runFixedFleet(1_000_000);
parentPort?.postMessage((performance.now() - before) / 1000);
