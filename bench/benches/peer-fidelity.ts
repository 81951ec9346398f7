import { isDeepStrictEqual } from 'node:util';
import { peerTables } from '../../test/support/peer-tables/index.ts';
import type { PeerCase } from '../../test/support/peer-tables/table.ts';
import type { Bench, BenchOptions, Measurement } from '../bench.ts';
import type { Limit } from '../limits.ts';

export const bench: Bench = {
  about:
    'every row of the tables and every closed-form ramp of the peers: what must come out, and what ours makes of it',
  takes: '3 s',
  fullTakes: '3 s',
  run,
};

const none: Limit = { op: '<=', limit: 0, origin: 'every table row and ramp of the peers' };

/** What is not asked here, and why or where it is. */
const absent: Readonly<Record<string, string>> = {
  'HPA: R1, R2, R15, R16, R22, R24 to R27, R29, R33 to R35, R38': 'resource metrics (CPU): no peer here scales by them',
  'HPA: the real kube-controller-manager': 'asked by npm run test:cluster -- hpa-fidelity: every row without a past',
  'HPA: C14 to C17': 'the API server, not the decision',
  'ramps: oracle with its horizon a cold start': 'it plans whole runs and has no view of a pool',
};

async function run({ say }: BenchOptions): Promise<readonly Measurement[]> {
  const rows: Measurement[] = [];
  for (const { peer, what, cases } of peerTables) {
    say(`${peer}: ${what}`);
    for (const [name, one] of Object.entries(cases)) rows.push(await measured(`${peer}: ${name}`, one));
  }
  const named = Object.entries(absent).map(([name, note]) => ({
    case: name,
    metric: 'off',
    value: null,
    unit: 'rows',
    note,
  }));
  return [...rows, ...named];
}

async function measured(name: string, { want, ours, told = ours }: PeerCase): Promise<Measurement> {
  const got = await ours();
  const value = isDeepStrictEqual(got, want) ? 0 : 1;
  const note = `expected ${shown(want)}, ours ${shown(await told())}`;
  return { case: name, metric: 'off', value, unit: 'rows', note, limit: none };
}

function shown(value: unknown): string {
  const written = JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? `${part}` : part));
  return (written ?? 'an error').replaceAll('"', '');
}
