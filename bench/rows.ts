import { cpus, totalmem } from 'node:os';
import type { Measurement } from './bench.ts';
import type { Limit, Limits } from './limits.ts';

export interface Row {
  readonly case: string;
  readonly metric: string;
  readonly value: number | null;
  readonly unit: string;
  readonly reference: number | null;
  /** Value over reference. */
  readonly ratio: number | null;
  /** The bar in words, `<= 250`; null where there is none. */
  readonly bar: string | null;
  /** Null: not judged, for want of a bar or of a value. */
  readonly ok: boolean | null;
  readonly note: string;
}

export interface BenchOutput {
  readonly bench: string;
  readonly environment: Readonly<Record<string, string | number>>;
  readonly rows: readonly Row[];
}

export function judge(bench: string, measured: readonly Measurement[], limits: Limits): readonly Row[] {
  return measured.map((one) => {
    const limit = limits[bench]?.[one.metric] ?? one.limit;
    return {
      case: one.case,
      metric: one.metric,
      value: one.value,
      unit: one.unit,
      reference: one.reference ?? null,
      ratio: one.value === null || one.reference === undefined ? null : one.value / one.reference,
      bar: limit === undefined ? null : barText(limit),
      ok: limit === undefined || one.value === null ? null : holds(limit, one.value),
      note: one.note ?? '',
    };
  });
}

/** NaN holds no bar. */
export function holds({ op, limit }: Limit, value: number): boolean {
  if (typeof limit !== 'number') return value >= (limit[0] ?? Infinity) && value <= (limit[1] ?? -Infinity);
  return op === '<=' ? value <= limit : value >= limit;
}

export function barText({ op, limit }: Limit): string {
  return typeof limit === 'number' ? `${op} ${limit}` : limit.join(' to ');
}

export function environment(): BenchOutput['environment'] {
  return {
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
  };
}
