import { expect, onTestFinished, test } from 'vitest';
import { Reflector } from '../../../src/adapters/kube/reflector.ts';
import { type Change, type Kept, Store, versionOf } from '../../../src/adapters/kube/store.ts';
import { explainError } from '../../../src/errors.ts';
import { KubeServer, refuse } from '../../support/kube-server.ts';
import { SkippingClock } from '../../support/step-clock.ts';

const collection = '/api/v1/pods';
const path = (name: string): string => `/api/v1/namespaces/a/pods/${name}`;

interface Setup {
  readonly server: KubeServer;
  readonly store: Store<Kept>;
  readonly clock: SkippingClock;
  readonly problems: string[];
  readonly changes: string[];
  /** Until the store holds exactly these names. */
  readonly holds: (...names: readonly string[]) => Promise<void>;
}

/** A reflector at work; `begin` prepares the server before its first request. */
async function reflecting(begin: (server: KubeServer) => void = () => undefined): Promise<Setup> {
  const server = await KubeServer.listen();
  begin(server);
  const store = new Store<Kept>();
  const clock = new SkippingClock();
  const problems: string[] = [];
  const changes: string[] = [];
  let told: () => void = () => undefined;
  store.onChange((change) => {
    changes.push(described(change));
    told();
  });
  const stop = new AbortController();
  const running = new Reflector({
    http: server.http(clock),
    clock,
    random: () => 0.5,
    path: collection,
    transform: (raw) => versionOf(raw),
    store,
    onProblem: (err) => problems.push(explainError(err)),
  }).run(stop.signal);
  onTestFinished(async () => {
    stop.abort();
    await running;
  });
  const holds = async (...names: readonly string[]): Promise<void> => {
    const wanted = names.map((name) => `a/${name}`).sort();
    while (JSON.stringify(store.list().map(({ key }) => key)) !== JSON.stringify(wanted)) {
      await new Promise<void>((resolve) => {
        told = resolve;
      });
    }
  };
  return { server, store, clock, problems, changes, holds };
}

function described({ before, after }: Change<Kept>): string {
  if (after === undefined) return `- ${before?.key ?? ''}`;
  return `${before === undefined ? '+' : '~'} ${after.key}`;
}

test('a list in pages is one list, and each object is heard of once', async () => {
  const { store, holds, changes, server } = await reflecting((s) => {
    for (let i = 0; i < 3; i++) s.put(path(`p${i}`), {});
    s.interfere = (request) => {
      request.query.set('limit', '2');
      return undefined;
    };
  });
  await holds('p0', 'p1', 'p2');
  expect(store.isSynced).toBe(true);
  expect(changes).toHaveLength(3);
  expect(server.requests.filter(({ query }) => query.has('continue'))).toHaveLength(1);
});

test('changes and ends arrive by the watch', async () => {
  const { server, holds, changes } = await reflecting((s) => s.put(path('p0'), {}));
  await holds('p0');
  await server.watching(collection);
  server.put(path('p1'), {});
  await holds('p0', 'p1');
  server.remove(path('p0'));
  await holds('p1');
  expect(changes).toStrictEqual(['+ a/p0', '+ a/p1', '- a/p0']);
});

test('a bookmark moves the version from which the next watch begins', async () => {
  const { server } = await reflecting((s) => s.put(path('p0'), {}));
  await server.watching(collection);
  server.say(collection, JSON.stringify({ type: 'BOOKMARK', object: { metadata: { resourceVersion: '777' } } }));
  server.endWatches();
  await server.watching(collection);
  const watches = server.requests.filter(({ query }) => query.get('watch') === 'true');
  expect(watches.at(-1)?.query.get('resourceVersion')).toBe('777');
  expect(watches.at(-1)?.query.get('allowWatchBookmarks')).toBe('true');
});

const interruptions: Readonly<Record<string, (server: KubeServer) => void>> = {
  'the watch ends in order': (server) => server.endWatches('end'),
  'the connection is cut': (server) => server.endWatches('destroy'),
  'the version is too old, as an event': (server) => {
    server.say(
      collection,
      JSON.stringify({ type: 'ERROR', object: { code: 410, reason: 'Expired', message: 'too old' } }),
    );
  },
  'the server fails, as an event': (server) => {
    server.say(collection, JSON.stringify({ type: 'ERROR', object: { code: 500, message: 'etcd is away' } }));
  },
  'a line is broken': (server) => server.say(collection, '{"type":"MODI'),
};
for (const [name, interrupt] of Object.entries(interruptions)) {
  test(`nothing is missed when ${name}`, async () => {
    const { server, store, holds } = await reflecting((s) => s.put(path('p0'), {}));
    await server.watching(collection);
    interrupt(server);
    server.remove(path('p0'));
    server.put(path('p1'), {});
    await holds('p1');
    expect(store.list().map(({ key }) => key)).toStrictEqual(['a/p1']);
  });
}

const refusals = {
  'too many requests': 429,
  'an internal error': 500,
  'no right for a while': 403,
  gone: 410,
} as const;
for (const [name, status] of Object.entries(refusals)) {
  test(`${name} on a watch is waited out, with longer and longer pauses`, async () => {
    let left = 4;
    const { server, holds, clock } = await reflecting((s) => {
      s.interfere = ({ query }, response) => {
        if (query.get('watch') !== 'true' || left-- <= 0) return undefined;
        refuse(response, status, 'Refused');
        return true;
      };
    });
    await server.watching(collection);
    server.put(path('p1'), {});
    await holds('p1');
    const pauses = clock.slept.filter((pause) => pause >= 800);
    expect(pauses.slice(0, 4)).toStrictEqual([1200, 2400, 4800, 9600]);
  });
}

test('too many requests keep the version: the server is not asked for a whole list on top', async () => {
  let left = 3;
  const { server } = await reflecting((s) => {
    s.interfere = ({ query }, response) => {
      if (query.get('watch') !== 'true' || left-- <= 0) return undefined;
      refuse(response, 429, 'TooManyRequests', { 'retry-after': '5' });
      return true;
    };
  });
  await server.watching(collection);
  expect(server.requests.filter(({ query }) => query.get('watch') !== 'true')).toHaveLength(1);
});

test('an object made anew under the same name is a new object', async () => {
  const { server, holds, changes } = await reflecting((s) => s.put(path('p0'), { metadata: { uid: 'one' } }));
  await server.watching(collection);
  server.endWatches('destroy');
  server.remove(path('p0'));
  server.put(path('p0'), { metadata: { uid: 'two' } });
  server.put(path('p1'), {});
  await holds('p0', 'p1');
  expect(changes.slice(0, 3)).toStrictEqual(['+ a/p0', '- a/p0', '+ a/p0']);
});
