import { dump } from 'js-yaml';
import type { EngineProfile } from '../core/model/profile.ts';

const form =
  '# T = alpha + (w^3 + (beta n)^3)^(1/3) + gamma KV + delta B + kappa admitted + gq chunk (ctx + chunk/2), milliseconds.\n';

/** An engine profile as `parseProfile` reads it, in the order of the bundled ones. */
export function profileText(profile: EngineProfile): string {
  const { name, validity, isValidated, ...constants } = profile;
  const { alpha, w, beta, gamma, delta, kappa, gq, tau0, ...settings } = constants;
  const ordered = { name, validity, isValidated, alpha, w, beta, gamma, delta, kappa, gq, tau0, ...settings };
  return form + dump(ordered, { lineWidth: 140 });
}
