import type { Action } from '../core/model/decision.ts';
import type { FleetMemory } from '../core/model/memory.ts';
import { type TickInput, type TickOutput, tickSteps } from '../core/tick.ts';
import type { Breathe } from '../ports/breathe.ts';
import type { Actuators, MemoryStore, Publisher, Recorder, Sensors } from '../ports/index.ts';
import { paced } from './breath.ts';

export interface PassPorts {
  readonly sensors: Sensors;
  readonly memory: MemoryStore;
  readonly actuators: Actuators;
  readonly publishers: readonly Publisher[];
  readonly recorder?: Recorder;
  /** @default never: the whole pass in one turn */
  readonly breathe?: Breathe;
  /** Told of each action that failed and of each that was done; its outcome itself is learnt from the next look. */
  readonly onAction: (action: Action, err: unknown) => void;
  /** Telling failed: what was decided and done stands all the same. */
  readonly onUntold: (err: unknown) => void;
}

export interface Passed {
  readonly input: TickInput;
  readonly output: TickOutput;
  readonly failures: number;
}

/**
 * One turn: look, decide, remember, act, tell. A failed action never stops the next one. Writes do not end with the signal: one that was sent is
 * waited for (it has its own deadline), so that nothing is on its way when the lease is given back.
 */
export async function pass(before: FleetMemory, ports: PassPorts, signal: AbortSignal): Promise<Passed> {
  const input = await ports.sensors.observe(signal);
  const output = await paced(tickSteps(before, input), ports.breathe ?? (() => undefined), signal);
  signal.throwIfAborted();
  const steady = new AbortController().signal;
  await ports.memory.save(output, input, steady); // before the actions: what was decided is never forgotten
  const failures = await act(output.actions, ports, signal);
  for (const publisher of ports.publishers) await told(() => publisher.publish(output, input, signal), ports, signal);
  await told(async () => await ports.recorder?.record(input, output, before), ports, signal);
  return { input, output, failures };
}

/** A full disk or a mistake in a report must not cost the memory of what was just done. */
async function told(tell: () => Promise<void>, { onUntold }: PassPorts, signal: AbortSignal): Promise<void> {
  try {
    await tell();
  } catch (err) {
    signal.throwIfAborted();
    onUntold(err);
  }
}

async function act(actions: readonly Action[], ports: PassPorts, signal: AbortSignal): Promise<number> {
  let failures = 0;
  for (const action of actions) {
    signal.throwIfAborted();
    try {
      await ports.actuators.perform(action, new AbortController().signal);
      ports.onAction(action, undefined);
    } catch (err) {
      failures += 1;
      ports.onAction(action, err);
    }
  }
  return failures;
}
