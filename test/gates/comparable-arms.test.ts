// Laws of arms that can't be compared: what is judged beside stable is withheld, and nothing else.
import { expect, it } from 'vitest';
import type { HeardDevice, StageHeard } from '../../src/gates/heard-arm.ts';
import { judgeStage } from '../../src/gates/judge-stage.ts';
import type { StageQuestion } from '../../src/gates/stage-question.ts';
import { alike, arm, ask, repeat, rules } from './false-evidence.ts';

interface Told {
  readonly devices: number;
  readonly lost?: number;
  readonly both?: number;
  /** The first so many were heard of for the first time since the stage opened. */
  readonly late?: number;
}

function devices({ devices: count, lost = 0, both = 0, late = 0 }: Told): HeardDevice[] {
  return Array.from({ length: count }, (_, i) => ({
    ...{ name: `d${i}`, fromMs: i < late ? 60_000 : 0, fellMs: null, isSilent: false, isYoung: false },
    ...{ isAfter: i >= lost, isInBoth: i < both },
  }));
}

const heard = (candidate: Told, stable: Told, isByHash = true): StageHeard => ({
  ...{ candidate: devices(candidate), stable: devices(stable) },
  ...{ isByHash, openedMs: 0, openMs: 3_600_000, intervalMs: 60_000 },
});

const good = alike(20, repeat(30, [60, 0]));
const bad = alike(20, repeat(30, [60, 6]));
const RULES = rules('error_rate < 2x baseline, floor 0.5%', 'error_rate < 1%');

function judge(candidate: typeof good, arms: StageHeard, more: Partial<StageQuestion> = {}) {
  const question = ask({ rules: RULES, candidate: arm(candidate), baseline: arm(good), heard: () => arms, ...more });
  const { arms: alarm, rules: judged } = judgeStage(question);
  return { problem: alarm?.problem ?? null, verdicts: judged.map(({ verdict }) => verdict), judged };
}

it('arms with their share of the devices are compared, however many of both are away', () => {
  expect(judge(good, heard({ devices: 500 }, { devices: 1500 }))).toMatchObject({
    problem: null,
    verdicts: ['pass', 'pass'],
  });
  const away = heard({ devices: 500, lost: 200 }, { devices: 1500, lost: 600 });
  expect(judge(bad, away)).toMatchObject({ problem: null, verdicts: ['fail', 'fail'] });
  expect(judge(good, heard({ devices: 3, lost: 3 }, { devices: 20 })).problem).toBeNull();
});

it('a candidate that loses its devices decides nothing beside stable, neither way', () => {
  const lost = heard({ devices: 500, lost: 200 }, { devices: 1500 });
  const found = judge(good, lost);
  expect(found).toMatchObject({ problem: 'sample-ratio', verdicts: ['undecided', 'pass'] });
  expect(found.judged[0]).toMatchObject({
    within: false,
    reasons: [{ kind: 'arms-differ', seen: 300, all: 1800, expected: 0.25 }],
  });
  expect(judge(bad, lost).verdicts).toEqual(['undecided', 'fail']);
  expect(judge(good, heard({ devices: 500, lost: 200 }, { devices: 1500 }, false)).problem).toBeNull();
});

it('who is heard of is judged all the same, and so is what rests on an earlier baseline', () => {
  const lost = heard({ devices: 500, lost: 200 }, { devices: 1500 });
  expect(judge(good, lost, { rules: rules('reporting_devices > 90% of baseline') }).verdicts).toEqual(['pass']);
  const earlier = judge(good, lost, { baseline: null, earlierBaseline: arm(good) });
  expect(earlier).toMatchObject({ problem: 'sample-ratio', verdicts: ['pass', 'pass'] });
});

it('more than one in a hundred devices in both arms are an alarm, one device is none', () => {
  const of = (both: number) => judge(good, heard({ devices: 40, both }, { devices: 160 })).problem;
  expect([0, 1, 2].map(of)).toEqual([null, null, null]);
  expect(of(3)).toBe('in-both-arms');
  expect(judge(good, heard({ devices: 5, both: 1 }, { devices: 15 })).problem).toBeNull();
});

it('only devices that the alarm counts at all can be in both arms, and only once most are heard of', () => {
  const of = (told: Partial<Told>) =>
    judge(good, heard({ devices: 400, both: 20, ...told }, { devices: 600, lost: told.lost === 400 ? 600 : 0 }), {
      rules: RULES,
    }).problem;
  expect(of({})).toBe('in-both-arms');
  expect(of({ lost: 400 })).toBeNull();
  expect(of({ late: 20 })).toBeNull();
  const first = { candidate: devices({ devices: 10 }), stable: devices({ devices: 9_990, lost: 9_990 }) };
  const liars = first.candidate.map((one, i) => ({ ...one, isInBoth: i < 2 }));
  const few = { ...heard({ devices: 0 }, { devices: 0 }, false), ...first, candidate: liars };
  expect(judge(good, few).problem).toBeNull();
});

it('devices in both arms are named, three at most', () => {
  const { judged } = judge(bad, heard({ devices: 40, both: 3 }, { devices: 160, both: 1 }));
  expect(judged[0]?.reasons).toMatchObject([{ both: 4, devices: ['d0', 'd0', 'd1'] }]);
});
