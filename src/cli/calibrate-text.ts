import type { Calibration } from '../sim/calibration/calibration.ts';
import { calibratedWithin } from '../sim/calibration/calibration.ts';
import type { LatencyName } from '../sim/calibration/measured-run.ts';

const nameOf: Readonly<Record<LatencyName, string>> = {
  ttftMean: 'time to first token, mean',
  ttftP50: 'time to first token, median',
  tpotMean: 'time per token, mean of requests',
  itlMean: 'time between tokens, mean',
  e2eMean: 'whole request, mean',
};

/** What people read: the constants, the held-out errors, and whether they may rely on them. */
export function calibrationText(calibration: Calibration, path: string): string {
  const { profile, errors, fitted, heldOut, looks } = calibration;
  const { alpha, w, beta, gamma, delta, gq, tau0 } = profile;
  const constants = Object.entries({ alpha, w, beta, gamma, delta, gq, tau0 });
  return [
    `Fitted to ${fitted} (${looks} looks):`,
    `  ${constants.map(([name, value]) => `${name} ${value}`).join('   ')}`,
    '',
    `Held-out errors, on ${heldOut}:`,
    ...errors.map(
      ({ figure, meanError, worstError, worstAt, points }) =>
        `  ${nameOf[figure].padEnd(34)}${`${meanError.toFixed(1)} %`.padStart(8)}   worst ${signed(worstError)} at ${worstAt}, of ${points}`,
    ),
    '',
    verdict(calibration),
    `Written: ${path}`,
    '',
  ].join('\n');
}

function verdict({ isCalibrated, error, profile }: Calibration): string {
  if (isCalibrated) return `${profile.name} is calibrated: its largest mean held-out error is ${error.toFixed(1)} %.`;
  const seen = Number.isNaN(error) ? 'it could not be told' : `it is ${error.toFixed(1)} %`;
  return (
    `${profile.name} is an ESTIMATE: the largest mean held-out error must be at most ${calibratedWithin} %, ${seen}. The profile says ` +
    '`isValidated: false`. Measure more loads below capacity, with other lengths and concurrencies, on a quiet machine.'
  );
}

function signed(percent: number): string {
  return `${percent < 0 ? '' : '+'}${percent.toFixed(1)} %`;
}
