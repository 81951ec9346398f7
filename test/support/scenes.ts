import type { PoolMemory } from '../../src/core/model/memory.ts';
import type { PoolPolicy } from '../../src/core/model/policy.ts';
import type { FleetSeen, PoolSeen } from '../../src/core/model/pool.ts';
import { freshMemory, propose, type Proposed } from '../../src/core/propose.ts';
import { emptyMemory, tick, type TickOutput } from '../../src/core/tick.ts';
import { at, fleetSeen, poolPolicy } from './builders.ts';

export interface Scene {
  /** What is seen `t` seconds after the epoch; `before` is what was decided or wanted last. */
  readonly seen: (t: number) => PoolSeen;
  readonly policy?: PoolPolicy;
  readonly fleet?: FleetSeen;
  readonly memory?: PoolMemory;
  readonly from?: number;
  readonly to: number;
  readonly every?: number;
}

/** Proposes at every tick of a scene and answers what each said, with its time. */
export function proposals(scene: Scene): readonly (Proposed & { readonly t: number })[] {
  const { seen, policy = poolPolicy(), fleet = fleetSeen(), from = 0, to, every = 15 } = scene;
  let memory = scene.memory ?? freshMemory(at(from));
  const out: (Proposed & { readonly t: number })[] = [];
  for (let t = from; t <= to; t += every) {
    const proposed = propose({ memory, seen: seen(t), fleet, policy, now: at(t) });
    memory = proposed.memory;
    out.push({ ...proposed, t });
  }
  return out;
}

/** The last proposal of a scene. */
export function lastProposal(scene: Scene): Proposed & { readonly t: number } {
  const last = proposals(scene).at(-1);
  if (last === undefined) throw new RangeError('a scene must have at least one tick');
  return last;
}

/** Runs whole passes; the spec of the next look is what was decided in the last. */
export function passes(
  scene: Omit<Scene, 'seen' | 'memory'> & {
    readonly spec: number;
    readonly seen: (t: number, spec: number) => PoolSeen;
  },
): readonly (TickOutput & { readonly t: number; readonly spec: number })[] {
  const { seen, policy = poolPolicy(), fleet = fleetSeen(), from = 0, to, every = 15 } = scene;
  let memory = emptyMemory;
  let spec = scene.spec;
  const out: (TickOutput & { readonly t: number; readonly spec: number })[] = [];
  for (let t = from; t <= to; t += every) {
    const output = tick(memory, { now: at(t), pools: [{ seen: seen(t, spec), policy }], fleet });
    memory = output.memory;
    spec = output.decisions[0]?.replicas ?? spec;
    out.push({ ...output, t, spec });
  }
  return out;
}
