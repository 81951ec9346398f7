import { amount, percent } from './format.ts';
import { flipsOf, flipText } from './ranking.ts';
import { meanRows, policyRows, type SummaryRow } from './summary.ts';
import type { SimResult } from '../result.ts';

/** More than anybody reads above a table, which marks them all. */
const mostFlips = 6;

/** What must be said of results beside their numbers: how far an oracle is from a policy, and what the band upsets. */
export function resultNotes(results: readonly SimResult[]): readonly string[] {
  return [...roleNotes(results), ...oracleNotes(policyRows(results)), ...bandNotes(results)];
}

function roleNotes(results: readonly SimResult[]): readonly string[] {
  return results.some(({ isValidated }) => isValidated === false)
    ? [
        'Prefill and decode are apart here: nobody held this to a real engine. Policies size the decoders; the prefill replicas are fixed and paid for.',
      ]
    : [];
}

function oracleNotes(rows: readonly SummaryRow[]): readonly string[] {
  const oracles = rows.filter(({ isRealisable }) => isRealisable === false);
  const [first] = oracles;
  if (first === undefined) return [];
  const least = oracles
    .filter(({ policy }) => policy === first.policy)
    .map(({ leastGpuHours }) => (leastGpuHours === undefined ? '-' : amount(leastGpuHours)));
  const names = [...new Set(oracles.map(({ policy }) => policy))].join(' and ');
  const short = oracles.flatMap(({ policy, attainment }) =>
    policy === 'oracle' && attainment !== null && attainment < 0.99 ? [percent(attainment)] : [],
  );
  return [
    `Nobody can build ${names}: the true arrivals are known there. Work / capacity: no fleet serves this load below ${[...new Set(least)].join(', ')} GPU-hours.`,
    ...(short.length === 0
      ? []
      : [
          `Even the oracle attains ${short.join(', ')} only: --max-replicas is too few, or requests miss on an idle replica (long prompts).`,
        ]),
  ];
}

/** One line a pair that changes places, or one that says that none does. */
function bandNotes(results: readonly SimResult[]): readonly string[] {
  if (results.every(({ iterationFactor = 1 }) => iterationFactor === 1)) return [];
  const isSweep = new Set(results.map(({ coldStartSeconds }) => coldStartSeconds)).size > 1;
  const means = meanRows(results);
  const flips = flipsOf(means);
  if (flips.length === 0) {
    const factors = results.map(({ iterationFactor = 1 }) => iterationFactor);
    const band = `between ${Math.min(...factors)} and ${Math.max(...factors)} x the iteration time`;
    return isWhole(means) ? [`No two policies change places ${band}.`] : [];
  }
  const rest = flips.length - mostFlips;
  return [
    ...flips.slice(0, mostFlips).map((flip) => `* ${flipText(flip, isSweep)}.`),
    ...(rest > 0 ? [`* ${rest} more pairs change places; '-o json' names them all (ranking.flips).`] : []),
  ];
}

/** Nothing was interrupted: each policy was run at as many factors as any other. */
function isWhole(means: readonly SummaryRow[]): boolean {
  const counts = means.map(
    ({ policy, coldStartSeconds }) =>
      means.filter((other) => other.policy === policy && other.coldStartSeconds === coldStartSeconds).length,
  );
  return new Set(counts).size === 1 && counts.every((count) => count > 1);
}
