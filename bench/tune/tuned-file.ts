import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { variantName } from '../../src/cli/bundled.ts';
import type { Tried } from './search.ts';

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

const separator = '---\n';

/**
 * One document a workload, each a policy of its own by the name `policy@workload`, with what it scored and what the defaults did. Documents of `before`
 * for other workloads stay as they are.
 */
export function tunedText({ policy, command, about, found }: TunedFile, before = ''): string {
  const made = found.map((one) => {
    const { kind, name: _, ...spec } = one.best.definition;
    const metadata = { name: variantName(policy, one.workload) };
    const document = { apiVersion: 'forewarm.dev/v1alpha1', kind, metadata, spec };
    return { name: metadata.name, text: `# ${scores(one)}\n${dump(document, { lineWidth: 120, noRefs: true })}` };
  });
  const [, ...old] = before.split(separator);
  const kept = old.filter((text) => !made.some(({ name }) => text.includes(`\n  name: ${name}\n`)));
  const head = `# ${policy} tuned in hindsight for each workload. Found by: ${command}\n# ${about}\n`;
  return [head, ...kept, ...made.map(({ text }) => text)].join(separator);
}

function scores({ best, defaults, tried }: Found): string {
  return `${figures(best)}; the defaults ${figures(defaults)}; ${tried} tried`;
}

function figures({ misses, gpuHours }: Tried): string {
  return `${(100 * misses).toFixed(2)} % missed for ${gpuHours.toFixed(2)} GPU-hours`;
}

/** Writes what was found; what the file holds for other workloads stays. */
export function writeTuned(folder: string, file: TunedFile): void {
  const path = join(folder, `${file.policy}.yaml`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(path, tunedText(file, existsSync(path) ? readFileSync(path, 'utf8') : ''));
}
