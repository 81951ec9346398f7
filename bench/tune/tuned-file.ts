import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { type Tried } from './search.ts';

/** What was found for one workload, beside the defaults in the same runs. */
export interface Found {
  readonly workload: string;
  readonly best: Tried;
  readonly defaults: Tried;
  /** Configurations that were tried, the defaults among them. */
  readonly tried: number;
}

export interface TunedFile {
  readonly policy: string;
  /** That found it. */
  readonly command: string;
  readonly about: string;
  readonly found: readonly Found[];
}

/** One document a workload, each a policy of its own by the name `policy@workload`, with what it scored and what the defaults did. */
export function tunedText({ policy, command, about, found }: TunedFile): string {
  const head = [`# ${policy} tuned in hindsight for each workload. Found by: ${command}`, `# ${about}`];
  const documents = found.map((one) => {
    const { name, kind, ...spec } = one.best.definition;
    const document = { apiVersion: 'forewarm.dev/v1alpha1', kind, metadata: { name: `${name}@${one.workload}` }, spec };
    return `---\n# ${scores(one)}\n${dump(document, { lineWidth: 120, noRefs: true })}`;
  });
  return `${head.join('\n')}\n${documents.join('')}`;
}

function scores({ best, defaults, tried }: Found): string {
  return `${figures(best)}; the defaults ${figures(defaults)}; ${tried} tried`;
}

function figures({ misses, gpuHours }: Tried): string {
  return `${(100 * misses).toFixed(2)} % missed for ${gpuHours.toFixed(2)} GPU-hours`;
}

export function writeTuned(folder: string, file: TunedFile): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${file.policy}.yaml`), tunedText(file));
}
