import { expect, test } from 'vitest';
import { settle } from '../../../src/core/settle.ts';
import { fleetMemory, recommendation, settleInput, target } from '../../support/settle-builders.ts';

test('a recommendation in mode Scale becomes one Scale action and a decision with its reason', () => {
  const { actions, decisions } = settle(
    settleInput({ recommendations: [recommendation({ targets: [target({ specReplicas: 2, wanted: 4 })] })] }),
  );
  expect(actions).toStrictEqual([{ kind: 'Scale', pool: 'team-a/chat', target: 'chat', from: 2, to: 4 }]);
  expect(decisions[0]).toMatchObject({ replicas: 4, from: 2, isHeld: false, because: [{ reason: 'DemandMet' }] });
});

test('the memory that settle returns leads to no action when the size has followed', () => {
  const first = settle(
    settleInput({
      recommendations: [recommendation({ targets: [target({ specReplicas: 2, wanted: 4 })] })],
      memory: fleetMemory(),
    }),
  );
  const again = settle(
    settleInput({
      recommendations: [recommendation({ targets: [target({ specReplicas: 4, wanted: 4 })] })],
      memory: first.memory,
    }),
  );
  expect(again.actions).toStrictEqual([]);
});
