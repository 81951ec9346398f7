import type { LiveState } from './live-state.ts';
import { changeLine, liveLine, liveScreen } from './live-view.ts';

/** Shows a run while it goes: in place on a terminal, else a line for each change of replicas and each half hour of simulated time. */
export interface Watch {
  readonly show: (state: LiveState) => void;
  readonly end: () => void;
}

/** What is used of an output stream. */
export interface Screen {
  readonly isTTY: boolean;
  readonly columns: number;
  readonly write: (text: string) => unknown;
}

const lineSeconds = 1800;
const hideCursor = '\u001b[?25l';
const showCursor = '\u001b[?25h';

export function watch(stream: Screen, title: string): Watch {
  return stream.isTTY ? screen(stream, title) : lines(stream, title);
}

function lines(stream: Screen, title: string): Watch {
  stream.write(`${title}\n`);
  let due = lineSeconds;
  const show = (state: LiveState): void => {
    if (state.lastChange?.seconds === state.progress.seconds) stream.write(`${changeLine(state.lastChange)}\n`);
    if (state.progress.seconds < due) return;
    due = (Math.floor(state.progress.seconds / lineSeconds) + 1) * lineSeconds;
    stream.write(`${liveLine(state)}\n`);
  };
  return { show, end: () => undefined };
}

function screen(stream: Screen, title: string): Watch {
  let drawn = 0;
  stream.write(hideCursor);
  const show = (state: LiveState): void => {
    const rows = liveScreen(state, title, stream.columns);
    stream.write(`${back(drawn)}${rows.join('\n')}\n`);
    drawn = rows.length;
  };
  return { show, end: () => void stream.write(showCursor) };
}

/** To the first column of the line where the last frame began, and all below cleared. */
function back(rows: number): string {
  return rows === 0 ? '' : `\u001b[${rows}A\u001b[0J`;
}
