import { elapsed, type Instant } from '../../core/model/units.ts';
import type { Timed } from './windows.ts';

const maxHistory = 1000;
export const leastConfidence = 0.7;
const predictionWeight = 0.3;

/** BudScaler's forecast of a metric: a straight line through everything it remembers, and how sure it says it is. */
export class BudPrediction {
  #history: readonly Timed[] = [];

  add(at: Instant, value: number): void {
    this.#history = [...this.#history, { at, value }].slice(-maxHistory);
  }

  /** The line `seconds` after the last reading. */
  ahead(seconds: number): number {
    const first = this.#history[0];
    const last = this.#history.at(-1);
    if (first === undefined || last === undefined) return 0;
    const points = this.#history.map(({ at, value }) => ({ x: elapsed(first.at, at), y: value }));
    const n = points.length;
    const meanX = points.reduce((sum, { x }) => sum + x, 0) / n;
    const meanY = points.reduce((sum, { y }) => sum + y, 0) / n;
    const xx = points.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0);
    if (xx === 0) return last.value;
    const slope = points.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0) / xx;
    return meanY + slope * (elapsed(first.at, last.at) + seconds - meanX);
  }

  /** More readings and less variation make it surer; it is never compared with what came. */
  get confidence(): number {
    const n = this.#history.length;
    if (n === 0) return 0;
    const byCount = 1 - 1 / (1 + n / 10);
    if (n < 2) return byCount / 2;
    const mean = this.#history.reduce((sum, { value }) => sum + value, 0) / n;
    const variance = this.#history.reduce((sum, { value }) => sum + (value - mean) ** 2, 0) / n;
    return byCount / (1 + (mean === 0 ? 0 : Math.sqrt(variance) / Math.abs(mean)));
  }
}

/** The forecast pulls the reactive answer towards itself, up or down, by at most 30 %. */
export function blended(reactive: number, predicted: number, confidence: number): number {
  if (confidence < leastConfidence || predicted <= 0) return reactive;
  const weight = predictionWeight * confidence;
  return reactive * (1 - weight) + predicted * weight;
}
