// Proves that every kind of alert and every metric has a page in docs/runbooks with the sections that people look for, and which page counts.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { METRICS } from '../../src/documents/rules/metric-catalogue.ts';
import { ALERT_KINDS } from '../../src/rollout/alerts.ts';
import { RUNBOOK_PAGES, RUNBOOKS, runbookOfAlert, runbookOfRule } from '../../src/wording/runbook-of.ts';

const FOLDER = path.join(import.meta.dirname, '../../docs/runbooks');
const SECTIONS = ['## What it means', '## Look first', '## Do this', '## Afterwards'];
/** Alerts of deploy/prometheus that the service itself can't raise. */
const OF_PROMETHEUS = ['publication-expiring', 'service-down'];

function textOf(page: string): string {
  return readFileSync(path.join(FOLDER, `${page}.md`), 'utf8');
}

describe('runbooks', () => {
  test('exist for each kind of alert and each metric, and no page is left over', () => {
    const pages = readdirSync(FOLDER).map((file) => file.replace(/\.md$/, ''));
    expect(pages.sort()).toEqual([...new Set([...ALERT_KINDS, ...RUNBOOK_PAGES, ...OF_PROMETHEUS])].sort());
  });

  test.each(readdirSync(FOLDER))(
    '%s says what it means, where to look, what to do, and what to do afterwards',
    (file) => {
      const text = textOf(file.replace(/\.md$/, ''));
      expect(text.split('\n').filter((line) => line.startsWith('## '))).toEqual(SECTIONS);
      expect(text.length).toBeLessThan(3_000);
      for (const section of text.split(/^## .*$/m).slice(1)) expect(section.trim()).not.toBe('');
    },
  );

  test.each(Object.keys(METRICS))('of %s names the metric in its title', (metric) => {
    const address = runbookOfRule({ metric });
    const [title = ''] = textOf(path.basename(address, '.md')).split('\n');
    expect(title.includes(`\`${metric}\``) || title.includes('`latency_*`')).toBe(true);
  });

  test('that a policy names for a rule come before the page of the metric, and stay one word', () => {
    const runbook = 'https://wiki.example.com/a b';
    expect(runbookOfRule({ metric: 'error_rate', runbook })).toBe('https://wiki.example.com/a%20b');
    expect(runbookOfRule({ metric: 'checkout_errors' }, 'https://docs.example.com/')).toBe(
      'https://docs.example.com/outside-signals.md',
    );
    const forged = { kind: 'status-forged', fact: { kind: 'error', message: '' } } as const;
    expect(runbookOfAlert(forged)).toBe(`${RUNBOOKS}/status-forged.md`);
  });
});
