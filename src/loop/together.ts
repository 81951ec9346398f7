/** Works that live and end together: the first that fails ends the others, and only when all have ended is its error thrown. */
export async function together(
  works: readonly ((signal: AbortSignal) => Promise<void>)[],
  signal: AbortSignal,
): Promise<void> {
  const ended = new AbortController();
  const either = AbortSignal.any([signal, ended.signal]);
  const failures: unknown[] = [];
  const watched = async (work: (signal: AbortSignal) => Promise<void>): Promise<void> => {
    try {
      await work(either);
    } catch (err) {
      failures.push(err);
      ended.abort(err);
    }
  };
  await Promise.all(works.map(watched));
  if (failures.length > 0) throw failures[0];
}
