// Proves that every kind of alert and every metric has a page in docs/runbooks with the sections that people look for, and which page counts.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { digestOf } from '../../src/contract/digest.ts';
import { METRICS } from '../../src/documents/rules/metric-catalogue.ts';
import { blankVerdict } from '../../src/gates/blank-verdict.ts';
import { judgeSignal } from '../../src/gates/signal-verdict.ts';
import { ALERT_KINDS } from '../../src/rollout/alerts.ts';
import { stagesOf } from '../../src/rollout/stages-of-policy.ts';
import { commitMessage } from '../../src/wording/commit-message.ts';
import { RUNBOOK_PAGES, RUNBOOKS, runbookOfAlert, runbookOfRule } from '../../src/wording/runbook-of.ts';
import { FalseWorld, policyOf, stageVerdict } from '../rollout/false-world.ts';

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

  test('of a rule, else of its policy, travel with the verdict; without either the page of the metric counts', () => {
    const own = '{ rule: error_rate < 1%, runbook: "https://wiki.example.com/errors" }';
    const signal = '{ rule: "orders < 1%", prometheus: main, query: up, runbook: "https://wiki.example.com/orders" }';
    const stages = `- { name: canary, size: 1%, rules: [${own}, latency_p95 < 2s, ${signal}] }\n- { name: full, size: 100% }`;
    const pagesOf = (more: string): (string | undefined)[] => {
      const [stage] = stagesOf(policyOf(stages, more));
      const rules = stage?.rules.map((rule) => blankVerdict(rule)) ?? [];
      return [...rules, ...(stage?.signals.map((one) => judgeSignal(one, null)) ?? [])].map(({ runbook }) => runbook);
    };
    expect(pagesOf('')).toEqual(['https://wiki.example.com/errors', undefined, 'https://wiki.example.com/orders']);
    expect(pagesOf('  runbook: https://wiki.example.com/all\n')[1]).toBe('https://wiki.example.com/all');
  });

  test('stand in the commit that reverts or pauses, on a line that is no trailer', () => {
    const world = FalseWorld.rolling(
      policyOf('- { name: canary, size: 1%, rules: [error_rate < 1%] }\n- { name: full, size: 100% }'),
    );
    world.measure('fail', { verdict: failing(world) });
    const transition = world.mustTake('roll-back');
    const facts = { transition, observed: 'a'.repeat(40), evidenceDigest: digestOf(''), reverts: null };
    const lines = commitMessage({ ...facts, runbooks: 'https://docs.example.com' }).split('\n');
    expect(lines).toContain('What to do: https://docs.example.com/error-rate.md');
    expect(lines.filter((line) => /^[A-Za-z0-9-]+: /.test(line)).every((line) => line.startsWith('Slipway-'))).toBe(
      true,
    );
  });
});

function failing(world: FalseWorld) {
  const verdict = stageVerdict(world.stage, 'fail');
  const rules = verdict.rules.map((rule) => ({ ...rule, verdict: 'fail' as const, within: false }));
  return { ...verdict, rules, because: rules.map(({ rule }) => ({ kind: 'rule' as const, rule })) };
}
