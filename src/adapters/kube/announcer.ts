import type { AutoscalerKept } from './autoscaler.ts';
import type { EventRecorder, Occurrence } from './events.ts';
import { isJson, type Json, list, object, text } from './fields.ts';

/** The status in which a condition is bad news. */
const badStatus: Readonly<Record<string, string>> = {
  Ready: 'False',
  MetricsAvailable: 'False',
  AbleToScale: 'False',
  ReplicasHealthy: 'False',
  ConflictDetected: 'True',
  DrainUnsafe: 'True',
  Followed: 'False',
};

/** Events for conditions that turn bad and for those that turn good again; silence while nothing changes. */
export class Announcer {
  readonly #events: Pick<EventRecorder, 'record'>;
  readonly #told = new Map<string, ReadonlyMap<string, string>>();

  constructor(events: Pick<EventRecorder, 'record'>) {
    this.#events = events;
  }

  tell(autoscaler: AutoscalerKept, status: Json): void {
    const before = this.#told.get(autoscaler.uid) ?? statusesOf(object(autoscaler.raw, 'status'));
    const now = statusesOf(status);
    for (const condition of list(status, 'conditions').filter(isJson)) {
      const type = text(condition, 'type') ?? '';
      const bad = badStatus[type];
      const [was, is] = [before.get(type), now.get(type)];
      if (bad === undefined || was === is || (is !== bad && was !== bad)) continue;
      this.#events.record(occurrence(autoscaler, condition, is === bad));
    }
    this.#told.set(autoscaler.uid, now);
  }
}

function occurrence({ namespace, name, uid }: AutoscalerKept, condition: Json, isBad: boolean): Occurrence {
  return {
    regarding: { apiVersion: 'forewarm.dev/v1alpha1', kind: 'InferenceAutoscaler', namespace, name, uid },
    type: isBad ? 'Warning' : 'Normal',
    reason: text(condition, 'reason') ?? 'Changed',
    action: 'Observe',
    note: `${text(condition, 'type') ?? ''} is ${text(condition, 'status') ?? ''}: ${text(condition, 'message') ?? ''}`,
  };
}

function statusesOf(status: Json): ReadonlyMap<string, string> {
  return new Map(list(status, 'conditions').map((one) => [text(one, 'type') ?? '', text(one, 'status') ?? '']));
}
