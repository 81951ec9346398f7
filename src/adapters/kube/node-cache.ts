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
  #last: NodeCacheStatus | undefined;
  #written: string | undefined;
  #uid: string | undefined;
  /** The object did not exist when the last status was to be written, or it is a new one. */
  #isOwed = false;
  constructor(options: NodeCacheOptions) {
    this.#options = options;
  }

  async *watch(signal: AbortSignal): AsyncGenerator<NodeCacheSpec | undefined> {
    const store = new Store<SpecKept>();
    const mailbox = new Mailbox();
    store.onChange(() => mailbox.put());
    const running = this.#reflector(store).run(signal);
    let last: string | undefined;
    while (!signal.aborted) {
      const kept = store.get(this.#options.node);
      await this.#payOwed(kept, signal);
      const seen = JSON.stringify(kept?.spec) ?? 'absent';
      if (store.isSynced && seen !== last) {
        last = seen;
        yield kept?.spec;
      } else if (!(await mailbox.next(this.#options.clock, signal))) break;
    }
    await running;
  }

  async report(status: NodeCacheStatus, signal: AbortSignal): Promise<void> {
    this.#last = status;
    if (JSON.stringify(status) !== this.#written) await this.#write(status, signal);
  }

  #reflector(store: Store<SpecKept>): Reflector<SpecKept> {
    const { http, clock, random, node, onProblem } = this.#options;
    const query = { fieldSelector: `metadata.name=${node}` };
    const transform = (raw: unknown): SpecKept | undefined => this.#keep(raw);
    return new Reflector({ http, clock, random, path, query, transform, store, onProblem });
  }

  /** A new object starts without status: what was last said is said again. */
  async #payOwed(kept: SpecKept | undefined, signal: AbortSignal): Promise<void> {
    if (kept === undefined) return;
    if (this.#uid !== undefined && kept.uid !== this.#uid) this.#isOwed = true;
    this.#uid = kept.uid;
    if (!this.#isOwed || this.#last === undefined) return;
    try {
      await this.#write(this.#last, signal);
    } catch (err) {
      if (!signal.aborted) this.#options.onProblem(err);
    }
  }

  async #write(status: NodeCacheStatus, signal: AbortSignal): Promise<void> {
    const { http, clock, node } = this.#options;
    const reportedTime = new Date(clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
    const body = { status: { ...status, reportedTime } };
    try {
      await http.call({ verb: 'PATCH', path: `${path}/${encodeURIComponent(node)}/status`, body }, signal);
      this.#written = JSON.stringify(status);
      this.#isOwed = false;
    } catch (err) {
      if (statusOf(err) !== 404) throw err;
      this.#isOwed = true; // nobody to tell yet: the watch says when there is
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
  return { hash, name, source, commit, files, ...(object(entry)['isAwaited'] === true ? { isAwaited: true } : {}) };
}
