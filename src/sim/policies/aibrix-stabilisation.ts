import type { Instant } from '../../core/model/units.ts';
import { TimedWindow } from './windows.ts';

/**
 * AIBrix's cooldown windows, which pick the wrong end of the history: the largest recommendation of the up window when rising, the SMALLEST of
 * the down window when falling, so that the cooldown makes a decrease larger instead of holding it.
 */
export class AibrixStabilisation {
  readonly #up: TimedWindow;
  readonly #down: TimedWindow;

  constructor(upSeconds: number, downSeconds: number) {
    this.#up = new TimedWindow(upSeconds);
    this.#down = new TimedWindow(downSeconds);
  }

  next(now: Instant, current: number, recommended: number): number {
    this.#up.add(now, recommended);
    this.#down.add(now, recommended);
    if (recommended > current) return Math.max(recommended, ...this.#up.values(now));
    if (recommended < current) return Math.min(recommended, ...this.#down.values(now));
    return recommended;
  }
}
