import type { Lifecycle, PhaseTime, StartPhases } from '../core/model/simulated-lifecycle.ts';
import { RandomStream } from './rng.ts';

/**
 * Where the time from decision to Ready goes when the node holds nothing, as shares of the total. For an 8B model in a stock vLLM image the
 * published parts are: scheduling 2 s; image of 10 GB 40-54 s, bound by decompression; weights of 16 GB at 0.84 GiB/s 19-22 s; imports 16 s,
 * weights to the GPU 2-8 s, compilation from a cache 7 s, graph capture 17 s. Together 110 s, of which 46 s remain on a node that holds image
 * and weights (a hostPath cache was measured at 110 -> 52 s). Nodes themselves exist.
 */
export const startShares = { schedule: 0.02, image: 0.38, weights: 0.2, engine: 0.4 } as const;

/** Durations of one replica's start, milliseconds; image and weights are not paid where the node holds them. */
export interface StartDraw {
  readonly scheduleMs: number;
  readonly imageMs: number;
  readonly weightsMs: number;
  readonly engineMs: number;
}

export interface StartSetting {
  readonly seed: number;
  readonly coldStartSeconds: number;
  readonly startSpread: number;
  readonly lifecycle: Lifecycle;
}

/** The k-th start of a run draws the same durations whatever the policy and the node: all four are drawn, used or not. */
export function drawStart(setting: StartSetting, k: number): StartDraw {
  const stream = new RandomStream(setting.seed, `start/${k}`);
  return {
    scheduleMs: drawPhase(setting, 'schedule', stream),
    imageMs: drawPhase(setting, 'image', stream),
    weightsMs: drawPhase(setting, 'weights', stream),
    engineMs: drawPhase(setting, 'engine', stream),
  };
}

/** The k-th download of weights that a node is told to make ahead of any replica. */
export function drawDownload(setting: StartSetting, node: string, k: number): number {
  return drawPhase(setting, 'weights', new RandomStream(setting.seed, `download/${node}/${k}`));
}

/** The image that a node is told to pull ahead of any replica. */
export function drawAssignedPull(setting: StartSetting, node: string): number {
  return drawPhase(setting, 'image', new RandomStream(setting.seed, `pull/${node}`));
}

/** The k-th time that the engine of the replica with this ordinal is started anew where it died. */
export function drawRestart(setting: StartSetting, ordinal: number, k: number): number {
  return drawPhase(setting, 'engine', new RandomStream(setting.seed, `restart/${ordinal}/${k}`));
}

/** A duration that no phase of the cold start covers: of a node's way, or of an engine's waking. */
export function drawTime(seed: number, name: string, { medianSeconds, spread }: PhaseTime): number {
  return new RandomStream(seed, name).lognormal(medianSeconds * 1000, spread);
}

function drawPhase(setting: StartSetting, phase: keyof StartPhases, stream: RandomStream): number {
  const { coldStartSeconds, startSpread, lifecycle } = setting;
  const given = lifecycle.phases?.[phase];
  if (given !== undefined) return stream.lognormal(given.medianSeconds * 1000, given.spread);
  return stream.lognormal(startShares[phase] * coldStartSeconds * 1000, startSpread);
}
