// Laws of rehearsals: repeatable, made of real reports, unmoved by what must not matter, and honest about what others would have done.
import { expect, test, vi } from 'vitest';
import { parseReport } from '../../src/contract/parse-report.ts';
import { rehearse } from '../../src/simulation/rehearsal.ts';
import { rehearsalPage } from '../../src/simulation/rehearsal-page.ts';
import { rehearsalJson, rehearsalText } from '../../src/simulation/rehearsal-words.ts';
import { parsePolicy } from '../../src/simulation/scenario-policies.ts';
import { findScenario } from '../../src/simulation/scenarios.ts';
import { VirtualStore } from '../../src/simulation/virtual-store.ts';
import { orderOf, rehearsed } from './rehearsed.ts';

const small = { devices: 50, hours: 0.5 };

test('the same seed gives the same rehearsal, another seed another one', async () => {
  const [first, again, other] = [
    await rehearsed('error-2x', small),
    await rehearsed('error-2x', small),
    await rehearsed('error-2x', { ...small, seed: 8 }),
  ];
  expect(again).toEqual(first);
  expect(other.timeline).not.toEqual(first.timeline);
});

test('wrong clocks change nothing at all', async () => {
  const right = await rehearsed('good', small);
  const wrong = await rehearsed('clocks-wrong', small);
  expect(wrong.timeline).toEqual(right.timeline);
  expect(wrong.series).toEqual(right.series);
});

test('reports are such as the service takes, and each is counted once however often it comes', async () => {
  const answers = new Map<string, number>();
  const ingest = VirtualStore.prototype.ingest;
  const spy = vi.spyOn(VirtualStore.prototype, 'ingest').mockImplementation(function (this: VirtualStore, report, at) {
    expect(parseReport(Buffer.from(JSON.stringify(report)))).toEqual(report);
    const answer = ingest.call(this, report, at);
    answers.set(answer, (answers.get(answer) ?? 0) + 1);
    return answer;
  });
  const { breaches } = await rehearsed('reports-reordered', { devices: 40, hours: 0.2 });
  spy.mockRestore();
  expect(breaches).toEqual([]);
  expect(answers.get('accepted')).toBeGreaterThan(500);
  expect(answers.get('duplicate')).toBeGreaterThan(100);
  expect(answers.get('too-late')).toBeUndefined();
});

test('JSON has what programs ask for', async () => {
  const order = orderOf('error-10x', small);
  const rehearsal = await rehearsed('error-10x', small);
  const json = JSON.parse(JSON.stringify(rehearsalJson(order, rehearsal)));
  expect(json).toMatchObject({ outcome: 'reverted', stage: 'canary', devicesExposed: 20, seed: 7, breaches: [] });
  expect(json.minutesToRevert).toBeLessThanOrEqual(3);
  expect(json.timeline.length).toBeGreaterThan(2);
  // What came too late to be seen before the step back is seen as if the candidate had stayed.
  expect(json.bareThreshold.argo).toMatchObject({ outcome: 'reverted', stage: 'canary' });
  expect(json.bareThreshold.argo.minutesToRevert).toBeGreaterThanOrEqual(4);
  expect(json.bareThreshold.flagger.minutesToRevert).toBeGreaterThanOrEqual(5);
});

test('a bare threshold reverts a healthy candidate that Slipway completes', async () => {
  const rehearsal = await rehearsed('error-0.6x', { devices: 100, hours: 3, policy: FIVE });
  expect(rehearsal.outcome).toBe('completed');
  expect(rehearsal.bareThreshold.argo.outcome).toBe('reverted');
  expect(rehearsal.bareThreshold.flagger.outcome).toBe('reverted');
});

/** A canary of five devices: few numbers a minute. */
const FIVE = parsePolicy(
  'five.yaml',
  Buffer.from(`apiVersion: slipway.dev/v1alpha1
kind: RolloutPolicy
metadata: { name: five }
spec:
  appliesTo: { rollouts: ["*"] }
  stages:
    - { name: canary, size: { devices: 5 }, soak: 30m, rules: [error_rate < 0.5%] }
    - { name: full, size: 100%, soak: 10m }
`),
);

test('the page needs nothing from anywhere, and shows every rule', async () => {
  const order = orderOf('cpu-spike', { devices: 80, hours: 1 });
  const rehearsal = await rehearsed('cpu-spike', { devices: 80, hours: 1 });
  const page = rehearsalPage(order, rehearsal);
  expect(page).not.toMatch(/<script|src=|href=|@import|url\(/);
  expect(page.match(/<svg /g)).toHaveLength(11);
  expect(page).toContain('latency_p95 &#60; 1.5x baseline');
  expect(page).not.toMatch(/NaN|Infinity|undefined/);
});

test('a scenario that nobody knows is refused with the names of those that are', () => {
  expect(() => findScenario('gamma-rays')).toThrow(
    expect.objectContaining({ code: 'SIMULATION_SCENARIO', remedy: expect.stringContaining('cpu-spike') }),
  );
});

test('rules about outside signals are left out of a rehearsal, and it says so', async () => {
  const text = `apiVersion: slipway.dev/v1alpha1
kind: RolloutPolicy
metadata: { name: asking }
spec:
  appliesTo: { rollouts: ["*"] }
  stages:
    - name: full
      size: 100%
      rules: [error_rate < 20%, { rule: queue < 5, prometheus: main, query: queue }, { rule: desk passes, webhook: desk }]
`;
  const order = { ...orderOf('good', small), policy: parsePolicy('asking.yaml', Buffer.from(text)) };
  const rehearsal = await rehearse(order);
  expect(rehearsal.outcome).toBe('completed');
  expect(rehearsalText(order, rehearsal)).toContain(
    'Not rehearsed, because nobody outside can be asked: queue and desk.',
  );
  expect(rehearsalJson(order, rehearsal)).toMatchObject({ notRehearsed: ['queue', 'desk'] });
});
