// Laws of the rollout's page: what needs a look comes first, the past can't be acted on, and it holds whatever the read model says.
import fc from 'fast-check';
import { html } from 'htm/preact';
import { expect, test } from 'vitest';
import { RolloutPage, type RolloutPageValue, rolloutTitle } from '../../../src/dashboard/pages/rollout-page.ts';
import type { RolloutView, RuleView } from '../../../src/dashboard/read-model/types.generated.ts';
import { PRODUCE_SCAN, ruleOf } from '../fixtures/produce-scan.ts';
import { addressOf, HOSTILE, shown } from './shown.ts';

function page(view: RolloutView, query: Record<string, string> = {}, rest: Partial<RolloutPageValue> = {}): string {
  const value = { asOf: PRODUCE_SCAN.asOf, view, at: null, other: null, message: null, moreRules: 0, ...rest };
  return shown(html`<${RolloutPage} value=${value} address=${addressOf(query)} person=${null} />`);
}

/** The same value with each text replaced, as deep as it goes. */
function withTexts(value: unknown, text: string): unknown {
  if (Array.isArray(value)) return value.map((one) => withTexts(one, text));
  if (typeof value !== 'object' || value === null) return typeof value === 'string' ? text : value;
  const fixed = ['state', 'unit', 'goodSide', 'signature', 'act', 'arm', 'from', 'evidenceMissing', 'commit'];
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [
      name,
      fixed.includes(name) && typeof one === 'string' ? one : withTexts(one, text),
    ]),
  );
}

function withNumbers(value: unknown, number: number | null): unknown {
  if (Array.isArray(value)) return value.map((one) => withNumbers(one, number));
  if (typeof value === 'number') return number;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, withNumbers(one, number)]));
}

const order = (text: string) =>
  [...text.matchAll(/<article class="tile[^>]*><header><h3><bdi>([^<]*)</g)].map(([, rule]) => rule);

test('tiles stand in the order of who needs a look: trouble, undecided, pass, dry run', () => {
  expect(order(page(PRODUCE_SCAN)).map((rule) => rule!.replace(/ .*/, ''))).toEqual([
    ...['error_rate', 'vanished_classes', 'checkout_errors', 'latency_p95', 'download_success', 'failed_devices'],
    ...['unknown_rate', 'accuracy'],
  ]);
});

test('the title says rollout, stage and state', () => {
  expect(rolloutTitle({ view: PRODUCE_SCAN })).toBe('produce-scan in canary: in trouble');
});

test('every state stands as an icon with a word', () => {
  const text = page(PRODUCE_SCAN);
  for (const word of ['In trouble', 'Undecided', 'Pass', 'Dry run', 'Does not apply'])
    expect(text).toMatch(new RegExp(`<use href="#i-[a-z]+"></use></svg>${word}<`));
});

test('a page of the past says so, and offers no act', () => {
  expect(page(PRODUCE_SCAN)).toContain('slipway pause produce-scan');
  const past = page(PRODUCE_SCAN, { at: '91c4e6b0' }, { at: '91c4e6b0' });
  expect(past).toContain('As it was at <code>91c4e6b</code>');
  expect(past).not.toContain('slipway pause produce-scan');
});

test('an act that is not possible says why, and shows no command', () => {
  const text = page(PRODUCE_SCAN);
  expect(text).toContain('The soak is over, but 3 rules are open.');
  expect(text).not.toContain('slipway promote produce-scan');
});

test('the drawer shows the commit that the address names, with its signature and the command to check it', () => {
  expect(page(PRODUCE_SCAN)).not.toContain('class="drawer"');
  const text = page(PRODUCE_SCAN, { commit: '91c4e6b0' }, { message: 'All 9 rules held' });
  expect(text).toContain('Signed by the reconciler');
  expect(text).toContain('git show --show-signature 91c4e6b0');
  expect(text).toContain('>All 9 rules held</pre>');
  expect(text).toMatch(/data-act="close" href="\/rollouts\/produce-scan"/);
  expect(page(PRODUCE_SCAN, { commit: 'd77f3104' })).toContain('The signature can’t be verified');
});

test('as tables, each tile has its numbers and no chart', () => {
  const text = page(PRODUCE_SCAN, { view: 'table' });
  expect(text).not.toContain('<svg class="c"');
  expect(text.match(/<div class="scroll"[^>]* aria-label="[^"]*"><table class="tight"><caption>/g)).toHaveLength(
    PRODUCE_SCAN.rules.length,
  );
});

test('two versions stand side by side, rule by rule, and what names none says so', () => {
  const other = { ...PRODUCE_SCAN, to: { version: '3.1.4', digest: null }, rules: PRODUCE_SCAN.rules.slice(0, 2) };
  const text = page(PRODUCE_SCAN, { compare: '3.1.4' }, { other });
  expect(text).toContain('Side by side');
  expect(text.match(/<td class="na" colspan="2">/g)).toHaveLength(PRODUCE_SCAN.rules.length - 2);
  expect(page(PRODUCE_SCAN, { compare: '<b>' })).toContain('is of “<bdi>&lt;b></bdi>”');
});

test('of a thousand rules the hundred that need a look most are drawn, and the page says so', () => {
  const rules = Array.from(
    { length: 1_000 },
    (_, i): RuleView =>
      ruleOf({ rule: `r${i} < 1%`, state: i === 999 ? 'fail' : 'pass', valueText: '0%', sentence: 'Proven.' }),
  );
  const text = page({ ...PRODUCE_SCAN, rules });
  expect(order(text)).toHaveLength(100);
  expect(order(text)[0]).toBe('r999 &lt; 1%');
  expect(text).toContain('900 more rules are not drawn');
});

test.each(HOSTILE.map((text) => [text.slice(0, 20), text]))(
  'texts like %s stay text, isolated and bounded',
  (_, name) => {
    const text = page(withTexts(PRODUCE_SCAN, name) as RolloutView, {}, { message: name });
    expect(text).not.toMatch(/<script|<img/);
    expect(text.length).toBeLessThan(1_000_000);
    for (const [, inside] of text.matchAll(/<(?:p|dd|h1|h3|td|th)[^>]*>([^<]*)</g))
      expect(inside).not.toContain('\u202E');
  },
);

test('no addresses but those of the web and our own lead anywhere', () => {
  const [first] = PRODUCE_SCAN.rules;
  const rules = ['javascript:alert(1)', 'data:text/html,x', ' https://a.example'].map((runbook) => ({
    ...first!,
    runbook,
  }));
  const text = page({ ...PRODUCE_SCAN, rules, runbook: 'JAVASCRIPT:alert(1)' });
  for (const [, href] of text.matchAll(/href="([^"]*)"/g)) expect(href).toMatch(/^(?:\/|#|https:\/\/)/);
});

test('whatever number stands where, nothing is NaN or infinite in an attribute or a text', () => {
  const numbers = fc.constantFrom(null, NaN, Infinity, -Infinity, -1, 0, 1e308, 1.5);
  fc.assert(
    fc.property(numbers, (number) => {
      const text = page(withNumbers(PRODUCE_SCAN, number) as RolloutView);
      for (const [, value] of text.matchAll(/ [a-z][a-zA-Z-]*="([^"]*)"/g))
        expect(value).not.toMatch(/NaN|Infinity|undefined/);
      expect(text.replace(/<[^>]*>/g, ' ')).not.toMatch(/\bNaN\b|Infinity|undefined/);
    }),
    { numRuns: 12 },
  );
});

test('an empty rollout has a page', () => {
  const nothing = {
    rules: [],
    arms: [],
    groups: [],
    errors: [],
    weighing: null,
    history: [],
    marks: [],
    acts: [],
    troubled: [],
    stages: [],
  };
  const text = page({
    ...PRODUCE_SCAN,
    ...nothing,
    state: 'not-started',
    stage: null,
    from: null,
    to: null,
    devices: null,
    attempt: null,
  });
  expect(text).toContain('No rule is judged now.');
  expect(text).toContain('No commit is known yet.');
});

test('what was taken back has no rules any more, and leads to the post-mortem that has them', () => {
  const version = { version: '3.2.0', digest: null };
  const text = page({ ...PRODUCE_SCAN, rules: [], rejected: { version, text: 'it failed', commit: null } });
  expect(text).toContain('<a href="/rollouts/produce-scan/reverted">post-mortem of <bdi>3.2.0</bdi></a>');
});

test('a rule that is not decided lacks something, and one device is no devices', () => {
  const [first] = PRODUCE_SCAN.rules;
  const missing = (rule: Partial<RuleView>): string =>
    page({ ...PRODUCE_SCAN, rules: [{ ...first!, missing: null, ...rule }] }).replace(/.*<dt>Missing<\/dt>/s, '');
  expect(missing({ state: 'undecided', estimate: null })).toMatch(/^<dd><bdi>data</);
  expect(missing({ state: 'undecided' })).toMatch(/^<dd><bdi>more time</);
  expect(missing({ state: 'not-applicable' })).toMatch(/^<dd><bdi>something to compare with</);
  expect(missing({ state: 'pass' })).toMatch(/^<dd><bdi>nothing</);
  const [stage] = PRODUCE_SCAN.stages;
  expect(page({ ...PRODUCE_SCAN, stages: [{ ...stage!, devices: 1 }] })).toContain(' · 1 device (');
});

test('the letters name the commits that the charts show, and none from before', () => {
  const [first] = PRODUCE_SCAN.marks;
  const old = { ...first!, letter: 'Z', atMs: first!.atMs - 400 * 86_400_000, text: 'long ago' };
  const text = page({ ...PRODUCE_SCAN, marks: [old, ...PRODUCE_SCAN.marks] });
  for (const { text: told } of PRODUCE_SCAN.marks) expect(text).toContain(told);
  expect(text).not.toContain('long ago');
});

test('a runbook is shown by its name, and leads to its whole address', () => {
  const [first] = PRODUCE_SCAN.rules;
  const link = (runbook: string): string | undefined =>
    />([^<]*)<\/bdi><\/a><\/dd>/.exec(page({ ...PRODUCE_SCAN, runbook: null, rules: [{ ...first!, runbook }] }))?.[1];
  expect(link('https://slipway.dev/docs/runbooks/error-rate.md')).toBe('error-rate');
  expect(link('https://wiki.example.com/x/latency/?v=2#top')).toBe('latency');
  expect(link('https://wiki.example.com/?page=7')).toBe('https://wiki.example.com/?page=7');
});

test('a value stands alone where its bounds are drawn beside it, and what has no course says so', () => {
  const [first] = PRODUCE_SCAN.rules;
  const text = page({ ...PRODUCE_SCAN, rules: [{ ...first!, valueText: '0.71% (0.46–1.05)', series: [] }] });
  expect(text).toMatch(/<p class="val"><b[^>]*><bdi>0\.71%<\/bdi>/);
  expect(text).toContain('>course not kept</text>');
});
