import type { Action } from '../core/model/decision.ts';
import { isForewarmError } from '../errors.ts';
import type { Clock, Publisher, TickInput, TickOutput } from '../ports/index.ts';
import type { ReplicaReading } from '../ports/replica-reader.ts';
import type { Telemetry } from '../ports/telemetry.ts';
import type { PrimingOutcome } from './priming.ts';

/** What the loop itself does and fails to do, counted. */
export class ControllerMetrics implements Publisher {
  readonly #telemetry: Telemetry;
  readonly #clock: Clock;
  #isLeader = false;

  constructor(telemetry: Telemetry, clock: Clock) {
    this.#telemetry = telemetry;
    this.#clock = clock;
  }

  passed(milliseconds: number): void {
    this.#telemetry.observe('forewarm_tick_duration_seconds', milliseconds / 1000);
    this.#telemetry.set('forewarm_last_successful_tick_timestamp_seconds', this.#clock.now() / 1000);
  }

  failed(err: unknown): void {
    this.#telemetry.count('forewarm_tick_failures_total', { code: codeOf(err) });
  }

  acted({ kind }: Action, err: unknown): void {
    if (kind === 'Scale') {
      const outcome = err === undefined ? 'written' : isForewarmError(err, 'SCALE_CONFLICT') ? 'conflict' : 'failed';
      this.#telemetry.count('forewarm_scale_writes_total', { outcome });
    } else if (err !== undefined) {
      this.#telemetry.count('forewarm_action_failures_total', { action: kind, code: codeOf(err) });
    }
  }

  read({ engine = '', failure }: ReplicaReading): void {
    this.#telemetry.count('forewarm_scrape_attempts_total', { engine });
    if (failure !== undefined) this.#telemetry.count('forewarm_scrape_failures_total', { engine, code: failure });
  }

  primed({ bins, problem }: PrimingOutcome): void {
    const outcome = bins > 0 ? 'primed' : problem === undefined ? 'empty' : 'failed';
    this.#telemetry.count('forewarm_primings_total', { outcome });
  }

  leads(isLeader: boolean): void {
    if (isLeader === this.#isLeader) return;
    this.#isLeader = isLeader;
    this.#telemetry.set('forewarm_leader', isLeader ? 1 : 0);
    this.#telemetry.count('forewarm_leader_transitions_total');
  }

  /** Whether anybody acts on what is published; only mode Recommend publishes. */
  publish(_output: TickOutput, input: TickInput): Promise<void> {
    for (const { seen, policy } of input.pools) {
      this.#telemetry.forget('forewarm_not_followed', { pool: seen.pool });
      if (policy.mode !== 'Recommend') continue;
      for (const { target, otherOwner } of seen.targets) {
        const isFollowed = otherOwner?.followsUs === true && otherOwner.problem === undefined;
        this.#telemetry.set('forewarm_not_followed', isFollowed ? 0 : 1, { pool: seen.pool, target });
      }
    }
    return Promise.resolve();
  }
}

function codeOf(err: unknown): string {
  return isForewarmError(err) ? err.code : 'UNEXPECTED';
}
