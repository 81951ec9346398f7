import { InvalidArgumentError, Option } from 'commander';
import { type Allowance, clusterServices, parseAllowance } from '../adapters/prometheus/allowance.ts';
import { describe } from '../core/model/result.ts';
import { list } from './flags.ts';

/** Given, it says all that is allowed: a list without `cluster` narrows the default. */
export function prometheusAllowOption(): Option {
  return new Option(
    '--prometheus-allow <urls>',
    `address prefixes of the Prometheus servers that autoscalers may name, separated by commas; '${clusterServices}': any Service, as NAME.NAMESPACE.svc`,
  )
    .default(prometheusAllow(clusterServices), clusterServices)
    .argParser(prometheusAllow);
}

export function prometheusAllow(written: string): Allowance {
  const parsed = parseAllowance(list(written));
  if (parsed.ok) return parsed.value;
  const { problem } = parsed;
  throw new InvalidArgumentError(`It must be ${describe(problem).replace(/^`[^`]*` must be /, '')}.`);
}
