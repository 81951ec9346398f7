import { basename, dirname, extname, join } from 'node:path';
import { DocumentParser, readTrace, traceInvalid } from '../config/trace-file.ts';
import { describe } from '../core/model/result.ts';
import { ForewarmError } from '../errors.ts';
import { bundledSource, bundledWorkloads } from '../sim/workload/bundled.ts';
import { clientMix } from '../sim/workload/client-mix.ts';
import {
  ClientGapsParser,
  type ClientRates,
  type ClientTokens,
  ClientTokensParser,
} from '../sim/workload/client-tables.ts';
import { conversationLengths, type LengthSampler, LengthsParser, parseLengths } from '../sim/workload/lengths.ts';
import type { RateUnit } from '../sim/workload/rate-series.ts';
import { rateSource } from '../sim/workload/rate-source.ts';
import { wholeSource, type WorkloadSource } from '../sim/workload/source.ts';
import { stagesSource } from '../sim/workload/stages.ts';
import { type TraceFormat, TraceParser } from '../sim/workload/trace.ts';

/** What says where requests come from: a trace, else a bundled workload. */
export interface SourceFlags {
  readonly trace?: string | undefined;
  readonly workload: string;
  readonly traceFormat?: TraceFormat | undefined;
  /** How long requests are where a trace has only rates. */
  readonly lengths?: string | undefined;
  readonly rateUnit?: RateUnit | undefined;
  readonly prefixBlockTokens?: number | undefined;
}

export async function sourceOf(flags: SourceFlags): Promise<WorkloadSource> {
  if (flags.trace !== undefined) return traceSource(flags.trace, flags);
  const bundled = bundledSource(flags.workload);
  if (bundled !== undefined) return bundled;
  throw new ForewarmError('USAGE', `--workload must be one of ${bundledWorkloads.join(', ')}, was '${flags.workload}'`);
}

async function traceSource(path: string, flags: SourceFlags): Promise<WorkloadSource> {
  const name = basename(path);
  const format = flags.traceFormat ?? (isYaml(name) ? 'inference-perf' : undefined);
  if (format === 'inference-perf') return configSource(path, flags);
  const { rateUnit, prefixBlockTokens } = flags;
  const trace = await readTrace(path, new TraceParser(name, { format, rateUnit, prefixBlockTokens }));
  if (trace.kind === 'rates') return rateSource(trace.series, await lengthsOf(flags));
  refuse(flags, ['rateUnit', 'lengths']);
  if (trace.kind === 'clients') return clientSource(path, trace.rates);
  const { workload } = trace;
  return wholeSource(workload, () => workload);
}

const flagNames = { rateUnit: '--rate-unit', lengths: '--lengths' } as const;

/** A flag that would do nothing is a mistake. */
function refuse(flags: SourceFlags, names: readonly (keyof typeof flagNames)[]): void {
  const given = names.find((name) => flags[name] !== undefined);
  if (given === undefined) return;
  throw new ForewarmError(
    'USAGE',
    `${flagNames[given]} must go with a trace of rates, ${flags.trace} has the requests themselves`,
  );
}

function isYaml(name: string): boolean {
  return ['.yaml', '.yml'].includes(extname(name.replace(/\.gz$/, '')));
}

async function configSource(path: string, flags: SourceFlags): Promise<WorkloadSource> {
  refuse(flags, ['rateUnit']);
  const document = await readTrace(path, new DocumentParser());
  const lengths = flags.lengths === undefined ? undefined : await lengthsOf(flags);
  const source = stagesSource(basename(path), document, lengths);
  if (source.ok) return source.value;
  throw traceInvalid(path, source.problem);
}

async function lengthsOf({ lengths }: SourceFlags): Promise<LengthSampler> {
  if (lengths === undefined) return conversationLengths;
  const parsed = parseLengths(lengths);
  if (parsed === undefined) return readTrace(lengths, new LengthsParser(basename(lengths)));
  if (parsed.ok) return parsed.value;
  throw new ForewarmError('USAGE', describe(parsed.problem));
}

/** The other tables of a ServeGen pool lie beside its rates. */
async function clientSource(path: string, rates: ClientRates): Promise<WorkloadSource> {
  const beside = (what: string): string => {
    const name = basename(path).replace('client_rps_10min', what);
    if (name !== basename(path)) return join(dirname(path), name);
    throw new ForewarmError(
      'USAGE',
      `--trace must be named ..._client_rps_10min.csv, so that the pool's other tables are found, was '${path}'`,
    );
  };
  const gaps = await readTrace(beside('client_iat'), new ClientGapsParser());
  const own = await readTrace(beside('client_tokens_6h'), new ClientTokensParser());
  const isCovered = rates.clients.every((client) => own.has(client));
  const ofPool: ClientTokens = isCovered
    ? new Map()
    : await readTrace(beside('pool_tokens_6h'), new ClientTokensParser());
  return clientMix({ name: basename(path), rates, gaps, tokens: new Map([...ofPool, ...own]) });
}
