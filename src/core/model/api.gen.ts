/* Made from crds/ by `npm run generate`. Change the YAML, not this file. */

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
}
export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly generation?: number;
  readonly resourceVersion?: string;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
}

/** Scales the model servers of one pool ahead of demand, and has their files on the right nodes before they land there. */
export interface InferenceAutoscaler {
  readonly apiVersion: 'forewarm.dev/v1alpha1';
  readonly kind: 'InferenceAutoscaler';
  readonly metadata: ObjectMeta;
  readonly spec: InferenceAutoscalerSpec;
  readonly status?: InferenceAutoscalerStatus;
}

/** What is wanted. */
export interface InferenceAutoscalerSpec {
  /** Observe computes and reports only. Recommend also publishes the decision to whoever scales the target (an HPA). Scale writes the target's scale subresource. */
  readonly mode?: 'Observe' | 'Recommend' | 'Scale';
  readonly pool?: InferenceAutoscalerPool;
  /** The scalable objects of the pool. Names must be unique, and so must what they point at. */
  readonly targets: readonly InferenceAutoscalerTarget[];
  readonly prefillPerDecode?: InferenceAutoscalerPrefillPerDecode;
  readonly objectives?: InferenceAutoscalerObjectives;
  readonly signals?: InferenceAutoscalerSignals;
  readonly behavior?: InferenceAutoscalerBehavior;
  /** Times at which never fewer replicas than these are wanted, inside the bounds. They are ordered one lead time ahead, so that they are Ready when the time begins. Where several hold, the largest counts. */
  readonly schedules?: readonly InferenceAutoscalerSchedule[];
  readonly fallback?: InferenceAutoscalerFallback;
  readonly warmth?: InferenceAutoscalerWarmth;
  /** Name of the PriorityClass by which pools that compete for the same GPUs are ordered. Absent, all are equal. */
  readonly priority?: string;
  /** True stops every change of replicas, bounds included. */
  readonly paused?: boolean;
  readonly override?: InferenceAutoscalerOverride;
  readonly policyRef?: InferenceAutoscalerPolicyRef;
}

/** All servers of one model behind one gateway. May be absent for a single target, whose scale subresource then gives the selector. */
export interface InferenceAutoscalerPool {
  readonly selector?: InferenceAutoscalerPoolSelector;
  readonly inferencePoolRef?: InferenceAutoscalerPoolInferencePoolRef;
}

/** Pods of the pool by their labels, in the autoscaler's own namespace. */
export interface InferenceAutoscalerPoolSelector {
  readonly matchLabels?: {
    readonly [k: string]: string;
  };
  readonly matchExpressions?: readonly InferenceAutoscalerPoolSelectorMatchExpression[];
}

export interface InferenceAutoscalerPoolSelectorMatchExpression {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  readonly values?: readonly string[];
}

/** An InferencePool (inference.networking.k8s.io) in the autoscaler's own namespace; its selector names the pods. */
export interface InferenceAutoscalerPoolInferencePoolRef {
  readonly name: string;
}

/** One scalable object with its bounds. */
export interface InferenceAutoscalerTarget {
  /** How status, metrics and messages call it. Absent, the name of the scaleTargetRef. */
  readonly name?: string;
  readonly scaleTargetRef: InferenceAutoscalerTargetScaleTargetRef;
  /** The half of the work its replicas do. Both unless prefill and decode are separate servers. */
  readonly role?: 'Both' | 'Prefill' | 'Decode';
  readonly minReplicas?: number;
  readonly maxReplicas: number;
  /** What one replica costs an hour, as a quantity in any one currency ('2.49', '900m'). Compared between targets only. */
  readonly costPerReplicaHour?: number | string;
  /** Absent, what the pod template requests. */
  readonly gpusPerReplica?: number;
  /** Name of the engine profile (model, GPU and engine constants). Absent, capacity is learned from observation. */
  readonly engineProfile?: string;
}

/** Anything with a scale subresource, in the autoscaler's own namespace. */
export interface InferenceAutoscalerTargetScaleTargetRef {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly name: string;
}

/** Bounds of the number of prefill replicas for each that decodes. Each half is sized by its own work; then the one that is short is raised. Absent, none. */
export interface InferenceAutoscalerPrefillPerDecode {
  /** At least so many, as a quantity ('0.5' is one for two). */
  readonly min?: number | string;
  /** At most so many, as a quantity. */
  readonly max?: number | string;
}

/** The latency that users are promised. Absent parts bound nothing. */
export interface InferenceAutoscalerObjectives {
  readonly timeToFirstToken?: InferenceAutoscalerObjectivesTimeToFirstToken;
  readonly interTokenLatency?: InferenceAutoscalerObjectivesInterTokenLatency;
  /** Share of requests that must meet all objectives. */
  readonly attainmentPercent?: number;
}

/** From arrival to the first token, the gateway's queue included. */
export interface InferenceAutoscalerObjectivesTimeToFirstToken {
  readonly percentile?: number;
  readonly milliseconds: number;
}

/** Between two tokens of one answer. */
export interface InferenceAutoscalerObjectivesInterTokenLatency {
  readonly percentile?: number;
  readonly milliseconds: number;
}

/** Where queue depth, KV use and counters of the replicas are read. */
export interface InferenceAutoscalerSignals {
  /** Auto tells the engine by the pod's label llm-d.ai/engine-type, else by the families it exposes. */
  readonly engine?: 'Auto' | 'VLLM';
  /** Pods reads every replica's own metrics page; Prometheus asks a Prometheus that already scrapes them. */
  readonly source?: 'Pods' | 'Prometheus';
  /** Of the metrics page. Absent, the engine's own (8000 for vLLM). */
  readonly port?: number;
  readonly path?: string;
  readonly scheme?: 'HTTP' | 'HTTPS';
  readonly prometheus?: InferenceAutoscalerSignalsPrometheus;
  readonly gateway?: InferenceAutoscalerSignalsGateway;
  /** Between two readings of the same replica. Absent, 1 for Pods and 15 for Prometheus. */
  readonly scrapeIntervalSeconds?: number;
}

export interface InferenceAutoscalerSignalsPrometheus {
  /** Base address of the Prometheus API. The installation may restrict which addresses are used. A pool that has learned nothing yet learns its past from it, also where `source` is Pods. */
  readonly url: string;
}

/** The endpoint picker before the replicas (llm-d, Gateway API Inference Extension), in the autoscaler's own namespace. What waits there is demand that no replica has seen, and what wakes a pool at zero. Absent, none is read. */
export interface InferenceAutoscalerSignalsGateway {
  /** Labels of its pods. What waits in several is added up. */
  readonly matchLabels: {
    readonly [k: string]: string;
  };
  /** Of its metrics page. */
  readonly port?: number;
  /** Value of the label inference_pool by which its queue is told from those of other pools. Absent, all. */
  readonly inferencePool?: string;
}

/** How fast the size may change; words, meaning and defaults of the HorizontalPodAutoscaler (autoscaling/v2). */
export interface InferenceAutoscalerBehavior {
  readonly scaleUp?: InferenceAutoscalerBehaviorScaleUp;
  readonly scaleDown?: InferenceAutoscalerBehaviorScaleDown;
}

/** Absent, at once by the larger of 4 pods and 100 percent in 15 seconds. */
export interface InferenceAutoscalerBehaviorScaleUp {
  readonly stabilizationWindowSeconds?: number;
  readonly selectPolicy?: 'Max' | 'Min' | 'Disabled';
  readonly policies?: readonly InferenceAutoscalerBehaviorScaleUpPolicy[];
}

export interface InferenceAutoscalerBehaviorScaleUpPolicy {
  readonly type: 'Pods' | 'Percent';
  readonly value: number;
  readonly periodSeconds: number;
}

/** Absent, by up to 100 percent in 15 seconds after a stabilization window of 300 seconds. */
export interface InferenceAutoscalerBehaviorScaleDown {
  readonly stabilizationWindowSeconds?: number;
  readonly selectPolicy?: 'Max' | 'Min' | 'Disabled';
  readonly policies?: readonly InferenceAutoscalerBehaviorScaleDownPolicy[];
}

export interface InferenceAutoscalerBehaviorScaleDownPolicy {
  readonly type: 'Pods' | 'Percent';
  readonly value: number;
  readonly periodSeconds: number;
}

export interface InferenceAutoscalerSchedule {
  /** When it begins, as five fields of cron ('0 8 * * 1-5'). */
  readonly start: string;
  /** IANA name of the zone in which `start` is read, as 'Europe/Paris'. */
  readonly timeZone?: string;
  readonly durationSeconds: number;
  readonly replicas: number;
  /** Name of the target that it is for. Absent, every one. */
  readonly target?: string;
}

/** The size every target is raised to when no signal at all is known. Absent, the last wanted size is held. */
export interface InferenceAutoscalerFallback {
  readonly replicas: number;
  /** Since the last known signal. */
  readonly afterSeconds?: number;
}

/** Whether model files are put on nodes ahead of the replicas. */
export interface InferenceAutoscalerWarmth {
  /** Plan computes and reports; Act also assigns. Independent of the scaling mode. */
  readonly mode?: 'Plan' | 'Act';
  readonly modelArtifactRef?: InferenceAutoscalerWarmthModelArtifactRef;
  /** Never fewer warm nodes than this while enough healthy ones exist. */
  readonly floorCopies?: number;
}

/** The ModelArtifact that the replicas load, in the autoscaler's own namespace. */
export interface InferenceAutoscalerWarmthModelArtifactRef {
  readonly name: string;
}

/** A person's order, inside the bounds, until it ends. */
export interface InferenceAutoscalerOverride {
  readonly replicas: number;
  /** RFC 3339 with a zone, for instance '2027-01-31T18:00:00Z'. */
  readonly until: string;
}

/** The ScalingPolicy with the tunables. Absent, the one named balanced. */
export interface InferenceAutoscalerPolicyRef {
  readonly name: string;
}

/** What was seen and decided. Written when a decision, bound or condition changes; fast numbers are metrics. */
export interface InferenceAutoscalerStatus {
  readonly observedGeneration?: number;
  readonly minReplicas?: number;
  readonly maxReplicas?: number;
  /** Sum of the targets' spec.replicas. */
  readonly currentReplicas?: number;
  readonly readyReplicas?: number;
  /** Sum of what was decided; absent while nothing may be said. */
  readonly desiredReplicas?: number;
  readonly conditions?: readonly InferenceAutoscalerStatusCondition[];
  readonly targets?: readonly InferenceAutoscalerStatusTarget[];
  readonly forecast?: InferenceAutoscalerStatusForecast;
  readonly capacity?: InferenceAutoscalerStatusCapacity;
  readonly leadTime?: InferenceAutoscalerStatusLeadTime;
  readonly warmth?: InferenceAutoscalerStatusWarmth;
  /** The last changes of size that were decided, newest first. */
  readonly decisions?: readonly InferenceAutoscalerStatusDecision[];
  /** Forewarm's own memory, written before the scale it led to, so that a new leader knows what the old one did. Not an interface. */
  readonly safety?: {
    readonly [k: string]: unknown;
  };
}

export interface InferenceAutoscalerStatusCondition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration?: number;
  readonly lastTransitionTime: string;
}

export interface InferenceAutoscalerStatusTarget {
  readonly name: string;
  /** The target's spec.replicas; absent when it could not be read. */
  readonly currentReplicas?: number;
  readonly readyReplicas?: number;
  /** Ordered and on their way. */
  readonly pendingReplicas?: number;
  /** When the last of the pending replicas is expected to be ready. */
  readonly readyByTime?: string;
  readonly unschedulableReplicas?: number;
  readonly desiredReplicas?: number;
  /** Pods of the target, as its scale subresource names them. */
  readonly selector?: string;
  /** Another object that sets this target's replicas, as Kind/name. */
  readonly otherOwner?: string;
  /** Why this size; the binding rule first. */
  readonly reasons?: readonly InferenceAutoscalerStatusTargetReason[];
  /** What would change the size, as 'would scale to 5 at queue >= 12 or 41 req/s'. */
  readonly counterfactual?: string;
  /** Last observed change of the target's spec.replicas, whoever made it. */
  readonly lastScaleTime?: string;
}

export interface InferenceAutoscalerStatusTargetReason {
  readonly reason: string;
  readonly message: string;
}

/** The demand that was provisioned for. Rates are decimal strings in `unit`. */
export interface InferenceAutoscalerStatusForecast {
  readonly horizonSeconds?: number;
  readonly unit?: string;
  readonly level?: string;
  /** The bound at the provisioning quantile. */
  readonly upper?: string;
  readonly quantile?: string;
  readonly method?: string;
  /** Forecasts whose outcome is known. */
  readonly judged?: number;
  /** Share of the judged ones whose upper bound held. */
  readonly coveredPercent?: number;
}

/** What one replica serves inside the objectives. */
export interface InferenceAutoscalerStatusCapacity {
  /** A decimal string. */
  readonly requestsPerSecond?: string;
  readonly boundBy?: string;
  readonly source?: string;
}

/** 90th percentile from decision to ready, measured. */
export interface InferenceAutoscalerStatusLeadTime {
  readonly usedSeconds?: number;
  readonly warmSeconds?: number;
  readonly coldSeconds?: number;
  readonly warmStarts?: number;
  readonly coldStarts?: number;
  readonly phases?: readonly InferenceAutoscalerStatusLeadTimePhase[];
}

export interface InferenceAutoscalerStatusLeadTimePhase {
  readonly name: string;
  readonly warmSeconds?: number;
  readonly coldSeconds?: number;
}

export interface InferenceAutoscalerStatusWarmth {
  /** As namespace/name@revision. */
  readonly artifact?: string;
  readonly wantedCopies?: number;
  readonly readyCopies?: number;
  readonly warmingCopies?: number;
  readonly message?: string;
}

export interface InferenceAutoscalerStatusDecision {
  readonly time: string;
  readonly target: string;
  readonly from?: number;
  readonly to: number;
  readonly reason: string;
  readonly message?: string;
}

/** The files of one model at one revision, to be kept on nodes. */
export interface ModelArtifact {
  readonly apiVersion: 'forewarm.dev/v1alpha1';
  readonly kind: 'ModelArtifact';
  readonly metadata: ObjectMeta;
  readonly spec: ModelArtifactSpec;
  readonly status?: ModelArtifactStatus;
}

export interface ModelArtifactSpec {
  /** hf://org/name@revision: a model repository of a Hugging Face compatible hub. The revision is a branch, tag or commit; absent, main. */
  readonly source: string;
  /** Glob patterns of the files to keep ('*.safetensors'). Empty or absent, all. */
  readonly files?: readonly string[];
}

export interface ModelArtifactStatus {
  readonly observedGeneration?: number;
  /** What the revision was resolved to, for the whole cluster. */
  readonly commit?: string;
  /** First 12 hexadecimal digits of the sha256 of namespace/name@commit: nodes that hold the files carry the label warm.forewarm.dev/HASH. */
  readonly hash?: string;
  readonly totalBytes?: number;
  readonly copiesWanted?: number;
  readonly copiesWarming?: number;
  readonly copiesReady?: number;
  readonly conditions?: readonly ModelArtifactStatusCondition[];
}

export interface ModelArtifactStatusCondition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration?: number;
  readonly lastTransitionTime: string;
}

/** What model files one node shall hold, and does hold. */
export interface NodeCache {
  readonly apiVersion: 'forewarm.dev/v1alpha1';
  readonly kind: 'NodeCache';
  readonly metadata: ObjectMeta;
  readonly spec: NodeCacheSpec;
  readonly status?: NodeCacheStatus;
}

export interface NodeCacheSpec {
  readonly node: string;
  /** Assigned by the controller. */
  readonly artifacts?: readonly NodeCacheArtifact[];
}

export interface NodeCacheArtifact {
  /** As ModelArtifact status.hash. */
  readonly hash: string;
  /** namespace/name of the ModelArtifact. */
  readonly name: string;
  /** Without the revision, as hf://org/name. */
  readonly source: string;
  readonly commit: string;
  /** Glob patterns of the files to keep. Empty, all. */
  readonly files?: readonly string[];
  /** A replica on the node waits for it. It is fetched before everything else. Absent, no. */
  readonly isAwaited?: boolean;
}

export interface NodeCacheStatus {
  /** Of the agent's last write. A quiet cache is not written, so age alone is no alarm. */
  readonly reportedTime?: string;
  readonly budgetBytes?: number;
  readonly usedBytes?: number;
  readonly artifacts?: readonly NodeCacheStatusArtifact[];
}

export interface NodeCacheStatusArtifact {
  readonly hash: string;
  readonly name: string;
  readonly commit: string;
  readonly phase: 'Assigned' | 'Downloading' | 'Ready' | 'Failed';
  readonly bytesTotal: number;
  readonly bytesDone: number;
  readonly bytesPerSecond: number;
  readonly readyByTime?: string;
  readonly lastUseTime?: string;
  /** Why it failed or waits. */
  readonly message?: string;
}

/** Learned memory of one InferenceAutoscaler. Internal. */
export interface PoolCheckpoint {
  readonly apiVersion: 'forewarm.dev/v1alpha1';
  readonly kind: 'PoolCheckpoint';
  readonly metadata: ObjectMeta;
  readonly spec: PoolCheckpointSpec;
}

export interface PoolCheckpointSpec {
  readonly autoscalerRef: PoolCheckpointAutoscalerRef;
  readonly savedTime: string;
  /** Of the content; a reader that does not know it starts afresh. */
  readonly formatVersion: number;
  /** Base64 of gzip of JSON, at most 64 KiB before base64. */
  readonly learned: string;
}

export interface PoolCheckpointAutoscalerRef {
  readonly name: string;
}

/** A named set of tunables. */
export interface ScalingPolicy {
  readonly apiVersion: 'forewarm.dev/v1alpha1';
  readonly kind: 'ScalingPolicy';
  readonly metadata: ObjectMeta;
  readonly spec: ScalingPolicySpec;
}

export interface ScalingPolicySpec {
  /** From one pass to the next. */
  readonly tickSeconds?: number;
  /** Quantile of demand to provision for. */
  readonly provisioningQuantilePercent?: number;
  /** Backlog still standing when new replicas arrive is drained within this. Absent, the larger of 30 and half the lead time. */
  readonly recoverySeconds?: number;
  /** From decision to ready on a cold node, until it was measured. */
  readonly initialLeadTimeColdSeconds?: number;
  /** From decision to ready on a warm node, until it was measured. */
  readonly initialLeadTimeWarmSeconds?: number;
  /** A smaller size must stay right for this long before it is taken. */
  readonly paybackSeconds?: number;
  /** Share of KV blocks in use above which a replica counts as full. */
  readonly kvHighPercent?: number;
  /** Share of a replica's capacity that is planned to be used. */
  readonly targetUtilizationPercent?: number;
  /** After a scale-down the survivors must stay under this share of capacity. */
  readonly consolidationUtilizationPercent?: number;
  readonly behavior?: ScalingPolicyBehavior;
}

/** How fast the size may change where an autoscaler does not say so itself; in full, in the words of autoscaling/v2. Absent, its defaults. */
export interface ScalingPolicyBehavior {
  readonly scaleUp: ScalingPolicyBehaviorScaleUp;
  readonly scaleDown: ScalingPolicyBehaviorScaleDown;
}

export interface ScalingPolicyBehaviorScaleUp {
  readonly stabilizationWindowSeconds: number;
  readonly selectPolicy: 'Max' | 'Min' | 'Disabled';
  readonly policies: readonly ScalingPolicyBehaviorScaleUpPolicy[];
}

export interface ScalingPolicyBehaviorScaleUpPolicy {
  readonly type: 'Pods' | 'Percent';
  readonly value: number;
  readonly periodSeconds: number;
}

export interface ScalingPolicyBehaviorScaleDown {
  readonly stabilizationWindowSeconds: number;
  readonly selectPolicy: 'Max' | 'Min' | 'Disabled';
  readonly policies: readonly ScalingPolicyBehaviorScaleDownPolicy[];
}

export interface ScalingPolicyBehaviorScaleDownPolicy {
  readonly type: 'Pods' | 'Percent';
  readonly value: number;
  readonly periodSeconds: number;
}
