/** Capacity over time, requests/s: what serves now and what each arrival adds. */
export interface Supply {
  readonly now: number;
  readonly arrivals: readonly { readonly inSeconds: number; readonly adds: number }[];
}

/** Clients that have waited this long have given up: no backlog older than this is drained. */
const patienceSeconds = 120;

/** Backlog (requests) that still stands after `seconds` of inflow `rate`: a fluid model over the supply's steps. */
export function backlogAfter(
  backlog: number,
  { rate, supply, seconds }: { readonly rate: number; readonly supply: Supply; readonly seconds: number },
): number {
  let standing = backlog;
  let capacity = supply.now;
  let at = 0;
  for (const arrival of supply.arrivals) {
    if (arrival.inSeconds >= seconds) break;
    standing = Math.max(0, standing + (rate - capacity) * (arrival.inSeconds - at));
    at = arrival.inSeconds;
    capacity += arrival.adds;
  }
  standing = Math.max(0, standing + (rate - capacity) * (seconds - at));
  return Math.min(standing, Math.max(backlog, rate * patienceSeconds));
}
