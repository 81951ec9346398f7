/** A lognormal duration; `spread` is the standard deviation of its logarithm. */
export interface PhaseTime {
  readonly medianSeconds: number;
  readonly spread: number;
}

/** What a start is made of on a node that holds nothing; what is absent is its share of the scenario's cold start. */
export interface StartPhases {
  readonly schedule?: PhaseTime;
  readonly image?: PhaseTime;
  readonly weights?: PhaseTime;
  readonly engine?: PhaseTime;
}

/** How many transfers go at full speed at once; more of them share. A transfer is as fast as the slowest of what it passes through. */
export interface Contention {
  /** Image pulls, of all nodes together. */
  readonly registryStreams: number;
  /** Downloads of weights from where they come from, of all nodes together. */
  readonly originStreams: number;
  /** What one node takes in: its link and its disk, images and weights together. */
  readonly nodeStreams: number;
  /** A node that holds the weights gives them to others, which then do not ask the origin. Absent: nodes do not help each other. */
  readonly peers?: PeerTransfers;
}

export interface PeerTransfers {
  /** What one node gives out at once at full speed. */
  readonly streams: number;
  /** Time of a download from a peer over the time from the origin, each alone. */
  readonly timeFactor: number;
}

/** Nodes are added while pods find no room, up to the scenario's `nodes`. */
export interface NodePool {
  readonly initialNodes: number;
  /** From the order of a node to the first pod bound to it: machine, drivers, device plugin. */
  readonly lead: PhaseTime;
  /** An empty node is given back after so long, with what its disk holds; absent: never. */
  readonly idleSeconds?: number;
}

/** Engines of drained replicas stay asleep on their node, and the next replica there wakes one instead of starting its own. */
export interface SleepingEngines {
  readonly perNode: number;
  /** From the bound pod to Ready. */
  readonly wake: PhaseTime;
}

/** How replicas come to be; what is absent is as without it. */
export interface Lifecycle {
  readonly phases?: StartPhases;
  readonly contention?: Contention;
  readonly nodePool?: NodePool;
  readonly sleeping?: SleepingEngines;
}
