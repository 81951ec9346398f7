import { runSimulation } from '../src/sim/simulation.ts';
import type { EngineProfile } from '../src/core/model/profile.ts';
import { around, traffic } from './traffic.ts';

/** Llama-3.1-8B on an H100, as in profiles/llama-3.1-8b-h100.yaml. */
export const llama8bH100: EngineProfile = {
  name: 'llama-3.1-8b-h100',
  alpha: 2.148,
  w: 4.746,
  beta: 0.0247,
  gamma: 4.151e-5,
  delta: 0.02111,
  kappa: 0,
  gq: 0,
  tau0: 10.3,
  kvCapacityTokens: 420_800,
  blockTokens: 16,
  maxNumSeqs: 1024,
  maxBatchedTokens: 8192,
  gpusPerReplica: 1,
  weightsBytes: 16.1e9,
  validity: 'see the profile',
  isValidated: true,
};

/** Requests per second of CPU: 8 replicas, 14 requests a second for each, nobody scrapes or decides. */
export function runFixedFleet(count: number): number {
  const workload = traffic({ count, rate: 112, seed: 1, promptTokens: around(1024), outputTokens: around(256) });
  const still = {
    name: 'fixed',
    tickSeconds: 1e9,
    initialReplicas: 8,
    decide: () => ({ actions: [], because: 'fixed' }),
  };
  const before = process.cpuUsage();
  const scenario = { workload, profile: llama8bH100, scrapeIntervalSeconds: 1e9, timelineStepSeconds: 600 };
  const { completed } = runSimulation(scenario, still);
  const seconds = cpuSecondsOf(process.cpuUsage(before));
  if (completed !== count) throw new Error(`all ${count} requests must complete, ${completed} did`);
  return count / seconds;
}

export function cpuSecondsOf({ user, system }: NodeJS.CpuUsage): number {
  return (user + system) / 1e6;
}
