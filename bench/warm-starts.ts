import type { PoolReport } from '../src/core/model/report.ts';
import type { FleetSeen, NodeName, ReplicaSeen } from '../src/core/model/pool.ts';

/** One look of a policy at the simulated pool, and what it answered. */
export interface WarmLook {
  readonly seconds: number;
  readonly fleet: FleetSeen;
  readonly replicas: readonly ReplicaSeen[];
  /** What it ordered by this look: more replicas than before. */
  readonly ordered: number;
  readonly report?: PoolReport;
}

/** A start that ended: what was predicted when it was ordered, and what came. */
export interface Start {
  readonly isWarm: boolean;
  readonly seconds: number;
  /** p90 of decision to Ready for a node of that warmth, as it stood when it was ordered. */
  readonly predicted: number;
  /** Starts of that warmth that had been measured then. */
  readonly measured: number;
}

export interface WarmCounts {
  readonly starts: readonly Start[];
  /** Orders for which a node had been free for long enough to be warmed, and those of them that started warm. */
  readonly expectedWarm: number;
  readonly warm: number;
}

export interface WarmSetting {
  readonly gpusPerReplica: number;
  /** A node that has been free for so long could have been warmed. */
  readonly enoughSeconds: number;
}

interface Order {
  readonly seconds: number;
  readonly couldBeWarm: number;
  readonly leadTime: PoolReport['leadTime'];
}

/**
 * What became of each order: its replicas are those that were ordered at its look, told by their own time of order. A replica whose start does not end
 * is in no figure.
 */
export function warmCounts(looks: readonly WarmLook[], setting: WarmSetting): WarmCounts {
  const orders = ordersOf(looks, setting);
  const ended = endedStarts(looks);
  const starts: Start[] = [];
  let [expectedWarm, warm] = [0, 0];
  for (const order of orders) {
    const of = ended.filter(({ orderedAt }) => Math.abs(orderedAt - order.seconds) < 1);
    for (const { isWarm, seconds } of of) {
      const { warmSeconds, coldSeconds, warmStarts, coldStarts } = order.leadTime;
      const told = isWarm
        ? { predicted: warmSeconds, measured: warmStarts }
        : { predicted: coldSeconds, measured: coldStarts };
      starts.push({ isWarm, seconds, ...told });
    }
    const expected = Math.min(of.length, order.couldBeWarm);
    expectedWarm += expected;
    warm += Math.min(expected, of.filter(({ isWarm }) => isWarm).length);
  }
  return { starts, expectedWarm, warm };
}

function ordersOf(looks: readonly WarmLook[], { gpusPerReplica, enoughSeconds }: WarmSetting): readonly Order[] {
  const freeSince = new Map<NodeName, number>();
  return looks.flatMap(({ seconds, fleet, ordered, report }) => {
    let couldBeWarm = 0;
    for (const { node, freeGpus, isHealthy } of fleet.nodes) {
      const slots = isHealthy ? Math.floor(freeGpus / gpusPerReplica) : 0;
      if (slots === 0) freeSince.delete(node);
      else if (!freeSince.has(node)) freeSince.set(node, seconds);
      if (slots > 0 && seconds - (freeSince.get(node) ?? seconds) >= enoughSeconds) couldBeWarm += slots;
    }
    if (ordered <= 0 || report === undefined) return [];
    return [{ seconds, couldBeWarm, leadTime: report.leadTime }];
  });
}

interface Ended {
  readonly orderedAt: number;
  readonly seconds: number;
  readonly isWarm: boolean;
}

function endedStarts(looks: readonly WarmLook[]): readonly Ended[] {
  const all = new Map<string, Ended>();
  for (const { replicas } of looks) {
    for (const { id, milestones, startedWarm } of replicas) {
      const { orderedAt, readyAt } = milestones;
      if (orderedAt === undefined || readyAt === undefined || all.has(id)) continue;
      all.set(id, {
        orderedAt: orderedAt / 1000,
        seconds: (readyAt - orderedAt) / 1000,
        isWarm: startedWarm === true,
      });
    }
  }
  return [...all.values()];
}
