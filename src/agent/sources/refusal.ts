import { TransferError } from '../failure.ts';
import { type Answer, dispose, shown } from './http.ts';

const permanent = new Set([400, 401, 403, 404, 405, 410, 451]);

/** The error for an answer that is neither the content nor a redirect. `isSigned`: the address carries an expiring signature, so 403 only means "ask anew". */
export async function refusal(answer: Answer, isSigned = false): Promise<TransferError> {
  const code = answer.header('x-error-code');
  const seconds = pauseSeconds(answer);
  await dispose(answer);
  const said = code === undefined ? '' : ` (${code})`;
  return new TransferError('DOWNLOAD_FAILED', `${shown(answer.url)} answered ${answer.status}${said}`, {
    retryAfterSeconds: seconds,
    isPermanent: permanent.has(answer.status) && !isSigned,
  });
}

/** What the server asks for: `Retry-After` in seconds, or the rest of its rate limit's window (`RateLimit: "api";r=0;t=120`). */
function pauseSeconds(answer: Answer): number | undefined {
  const asked = Number(answer.header('retry-after') ?? Number.NaN);
  if (Number.isFinite(asked) && asked >= 0) return Math.min(asked, 3600);
  const rest = answer.status === 429 ? /;\s*t=(\d+)/.exec(answer.header('ratelimit') ?? '')?.[1] : undefined;
  return rest === undefined ? undefined : Math.min(Number(rest), 3600);
}
