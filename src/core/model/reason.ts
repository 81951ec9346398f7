/**
 * One vocabulary: the reason label of metrics, condition reasons, event reasons, log keys and the report are these words.
 * Order is of no meaning. Each is documented in docs/reasons.md (a test compares).
 */
export type Reason =
  | 'DemandMet'
  | 'ForecastRaises'
  | 'BacklogRaises'
  | 'ReactiveFloor'
  | 'ScheduledFloor'
  | 'RolesTogether'
  | 'HeldByStabilization'
  | 'RateLimited'
  | 'AtMaximum'
  | 'AtMinimum'
  | 'SignalsMissing'
  | 'AllSignalsMissing'
  | 'FallbackReplicas'
  | 'ConsolidationUnsafe'
  | 'PaybackTooShort'
  | 'NoPositiveEvidence'
  | 'Unschedulable'
  | 'QuotaExceeded'
  | 'CreateRefused'
  | 'Paused'
  | 'Overridden'
  | 'ConflictDetected'
  | 'ScalingDisabled'
  | 'WarmingUp'
  | 'MarkedFirst'
  | 'TargetUnreadable'
  | 'DecisionFailed';

/** A reason with its sentence: numbers and names, no newline, <= 200 characters. */
export interface Because {
  readonly reason: Reason;
  readonly message: string;
}
