// Laws of deliveries: a device has its time from when it heard, tries count for nothing, and who never heard is named apart.
import { describe, expect, it } from 'vitest';
import { randomBelow, seededRandom } from '../../src/base/random.ts';
import { digestOf } from '../../src/contract/digest.ts';
import type { DirectiveEntry } from '../../src/contract/directive.ts';
import { BUCKETS } from '../../src/contract/membership.ts';
import { outcomeKey } from '../../src/contract/report.ts';
import { parseRule } from '../../src/documents/rules/rule-text.ts';
import { judgeStage } from '../../src/gates/judge-stage.ts';
import type { RuleVerdict } from '../../src/gates/rule-verdict.ts';
import { devicesOfTarget, type KnownDevice } from '../../src/rollout/count-cohort.ts';
import { countDeliveries, DeliveryCounter } from '../../src/rollout/count-deliveries.ts';
import { countGroups } from '../../src/rollout/count-groups.ts';
import { ruleSentences } from '../../src/wording/rule-in-words.ts';
import { ask } from '../gates/false-evidence.ts';

const CANDIDATE = digestOf('2.0.0');
const STABLE = digestOf('1.0.0');
const MINUTE = 60_000;
const OPENED = 7;

const ENTRY: DirectiveEntry = {
  ...{ rollout: 'eu', revision: 9, model: 'ocr', target: 'region:eu', stage: 'canary', salt: 'salt' },
  cohort: { cut: BUCKETS, select: null, devices: [] },
  candidate: { version: '2.0.0', digest: CANDIDATE, attempt: 2, parameters: {} },
  stable: { version: '1.0.0', digest: STABLE, parameters: {}, target: 'region:eu' },
  ...{ spreadMs: 0, emergency: false },
};

/** Minutes of listening. */
interface Told {
  readonly heard?: number;
  readonly got?: number;
  readonly attempt?: number;
  readonly silentSince?: number;
  readonly outcome?: 'undelivered' | 'refused' | 'conflict';
  readonly site?: string;
}

const device = (told: Told, id: string, now: number): KnownDevice => {
  const { heard, got, attempt = 2, silentSince = now, outcome, site = 'a' } = told;
  const taken = { digest: CANDIDATE, attempt, takenListenedMs: (got ?? 0) * MINUTE };
  const heardAt = (revision: number, minute: number) => ({ revision, heardListenedMs: minute * MINUTE });
  const facts = { attempt: 2, reason: null, message: '' };
  return {
    ...{
      id,
      labels: { region: 'eu', site },
      properties: {},
      lastSeenListenedMs: silentSince * MINUTE,
      models: new Map(),
    },
    outcomes: new Map(outcome === undefined ? [] : [[outcomeKey('eu', CANDIDATE), { kind: outcome, ...facts }]]),
    tookCandidate: new Map(got === undefined ? [] : [['eu', [taken]]]),
    heard: new Map([['eu', [heardAt(OPENED - 1, 0), ...(heard === undefined ? [] : [heardAt(OPENED, heard)])]]]),
  };
};

function verdictAt(
  now: number,
  told: readonly Told[],
  { text = 'undelivered_devices < 5% after 30m', by }: { readonly text?: string; readonly by?: string } = {},
): RuleVerdict {
  const devices = told.map((one, i) => device(one, `d${i}`, now));
  const facts = { entry: ENTRY, devices, listenedMs: now * MINUTE, silenceMs: 10 * MINUTE, openedRevision: OPENED };
  const question = ask({
    rules: [
      { rule: parseRule(text), ...(by === undefined ? {} : { grouping: { by, limits: new Map() } }), dryRun: false },
    ],
    groups: countGroups(facts, [{ by: 'site', values: ['a', 'b'] }]),
    deliveries: () => countDeliveries(facts, devicesOfTarget(facts)),
  });
  return judgeStage(question).rules[0]!;
}

const many = (count: number, told: Told): Told[] => Array<Told>(count).fill(told);
const QUICK: Told = { heard: 1, got: 3 };

it('a counter that counted before finds what a new one does, whatever changed meanwhile', () => {
  const random = seededRandom(1, 'counter');
  const pick = <T>(...all: T[]): T => all[randomBelow(random, all.length)]!;
  const draw = (now: number): Told => ({
    ...pick<Told>({}, { heard: randomBelow(random, now) }),
    ...pick<Told>({}, { got: randomBelow(random, now) }),
    ...pick<Told>({}, {}, { silentSince: 0 }, { outcome: 'undelivered' }, { outcome: 'refused' }),
  });
  const counter = new DeliveryCounter();
  let devices: KnownDevice[] = [];
  for (let now = 1; now <= 200; now++) {
    const joined = randomBelow(random, 3) === 0 ? [device(draw(now), `d${now}`, now)] : [];
    const kept = randomBelow(random, 10) === 0 ? devices.slice(1) : devices;
    devices = [...kept.map((one) => (randomBelow(random, 8) === 0 ? device(draw(now), one.id, now) : one)), ...joined];
    const entry = now < 100 ? ENTRY : { ...ENTRY, candidate: { ...ENTRY.candidate!, attempt: 1 } };
    const facts = {
      entry,
      devices,
      listenedMs: now * MINUTE,
      silenceMs: 10 * MINUTE,
      openedRevision: now < 150 ? OPENED : OPENED - 1,
    };
    expect(counter.count(facts, devicesOfTarget(facts))).toEqual(countDeliveries(facts, devicesOfTarget(facts)));
  }
  expect(devices.length).toBeGreaterThan(10);
});

describe('a device', () => {
  it('that is slow but has it within its time is good, from when it heard and not from when the stage opened', () => {
    const slow = { heard: 20, got: 49 };
    expect(verdictAt(49, [...many(19, QUICK), { heard: 20 }])).toMatchObject({
      verdict: 'undecided',
      sums: { pending: 1 },
    });
    expect(verdictAt(60, [...many(19, QUICK), slow])).toMatchObject({ verdict: 'pass', sums: { bad: 0, good: 20 } });
  });

  it('is bad once its time is over, and stays bad when it gets the version later', () => {
    const without = [...many(19, QUICK), { heard: 2 }];
    expect(verdictAt(32, without)).toMatchObject({ verdict: 'undecided' });
    const failed = verdictAt(33, without);
    expect(failed).toMatchObject({ verdict: 'fail', estimate: 0.05, sums: { bad: 1, good: 19, pending: 0 } });
    expect(failed.reasons).toEqual([{ kind: 'undelivered', count: 1, devices: ['d19'] }]);
    expect(ruleSentences(failed).join(' ')).toBe(
      '1 of 20 devices did not have the version in time. Allowed: below 5% after 30m. It fails. Still without it: d19.',
    );
    const late = verdictAt(40, [...many(19, QUICK), { heard: 2, got: 33 }]);
    expect(late).toMatchObject({ verdict: 'fail', reasons: [] });
  });

  it('that never heard is pending while it may yet come, then out of the count, and named', () => {
    const away = [...many(19, QUICK), { silentSince: 0 }];
    expect(verdictAt(5, away)).toMatchObject({ verdict: 'undecided', sums: { good: 19, pending: 1 } });
    const passed = verdictAt(40, away);
    expect(passed).toMatchObject({ verdict: 'pass', trials: 19, sums: { bad: 0, good: 19, pending: 0 } });
    expect(ruleSentences(passed).at(-1)).toBe('Never heard of the stage and not counted: d19.');
  });

  it('that heard and fell silent counts, as one does whose host sends other bytes', () => {
    const gone = [...many(18, QUICK), { heard: 2, silentSince: 5 }, { heard: 2, outcome: 'undelivered' as const }];
    expect(verdictAt(40, gone)).toMatchObject({ verdict: 'fail', sums: { bad: 2, good: 18 } });
  });

  it('that had it in an earlier attempt has to get it again; one that won’t fetch it is not asked', () => {
    expect(verdictAt(5, [...many(19, QUICK), { heard: 2, got: 1, attempt: 1 }])).toMatchObject({
      sums: { pending: 1 },
    });
    const unwilling = [
      { heard: 2, outcome: 'refused' as const },
      { heard: 2, outcome: 'conflict' as const },
    ];
    expect(verdictAt(40, [...many(5, QUICK), ...unwilling])).toMatchObject({ verdict: 'pass', trials: 5 });
  });
});

it('a stage passes as soon as those without it can no longer break the limit', () => {
  expect(verdictAt(4, [...many(96, QUICK), ...many(4, { heard: 1 })])).toMatchObject({ verdict: 'pass' });
  expect(verdictAt(4, [...many(95, QUICK), ...many(5, { heard: 1 })])).toMatchObject({ verdict: 'undecided' });
  const text = 'undelivered_devices <= 5% after 30m';
  expect(verdictAt(4, [...many(95, QUICK), ...many(5, { heard: 1 })], { text })).toMatchObject({ verdict: 'pass' });
});

it('a site that gets nothing fails by itself, though the stage as a whole would bear it', () => {
  const told = [...many(96, QUICK), ...many(4, { heard: 1, site: 'b' })];
  expect(verdictAt(40, told)).toMatchObject({ verdict: 'pass' });
  const apart = verdictAt(40, told, { by: 'site' });
  expect(apart).toMatchObject({ verdict: 'fail', group: 'site:b', sums: { bad: 4, good: 0, pending: 0 } });
});
