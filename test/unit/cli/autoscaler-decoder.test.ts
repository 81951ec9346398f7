import { expect, test } from 'vitest';
import type { AutoscalerKept } from '../../../src/adapters/kube/autoscaler.ts';
import { AutoscalerDecoder } from '../../../src/cli/autoscaler-decoder.ts';
import { instant } from '../../../src/core/model/units.ts';
import { SkippingClock } from '../../support/step-clock.ts';

const hour = 3_600_000;
const start = Date.parse('2027-01-11T05:00:00Z');

/** An object as the store keeps it: the same one until it changed. */
function kept(cron?: string): AutoscalerKept {
  const schedules = cron === undefined ? {} : { schedules: [{ start: cron, durationSeconds: 3600, replicas: 3 }] };
  const raw = { metadata: { name: 'chat' }, spec: { targets: [{ scaleTargetRef: { name: 'chat' } }], ...schedules } };
  return { key: 'team-a/chat', raw } as unknown as AutoscalerKept;
}

test('floors are expanded anew when the object changed or an hour passed, and not between', () => {
  const decoder = new AutoscalerDecoder(new SkippingClock(), new Map());
  const one = kept('0 8 * * *');
  const first = decoder.floorsOf(one, instant(start));
  expect(first.map(({ from }) => from)).toStrictEqual([start + 3 * hour]);
  expect(decoder.floorsOf(one, instant(start + hour - 1))).toBe(first);
  expect(decoder.floorsOf(one, instant(start + hour))).not.toBe(first);
  expect(decoder.floorsOf(kept('0 9 * * *'), instant(start + hour)).map(({ from }) => from)).toStrictEqual([
    start + 4 * hour,
  ]);
  expect(decoder.floorsOf(kept(), instant(start))).toStrictEqual([]);
});
