import { join } from 'node:path';
import { Child } from '../cluster/support/child.ts';
import { until } from '../cluster/support/wait.ts';

export interface VllmOptions {
  readonly address: string;
  /** The folder that `HF_HOME` names: its `hub` folder is in the cache layout. */
  readonly hfHome: string;
  readonly repository: string;
  readonly maxNumSeqs: number;
  /** Compiled and model-class caches, kept between runs: without them the start takes ten seconds more. */
  readonly cacheRoot: string;
}

export function venv(): string {
  const folder = process.env['FOREWARM_VLLM'];
  if (folder === undefined) throw new Error("no vLLM: run this with 'npm run test:engine'");
  return folder;
}

/** The real engine on its pod's address, offline: what is not in the cache directory does not exist for it. */
export function startVllm(options: VllmOptions): Child {
  const flags = {
    host: options.address,
    port: '8000',
    model: options.repository,
    'served-model-name': 'm',
    dtype: 'float32',
    'block-size': '32',
    'kv-cache-memory-bytes': '64M',
    'max-model-len': '2048',
    'max-num-seqs': String(options.maxNumSeqs),
  };
  const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]);
  return new Child(
    'vllm',
    join(venv(), 'bin/python'),
    ['-m', 'vllm.entrypoints.openai.api_server', '--enforce-eager', ...args],
    {
      VLLM_ENABLE_V1_MULTIPROCESSING: '0',
      OMP_NUM_THREADS: '1',
      VLLM_HOST_IP: '127.0.0.1',
      HF_HUB_OFFLINE: '1',
      HF_HOME: options.hfHome,
      VLLM_NO_USAGE_STATS: '1',
      DO_NOT_TRACK: '1',
      VLLM_CACHE_ROOT: options.cacheRoot,
    },
  );
}

export async function healthy(vllm: Child, address: string): Promise<void> {
  await until(
    'vLLM answers /health',
    async () => {
      if (!vllm.isRunning) throw new Error(`vLLM ended: ${vllm.output.slice(-1500)}`);
      return (await fetch(`http://${address}:8000/health`)).status;
    },
    (status) => status === 200,
    { seconds: 240, everyMilliseconds: 500 },
  );
}
