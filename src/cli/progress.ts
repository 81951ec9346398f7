import { Presets, SingleBar } from 'cli-progress';

/** Tells how far several runs are, on stderr: a bar with the time to go on a terminal, else one line a finished run. */
export interface Progress {
  /** `share` of all work, 0 to 1. */
  readonly advance: (share: number) => void;
  readonly finished: (name: string) => void;
  readonly stop: () => void;
}

/** `every`: without a terminal one line for so many runs. */
export function progressOf(runs: number, stream: NodeJS.WriteStream = process.stderr, every = 1): Progress {
  return stream.isTTY ? bar(runs, stream) : lines(runs, stream, every);
}

function lines(runs: number, stream: NodeJS.WriteStream, every: number): Progress {
  let done = 0;
  const finished = (name: string): void => {
    done += 1;
    if (done % every === 0 || done === runs) stream.write(`Finished ${done} of ${runs}: ${name}\n`);
  };
  return { advance: () => undefined, finished, stop: () => undefined };
}

function bar(runs: number, stream: NodeJS.WriteStream): Progress {
  const format = 'Simulating {bar} {percentage}%  {done} of {runs} runs  {eta_formatted} to go';
  const shown = new SingleBar(
    { stream, format, hideCursor: true, etaBuffer: 50, clearOnComplete: true },
    Presets.shades_classic,
  );
  let done = 0;
  shown.start(1000, 0, { done, runs });
  return {
    advance: (share) => shown.update(Math.floor(share * 1000), { done }),
    finished: () => shown.update({ done: (done += 1) }),
    stop: () => shown.stop(),
  };
}
