/** The JSON that a report page carries: what its script plots. Columns of one run have equal length; times are seconds since the start. */
export interface PageData {
  /** Names of the columns of `replicas`, from the bottom of the stack to its top. */
  readonly phases: readonly string[];
  /** Seconds; null where there is no objective. */
  readonly ttftObjective: number | null;
  readonly itlObjective: number | null;
  readonly policies: readonly PolicyData[];
}

export type Values = readonly (number | null)[];

export interface PolicyData {
  readonly policy: string;
  /** One a variation of the page's choice; null: not finished. */
  readonly runs: readonly (RunData | null)[];
}

export interface RunData {
  readonly durationSeconds: number;
  /** What is said above the plots, and on the lid of the decisions. */
  readonly figures: string;
  readonly title: string;
  /** Under the decisions where reasons are left out; else nothing. */
  readonly rest: string;
  readonly stepSeconds: number;
  readonly t: readonly number[];
  readonly replicas: readonly (readonly number[])[];
  readonly spec: readonly number[];
  readonly queued: readonly number[];
  readonly running: readonly number[];
  readonly kvUse: Values;
  readonly arrivalRate: readonly number[];
  readonly forecastLevel: Values;
  readonly forecastUpper: Values;
  readonly ttftP95: Values;
  readonly itlP95: Values;
  readonly decisions: {
    readonly t: readonly number[];
    readonly from: readonly number[];
    readonly to: readonly number[];
    /** Of the first so many: the page has no room for more. */
    readonly because: readonly string[];
  };
}
