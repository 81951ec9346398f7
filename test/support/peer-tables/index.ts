import { dynamoTables } from './dynamo.ts';
import { hpaTables } from './hpa.ts';
import { rateTables } from './hpa-rates.ts';
import { knativeTables } from './knative.ts';
import { otherTables } from './others.ts';
import { rampTables } from './ramps.ts';
import type { PeerTable } from './table.ts';
import { wvaTables } from './wva.ts';

/** Every table row and closed-form ramp of the peers, for the tests and for the bench. */
export const peerTables: readonly PeerTable[] = [
  ...hpaTables,
  ...rateTables,
  ...knativeTables,
  ...otherTables,
  ...wvaTables,
  ...dynamoTables,
  ...rampTables,
];
