import { readFile } from 'node:fs/promises';
import { Ajv, type ErrorObject } from 'ajv';
import { load } from 'js-yaml';
import { describe, ok, problem, type Problem, type Result } from '../core/model/result.ts';
import { ForewarmError } from '../errors.ts';

/** What `--config` may say; each is the flag of the same meaning, which wins where it is given. */
export interface ControllerConfig {
  readonly namespace?: string;
  readonly lease?: { readonly name?: string; readonly namespace?: string };
  readonly scrapeIntervalSeconds?: number;
  readonly prometheusAllow?: readonly string[];
  readonly metricsBind?: string;
  readonly adapter?: {
    readonly listen?: string;
    readonly address?: string;
    readonly service?: string;
    readonly secret?: string;
    readonly peers?: readonly string[];
  };
  readonly hubEndpoint?: string;
  readonly hubTokenFile?: string;
  readonly record?: string;
  readonly logLevel?: string;
}

const text = { type: 'string', minLength: 1, maxLength: 2048 };
const closed = (properties: object): object => ({ type: 'object', additionalProperties: false, properties });
const schema = {
  ...closed({
    apiVersion: { const: 'forewarm.dev/v1alpha1' },
    kind: { const: 'ControllerConfig' },
    namespace: text,
    lease: closed({ name: text, namespace: text }),
    scrapeIntervalSeconds: { type: 'integer', minimum: 1, maximum: 300 },
    prometheusAllow: { type: 'array', items: text, minItems: 1 },
    metricsBind: text,
    adapter: closed({
      listen: text,
      address: text,
      service: text,
      secret: text,
      peers: { type: 'array', items: text },
    }),
    hubEndpoint: text,
    hubTokenFile: text,
    record: text,
    logLevel: { enum: ['debug', 'info', 'warn', 'error'] },
  }),
  required: ['apiVersion', 'kind'],
};
const isConfig = new Ajv({ verbose: true }).compile<ControllerConfig>(schema);

/** Throws FILE_UNREADABLE or CONFIG_INVALID. */
export async function readControllerConfig(path: string): Promise<ControllerConfig> {
  const written = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new ForewarmError('FILE_UNREADABLE', `reading the configuration ${path}`, { cause });
  });
  const parsed = parseControllerConfig(written);
  if (parsed.ok) return parsed.value;
  throw new ForewarmError('CONFIG_INVALID', `reading the configuration ${path}: ${describe(parsed.problem)}`);
}

export function parseControllerConfig(written: string): Result<ControllerConfig> {
  let document: unknown;
  try {
    document = load(written);
  } catch (err) {
    return problem('(file)', err instanceof Error ? err.message.split('\n')[0] : 'unreadable', 'one YAML document');
  }
  return isConfig(document) ? ok(document) : { ok: false, problem: problemOf(isConfig.errors?.[0]) };
}

function problemOf(error: ErrorObject | undefined): Problem {
  const field = (error?.instancePath ?? '').slice(1).replaceAll('/', '.');
  const { additionalProperty, missingProperty, allowedValue } = { ...error?.params };
  if (additionalProperty !== undefined) {
    const path = field === '' ? String(additionalProperty) : `${field}.${String(additionalProperty)}`;
    return problem(path, 'present', 'absent: there is no such setting').problem;
  }
  if (missingProperty !== undefined) return problem(String(missingProperty), undefined, 'set').problem;
  const allowed =
    allowedValue === undefined ? (error?.message ?? 'valid').replace(/^must be /, '') : `'${String(allowedValue)}'`;
  return problem(field === '' ? '(file)' : field, error?.data, allowed).problem;
}

/** Values of flags, by the names under which commander keeps them; as written on a command line. */
export function flagValues({ lease, adapter, ...config }: ControllerConfig): Readonly<Record<string, string>> {
  const values: Readonly<Record<string, string | number | undefined>> = {
    namespace: config.namespace,
    leaseName: lease?.name,
    leaseNamespace: lease?.namespace,
    scrapeInterval: config.scrapeIntervalSeconds,
    prometheusAllow: config.prometheusAllow?.join(','),
    metricsBind: config.metricsBind,
    adapterListen: adapter?.listen,
    adapterAddress: adapter?.address,
    adapterService: adapter?.service,
    adapterSecret: adapter?.secret,
    adapterPeers: adapter?.peers?.join(','),
    hubEndpoint: config.hubEndpoint,
    hubTokenFile: config.hubTokenFile,
    record: config.record,
    logLevel: config.logLevel,
  };
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  );
}
