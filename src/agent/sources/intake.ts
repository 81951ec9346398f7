import type { Readable } from 'node:stream';

const fullBytes = 1 << 20;

/**
 * Reads a body ahead of who uses it, up to 1 MiB: the next batch comes in while the last one is written. What came before a failure is handed out
 * before the failure, which a plain stream would throw away.
 */
export class Intake {
  readonly #body: Readable;
  #batch: Uint8Array[] = [];
  #bytes = 0;
  #end: 'open' | 'ended' | { readonly err: unknown } = 'open';
  #wake: () => void = () => undefined;

  constructor(body: Readable) {
    this.#body = body;
    body.on('data', (chunk: Uint8Array) => this.#add(chunk));
    body.on('end', () => this.#close('ended'));
    body.on('error', (err) => this.#close({ err }));
    body.on('close', () => this.#close('ended'));
  }

  /** All that has come since the last call, at least one chunk; undefined at the end. Throws what the stream failed with. */
  async take(): Promise<readonly Uint8Array[] | undefined> {
    while (this.#batch.length === 0) {
      if (this.#end === 'ended') return undefined;
      if (this.#end !== 'open') throw this.#end.err;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const batch = this.#batch;
    [this.#batch, this.#bytes] = [[], 0];
    this.#body.resume();
    return batch;
  }

  #add(chunk: Uint8Array): void {
    this.#batch.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes >= fullBytes) this.#body.pause();
    this.#wake();
  }

  #close(end: 'ended' | { readonly err: unknown }): void {
    if (this.#end === 'open') this.#end = end;
    this.#wake();
  }
}
