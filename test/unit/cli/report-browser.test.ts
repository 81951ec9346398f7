import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeReport } from '../../../src/cli/report-file.ts';
import { policiesOf } from '../../../src/cli/simulation-input.ts';
import { runJob, type SimRun } from '../../../src/cli/simulation-job.ts';
import { llama8bH100 } from '../../support/builders.ts';
import { poisson } from '../../support/simulations.ts';

/** The report in a real browser, as people with a mouse and without one, on a wide light screen and a narrow dark one, see it. */
const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
const folder = mkdtempSync(join(tmpdir(), 'forewarm-report-'));
const path = join(folder, 'report.html');
let browser: Browser;

async function runs(): Promise<readonly SimRun[]> {
  const policies = await policiesOf(['balanced', 'static'], 30);
  const made: SimRun[] = [];
  for (const policy of policies) {
    for (const [coldStartSeconds, seed] of [
      [30, 1],
      [110, 2],
    ] as const) {
      const workload = poisson({ rate: 25 + 25 * seed, seconds: 900, seed });
      const scenario = { workload, profile: llama8bH100, seed, coldStartSeconds, timelineStepSeconds: 5 };
      // One run was not finished when the report was written.
      if (policy.label !== 'static' || seed === 1) made.push(await runJob({ ...policy, scenario }, () => undefined));
    }
  }
  return made;
}

async function opened(look: { readonly width: number; readonly colorScheme: 'light' | 'dark' }): Promise<{
  readonly page: Page;
  readonly errors: readonly string[];
}> {
  const { width, colorScheme } = look;
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
  const errors: string[] = [];
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('request', (request) => request.url().startsWith('http') && errors.push(`asked for ${request.url()}`));
  await page.goto(pathToFileURL(path).href);
  return { page, errors };
}

describe.skipIf(executablePath === undefined)('the report in Chromium (Debian: apt-get install chromium)', () => {
  beforeAll(async () => {
    const all = await runs();
    const output = {
      schema: 'forewarm.dev/simulation/v1',
      trace: 'poisson',
      engineProfile: llama8bH100.name,
      isProfileValidated: true,
      rateScale: 1,
      results: all.map(({ result }) => result),
    } as const;
    const objectives = { ttftSeconds: 2, itlSeconds: 0.1 };
    const forecasts = new Map(all.map((one) => [one.result, one.forecasts]));
    writeReport(path, { output, objectives, verdict: { isInformative: true }, notes: [] }, forecasts);
    browser = await chromium.launch({
      ...(executablePath === undefined ? {} : { executablePath }),
      args: ['--no-sandbox', '--disable-dev-shm-usage'],
    });
  });
  afterAll(async () => {
    await browser.close();
    rmSync(folder, { recursive: true });
  });

  for (const look of [
    { width: 1400, colorScheme: 'light' },
    { width: 400, colorScheme: 'dark' },
  ] as const) {
    it(`stands ${look.width} px wide in ${look.colorScheme} colours without an error, a request or a scroll bar below`, async () => {
      const { page, errors } = await opened(look);
      expect(await page.locator('section.policy .plot canvas').count()).toBe(12);
      expect(await page.evaluate('document.documentElement.scrollWidth - window.innerWidth')).toBeLessThanOrEqual(0);
      const [ground, ink] = await page.evaluate<[string, string]>(
        '(({ backgroundColor, color }) => [backgroundColor, color])(getComputedStyle(document.body))',
      );
      expect(brightness(ground) > brightness(ink)).toBe(look.colorScheme === 'light');
      expect(errors).toStrictEqual([]);
      await page.close();
    });
  }

  it('shows another run of every policy when one is chosen by keyboard, and says which was not finished', async () => {
    const { page, errors } = await opened({ width: 1400, colorScheme: 'light' });
    const figures = page.locator('#policy-0 .figures');
    const first = await figures.textContent();
    expect(first).toContain('Seed 1, cold start 30 s.');
    await page.locator('#run').focus();
    await page.keyboard.press('ArrowDown');
    expect(await page.locator('#run option:checked').textContent()).toBe('cold start 110 s, seed 2');
    expect(await figures.textContent()).toContain('Seed 2, cold start 110 s.');
    expect(await page.locator('#policy-0 .plot canvas').count()).toBe(6);
    const changes = await page.locator('#policy-0 .decisions tbody tr').count();
    expect(await page.locator('#policy-0 .decisions summary').textContent()).toContain(String(changes));
    expect(await page.locator('#policy-1 .figures').textContent()).toBe('This run was not finished.');
    expect(await page.locator('#policy-1 .plot').first().isVisible()).toBe(false);
    await page.keyboard.press('ArrowUp');
    expect(await figures.textContent()).toBe(first);
    expect(await page.locator('#policy-1 .plot').first().isVisible()).toBe(true);
    expect(errors).toStrictEqual([]);
    await page.close();
  });

  it('tells values and reasons to who has no mouse', async () => {
    const { page, errors } = await opened({ width: 1400, colorScheme: 'light' });
    await page.locator('#policy-0 .scrub').focus();
    await page.keyboard.press('End');
    expect(await page.locator('#policy-0 .at').textContent()).toBe('00:15:00');
    expect(await page.locator('#policy-0 .reason').textContent()).toMatch(/\d+ → \d+ {2}\w+: /);
    expect(await page.locator('#policy-0 .legend').first().textContent()).toMatch(/ready\D*\d/);
    await page.locator('#policy-0 button[data-zoom=in]').press('Enter');
    await page.locator('#policy-0 .decisions summary').press('Enter');
    expect(await page.locator('#policy-0 .decisions tbody tr').first().isVisible()).toBe(true);
    expect(errors).toStrictEqual([]);
    await page.close();
  });

  it('is drawn by the pointer too: the reason of the last decision stands under the plot', async () => {
    const { page } = await opened({ width: 1400, colorScheme: 'light' });
    const plot = page.locator('#policy-0 .plot .u-over').first();
    await plot.scrollIntoViewIfNeeded();
    await plot.hover({ position: { x: 400, y: 40 } });
    expect(await page.locator('#policy-0 .reason').textContent()).toMatch(/→|No change of replicas so far/);
    expect(await page.locator('#policy-0 .at').textContent()).toMatch(/^\d\d:\d\d:\d\d$/);
    await page.close();
  });
});

function brightness(colour: string): number {
  return (colour.match(/\d+/g) ?? []).slice(0, 3).reduce((sum, part) => sum + Number(part), 0);
}
