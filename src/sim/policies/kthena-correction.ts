import type { KthenaParameters, KthenaStable } from '../../core/model/peer-parameters.ts';
import type { Instant } from '../../core/model/units.ts';

/** Recommendations of a window, both ends inside; a window of 0 remembers nothing. */
class Recommendations {
  readonly #milliseconds: number;
  #entries: { readonly at: Instant; readonly value: number }[] = [];

  constructor(seconds: number) {
    this.#milliseconds = seconds * 1000;
  }

  add(at: Instant, value: number): void {
    this.#entries = [...this.#entries.filter((entry) => entry.at + this.#milliseconds >= at), { at, value }];
  }

  values(now: Instant): readonly number[] {
    if (this.#milliseconds === 0) return [];
    return this.#entries.filter(({ at }) => at + this.#milliseconds >= now).map(({ value }) => value);
  }
}

/** Sizes that were in force inside a period: each counts until the next replaced it. A period of 0 remembers nothing. */
class Sizes {
  readonly #milliseconds: number;
  #past: { readonly until: Instant; readonly value: number }[] = [];
  #present: { readonly at: Instant; readonly value: number } | undefined;

  constructor(seconds: number) {
    this.#milliseconds = seconds * 1000;
  }

  add(at: Instant, value: number): void {
    const previous = this.#present;
    if (previous !== undefined && previous.at + 2 * this.#milliseconds >= at) {
      this.#past = [
        ...this.#past.filter(({ until }) => until + this.#milliseconds >= at),
        { until: at, value: previous.value },
      ];
    }
    this.#present = { at, value };
  }

  /** The smallest, the present one included: as coded, for both directions. */
  least(now: Instant, current: number): number | undefined {
    if (this.#milliseconds === 0) return undefined;
    const young = this.#past.filter(({ until }) => until + this.#milliseconds >= now).map(({ value }) => value);
    const present =
      this.#present !== undefined && this.#present.at + 2 * this.#milliseconds >= now ? [this.#present.value] : [];
    return Math.min(current, ...young, ...present);
  }
}

/** From a recommendation to a size: panic, which only goes up, else windows and rates like Kubernetes'. */
export class KthenaCorrection {
  readonly #parameters: KthenaParameters;
  readonly #upWindow: Recommendations;
  readonly #downWindow: Recommendations;
  readonly #upSizes: Sizes;
  readonly #downSizes: Sizes;
  readonly #panicSizes: Sizes;
  #panicUntil: number | undefined;
  #isNew = true;

  constructor(parameters: KthenaParameters) {
    this.#parameters = parameters;
    this.#upWindow = new Recommendations(parameters.scaleUp.stabilizationWindowSeconds);
    this.#downWindow = new Recommendations(parameters.scaleDown.stabilizationWindowSeconds);
    this.#upSizes = new Sizes(parameters.scaleUp.periodSeconds);
    this.#downSizes = new Sizes(parameters.scaleDown.periodSeconds);
    this.#panicSizes = new Sizes(parameters.panic.periodSeconds);
  }

  next(now: Instant, current: number, recommended: number): number {
    if (this.#isNew) this.#remember(now, current);
    this.#isNew = false;
    const { thresholdPercent, holdSeconds } = this.#parameters.panic;
    if (holdSeconds > 0 && recommended * 100 >= current * thresholdPercent) this.#panicUntil = now + holdSeconds * 1000;
    const isPanicking = this.#panicUntil !== undefined && now <= this.#panicUntil;
    const corrected = isPanicking ? this.#panic(now, current, recommended) : this.#stable(now, current, recommended);
    this.#remember(now, recommended);
    for (const sizes of [this.#upSizes, this.#downSizes, this.#panicSizes]) sizes.add(now, corrected);
    return corrected;
  }

  #remember(now: Instant, recommended: number): void {
    this.#upWindow.add(now, recommended);
    this.#downWindow.add(now, recommended);
  }

  #panic(now: Instant, current: number, recommended: number): number {
    const past = this.#panicSizes.least(now, current);
    const limit =
      past === undefined || past === 0 ? Infinity : past + Math.trunc((past * this.#parameters.panic.percent) / 100);
    return Math.max(current, Math.min(recommended, limit));
  }

  #stable(now: Instant, current: number, recommended: number): number {
    const { scaleUp, scaleDown } = this.#parameters;
    if (recommended < current) {
      const past = this.#downSizes.least(now, current);
      const limit = past === undefined ? -Infinity : -rateLimit(scaleDown, past, -1);
      return Math.min(current, Math.max(recommended, ...this.#downWindow.values(now), limit));
    }
    if (recommended === current) return current;
    const past = this.#upSizes.least(now, current);
    const limit = past === undefined ? Infinity : rateLimit(scaleUp, past, 1);
    return Math.max(current, Math.min(recommended, ...this.#upWindow.values(now), limit));
  }
}

/** The size that the rates allow in one direction, times that direction: the larger is the farther. `Or` takes the farther, `And` the nearer. */
function rateLimit({ instances, percent, selectPolicy }: KthenaStable, past: number, direction: 1 | -1): number {
  const byInstances = direction * past + instances;
  const byPercent = direction * past + Math.trunc((past * percent) / 100);
  return selectPolicy === 'Or' ? Math.max(byInstances, byPercent) : Math.min(byInstances, byPercent);
}
