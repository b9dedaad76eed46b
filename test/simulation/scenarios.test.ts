// Each scenario with its golden timeline: a reviewer reads what a policy makes of it.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { rehearse } from '../../src/simulation/rehearsal.ts';
import type { Rehearsal } from '../../src/simulation/rehearsal-order.ts';
import { rehearsalText } from '../../src/simulation/rehearsal-words.ts';
import { parsePolicy, scenarioPolicyText } from '../../src/simulation/scenario-policies.ts';
import { SCENARIOS } from '../../src/simulation/scenarios.ts';
import { orderOf } from './rehearsed.ts';

const NAMES = SCENARIOS.map(({ name }) => name);

/** How each ends under its policy; `stage` where it matters. */
const ENDS: Readonly<Record<string, { readonly outcome: Rehearsal['outcome']; readonly stage?: string }>> = {
  good: { outcome: 'completed' },
  'error-0.6x': { outcome: 'completed' },
  'error-1.2x': { outcome: 'reverted', stage: 'canary' },
  'error-2x': { outcome: 'reverted', stage: 'canary' },
  'error-10x': { outcome: 'reverted', stage: 'canary' },
  'cpu-spike': { outcome: 'reverted', stage: 'canary' },
  'missing-class': { outcome: 'reverted', stage: 'canary' },
  'network-timeout': { outcome: 'completed' },
  'undelivered-tenth': { outcome: 'reverted', stage: 'canary' },
  'silenced-devices': { outcome: 'reverted', stage: 'canary' },
  'starved-devices': { outcome: 'reverted', stage: 'canary' },
  // A tenth of the fleet at twice the time is less than half more at the 95th percentile of all: the rule by hardware finds it.
  'hw-latency': { outcome: 'reverted', stage: 'ramp' },
  'memory-leak': { outcome: 'reverted', stage: 'ramp' },
  'late-regression': { outcome: 'reverted', stage: 'ramp' },
  'confidence-shift': { outcome: 'reverted', stage: 'canary' },
  'surer-model': { outcome: 'completed' },
  'less-sure-mixture': { outcome: 'reverted', stage: 'canary' },
  'input-shift': { outcome: 'reverted', stage: 'canary' },
  'price-drift': { outcome: 'reverted', stage: 'canary' },
  'embedding-space-changed': { outcome: 'reverted', stage: 'canary' },
  'time-of-day': { outcome: 'completed' },
  'broken-device': { outcome: 'completed' },
  'half-offline': { outcome: 'completed' },
  'one-site-outage': { outcome: 'completed' },
  'site-slowdown': { outcome: 'completed' },
  crowded: { outcome: 'reverted', stage: 'full' },
  'clocks-wrong': { outcome: 'completed' },
  'reports-reordered': { outcome: 'completed' },
  kiosks: { outcome: 'reverted', stage: 'canary' },
  keyboard: { outcome: 'reverted', stage: 'ramp' },
  'any-device': { outcome: 'reverted', stage: 'canary' },
};

/** Devices of the canary under the policies of the scenarios; 20 unless given. */
const CANARY: Readonly<Record<string, number>> = { kiosks: 10, 'silenced-devices': 50, 'starved-devices': 50 };

test('every scenario has its end here', () => {
  expect(Object.keys(ENDS)).toEqual(NAMES);
});

test('every scenario has a row of the how-to page', () => {
  const page = readFileSync(path.join(import.meta.dirname, '../../docs/how-to/rehearse-a-policy.md'), 'utf8');
  const cells = [...page.matchAll(/^\| (`[^|]*) \|/gm)].flatMap(([, cell = '']) => cell.split(', '));
  expect(NAMES.filter((name) => !cells.includes(`\`${name}\``))).toEqual([]);
});

test.each(NAMES)(
  '%s is told as in its golden text, and its history has no fault',
  async (name) => {
    const order = orderOf(name);
    const rehearsal = await rehearse(order);
    await expect(`${rehearsalText(order, rehearsal)}\n`).toMatchFileSnapshot(
      path.join(import.meta.dirname, 'golden', `${name}.txt`),
    );
    expect(rehearsal.breaches).toEqual([]);
    expect(rehearsal).toMatchObject(ENDS[name]!);
    if (rehearsal.outcome === 'reverted' && rehearsal.stage === 'canary') {
      expect(rehearsal.devicesExposed).toBeLessThanOrEqual(CANARY[name] ?? 20);
      expect(rehearsal.minutesToRestore).toBeLessThan(1);
    }
  },
  300_000,
);

test('an outage of a site is a fault of the version where silent devices count as failed, and none beside stable', async () => {
  const usual = parsePolicy('usual.yaml', Buffer.from(scenarioPolicyText('good')));
  expect((await rehearse(orderOf('one-site-outage', { policy: usual }))).outcome).toBe('reverted');
});
