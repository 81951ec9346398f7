import { expect, onTestFinished, test } from 'vitest';
import { EventRecorder, type Occurrence } from '../../../src/adapters/kube/events.ts';
import { systemClock } from '../../../src/adapters/clock.ts';
import { KubeHttp } from '../../../src/adapters/kube/http.ts';
import { KubeServer, refuse } from '../../support/kube-server.ts';
import { SkippingClock } from '../../support/step-clock.ts';

const occurrence: Occurrence = {
  regarding: {
    apiVersion: 'forewarm.dev/v1alpha1',
    kind: 'InferenceAutoscaler',
    namespace: 'team-a',
    name: 'chat',
    uid: 'u1',
  },
  type: 'Normal',
  reason: 'Scaled',
  action: 'Scale',
  note: 'Scaled Deployment/chat from 1 to 3',
};
const collection = '/apis/events.k8s.io/v1/namespaces/team-a/events';

interface Scene {
  readonly server: KubeServer;
  readonly clock: SkippingClock;
  readonly recorder: EventRecorder;
  /** Until the server has had so many requests. */
  readonly asked: (requests: number) => Promise<void>;
}

async function scene(): Promise<Scene> {
  const server = await KubeServer.listen();
  const clock = new SkippingClock();
  const http = new KubeHttp({
    connection: server.connection(),
    clock: systemClock(),
    random: () => 0,
    userAgent: 'test',
  });
  const recorder = new EventRecorder({ http, clock, instance: 'pod-1', onProblem: () => undefined });
  const stop = new AbortController();
  const running = recorder.run(stop.signal);
  onTestFinished(async () => {
    stop.abort();
    await running;
    await http.close();
  });
  const asked = async (requests: number): Promise<void> => {
    while (server.requests.length < requests || recorder.queued > 0)
      await new Promise((resolve) => setImmediate(resolve));
  };
  return { server, clock, recorder, asked };
}

test('an event is of events.k8s.io/v1, with a time of six decimals', async () => {
  const { server, recorder, asked } = await scene();
  recorder.record(occurrence);
  await asked(1);
  expect(server.requests[0]).toMatchObject({
    method: 'POST',
    path: collection,
    body: {
      reportingController: 'forewarm.dev/controller',
      reportingInstance: 'pod-1',
      reason: 'Scaled',
      note: occurrence.note,
      eventTime: expect.stringMatching(/\.\d{6}Z$/),
    },
  });
});

test('the same thing again is counted in its event, at most once a minute', async () => {
  const { server, recorder, clock, asked } = await scene();
  for (let i = 0; i < 5; i++) recorder.record(occurrence);
  await asked(1);
  clock.pass(61_000);
  recorder.record(occurrence);
  await asked(2);
  expect(server.requests.map(({ method }) => method)).toStrictEqual(['POST', 'PATCH']);
  expect(server.requests[1]?.body).toMatchObject({ series: { count: 6 } });
});

test('what was done differently is another event at once: no event says what did not happen', async () => {
  const { server, recorder, asked } = await scene();
  recorder.record(occurrence);
  recorder.record({ ...occurrence, note: 'Scaled Deployment/chat from 3 to 2' });
  await asked(2);
  expect(server.requests.map(({ method }) => method)).toStrictEqual(['POST', 'POST']);
  expect(server.requests[1]?.body).toMatchObject({ note: 'Scaled Deployment/chat from 3 to 2' });
});

test('a warning whose figures change is written anew at most once a minute', async () => {
  const { server, recorder, clock, asked } = await scene();
  const warning = { ...occurrence, type: 'Warning', reason: 'SignalsMissing', action: 'Observe' } as const;
  for (const n of [1, 2, 3]) recorder.record({ ...warning, note: `missing on ${n} of 4 replicas` });
  await asked(1);
  clock.pass(61_000);
  recorder.record({ ...warning, note: 'missing on 4 of 4 replicas' });
  await asked(2);
  expect(server.requests.map(({ method }) => method)).toStrictEqual(['POST', 'POST']);
  expect(server.requests[1]?.body).toMatchObject({ note: 'missing on 4 of 4 replicas' });
});

test('one object cannot flood the server: what is too much is dropped and counted', async () => {
  const { server, recorder, asked } = await scene();
  for (let i = 0; i < 1000; i++) recorder.record({ ...occurrence, reason: `R${i}` });
  await asked(25);
  expect(recorder.dropped).toBe(975);
  recorder.record({ ...occurrence, regarding: { ...occurrence.regarding, uid: 'u2' } });
  await asked(26);
  expect(server.writes()).toHaveLength(26);
});

test('a server that refuses events costs only them', async () => {
  const { server, recorder, asked } = await scene();
  let isAway = true;
  server.interfere = (_request, response) => {
    if (isAway) refuse(response, 500, 'InternalError');
    return isAway;
  };
  recorder.record(occurrence);
  await asked(1);
  isAway = false;
  recorder.record({ ...occurrence, reason: 'Next' });
  await asked(2);
  expect(server.get(`${collection}/x`)).toBeUndefined();
  expect(server.requests[1]?.body).toMatchObject({ reason: 'Next' });
});
