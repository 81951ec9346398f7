/** From `fromSeconds` up to but not including `toSeconds`, counted from the start of the trace. */
export interface FaultWindow {
  readonly fromSeconds: number;
  readonly toSeconds: number;
}

/** Scrapes fail. */
export interface MetricBlackout extends FaultWindow {
  readonly kind: 'MetricBlackout';
  /** Share of replicas that are dark, 0 to 1; absent: all. */
  readonly share?: number;
  /** The gateway is dark too; absent: only when all replicas are. */
  readonly includesGateway?: boolean;
}

/** A replica that goes in the window stays in the metrics, its last reading dated anew at each look, as an instant query without stale marks does. */
export interface StaleSeries extends FaultWindow {
  readonly kind: 'StaleSeries';
  readonly persistSeconds: number;
}

/** Waiting, running and KV use stay at the first reading of the window; counters go on. */
export interface FrozenGauges extends FaultWindow {
  readonly kind: 'FrozenGauges';
  /** Share of replicas, 0 to 1; absent: all. */
  readonly share?: number;
}

/** Others took the GPUs that are free: no pod is bound to these nodes, what runs goes on. */
export interface CapacityWithdrawn extends FaultWindow {
  readonly kind: 'Unschedulable';
  /** Numbers of nodes, from 1; absent: all. */
  readonly nodes?: readonly number[];
}

/** Nodes stop: their pods serve nothing, what they ran is lost. Kubernetes notices, evicts, and replaces; disks survive. */
export interface NodeLoss extends FaultWindow {
  readonly kind: 'NodeLoss';
  readonly nodes: readonly number[];
  /** Until node and pods are not Ready; absent: 50 (node-monitor-grace-period). */
  readonly noticeSeconds?: number;
  /** From there until the pods are evicted; absent: 300 (default toleration of node.kubernetes.io/unreachable). */
  readonly evictSeconds?: number;
}

/** Pulls and downloads that begin in the window take so many times as long. */
export interface SlowPulls extends FaultWindow {
  readonly kind: 'SlowPulls';
  readonly imageFactor?: number;
  readonly weightsFactor?: number;
}

/** Engines die at a time drawn from the window, once each, and are restarted in place. */
export interface EngineCrash extends FaultWindow {
  readonly kind: 'EngineCrash';
  /** Share of replicas, 0 to 1; absent: all. */
  readonly share?: number;
  /** How often an engine dies in a row; from the second time on the kubelet backs off (10 s, doubling, 300 s at most). Absent: 1. */
  readonly times?: number;
}

/** A share of requests goes to the replica that has been ready the longest, whatever it has to do. */
export interface SkewedRouting extends FaultWindow {
  readonly kind: 'SkewedRouting';
  readonly share: number;
}

/** What goes wrong in a simulation, the same for every policy. */
export type Fault =
  | MetricBlackout
  | StaleSeries
  | FrozenGauges
  | CapacityWithdrawn
  | NodeLoss
  | SlowPulls
  | EngineCrash
  | SkewedRouting;
