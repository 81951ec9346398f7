import { mkdir, mkdtemp, readdir, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnForewarm, writeSpec } from './agent-process.ts';
import { contentsOf, filesOf, snapshotFolder } from './cache-folder.ts';
import { type HubRepository, startHub, type TestHub, tinyModel } from './hub.ts';

export interface KillReport {
  readonly kills: number;
  /** Kills that hit an agent before everything was published. */
  readonly midway: number;
  /** How often a reader looked at the cache. */
  readonly looks: number;
  /** What a reader must never see. */
  readonly corrupt: readonly string[];
  /** How the last, undisturbed run ended: empty when everything is there and whole. */
  readonly unfinished: readonly string[];
}

interface Round {
  readonly hub: TestHub;
  readonly root: string;
  readonly flags: readonly string[];
  readonly models: readonly HubRepository[];
  readonly random: () => number;
}

/**
 * Kills (SIGKILL) a real agent again and again at moments that the seed chooses, damages what no sync has secured, and looks at the cache as a
 * reader does all the while; when everything is published, starts over with an empty cache.
 */
export async function killAgain(seed: number, kills: number): Promise<KillReport> {
  const folder = await mkdtemp(join(tmpdir(), 'forewarm-chaos-'));
  const models = [tinyModel('acme/one', 150_000), tinyModel('acme/two', 150_000)];
  const hub = await startHub({ repositories: models, bytesPerSecond: 300_000 });
  try {
    const [root, spec] = [join(folder, 'cache'), await writeSpec(folder, models)];
    await mkdir(root);
    const flags = ['--spec', spec, '--cache-dir', root, '--hub-endpoint', hub.endpoint, '--watermark', '100'];
    const round = { hub, root, flags, models, random: generator(seed) };
    const seen = await rounds(round, kills);
    return { ...seen, kills, unfinished: await finish(round) };
  } finally {
    await hub.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function rounds(round: Round, kills: number): Promise<Pick<KillReport, 'midway' | 'looks' | 'corrupt'>> {
  const corrupt: string[] = [];
  let [midway, looks] = [0, 0];
  for (let kill = 0; kill < kills; kill += 1) {
    const seen = await killOnce(round);
    corrupt.push(...seen.corrupt);
    looks += seen.looks;
    if (await isComplete(round)) await rm(round.root, { recursive: true });
    else midway += 1;
    await mkdir(round.root, { recursive: true });
    if (round.random() < 0.3) await damage(round);
  }
  return { corrupt, looks, midway };
}

async function killOnce(round: Round): Promise<Pick<KillReport, 'looks' | 'corrupt'>> {
  const asked = round.hub.requests.length;
  const { child, ended } = spawnForewarm(['agent', ...round.flags]);
  const corrupt: string[] = [];
  let looks = 0;
  const lookUntil = async (isOver: () => boolean): Promise<void> => {
    while (!isOver() && child.exitCode === null && !(await isComplete(round))) {
      corrupt.push(...(await brokenPromises(round.root, round.models)));
      looks += 1;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  await lookUntil(() => round.hub.requests.length > asked);
  const deadline = performance.now() + round.random() * 500;
  await lookUntil(() => performance.now() >= deadline);
  child.kill('SIGKILL');
  await ended;
  corrupt.push(...(await brokenPromises(round.root, round.models)));
  return { corrupt, looks: looks + 1 };
}

/** Every snapshot that is there is whole; every reference that is there names one that was there before it. */
export async function brokenPromises(root: string, models: readonly HubRepository[]): Promise<string[]> {
  const broken: string[] = [];
  for (const model of models) {
    const references = await contentsOf(join(snapshotFolder(root, model), '..', '..', 'refs'));
    const shown = await contentsOf(snapshotFolder(root, model));
    if (shown !== undefined && !isEqual(shown, filesOf(model)))
      broken.push(`${model.id}: a snapshot that is not whole`);
    for (const [name, commit] of references ?? []) {
      if (commit.toString() !== model.commit) broken.push(`${model.id}: refs/${name} is '${commit.toString()}'`);
      if (shown === undefined) broken.push(`${model.id}: refs/${name} names a snapshot that is not there`);
    }
  }
  return broken;
}

async function isComplete({ root, models }: Round): Promise<boolean> {
  const references = models.map((model) => join(snapshotFolder(root, model), '..', '..', 'refs', 'main'));
  const found = await Promise.all(references.map((path) => stat(path).catch(() => undefined)));
  return !found.includes(undefined);
}

async function finish(round: Round): Promise<string[]> {
  const { code, stdout, stderr } = await spawnForewarm(['agent', ...round.flags, '--once']).ended;
  if (code !== 0) return [`the last run ended with ${code}: ${stdout}${stderr}`];
  const missing = [];
  for (const model of round.models) {
    const shown = await contentsOf(snapshotFolder(round.root, model));
    if (shown === undefined || !isEqual(shown, filesOf(model))) missing.push(`${model.id} is not whole`);
  }
  return missing;
}

/** What a power cut may do to what was not yet synced: a part that lost its end, or a state that is gone. */
async function damage({ root, random }: Round): Promise<void> {
  const parts = join(root, '.forewarm', 'parts');
  const names = (await readdir(parts).catch(() => [])).sort();
  const name = names[Math.floor(random() * names.length)];
  if (name === undefined) return;
  const path = join(parts, name);
  if (name.endsWith('.json')) await rm(path);
  else await truncate(path, Math.floor((await stat(path)).size / 2));
}

function isEqual(a: ReadonlyMap<string, Buffer>, b: ReadonlyMap<string, Buffer>): boolean {
  return a.size === b.size && [...a].every(([name, body]) => b.get(name)?.equals(body) === true);
}

/** mulberry32 */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
