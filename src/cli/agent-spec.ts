import { readFile } from 'node:fs/promises';
import { load } from 'js-yaml';
import { parseNodeCacheSpec } from '../agent/spec.ts';
import { describe } from '../core/model/result.ts';
import { ForewarmError } from '../errors.ts';
import type { CachedArtifactStatus, NodeCacheClient, NodeCacheSpec } from '../ports/artifacts.ts';
import type { Clock } from '../ports/index.ts';

const lookMilliseconds = 2000;

/** An assignment that stands in a file: read again when it changes; progress is printed. */
export async function specFileClient(file: string, clock: Clock): Promise<NodeCacheClient> {
  const first = parseSpec(file, await readSpec(file));
  const lines = new Map<string, string>();
  return {
    watch: (signal) => versions(file, { first, clock }, signal),
    report: ({ artifacts }) => {
      for (const artifact of artifacts) printChange(lines, artifact);
      return Promise.resolve();
    },
  };
}

async function* versions(
  file: string,
  { first, clock }: { readonly first: NodeCacheSpec; readonly clock: Clock },
  signal: AbortSignal,
): AsyncGenerator<NodeCacheSpec> {
  yield first;
  let last = JSON.stringify(first);
  for (;;) {
    await clock.sleep(lookMilliseconds, signal);
    const spec = parseSpec(file, await readSpec(file));
    if (JSON.stringify(spec) === last) continue;
    last = JSON.stringify(spec);
    yield spec;
  }
}

async function readSpec(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (err) {
    throw new ForewarmError('FILE_UNREADABLE', `reading the spec ${file}`, { cause: err });
  }
}

function parseSpec(file: string, text: string): NodeCacheSpec {
  let value: unknown;
  try {
    value = load(text);
  } catch (err) {
    throw new ForewarmError('CONFIG_INVALID', `reading the spec ${file}`, { cause: err });
  }
  const whole = typeof value === 'object' && value !== null && 'spec' in value ? value.spec : value;
  const spec = parseNodeCacheSpec(whole);
  if (!spec.ok) throw new ForewarmError('CONFIG_INVALID', `${file}: ${describe(spec.problem)}`);
  return spec.value;
}

function printChange(lines: Map<string, string>, artifact: CachedArtifactStatus): void {
  const line = describeStatus(artifact);
  if (lines.get(artifact.hash) !== line) process.stdout.write(`${line}\n`);
  lines.set(artifact.hash, line);
}

function describeStatus({
  name,
  commit,
  phase,
  bytesDone,
  bytesTotal,
  readyByTime,
  message,
}: CachedArtifactStatus): string {
  const share = bytesTotal === 0 ? '' : ` ${Math.floor((100 * bytesDone) / bytesTotal)} % of ${bytesTotal} bytes`;
  const eta = readyByTime === undefined ? '' : `, ready by ${readyByTime}`;
  return `${name} ${commit.slice(0, 12)} ${phase}${share}${eta}${message === undefined ? '' : `: ${message}`}`;
}
