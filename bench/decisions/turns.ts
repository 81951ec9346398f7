/** The most changes of direction, from raising to lowering or back, inside one window of so many seconds. */
export function turnsInWindow(
  decisions: readonly { readonly t: number; readonly from: number; readonly to: number }[],
  seconds: number,
): number {
  const turns = decisions.filter(({ from, to }, i) => {
    const before = decisions[i - 1];
    return before !== undefined && Math.sign(to - from) !== Math.sign(before.to - before.from);
  });
  return turns.reduce((most, { t }, i) => {
    const inside = turns.slice(i).filter((one) => one.t < t + seconds).length;
    return Math.max(most, inside);
  }, 0);
}
