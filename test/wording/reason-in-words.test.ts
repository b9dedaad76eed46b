// Laws of reasons: every kind has its clause, as a text that a reviewer can read, and nothing that others wrote breaks a line.
import { expect, it } from 'vitest';
import type { RuleReason } from '../../src/gates/rule-reason.ts';
import { reasonInWords, silenceInWords, stageReasonInWords } from '../../src/wording/reason-in-words.ts';

type Kind = RuleReason['kind'];

const FACTS: { readonly [K in Kind]: Omit<Extract<RuleReason, { kind: K }>, 'kind'> } = {
  'no-data': {},
  'too-few-reports': {},
  'too-few-devices': {},
  'no-baseline': {},
  'no-events': {},
  'one-device': {},
  'no-devices': {},
  'one-breaches': {},
  'too-little': { within: true },
  'first-rollout': {},
  'not-frozen': {},
  frozen: {},
  'not-measured': {},
  'no-relative-limit': {},
  'no-single-device-limit': {},
  outlier: { byAll: 'within', device: 'kiosk-17', times: 12.5, areOthersOver: true },
  bursts: { effect: 15.4 },
  late: { bad: 43, trials: 2040 },
  'own-past': {},
  'one-on-stable': { device: 'kiosk-17' },
  'pending-installs': { pending: 3 },
  'pending-deliveries': { pending: 3 },
  'fewer-report': {},
  silent: { count: 4, devices: ['kiosk-17', 'kiosk-18', 'kiosk-19'] },
  'fewer-answer': {},
  'not-answering': { count: 4, devices: ['kiosk-17', 'kiosk-18', 'kiosk-19'] },
  young: { count: 3 },
  'arms-differ': { problem: 'sample-ratio', seen: 12, all: 1234, expected: 0.25, both: 0, devices: [] },
  'not-listening': {},
  undelivered: { count: 4, devices: ['kiosk-17', 'kiosk-18', 'kiosk-19'] },
  'out-of-reach': { count: 1, devices: ['kiosk-20'] },
  'no-outcomes': { of: 'downloads' },
  'devices-open': { mayBreach: 2, total: 20 },
  'device-breach': { device: 'kiosk-17', bad: 18, trials: 1228, breaching: 7, mayBreach: 3, total: 60 },
  'devices-beyond': { side: 'above', bad: 8, pending: 2, total: 1200, forMs: 300_000, isSample: true },
  'not-reported': {},
  'few-report': { devices: 1 },
  'thin-reports': {},
  'thin-baseline': {},
  'baseline-not-positive': {},
  'class-fell': { name: 'receipt', from: 0.041, to: 0, devices: 9, total: 10 },
  'more-classes': { count: 2 },
  'class-open': { name: 'receipt', seen: 1, expected: 3.14, why: null },
  'classes-too-rare': {},
  'no-classes': {},
  'unknown-class': { name: 'reciept' },
  'first-intervals': { intervals: 2 },
  'on-course': { minute: 17, until: 30, isPast: false },
  'not-comparable': { why: { kind: 'other-centre', candidate: 10, stable: 12.5 } },
  'output-moved': { bin: { kind: 'values', least: 31.04, most: 45.13 }, from: 0.1, to: 0.24 },
  'class-moved': { name: 'letter', from: 0.2, to: 0.004 },
  'less-sure': { below: 0.8, excess: 0.12 },
  'confidence-moved': { direction: 'less-sure', least: 0.9, most: 1, from: 0.97, to: 0.57 },
  'other-groups': { count: 4, over: ['hw:rev1', 'hw:rev2', 'hw:rev3'], overCount: 4 },
  'small-group': { least: 3 },
  'no-such-devices': {},
  'no-group-judged': {},
  'signal-resting': { why: 'not-ready' },
  'signal-silent': { why: { kind: 'unknown-provider' } },
  'no-answer': {},
  'provider-undecided': {},
  'signal-short': { within: true, heldMs: 60_000, neededMs: 300_000 },
  'signal-few': { within: false, answers: 2, needed: 3 },
  'provider-said': { text: 'too few orders' },
};

it('each kind reads as it should', async () => {
  const told = Object.entries(FACTS).map(([kind, facts]) => {
    const reason = { kind, ...facts } as RuleReason;
    return `${kind}: ${reasonInWords(reason)}`;
  });
  await expect(`${told.join('\n')}\n`).toMatchFileSnapshot('golden/reasons.txt');
});

it('what delays the verdict on a class is said of that class, and a class fell on devices of the stage', () => {
  const open = { kind: 'class-open', name: 'receipt', seen: 0, expected: 9, why: { kind: 'one-device' } } as const;
  expect(reasonInWords(open)).toBe('"receipt": one device explains the breach');
  expect(reasonInWords({ kind: 'class-fell', ...FACTS['class-fell'] }, 'canary')).toMatch(/9 of 10 canary devices$/);
});

it('a provider is silent in its own words, and a stage lacks what is missing to its minimum', () => {
  expect(silenceInWords({ kind: 'said', text: 'HTTP 503' })).toBe('HTTP 503');
  expect(silenceInWords({ kind: 'wrong-answer', wanted: 'number' })).toBe('it returned a verdict, not a number');
  expect(stageReasonInWords({ kind: 'minimum-devices', have: 2, need: 3 })).toBe('1 more device with data');
  expect(stageReasonInWords({ kind: 'minimum-inferences', have: 0, need: 12_000 })).toBe('12,000 more inferences');
});
