import type { ReplicaAddress, ReplicaReading } from '../../ports/replica-reader.ts';

/** Reads all of them, so many at the same time. */
export async function readingAll(
  replicas: readonly ReplicaAddress[],
  concurrency: number,
  readOne: (replica: ReplicaAddress) => Promise<ReplicaReading>,
): Promise<ReadonlyMap<string, ReplicaReading>> {
  const readings = new Map<string, ReplicaReading>();
  const queue = replicas.values();
  const work = async (): Promise<void> => {
    for (const replica of queue) readings.set(replica.id, await readOne(replica));
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, replicas.length) }, work));
  return readings;
}
