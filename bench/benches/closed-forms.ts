import { runSimulation } from '../../src/sim/simulation.ts';
import type { Bench, BenchOptions, Measurement } from '../bench.ts';
import { plainServer, traffic } from '../traffic.ts';

export const bench: Bench = {
  about: 'mean waits of the simulator against M/M/1, M/D/1 and M/M/c',
  takes: '3 min',
  fullTakes: '8 min',
  run,
};

interface Queue {
  readonly name: string;
  readonly servers: number;
  /** Squared coefficient of variation of the service time: 1 for M, 0 for D. */
  readonly variation: 0 | 1;
}
const queues: readonly Queue[] = [
  { name: 'M/D/1', servers: 1, variation: 0 },
  { name: 'M/M/1', servers: 1, variation: 1 },
  { name: 'M/M/4', servers: 4, variation: 1 },
];
/** Load, and arrivals enough that chance alone moves the mean wait by less than half the bar (M/M/1's asymptotic variance). */
const loads: readonly (readonly [rho: number, count: number])[] = [
  [0.5, 1_000_000],
  [0.8, 5_000_000],
  [0.9, 4_500_000],
];
/** Tokens, which are milliseconds. */
const service = 100;

async function run({ isFull, say }: BenchOptions): Promise<readonly Measurement[]> {
  const rows: Measurement[] = [];
  for (const queue of queues) {
    for (const [rho, count] of loads) {
      say(`${queue.name} at ${rho}`);
      rows.push(measure(queue, rho, (isFull ? 3 : 1) * count));
    }
  }
  return Promise.resolve(rows);
}

function measure(queue: Queue, rho: number, count: number): Measurement {
  const simulated = simulatedWait(queue, rho, count);
  const want = theoryWait(queue, rho);
  return {
    case: `${queue.name} at a load of ${rho}`,
    metric: rho <= 0.8 ? 'low-load' : 'high-load',
    value: Math.abs(simulated / want - 1) * 100,
    unit: '%',
    note: `mean wait ${simulated.toFixed(2)} ms, by theory ${want.toFixed(2)}; ${count} arrivals`,
  };
}

/** The central queue is the gateway's: it holds while every replica serves one. */
function simulatedWait({ servers, variation }: Queue, rho: number, count: number): number {
  const workload = traffic({
    count,
    rate: (1000 * servers * rho) / service,
    seed: 4,
    promptTokens: () => 1,
    // A geometric number of tokens, the discrete exponential, of the same mean.
    outputTokens: (stream) =>
      variation === 0 ? service : 1 + Math.floor(stream.exponential(-1 / Math.log(1 - 1 / service))),
  });
  const fixed = {
    name: 'fixed',
    tickSeconds: 1e9,
    initialReplicas: servers,
    decide: () => ({ actions: [], because: '' }),
  };
  const result = runSimulation(
    {
      workload,
      profile: plainServer,
      gatewayHolds: 'AllFull',
      gatewayTimeoutSeconds: 1e9,
      gatewayQueueLimit: 1e9,
      scrapeIntervalSeconds: 1e9,
      timelineStepSeconds: 1e5,
    },
    fixed,
  );
  const services = workload.outputTokens.reduce((sum, tokens) => sum + tokens, 0) / count;
  return (result.e2e?.mean ?? Number.NaN) * 1000 - services;
}

/** Pollaczek-Khinchine for one server, Erlang C for more. The geometric service's variation is 1 - 1/mean. */
function theoryWait({ servers, variation }: Queue, rho: number): number {
  const squared = variation === 0 ? 0 : 1 - 1 / service;
  if (servers === 1) return ((rho * service) / (1 - rho)) * ((1 + squared) / 2);
  return (erlangC(servers, rho) * service) / (servers * (1 - rho));
}

function erlangC(servers: number, rho: number): number {
  const offered = servers * rho;
  let term = 1;
  let sum = 1;
  for (let k = 1; k < servers; k++) {
    term *= offered / k;
    sum += term;
  }
  const all = ((term * offered) / servers) * (1 / (1 - rho));
  return all / (sum + all);
}
