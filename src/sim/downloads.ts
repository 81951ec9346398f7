import type { Contention } from '../core/model/simulated-lifecycle.ts';
import type { Agenda } from './agenda.ts';
import { type Download, SharedDownload, TimedDownload } from './download.ts';
import { Link, Transfers } from './transfers.ts';

/** The ways by which one node gets its files; `ms` is what each takes alone. */
export interface NodeDownloads {
  image(nowMs: number, ms: number): Download;
  weights(nowMs: number, ms: number): Download;
  /** What was there from the beginning. */
  present(): Download;
}

export interface DownloadsOptions {
  readonly agenda: Agenda;
  /** Absent: downloads do not slow each other. */
  readonly contention?: Contention | undefined;
  /** Numbers of the nodes that can give the weights away now. */
  readonly holders: (nowMs: number) => readonly number[];
}

/** Registry, origin of the weights, and the links and disks of nodes. */
export class Downloads {
  readonly #options: DownloadsOptions;
  readonly #transfers: Transfers;
  readonly #registry: Link;
  readonly #origin: Link;
  readonly #inward = new Map<number, Link>();
  readonly #outward = new Map<number, Link>();

  constructor(options: DownloadsOptions) {
    const { contention } = options;
    this.#options = options;
    this.#transfers = new Transfers(options.agenda);
    this.#registry = new Link(contention?.registryStreams ?? 1);
    this.#origin = new Link(contention?.originStreams ?? 1);
  }

  of(node: number): NodeDownloads {
    return {
      image: (nowMs, ms) => this.#image(node, nowMs, ms),
      weights: (nowMs, ms) => this.#weights(node, nowMs, ms),
      present: () => new TimedDownload(this.#options.agenda, 0),
    };
  }

  #image(node: number, nowMs: number, ms: number): Download {
    const { agenda, contention } = this.#options;
    if (contention === undefined) return new TimedDownload(agenda, nowMs + ms);
    return this.#shared(ms, [this.#registry, linkOf(this.#inward, node, contention.nodeStreams)]);
  }

  #weights(node: number, nowMs: number, ms: number): Download {
    const { agenda, contention } = this.#options;
    if (contention === undefined) return new TimedDownload(agenda, nowMs + ms);
    const inward = linkOf(this.#inward, node, contention.nodeStreams);
    const peer = this.#peer(nowMs, contention);
    if (peer === undefined) return this.#shared(ms, [this.#origin, inward]);
    return this.#shared(ms * peer.timeFactor, [peer.link, inward]);
  }

  /** The holder that gives to the fewest, of equals the first. */
  #peer(nowMs: number, { peers }: Contention): { readonly link: Link; readonly timeFactor: number } | undefined {
    if (peers === undefined) return undefined;
    const links = this.#options.holders(nowMs).map((node) => linkOf(this.#outward, node, peers.streams));
    const [first] = links;
    if (first === undefined) return undefined;
    const link = links.reduce((best, other) => (other.active < best.active ? other : best), first);
    return { link, timeFactor: peers.timeFactor };
  }

  #shared(ms: number, links: readonly Link[]): Download {
    return new SharedDownload(this.#options.agenda, (done) => this.#transfers.begin(ms, links, done));
  }
}

function linkOf(links: Map<number, Link>, node: number, streams: number): Link {
  const link = links.get(node) ?? new Link(streams);
  links.set(node, link);
  return link;
}
