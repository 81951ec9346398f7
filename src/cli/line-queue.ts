/** What was taken: a line, the news that no more come, or that none came in time. */
export type Taken =
  | { readonly kind: 'line'; readonly text: string }
  | { readonly kind: 'ended' }
  | { readonly kind: 'late' };

/** Lines of a stream in the order in which they came, for one reader who waits for the next. */
export class LineQueue {
  readonly #lines: string[] = [];
  #isEnded = false;
  #wake: () => void = () => undefined;

  push(line: string): void {
    this.#lines.push(line);
    this.#wake();
  }

  end(): void {
    this.#isEnded = true;
    this.#wake();
  }

  /** The next line if it is there already. */
  peek(): string | undefined {
    return this.#lines[0];
  }

  async take(timeoutMs: number): Promise<Taken> {
    if (this.#lines.length === 0 && !this.#isEnded) await this.#change(timeoutMs);
    const text = this.#lines.shift();
    if (text !== undefined) return { kind: 'line', text };
    return this.#isEnded ? { kind: 'ended' } : { kind: 'late' };
  }

  async #change(timeoutMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, timeoutMs);
    this.#wake = resolve;
    await promise;
    clearTimeout(timer);
    this.#wake = (): void => undefined;
  }
}
