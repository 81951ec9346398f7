import type { Evidence } from '../model/decision.ts';
import type { Because } from '../model/reason.ts';
import { isCovered } from './coverage.ts';
import { requiredSignals, type Observation, type RequiredSignal } from './observe.ts';

/** What a pool's samples allow: a decrease needs every required signal on enough replicas (I2), zero needs every one of them at 0. */
export function evidenceOf(observation: Observation): Evidence {
  const gaps = missingSignals(observation);
  const isBare = observation.signals.running.of === 0;
  const gateway = observation.gatewayQueue;
  const isAnythingKnown =
    gateway.kind === 'known' || requiredSignals.some((name) => observation.signals[name].fresh > 0);
  const allowsDecrease = !isBare && gaps.length === 0 && !observation.readings.some(vetoes);
  const because = allowsDecrease ? undefined : refusal(observation, gaps);
  return {
    allowsDecrease,
    isAnythingKnown,
    showsIdle: showsIdle(observation),
    ...(because === undefined ? {} : { because }),
  };
}

/**
 * Names of the signals that are missing, with what is known of why; the gateway's queue among them where there is a gateway. `forgiven` replicas
 * are not asked yet: a decrease forgives none, a condition those that just became ready.
 */
export function missingSignals({ signals, gatewayQueue }: Observation, forgiven = 0): readonly string[] {
  const gaps: string[] = [];
  for (const name of requiredSignals) {
    const state = signals[name];
    const due = state.of - forgiven;
    const isMissing = due > 0 && state.isMissing && !isCovered(state.fresh, due);
    if (isMissing && !isOptional(name, state.isNotExposed)) {
      gaps.push(`${name} on ${state.of - state.fresh} of ${state.of} replicas (${state.cause ?? 'unknown'})`);
    }
  }
  if (gatewayQueue.kind === 'missing') gaps.push(`gateway queue (${gatewayQueue.cause})`);
  return gaps;
}

/** An engine without KV gauge or request counter is read without it; one without queue and concurrency is not read at all. */
function isOptional(name: RequiredSignal, isNotExposed: boolean): boolean {
  return isNotExposed && (name === 'kvUse' || name === 'finishedTotal');
}

/** A replica whose gauges claim work that no counter shows may be wedged or idle: until it is dark, nothing is given back. */
function vetoes(reading: Observation['readings'][number]): boolean {
  return reading.isStuck && !reading.isDark;
}

function refusal(observation: Observation, gaps: readonly string[]): Because {
  if (gaps.length > 0) return { reason: 'SignalsMissing', message: short(`missing: ${gaps.join('; ')}`) };
  const stuck = observation.readings.filter(vetoes).map((reading) => reading.seen.name);
  if (stuck.length > 0) {
    return { reason: 'NoPositiveEvidence', message: short(`gauges do not move on ${stuck.join(', ')}`) };
  }
  return { reason: 'NoPositiveEvidence', message: 'no replica serves yet, so nothing shows how much is needed' };
}

function showsIdle({ readings, signals, gatewayQueue }: Observation): boolean {
  if (gatewayQueue.kind === 'missing') return false;
  if (gatewayQueue.kind === 'known' && gatewayQueue.value > 0) return false;
  if (readings.length === 0) return gatewayQueue.kind === 'known';
  const isComplete = signals.running.fresh === readings.length && signals.waiting.fresh === readings.length;
  return isComplete && signals.running.sum === 0 && signals.waiting.sum === 0;
}

/** A message fits a condition and an event. */
export function short(message: string): string {
  return message.length <= 200 ? message : `${message.slice(0, 197)}...`;
}
