import { ok, problem, type Result } from '../../core/model/result.ts';
import type { AssignedArtifact, NodeCacheClient, NodeCacheSpec, NodeCacheStatus } from '../../ports/artifacts.ts';
import type { Clock } from '../../ports/index.ts';
import { list, object, text } from './fields.ts';
import { type KubeHttp, statusOf } from './http.ts';
import { Reflector } from './reflector.ts';
import { type Kept, Store, versionOf } from './store.ts';

export interface NodeCacheOptions {
  readonly http: KubeHttp;
  readonly clock: Clock;
  readonly random: () => number;
  readonly node: string;
  readonly onProblem: (err: unknown) => void;
}

interface SpecKept extends Kept {
  readonly spec: NodeCacheSpec;
}

const path = '/apis/forewarm.dev/v1alpha1/nodecaches';

/** The node's own NodeCache: watched by field selector, its status written by merge patch, nothing else read or written. */
export class KubeNodeCache implements NodeCacheClient {
  readonly #options: NodeCacheOptions;
  #written: string | undefined;
  constructor(options: NodeCacheOptions) {
    this.#options = options;
  }

  async *watch(signal: AbortSignal): AsyncGenerator<NodeCacheSpec | undefined> {
    const { http, clock, random, node, onProblem } = this.#options;
    const store = new Store<SpecKept>();
    const mailbox = new Mailbox();
    store.onChange(() => mailbox.put());
    const query = { fieldSelector: `metadata.name=${node}` };
    const transform = (raw: unknown): SpecKept | undefined => this.#keep(raw);
    const reflector = new Reflector({ http, clock, random, path, query, transform, store, onProblem });
    const running = reflector.run(signal);
    let last: string | undefined;
    while (!signal.aborted) {
      const spec = store.get(node)?.spec;
      const seen = JSON.stringify(spec) ?? 'absent';
      if (store.isSynced && seen !== last) {
        last = seen;
        if (spec === undefined) this.#written = undefined; // a new object starts without status
        yield spec;
      } else if (!(await mailbox.next(clock, signal))) break;
    }
    await running;
  }

  async report(status: NodeCacheStatus, signal: AbortSignal): Promise<void> {
    const { http, clock, node } = this.#options;
    const whole = JSON.stringify(status);
    if (whole === this.#written) return;
    const reportedTime = new Date(clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
    const body = { status: { ...status, reportedTime } };
    try {
      await http.call({ verb: 'PATCH', path: `${path}/${encodeURIComponent(node)}/status`, body }, signal);
      this.#written = whole;
    } catch (err) {
      if (statusOf(err) !== 404) throw err; // no object: nobody to tell, and the watch says when there is one
    }
  }

  #keep(raw: unknown): SpecKept | undefined {
    const spec = parseSpec(raw);
    if (spec.ok) return { ...versionOf(raw), spec: spec.value };
    this.#options.onProblem(new TypeError(`\`${spec.problem.field}\` must be ${spec.problem.allowed}`));
    return undefined;
  }
}

/** Wakes the one reader; a change while nobody waits is not lost. */
class Mailbox {
  #isFull = false;
  #wake: (() => void) | undefined;

  put(): void {
    this.#isFull = true;
    this.#wake?.();
  }

  /** False when the signal ended the wait. Looks again each second at most: the first empty list changes nothing that could wake. */
  async next(clock: Clock, signal: AbortSignal): Promise<boolean> {
    if (!this.#isFull) {
      const early = new AbortController();
      this.#wake = () => early.abort(new Error('woken'));
      await clock.sleep(1000, AbortSignal.any([signal, early.signal])).catch(() => undefined);
    }
    this.#isFull = false;
    this.#wake = undefined;
    return !signal.aborted;
  }
}

function parseSpec(raw: unknown): Result<NodeCacheSpec> {
  const node = text(raw, 'spec', 'node');
  if (node === undefined) return problem('spec.node', undefined, 'the name of a node');
  const artifacts: AssignedArtifact[] = [];
  for (const [index, entry] of list(raw, 'spec', 'artifacts').entries()) {
    const artifact = parseArtifact(entry);
    if (artifact === undefined) return problem(`spec.artifacts[${index}]`, object(entry), 'hash, name, source, commit');
    artifacts.push(artifact);
  }
  return ok({ node, artifacts });
}

function parseArtifact(entry: unknown): AssignedArtifact | undefined {
  const [hash, name] = [text(entry, 'hash'), text(entry, 'name')];
  const [source, commit] = [text(entry, 'source'), text(entry, 'commit')];
  if (hash === undefined || name === undefined || source === undefined || commit === undefined) return undefined;
  const files = list(entry, 'files').filter((pattern) => typeof pattern === 'string');
  return { hash, name, source, commit, files };
}
