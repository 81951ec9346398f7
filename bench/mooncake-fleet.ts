import { join } from 'node:path';
import { readTrace } from '../src/config/trace-file.ts';
import type { ReplicaSeen } from '../src/core/model/pool.ts';
import type { PolicyView } from '../src/sim/policies/policy.ts';
import { runSimulation } from '../src/sim/simulation.ts';
import { MooncakeParser } from '../src/sim/workload/mooncake.ts';
import type { Workload } from '../src/sim/workload/workload.ts';
import { cpuSecondsOf, llama8bH100 } from './fixed-fleet.ts';
import { dataFolder } from './measured-runs.ts';

/** The conversation trace with what its prompts share; undefined where nobody put it. */
export async function mooncakeConversation(): Promise<Workload | undefined> {
  const folder = dataFolder('traces/mooncake');
  if (folder === undefined) return undefined;
  return readTrace(join(folder, 'conversation_trace.jsonl.gz'), new MooncakeParser('conversation'));
}

export interface MooncakeRun {
  /** Of one core's CPU time. */
  readonly requestsPerSecond: number;
  /** Share of prompt tokens that were in a replica's cache, 0 to 1. */
  readonly hitRatio: number;
}

/** Eight replicas in turn that cache prefixes; a look every ten minutes, no decisions. */
export function runMooncake(workload: Workload): MooncakeRun {
  let hitRatio = 0;
  const still = {
    name: 'fixed',
    tickSeconds: 600,
    initialReplicas: 8,
    decide: (view: PolicyView): { readonly actions: readonly []; readonly because: string } => {
      hitRatio = hitRatioOf(view.seen.targets[0]?.replicas ?? []);
      return { actions: [], because: 'fixed' };
    },
  };
  const before = process.cpuUsage();
  const looks = { scrapeIntervalSeconds: 300, timelineStepSeconds: 600 };
  const { completed } = runSimulation({ workload, profile: llama8bH100, routing: 'RoundRobin', ...looks }, still);
  const seconds = cpuSecondsOf(process.cpuUsage(before));
  const count = workload.arrivalMs.length;
  if (completed !== count) throw new Error(`all ${count} requests must complete, ${completed} did`);
  return { requestsPerSecond: count / seconds, hitRatio };
}

function hitRatioOf(replicas: readonly ReplicaSeen[]): number {
  const sum = (name: 'cachedPromptTokensTotal' | 'promptTokensTotal'): number =>
    replicas.reduce((all, { samples: { [name]: read } }) => all + (read?.kind === 'value' ? read.value : 0), 0);
  return sum('cachedPromptTokensTotal') / sum('promptTokensTotal');
}
