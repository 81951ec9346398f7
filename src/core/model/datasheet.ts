/** What a model's configuration says. Dense models only: how many experts a batch touches is in no datasheet. */
export interface ModelSheet {
  /** All weights as they are loaded, bytes. */
  readonly weightsBytes: number;
  /** Parameters, each used for every token. */
  readonly parameters: number;
  readonly layers: number;
  readonly hiddenSize: number;
  /** 2 x layers x KV heads x head size x bytes of a number. */
  readonly kvBytesPerToken: number;
}

/** What a GPU's datasheet says. */
export interface GpuSheet {
  readonly memoryGib: number;
  /** 1e9 bytes a second. */
  readonly memoryGbPerSecond: number;
  /** Dense matrix multiplication at the precision of the weights, 1e12 operations a second. */
  readonly teraflops: number;
}

export interface LinkSheet {
  readonly kind: 'NvLink' | 'Pcie';
  /** Of one GPU in one direction, 1e9 bytes a second. */
  readonly gbPerSecond: number;
}

/** What is known of an engine that nobody measured. */
export interface Datasheet {
  readonly model: ModelSheet;
  readonly gpu: GpuSheet;
  readonly precision: 'BF16' | 'FP8' | 'FP4';
  /** GPUs of a replica: tensor parallelism inside one node. */
  readonly tensorParallel: number;
  /** Between the GPUs of a replica; only where there are several. */
  readonly link?: LinkSheet;
}

/** Settings of the engine, which no datasheet knows. */
export interface EngineSettings {
  readonly name: string;
  /** ms outside the iteration: API, tokenizer. */
  readonly tau0: number;
  readonly blockTokens: number;
  readonly maxNumSeqs: number;
  readonly maxBatchedTokens: number;
}
