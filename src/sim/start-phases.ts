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
}

/** The k-th start of a run draws the same durations whatever the policy and the node: all four are drawn, used or not. */
export function drawStart(setting: StartSetting, k: number): StartDraw {
  const stream = new RandomStream(setting.seed, `start/${k}`);
  const draw = (share: number): number =>
    stream.lognormal(share * setting.coldStartSeconds * 1000, setting.startSpread);
  return {
    scheduleMs: draw(startShares.schedule),
    imageMs: draw(startShares.image),
    weightsMs: draw(startShares.weights),
    engineMs: draw(startShares.engine),
  };
}

/** The k-th download that a node is told to make ahead of any replica. */
export function drawDownload(setting: StartSetting, node: string, k: number): number {
  const stream = new RandomStream(setting.seed, `download/${node}/${k}`);
  return stream.lognormal(startShares.weights * setting.coldStartSeconds * 1000, setting.startSpread);
}

/** The k-th time that the engine of the replica with this ordinal is started anew where it died. */
export function drawRestart(setting: StartSetting, ordinal: number, k: number): number {
  const stream = new RandomStream(setting.seed, `restart/${ordinal}/${k}`);
  return stream.lognormal(startShares.engine * setting.coldStartSeconds * 1000, setting.startSpread);
}
