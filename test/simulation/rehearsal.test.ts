// Laws of rehearsals: repeatable, made of real reports, unmoved by what must not matter, and honest about what others would have done.
import { expect, test, vi } from 'vitest';
import { digestOf } from '../../src/contract/digest.ts';
import { parseReport } from '../../src/contract/parse-report.ts';
import type { ModelManifest } from '../../src/contract/types.generated.ts';
import type { DeviceGroup } from '../../src/documents/types.generated.ts';
import { withOwn } from '../../src/simulation/own-model.ts';
import { rehearse } from '../../src/simulation/rehearsal.ts';
import { rehearsalPage } from '../../src/simulation/rehearsal-page.ts';
import { rehearsalJson, rehearsalText } from '../../src/simulation/rehearsal-words.ts';
import { parsePolicy } from '../../src/simulation/scenario-policies.ts';
import { findScenario } from '../../src/simulation/scenarios.ts';
import { orderOf, rehearsed } from './rehearsed.ts';
import { watchedRehearsal } from './watched-store.ts';

vi.mock('../../src/store/memory/open-memory-fleet-store.ts', { spy: true });

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
  const { heard } = await watchedRehearsal('reports-reordered', { devices: 40, hours: 0.2 });
  for (const { report } of heard) expect(parseReport(Buffer.from(JSON.stringify(report)))).toEqual(report);
  const answers = new Map([...Map.groupBy(heard, ({ answer }) => answer)].map(([kind, all]) => [kind, all.length]));
  expect(answers.get('accepted')).toBeGreaterThan(500);
  expect(answers.get('duplicate')).toBeGreaterThan(100);
  expect([...answers.keys()].sort()).toEqual(['accepted', 'duplicate']);
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
  const order = orderOf('error-0.6x', { devices: 100, hours: 3, policy: FIVE, seed: 1 });
  const rehearsal = await rehearse(order);
  expect(rehearsal.outcome).toBe('completed');
  expect(rehearsal.bareThreshold.argo.outcome).toBe('reverted');
  expect(rehearsal.bareThreshold.flagger.outcome).toBe('reverted');
  expect(rehearsalJson(order, rehearsal)).toMatchObject({
    judgement: 'right',
    bareThreshold: { argo: { judgement: 'false-alarm' }, flagger: { judgement: 'false-alarm' } },
  });
  const told = /would have reverted a good model at \d:\d\d in canary \(error_rate < 0\.5%\): a false alarm/g;
  expect(rehearsalText(order, rehearsal).match(told)).toHaveLength(2);
  expect(rehearsalPage(order, rehearsal).match(/would have reverted a good model/g)).toHaveLength(2);
});

test('a bare threshold misses a class that is gone, and it is told up to when it was watched', async () => {
  const order = orderOf('missing-class', small);
  const rehearsal = await rehearse(order);
  const { minutesToRevert, bareThreshold } = rehearsal;
  expect(bareThreshold.watchedMinutes).toBe(minutesToRevert! + 30);
  expect(rehearsalJson(order, rehearsal)).toMatchObject({
    judgement: 'right',
    bareThreshold: { argo: { judgement: 'miss' }, flagger: { judgement: 'miss' } },
  });
  expect(rehearsalText(order, rehearsal)).toMatch(
    /Flagger, threshold 5 +would not have noticed in 0:\d\d \(\d+ intervals? over a limit\): a miss$/m,
  );
});

test.each([
  ['completed', false, 'right', 'The candidate was good, and the fleet got it.'],
  ['completed', true, 'miss', 'The candidate was bad, and the whole fleet got it: a miss'],
  ['reverted', false, 'false-alarm', 'The candidate was good: a false alarm.'],
  ['reverted', true, 'right', 'The candidate was bad, and was kept from the rest of the fleet.'],
  ['held', false, 'open', 'it had not got through its stages'],
  ['held', true, 'open', 'it stays in its stage'],
] as const)(
  "%s, with a candidate whose being bad is %s, is judged '%s' of Slipway as well",
  async (outcome, isBad, judgement, told) => {
    const order = orderOf('good', { devices: 20, hours: 0.1 });
    const judged = { ...order, scenario: { ...order.scenario, isBad } };
    const rehearsal = { ...(await rehearse(order)), outcome, soakedMinutes: null };
    expect(rehearsalJson(judged, rehearsal)).toMatchObject({ judgement, candidateIsBad: isBad });
    expect(rehearsalText(judged, rehearsal)).toContain(told);
  },
);

test('a policy for models with classes has tested nothing where the model has none, unless it was reverted', async () => {
  const own = orderOf('price-drift', { devices: 20, hours: 0.1 });
  const ofClasses = { ...own, policy: orderOf('missing-class', small).policy };
  const rehearsal = { ...(await rehearse(own)), faultBegan: true, groupsApart: [], soakedMinutes: null };
  const judgement = (order: typeof own, outcome: 'completed' | 'reverted') =>
    rehearsalJson(order, { ...rehearsal, outcome }).judgement;
  expect(judgement(ofClasses, 'completed')).toBe('untested');
  expect(rehearsalText(ofClasses, { ...rehearsal, outcome: 'completed' })).toContain('has none: nothing was tested.');
  expect(judgement(ofClasses, 'reverted')).toBe('right');
  expect(judgement(own, 'completed')).toBe('miss');
});

test('the timeline tells once when the fault begins, and nothing of the kind where nothing goes wrong', async () => {
  const faults = (timeline: readonly { readonly kind: string }[]) => timeline.filter(({ kind }) => kind === 'fault');
  const { timeline } = await rehearsed('error-10x', small);
  expect(faults(timeline)).toHaveLength(1);
  const at = timeline.findIndex(({ kind }) => kind === 'fault');
  expect(timeline.slice(at).some(({ text }) => text.startsWith('revert'))).toBe(true);
  expect(faults((await rehearsed('good', small)).timeline)).toEqual([]);
});

test('a candidate in the middle of its soak when the hours are over is told so: nothing was left undecided', async () => {
  const order = orderOf('late-regression', { devices: 20, hours: 0.4 });
  const rehearsal = await rehearse(order);
  expect(rehearsal).toMatchObject({ outcome: 'held', stage: 'canary' });
  expect(rehearsalText(order, rehearsal)).toMatch(
    /^The 0\.4 hours of the rehearsal were over in canary, (1[5-9]|2[0-4]) minutes into its soak\.$/m,
  );
  const short = { ...order, hours: 1 };
  expect(rehearsalText(short, rehearsal)).toContain('The 1 hour of the rehearsal was over in canary, ');
  expect(rehearsalText(order, { ...rehearsal, awaits: ['alice'] })).toContain('it stays in its stage');
});

test('a bad candidate that some groups were spared is judged right once the others have it for good, and not while it is held', async () => {
  const order = orderOf('good', { devices: 20, hours: 0.1 });
  const judged = { ...order, scenario: { ...order.scenario, isBad: true } };
  const apart = { ...(await rehearse(order)), groupsApart: ['hw:rev3'], soakedMinutes: null };
  const judgement = (outcome: 'completed' | 'held' | 'reverted') =>
    rehearsalJson(judged, { ...apart, outcome }).judgement;
  expect([judgement('completed'), judgement('held'), judgement('reverted')]).toEqual(['right', 'open', 'right']);
  expect(rehearsalText(judged, { ...apart, outcome: 'completed' })).toContain('kept from hw:rev3; the others got it.');
  expect(rehearsalText(judged, { ...apart, outcome: 'held' })).toContain('it stays in its stage');
});

test.each(['crowded', 'site-slowdown'])(
  '%s begins when nearly all devices have the candidate, whatever the policy; where the rollout ended before, nothing was tested',
  async (scenario) => {
    const of = (soak: string) =>
      parsePolicy(
        'hasty.yaml',
        Buffer.from(`apiVersion: slipway.dev/v1alpha1
kind: RolloutPolicy
metadata: { name: hasty }
spec:
  appliesTo: { rollouts: ["*"] }
  holdBack: 0
  stages:
    - { name: canary, size: 50%, soak: 1m, minimum: { devices: 3, inferences: 1 }, rules: [vanished_classes == 0] }
    - { name: full, size: 100%, soak: ${soak} }
`),
      );
    const ended = async (soak: string) => {
      const order = orderOf(scenario, { devices: 20, hours: 2, policy: of(soak) });
      const rehearsal = await rehearse(order);
      return { json: rehearsalJson(order, rehearsal), text: rehearsalText(order, rehearsal) };
    };
    const isBad = findScenario(scenario).isBad;
    expect((await ended('30m')).json).toMatchObject({ outcome: 'completed', judgement: isBad ? 'miss' : 'right' });
    const { json, text } = await ended('1m');
    expect(json).toMatchObject({ outcome: 'completed', faultBegan: false, judgement: 'untested' });
    expect(text).toContain('The fault had not begun when the rollout ended: nothing was tested.');
    expect(text).not.toMatch(/a miss|right/);
  },
);

/** A canary of half of the devices, and all. */
function policyOf(rules: string, more = '') {
  const text = `apiVersion: slipway.dev/v1alpha1
kind: RolloutPolicy
metadata: { name: halves }
spec:
  appliesTo: { rollouts: ["*"] }
  stages:
    - { name: canary, size: 50%, rules: ${rules}${more === '' ? '' : `, ${more}`} }
    - { name: full, size: 100% }
`;
  return parsePolicy('halves.yaml', Buffer.from(text));
}

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
  // Of addresses, those alone that lead within the page.
  expect(page).not.toMatch(/<script|src=|href="[^#]|@import|url\([^#]/);
  expect(page.match(/<svg class="c" /g)).toHaveLength(12);
  expect(page).toContain('latency_p95 &lt; 1.5x baseline');
  expect(page).not.toMatch(/NaN|Infinity|undefined/);
});

test('a scenario that nobody knows is refused with the names of those that are', () => {
  expect(() => findScenario('gamma-rays')).toThrow(
    expect.objectContaining({ code: 'SIMULATION_SCENARIO', remedy: expect.stringContaining('cpu-spike') }),
  );
});

test('rules about outside signals and those that watch the version that is fully out are left out, and it says so', async () => {
  const text = `apiVersion: slipway.dev/v1alpha1
kind: RolloutPolicy
metadata: { name: asking }
spec:
  appliesTo: { rollouts: ["*"] }
  watch: { rules: [error_rate < 1%, vanished_classes == 0] }
  stages:
    - { name: canary, size: 50%, rules: [{ rule: queue < 5, prometheus: main, query: queue }] }
    - name: full
      size: 100%
      rules: [error_rate < 20%, { rule: queue < 5, prometheus: main, query: queue }, { rule: desk passes, webhook: desk }]
`;
  const order = { ...orderOf('good', small), policy: parsePolicy('asking.yaml', Buffer.from(text)) };
  const rehearsal = await rehearse(order);
  expect(rehearsal.outcome).toBe('completed');
  const told = [
    'Not rehearsed, because a rehearsal queries no provider: queue < 5 (prometheus main) and desk passes (webhook desk). Stages advance without these rules.',
    'Not rehearsed, because a rehearsal ends once the version is stable: the watch rules error_rate < 1% and vanished_classes == 0.',
  ];
  expect(rehearsalText(order, rehearsal)).toContain(told.join('\n'));
  for (const sentence of told)
    expect(rehearsalPage(order, rehearsal)).toContain(`<p>${sentence.replaceAll('<', '&lt;')}</p>`);
  expect(rehearsalJson(order, rehearsal)).toMatchObject({
    notRehearsed: [
      { rule: 'queue < 5', asks: 'prometheus main', stages: ['canary', 'full'], reason: 'outside-signal' },
      { rule: 'desk passes', asks: 'webhook desk', stages: ['full'], reason: 'outside-signal' },
      { rule: 'error_rate < 1%', asks: null, stages: [], reason: 'watch' },
      { rule: 'vanished_classes == 0', asks: null, stages: [], reason: 'watch' },
    ],
  });
});

test('rules on what no virtual device reports are left out, and hold no stage', async () => {
  const rules = '[error_rate < 20%, accuracy > 90%, "input[brightness] < 1.2x baseline", "gauge[queue] < 5 for 5m"]';
  const order = { ...orderOf('good', small), policy: policyOf(rules) };
  const rehearsal = await rehearse(order);
  expect(rehearsal.outcome).toBe('completed');
  expect(rehearsalJson(order, rehearsal)).toMatchObject({
    notRehearsed: [
      { rule: 'accuracy > 90%', stages: ['canary', 'full'], reason: 'not-reported' },
      { rule: 'gauge[queue] < 5 for 5m', stages: ['canary', 'full'], reason: 'not-reported' },
    ],
  });
  expect(rehearsalText(order, rehearsal)).toContain(
    'Not rehearsed, because virtual devices report nothing of the kind: accuracy > 90% and gauge[queue] < 5 for 5m.',
  );
});

test('a stage that waits for an approval ends the rehearsal, unless approvals are given', async () => {
  const approval = 'approval: { approvers: [ann, bob, eve], count: 2 }';
  const order = { ...orderOf('good', small), policy: policyOf('[error_rate < 20%]', approval) };
  const waits = await rehearse(order);
  expect(waits).toMatchObject({ outcome: 'held', stage: 'canary', awaits: ['ann', 'bob', 'eve'] });
  expect(rehearsalText(order, waits)).toContain('Outcome: waits in canary for an approval by ann, bob or eve;');
  const given = await rehearse({ ...order, approves: true });
  expect(given).toMatchObject({ outcome: 'completed', awaits: [], breaches: [] });
  expect(given.timeline.map(({ text }) => text)).toContain('2.0.0 canary → full');
});

const OWN = {
  apiVersion: 'slipway.dev/v1alpha1',
  kind: 'ModelManifest',
  metadata: { name: 'sorter', version: '3.1.0' },
  spec: {
    framework: 'onnx',
    interface: {
      inputs: [{ name: 'x', type: 'float32', shape: [-1, 4] }],
      outputs: [{ name: 'p', type: 'float32', shape: [-1, 3], classes: ['apple', 'pear', 'leaf'] }],
    },
    confidence: { least: 0.5 },
    variants: [
      { platform: 'linux/arm64', files: [{ role: 'model', name: 'a', digest: digestOf('a'), sizeBytes: 5, url: 'a' }] },
      { platform: 'linux/amd64', files: [{ role: 'model', name: 'b', digest: digestOf('b'), sizeBytes: 7, url: 'b' }] },
    ],
  },
} as const satisfies ModelManifest;

test('my manifest is rehearsed: its names, classes and platforms, with the labels of my fleet', async () => {
  const group: DeviceGroup = {
    apiVersion: 'slipway.dev/v1alpha1',
    kind: 'DeviceGroup',
    metadata: { name: 'kiosks' },
    spec: { labels: { ring: 'canary' }, devices: [{ id: 'k1' }, { id: 'k2', labels: { site: 'rome' } }] },
  };
  const rome: DeviceGroup = { ...group, metadata: { name: 'rome' }, spec: { devices: [{ id: 'k2' }] } };
  const labels = new Map([
    [
      'hw',
      new Map([
        ['a', 30],
        ['b', 10],
      ]),
    ],
  ]);
  const scenario = withOwn(findScenario('missing-class'), {
    manifest: OWN,
    groups: [group, rome],
    labels,
    perMinute: 600,
  });
  const model = { name: 'sorter', stable: '3.0.0', candidate: '3.1.0' };
  const policy = policyOf(
    '[error_rate < 20%, vanished_classes == 0, "class_share[leaf] < 20%", "class_share[cat] < 5%"]',
  );
  const own = { ...small, scenario, model, policy, devices: 40 };
  const order = orderOf('good', own);
  const { rehearsal, heard } = await watchedRehearsal('good', own);
  expect(rehearsal.outcome).toBe('reverted');
  expect(rehearsal.timeline.map(({ text }) => text).join()).toContain('revert 3.1.0 to 3.0.0: "leaf" vanished');
  expect(rehearsalJson(order, rehearsal)).toMatchObject({ notRehearsed: [{ rule: 'class_share[cat] < 5%' }] });
  const reports = [...new Map(heard.map(({ report }) => [report.device, report])).values()];
  expect(reports.filter((one) => one.labels.hw === 'a')).toHaveLength(30);
  expect(reports.find((one) => one.labels.site === 'rome')?.labels.groups).toBe('kiosks,rome');
  expect(reports.filter((one) => one.labels.ring === 'canary' && one.labels.groups?.startsWith('kiosks'))).toHaveLength(
    2,
  );
  expect(reports.filter((one) => one.properties.platform === 'linux/amd64')).toHaveLength(20);
  const named = new Set(heard.flatMap(({ report }) => report.intervals.flatMap((one) => Object.keys(one.classes))));
  expect([...named].sort()).toEqual(['apple', 'leaf', 'pear']);
});

test('labels that are said are as frequent as was said, whatever the number of devices', async () => {
  for (const devices of [1, 2, 40, 7919]) {
    const labels = new Map([
      [
        'hw',
        new Map([
          ['a', 3],
          ['b', 1],
        ]),
      ],
    ]);
    const { special } = withOwn(findScenario('good'), { labels }).population;
    const all = Array.from({ length: devices }, (_, index) => special?.(index, devices).labels?.hw);
    expect(Math.abs(all.filter((one) => one === 'a').length - 0.75 * devices)).toBeLessThan(1);
  }
});

test('rules on classes and confidences are not rehearsed with a model that has none', async () => {
  const { interface: ports } = OWN.spec;
  const spec = {
    ...OWN.spec,
    interface: { ...ports, outputs: [{ name: 'p', type: 'float32' as const, shape: [-1, 3] }] },
  };
  const scenario = withOwn(findScenario('good'), { manifest: { ...OWN, spec } });
  const policy = policyOf('[error_rate < 20%, vanished_classes == 0, confidence_drift < 0.1, unknown_rate < 5%]');
  const order = { ...orderOf('good', small), scenario, policy };
  const rehearsal = await rehearse(order);
  expect(rehearsal.outcome).toBe('completed');
  expect((rehearsalJson(order, rehearsal).notRehearsed as { rule: string }[]).map(({ rule }) => rule)).toEqual([
    'vanished_classes == 0',
    'confidence_drift < 0.1',
    'unknown_rate < 5%',
  ]);
});

test('a target that no virtual device matches is refused with the way to give them labels', async () => {
  await expect(rehearse({ ...orderOf('good', small), target: 'site:mars' })).rejects.toMatchObject({
    code: 'SIMULATION_TARGET',
    remedy: expect.stringContaining('--groups'),
  });
});

test('nothing is said to be left out of a policy that is rehearsed as a whole', async () => {
  const order = orderOf('good', { devices: 20, hours: 0.1 });
  const rehearsal = await rehearse(order);
  expect(rehearsalText(order, rehearsal)).not.toContain('Not rehearsed');
  expect(rehearsalJson(order, rehearsal)).toMatchObject({ notRehearsed: [] });
});
