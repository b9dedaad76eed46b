// Owns a real browser for tests: Debian's Chromium, driven from outside, and the check of what people with other senses get.
import { execFileSync } from 'node:child_process';
import process from 'node:process';
import axe from 'axe-core';
import { type Browser, chromium, type Page } from 'playwright-core';

/** CHROMIUM_BIN, or `chromium` on the path; undefined when there is none. With REQUIRE_SERVICES=1 that is an error. */
export function findChromium(): string | undefined {
  const binary = process.env.CHROMIUM_BIN ?? 'chromium';
  try {
    return execFileSync('sh', ['-c', 'command -v "$0"', binary], { encoding: 'utf8', timeout: 20_000 }).trim();
  } catch {
    if (process.env.REQUIRE_SERVICES === '1') throw new Error('no Chromium: install it, or set CHROMIUM_BIN');
    return undefined;
  }
}

/** In containers the tests run as root, where Chromium has no sandbox. */
export function launch(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}

/** What is serious or critical on the page, each with one place. */
export async function findSerious(page: Page): Promise<string[]> {
  // Evaluated, not added as a script: the page's own policy allows none.
  await page.evaluate(axe.source);
  const found = (await page.evaluate('axe.run(document, { resultTypes: ["violations"] })')) as {
    violations: { id: string; impact: string; nodes: { html: string; failureSummary: string }[] }[];
  };
  return found.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(
      ({ id, nodes }) =>
        `${id} (${nodes.length}): ${nodes[0]?.html.slice(0, 200)} ${nodes[0]?.failureSummary.slice(0, 300)}`,
    );
}

/** How far the page is wider than its window. */
export async function overflowOf(page: Page): Promise<number> {
  return Number(await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth'));
}
