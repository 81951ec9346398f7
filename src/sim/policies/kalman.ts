export interface KalmanSetting {
  readonly levelNoise: number;
  readonly trendNoise: number;
  readonly readingNoise: number;
  /** With fewer readings the last one is the forecast. */
  readonly minPoints: number;
}

/** Local linear trend: level and trend, each disturbed; the first reading is taken as it is. */
export class KalmanTrend {
  readonly #setting: KalmanSetting;
  #level = 0;
  #trend = 0;
  /** Covariance of level and trend, symmetric. */
  #p = { level: 1000, both: 0, trend: 1000 };
  #readings = 0;
  #last = 0;
  #isAhead = false;

  constructor(setting: KalmanSetting) {
    this.#setting = setting;
  }

  add(reading: number): void {
    this.#last = reading;
    this.#readings++;
    if (this.#readings === 1) {
      this.#level = reading;
      return;
    }
    this.#advance();
    this.#correct(reading);
    this.#isAhead = false;
  }

  /** So many steps after the last reading; a fraction of a step is allowed. */
  forecast(steps: number): number {
    if (this.#readings < this.#setting.minPoints) return this.#last;
    this.#advance();
    return this.#level + this.#trend * (steps - 1);
  }

  /** One step, once between two readings. */
  #advance(): void {
    if (this.#isAhead) return;
    this.#isAhead = true;
    const { level, both, trend } = this.#p;
    this.#level += this.#trend;
    this.#p = {
      level: level + 2 * both + trend + this.#setting.levelNoise,
      both: both + trend,
      trend: trend + this.#setting.trendNoise,
    };
  }

  #correct(reading: number): void {
    const { level, both, trend } = this.#p;
    const spread = level + this.#setting.readingNoise;
    const error = reading - this.#level;
    this.#level += (level / spread) * error;
    this.#trend += (both / spread) * error;
    this.#p = {
      level: level - (level * level) / spread,
      both: both - (level * both) / spread,
      trend: trend - (both * both) / spread,
    };
  }
}
