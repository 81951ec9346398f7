import { expect, test } from 'vitest';
import { keepAutoscaler } from '../../../src/adapters/kube/autoscaler.ts';
import { Cluster } from '../../../src/adapters/kube/cluster.ts';
import { FollowerViews } from '../../../src/adapters/kube/follower-views.ts';
import { keepHpa } from '../../../src/adapters/kube/hpa.ts';
import { KubeHttp } from '../../../src/adapters/kube/http.ts';
import { keepWorkload } from '../../../src/adapters/kube/workload.ts';
import { withheldPrefix } from '../../../src/core/model/withheld.ts';
import { autoscalerObject, deploymentObject, hpaObject } from '../../support/kube-objects.ts';
import { StepClock } from '../../support/step-clock.ts';

/** A cluster that is told what it would watch: pool `team-a/chat` and its Deployment. */
class Scene {
  readonly clock: StepClock = new StepClock();
  readonly cluster: Cluster;

  constructor() {
    const credentials = (): Promise<never> => Promise.reject(new Error('no calls'));
    const connection = { server: 'http://127.0.0.1:1', namespace: 'default', credentials };
    const http = new KubeHttp({ connection, clock: this.clock, random: () => 0, userAgent: 'test' });
    this.cluster = new Cluster({ http, clock: this.clock, random: () => 0, onProblem: () => undefined });
    this.#set(this.cluster.autoscalers, keepAutoscaler(autoscalerObject()));
  }

  sized(spec: number, status: number): void {
    const object = deploymentObject({ replicas: spec, status: { replicas: status, updatedReplicas: status } });
    this.#set(this.cluster.deployments, keepWorkload('Deployment')(object));
  }
  hpa(over: Parameters<typeof hpaObject>[0]): void {
    this.#set(this.cluster.hpas, keepHpa(hpaObject(over)));
  }
  views(): FollowerViews {
    return new FollowerViews(this.cluster, () => this.clock.now());
  }

  #set<T>(store: { set(item: T): void }, item: T | undefined): void {
    if (item === undefined) throw new TypeError('not kept');
    store.set(item);
  }
}

test('a follower may have read each size of the last two seconds; the one that stands is last', () => {
  const scene = new Scene();
  scene.sized(12, 12);
  const views = scene.views();
  scene.clock.pass(10_000);
  scene.sized(12, 13);
  scene.clock.pass(1000);
  scene.sized(12, 15);
  const sizes = (): readonly string[] =>
    (views.of('team-a/chat', 'chat')?.sizes ?? []).map(({ spec, status }) => `${spec}/${status}`);
  expect(sizes()).toStrictEqual(['12/12', '12/13', '12/15']);
  scene.clock.pass(1500);
  expect(sizes()).toStrictEqual(['12/13', '12/15']);
  scene.clock.pass(1000);
  expect(sizes()).toStrictEqual(['12/15']);
});

test('nothing is known of a target without a workload, nor of a pool that is not there', () => {
  const scene = new Scene();
  const views = scene.views();
  expect(views.of('team-a/chat', 'chat')).toBeUndefined();
  expect(views.of('team-b/chat', 'chat')).toBeUndefined();
});

const tolerances: Readonly<Record<string, { readonly hpa?: Parameters<typeof hpaObject>[0]; readonly want: string }>> =
  {
    'nobody follows': { want: '0.1 0.1' },
    'the HPA says nothing': { hpa: {}, want: '0.1 0.1' },
    'the HPA follows the recipe': {
      hpa: { behavior: { scaleUp: { tolerance: '0' }, scaleDown: { tolerance: '0' } } },
      want: '0 0',
    },
    'the HPA says one direction': { hpa: { behavior: { scaleUp: { tolerance: '0.05' } } }, want: '0.05 0.1' },
    'the HPA follows somebody else': {
      hpa: { selector: { autoscaler: 'other' }, behavior: { scaleUp: { tolerance: '0' } } },
      want: '0.1 0.1',
    },
  };
for (const [name, { hpa, want }] of Object.entries(tolerances)) {
  for (const isEarly of [true, false]) {
    test(`tolerance when ${name}, seen ${isEarly ? 'before' : 'after'} the views were made: ${want}`, () => {
      const scene = new Scene();
      scene.sized(2, 2);
      if (hpa !== undefined && isEarly) scene.hpa(hpa);
      const views = scene.views();
      if (hpa !== undefined && !isEarly) scene.hpa(hpa);
      const { up, down } = views.of('team-a/chat', 'chat')?.tolerance ?? {};
      expect(`${up} ${down}`).toBe(want);
    });
  }
}

const failing = (message: string): Parameters<typeof hpaObject>[0] => ({
  conditions: [{ type: 'ScalingActive', status: 'False', reason: 'FailedGetExternalMetric', message }],
});
const printed =
  'unable to get external metric team-a/forewarm_desired_replicas/&LabelSelector{MatchLabels:map[string]string{autoscaler: chat,target: chat,},MatchExpressions:[]LabelSelectorRequirement{},}: ';

test('an HPA that repeats why a size is withheld has heard us: that is no problem', () => {
  expect(keepHpa(hpaObject(failing(`${printed}${withheldPrefix}: no signal is known`)))?.problem).toBeUndefined();
});

test('the problem of an HPA is told without the selector that would push its cause out of the message', () => {
  expect(keepHpa(hpaObject(failing(`${printed}no such service`)))?.problem).toBe(
    'FailedGetExternalMetric: unable to get external metric team-a/forewarm_desired_replicas: no such service',
  );
});
