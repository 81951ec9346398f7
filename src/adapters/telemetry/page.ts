import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { metricsPage } from './catalogue.ts';

writeFileSync(join(import.meta.dirname, '../../../docs/metrics.md'), metricsPage());
