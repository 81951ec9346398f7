import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { explainText } from '../../../src/cli/explain-text.ts';
import { logLines } from '../../../src/cli/log-lines.ts';
import { redecideText } from '../../../src/cli/redecide-text.ts';
import { redecideFile, replayFile } from '../../../src/cli/replay.ts';
import { replicas } from '../../../src/core/model/units.ts';
import { Redecider } from '../../../src/core/redecide.ts';
import { headerLine, passLine } from '../../../src/core/replay.ts';
import { emptyMemory, tick } from '../../../src/core/tick.ts';
import { at, fleetSeen, llama8bH100, poolPolicy, targetPolicy } from '../../support/builders.ts';
import { FluidPool } from '../../support/fluid-pool.ts';

const policy = poolPolicy({ targets: [targetPolicy({ profile: llama8bH100, maxReplicas: replicas(40) })] });
const pool = new FluidPool((t) => (t < 150 ? 20 : 70), { ready: 2, after: () => 60 });
const lines = [headerLine(emptyMemory, '0.0.0')];
let memory = emptyMemory;
let output = tick(memory, { now: at(0), pools: [{ seen: pool.seen(0, 2), policy }], fleet: fleetSeen() });
let spec = 2;
for (let i = 0; i < 20; i++) {
  const input = { now: at(15 * i), pools: [{ seen: pool.seen(15 * i, spec), policy }], fleet: fleetSeen() };
  output = tick(memory, input);
  memory = output.memory;
  spec = output.decisions[0]?.replicas ?? spec;
  lines.push(passLine(input, output));
}
const text = `${lines.join('\n')}\n`;

describe('decision logs in files', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'forewarm-log-'));
    const half = Math.floor(lines.length / 2);
    await writeFile(join(folder, 'plain.jsonl'), text);
    await writeFile(join(folder, 'whole.jsonl.gz'), gzipSync(text));
    const members = [lines.slice(0, half), lines.slice(half)].map((part) => gzipSync(`${part.join('\n')}\n`));
    await writeFile(join(folder, 'members.jsonl.gz'), Buffer.concat(members));
    await writeFile(join(folder, 'cut.jsonl.gz'), gzipSync(text).subarray(0, 2000));
    await writeFile(join(folder, 'broken.jsonl'), text.slice(0, text.length - 100));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test.each(['plain.jsonl', 'whole.jsonl.gz', 'members.jsonl.gz'])('%s replays identically', async (name) => {
    expect(await replayFile(join(folder, name))).toEqual({ kind: 'identical', passes: 20 });
  });

  test('a last line that was cut off is named by its number', async () => {
    expect(await replayFile(join(folder, 'broken.jsonl'))).toMatchObject({ kind: 'unreadable', line: 21 });
  });

  test('a gzip stream that was cut off is an invalid log', async () => {
    await expect(replayFile(join(folder, 'cut.jsonl.gz'))).rejects.toMatchObject({
      code: 'LOG_INVALID',
      message: expect.stringContaining('cut off'),
    });
  });

  test('another policy is told where it would have decided otherwise, and why', async () => {
    const file = join(folder, 'plain.jsonl');
    const other = await redecideFile(file, 'balanced');
    expect(other).toMatchObject({ policy: 'balanced', passes: 20, decided: 20 });
    expect(other.differences.length).toBeGreaterThan(0);
    for (const { pass, recorded, other: said } of other.differences) {
      const pair = JSON.parse(lines[pass] ?? '{}');
      expect(pair.output.decisions[0].replicas).toBe(recorded.replicas);
      expect(said.replicas).not.toBe(recorded.replicas);
      expect(said.because.length).toBeGreaterThan(0);
    }
    const told = redecideText(other);
    expect(told).toMatch(
      /^balanced decides otherwise in \d+ of 20 decisions of 20 passes: more replicas in \d+, fewer in \d+\n/,
    );
    expect(told).toMatch(/ {2}recorded {2}\d+ {2}\w+: .*\n {2}instead {3}\d+ {2}\w+: /);
  });

  test('the policy that was recorded decides the same', () => {
    const redecider = new Redecider(policy);
    const outcomes = lines.map((line) => redecider.take(line));
    expect(outcomes[0]).toBeUndefined();
    expect(outcomes.slice(1)).toStrictEqual(
      Array.from({ length: 20 }, () => ({ kind: 'pass', decided: 1, differences: [] })),
    );
    const nothing = { policy: 'same', passes: 20, decided: 20, differences: [] };
    expect(redecideText(nothing)).toBe('same decides the same in all 20 passes (20 decisions)\n');
  });

  test('every size that was wanted stands beside sizes that were not, with what was against them', () => {
    const targets = lines.slice(1).flatMap((line) => JSON.parse(line).output.reports[0].targets);
    const known = targets.filter(({ wanted }) => wanted !== undefined);
    expect(known.length).toBeGreaterThan(10);
    for (const { wanted, candidates } of known) {
      const sizes = candidates.map(({ replicas: size }: { replicas: number }) => size);
      expect(sizes).toContain(wanted - 1);
      expect(sizes.some((size: number) => size > wanted)).toBe(true);
      expect(sizes).not.toContain(wanted);
      expect(candidates.every(({ lost }: { lost: string }) => lost.length > 10)).toBe(true);
    }
    const forecast = known.map(({ candidates }) => candidates[0]?.lost);
    expect(forecast.some((lost) => /^\d+ req\/s with the margin kept, for up to \d+$/.test(lost))).toBe(true);
  });

  test('a peer cannot be asked, nor a log without passes', async () => {
    await expect(redecideFile(join(folder, 'plain.jsonl'), 'hpa-queue')).rejects.toMatchObject({ code: 'USAGE' });
    await writeFile(join(folder, 'header.jsonl'), `${lines[0] ?? ''}\n`);
    await expect(redecideFile(join(folder, 'header.jsonl'), 'balanced')).rejects.toMatchObject({ code: 'LOG_INVALID' });
    await expect(redecideFile(join(folder, 'broken.jsonl'), 'balanced')).rejects.toMatchObject({
      code: 'LOG_INVALID',
      message: expect.stringContaining('line 21'),
    });
  });

  test('a file that is not there cannot be read', async () => {
    await expect(replayFile(join(folder, 'none.jsonl'))).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
  });

  test('lines come out as they were written', async () => {
    const read: string[] = [];
    for await (const line of logLines(join(folder, 'members.jsonl.gz'))) read.push(line);
    expect(read).toEqual(lines);
  });
});

test('a report reads as what was seen, expected, decided and what would change it', () => {
  const report = output.reports[0];
  expect(report).toBeDefined();
  const shown = report === undefined ? '' : explainText(report);
  for (const part of [
    /^team-a\/chat at 2027-/,
    /Signals\n {2}waiting +\d/,
    /Demand\n {2}now +70 req\/s/,
    /forecast +up to \d+(\.\d)? req\/s within \d+ s \(p95\)/,
    /a replica +\d+(\.\d)? req\/s, bound by objective/,
    /lead time +\d+(\.\d)? s used/,
    /Target chat\n {2}has +spec \d+, \d+ ready/,
    /because +\w+: /,
    /otherwise +would scale to \d+ at /,
    /MetricsAvailable=True/,
  ]) {
    expect(shown).toMatch(part);
  }
});

test('what is missing is said to be missing, never shown as 0', () => {
  const report = output.reports[0];
  const blind = report && { ...report, inputs: { waiting: { missing: 'ScrapeFailed' } } };
  expect(blind === undefined ? '' : explainText(blind)).toMatch(/waiting +missing: ScrapeFailed/);
});
