import type { PeerParameters } from './peer-parameters.ts';
import type { Behavior, Tunables } from './policy.ts';

/** A trigger of a KEDA ScaledObject as the simulated policy reads it; `Value` and `AverageValue` as in the HPA. */
export interface KedaTrigger {
  readonly signal: 'PoolSaturation' | 'RequestRunning';
  readonly metricType: 'Value' | 'AverageValue';
  /** Thousandths, as a Quantity's milli value: 700 is 0.7. */
  readonly thresholdMilli: number;
  /** Above this the target is active: it leaves zero, and stays away from it. */
  readonly activationThresholdMilli: number;
}

export interface StaticParameters {
  /** Absent: the run's maximum. */
  readonly replicas?: number;
}

export interface HpaQueueParameters {
  readonly syncSeconds: number;
  /** Waiting requests a replica, thousandths. */
  readonly targetAverageMilli: number;
  readonly tolerancePercent: number;
  /** Absent: the rules of an HPA without `behavior` (doubling, at least 4; down after 300 s). */
  readonly behavior?: Behavior;
}

export interface KedaEppParameters {
  readonly pollingSeconds: number;
  readonly cooldownSeconds: number;
  readonly tolerancePercent: number;
  readonly triggers: readonly KedaTrigger[];
  /** Set point of the gateway's saturation detector: engine queue and KV share at which an endpoint counts as full. */
  readonly queueDepthThreshold: number;
  readonly kvUseThresholdPercent: number;
  readonly behavior?: Behavior;
}

/** Every algorithm of the simulator by its name. */
export interface SimulatedParameters extends PeerParameters {
  readonly Static: StaticParameters;
  readonly HpaQueue: HpaQueueParameters;
  readonly KedaEpp: KedaEppParameters;
}
export type AlgorithmName = keyof SimulatedParameters;

/** A peer's algorithm with its settings; simulator only. */
export type SimulatedAlgorithm<Name extends AlgorithmName = AlgorithmName> = {
  readonly [Key in Name]: { readonly algorithm: Key; readonly parameters: SimulatedParameters[Key] };
}[Name];

/** What a file in `policies/` says, whichever of the two kinds it is. */
export type PolicyDefinition =
  | {
      readonly kind: 'ScalingPolicy';
      readonly name: string;
      readonly tunables: Tunables;
      readonly behavior?: Behavior;
    }
  | ({ readonly kind: 'SimulatedPolicy'; readonly name: string } & SimulatedAlgorithm);
