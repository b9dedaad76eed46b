// Laws of what is on course: kiosks that lose confidence are found before the limit is proven broken, and nothing else is taken back.
import { describe, expect, test } from 'vitest';
import { type RandomStream, seededRandom } from '../../src/base/random.ts';
import { judgeStage } from '../../src/gates/judge-stage.ts';
import type { RuleVerdict } from '../../src/gates/rule-verdict.ts';
import type { StageQuestion } from '../../src/gates/stage-question.ts';
import { courseVerdict } from '../../src/gates/statistics/course.ts';
import { normal } from '../../src/simulation/sampling.ts';
import { courseSpecFor } from '../../src/telemetry/course-sums.ts';
import { foldReport } from '../../src/telemetry/fold-report.ts';
import { applyFold, emptyWindowTallies } from '../../src/telemetry/window-tallies.ts';
import { CANDIDATE, makeInterval, makeReport, makeSpec, STABLE } from '../telemetry/false-reports.ts';
import { ask, rules } from './false-evidence.ts';

const MINUTE = 60_000;
const SOAK = 30 * MINUTE;
const spec = makeSpec({
  ...{ classes: [], groups: [], histograms: [{ kind: 'confidence' }] },
  course: courseSpecFor(SOAK, MINUTE),
});

/** Mean confidence of a device at a minute. */
type Confidence = (minute: number, device: number) => number;

interface Scene {
  readonly candidate: Confidence;
  readonly stable?: Confidence;
  readonly kiosks?: number;
  /** What a device claims as many times over as it is. */
  readonly claims?: (arm: string, device: number) => number;
  /** Each device's mean under stable before; nothing is known of it unless given. */
  readonly before?: { readonly candidate: number; readonly stable: number };
}

const STEADY: Confidence = () => 0.86;
/** Half a point a minute from the second minute on; the drift passes 0.1 at minute 10. */
const falling: Confidence = (minute) => 0.86 - 0.005 * Math.max(0, Math.min(minute, 30) - 2);
const BROKEN_AT = 10;

function confidences(mean: number, answers: number, random: RandomStream, times: number): number[] {
  const bins = new Array<number>(20).fill(0);
  for (let i = 0; i < answers; i++)
    bins[Math.min(19, Math.max(0, Math.floor(20 * (mean + 0.12 * normal(random)))))]! += times;
  return bins;
}

function tell(tallies: ReturnType<typeof emptyWindowTallies>, scene: Scene, minute: number, random: RandomStream) {
  const { candidate, stable = STEADY, kiosks = 10, claims = () => 1 } = scene;
  for (const [arm, digest, devices, mean] of [
    ['candidate', CANDIDATE, kiosks, candidate],
    ['stable', STABLE, 100, stable],
  ] as const) {
    for (let d = 0; d < devices; d++) {
      // Each reports at its own time of the minute, about the minute before.
      const phase = (d % 10) / 10;
      const answers = Math.max(1, Math.round(20 + 10 * normal(random)));
      const confidence = confidences(mean(minute + phase - 0.5, d), answers, random, claims(arm, d));
      const inferences = answers * claims(arm, d);
      const report = makeReport(`${arm}-${d}`, [makeInterval({ arm, digest, inferences, confidence })], minute + 1);
      for (const folded of foldReport(spec, report, (minute + phase) * MINUTE)) applyFold(tallies, folded);
    }
  }
}

/** What all of them did on stable for an hour. */
function past({ candidate, stable }: NonNullable<Scene['before']>, kiosks: number, random: RandomStream) {
  const { stable: arm } = emptyWindowTallies(spec);
  for (let minute = 0; minute < 60; minute++) {
    for (const [name, devices, mean] of [
      ['candidate', kiosks, candidate],
      ['stable', 100, stable],
    ] as const) {
      for (let d = 0; d < devices; d++) {
        const confidence = confidences(mean, 20, random, 1);
        const told = makeInterval({ arm: 'stable', digest: STABLE, inferences: 20, confidence });
        const report = makeReport(`${name}-${d}`, [told], minute + 1);
        for (const folded of foldReport(spec, report, minute * MINUTE + 1000 * d)) arm.fold(folded);
      }
    }
  }
  return arm;
}

/** The rule's verdict at each minute of the soak. */
function* watch(
  seed: string,
  scene: Scene,
  { rule = 'confidence_drift < 0.1', ...more }: Partial<StageQuestion> & { rule?: string },
) {
  const random = seededRandom(seed, 'course');
  const tallies = emptyWindowTallies(spec);
  const restBaseline = scene.before === undefined ? null : past(scene.before, scene.kiosks ?? 10, random);
  for (let minute = 0; minute < 30; minute++) {
    tell(tallies, scene, minute, random);
    const { candidate, stable: baseline } = tallies;
    const question = ask({
      ...{ rules: rules(rule), candidate, baseline, restBaseline, minimum: { devices: 1, inferences: 0 } },
      ...{ openMs: (minute + 1) * MINUTE, soakEndsMs: SOAK, ...more },
    });
    yield { minute: minute + 1, verdict: judgeStage(question).rules[0]! };
  }
}

const isOnCourse = ({ reasons }: { readonly reasons: readonly { readonly kind: string }[] }) =>
  reasons.some(({ kind }) => kind === 'on-course');

/** The minute at which the rule fails. */
function failsAt(seed: string, scene: Scene, more: Parameters<typeof watch>[2]): number {
  for (const { minute, verdict } of watch(seed, scene, more)) if (verdict.verdict === 'fail') return minute;
  return Number.POSITIVE_INFINITY;
}

const RUNS = Array.from({ length: 15 }, (_, run) => `run ${run}`);
const median = (numbers: readonly number[]): number => [...numbers].sort((a, b) => a - b)[numbers.length >> 1]!;
const KIOSKS: Scene = { candidate: falling };
const ROLLBACK = { onCourse: 'rollback' } as const;

describe('kiosks that lose half a point of confidence a minute', () => {
  test('are reverted within 9 minutes of the broken limit by the rule, and 3 on course, reports being a minute old', () => {
    const rule = RUNS.map((seed) => failsAt(seed, KIOSKS, {}));
    const course = RUNS.map((seed) => failsAt(seed, KIOSKS, ROLLBACK));
    expect(median(rule) - BROKEN_AT).toBeLessThanOrEqual(9);
    expect(median(course) - BROKEN_AT).toBeLessThanOrEqual(3);
    expect(Math.max(...course) - BROKEN_AT).toBeLessThanOrEqual(6);
  });

  test('are held on course, and not reverted before the rule fails, unless the policy says so', () => {
    const seen = [...watch('held', KIOSKS, {})];
    const held = seen.find(({ verdict }) => isOnCourse(verdict))!;
    expect(held.minute - BROKEN_AT).toBeLessThanOrEqual(4);
    expect(held.verdict).toMatchObject({ verdict: 'undecided', needs: null });
    expect(failsAt('held', KIOSKS, {})).toBeGreaterThan(held.minute + 2);
  });

  test('are told the minute at which the limit breaks, with the numbers that say so', () => {
    for (const rule of ['confidence_drift < 0.1', 'confidence_drift < 0.05 KL', 'confidence_loss < 10%']) {
      const { minute, verdict } = [...watch('told', KIOSKS, { ...ROLLBACK, rule })].find((one) =>
        isOnCourse(one.verdict),
      )!;
      const [reason] = verdict.reasons as unknown as [{ minute: number; until: number }];
      expect(verdict.verdict).toBe('fail');
      expect(reason).toMatchObject({ kind: 'on-course', until: 30, isPast: reason.minute <= minute });
      expect(Math.abs(reason.minute - BROKEN_AT)).toBeLessThanOrEqual(3);
      const { course } = (verdict as Extract<RuleVerdict, { kind: 'histogram' }>).sums;
      expect(course).toMatchObject({ minute: reason.minute, until: 30 });
      expect(course!.level).toBeGreaterThan(course!.limit);
      expect(Math.abs(course!.limit - 0.029)).toBeLessThan(0.005);
    }
  });
});

/** Has lost at once as much as makes a drift of `share` of the limit, within some minutes. */
const level = (share: number, minutes: number): Scene => ({
  candidate: (minute) => 0.86 - 0.038 * Math.sqrt(share) * Math.min(1, Math.max(0, minute) / minutes),
});

test('the line crosses its limit where it does', () => {
  const line = (answers: number) =>
    Array.from({ length: 10 }, (_, at) => {
      const loss = answers * (0.01 * at - 0.03);
      const squares = { answersSquared: answers ** 2, lossAnswers: loss * answers, lossSquared: loss ** 2 + 1e-6 };
      return { at, reports: 1, answers, loss, ...squares };
    });
  expect(courseVerdict([line(10), line(20), line(30)], 0.1, 30)).toMatchObject({
    crossesAt: expect.closeTo(13, 9),
    level: expect.closeTo(0.27, 9),
  });
});

describe('what levels off below its limit', () => {
  test('is held for a while at most, and never reverted by default', () => {
    const scene = level(0.85, 9);
    const rolledBack = RUNS.filter((seed) => failsAt(seed, scene, ROLLBACK) <= 30);
    expect(rolledBack.length).toBeGreaterThan(0);
    for (const seed of RUNS) expect(failsAt(seed, scene, {})).toBe(Number.POSITIVE_INFINITY);
    for (const seed of rolledBack) {
      const seen = [...watch(seed, scene, {})];
      expect(seen.some(({ verdict }) => isOnCourse(verdict))).toBe(true);
      expect(isOnCourse(seen.at(-1)!.verdict)).toBe(false);
    }
  });

  test('is hardly ever reverted far below it, and a steady model neither held nor kept from passing', () => {
    expect(RUNS.filter((seed) => failsAt(seed, level(0.6, 5), ROLLBACK) <= 30).length).toBeLessThanOrEqual(1);
    for (const seed of RUNS) {
      const seen = [...watch(seed, { candidate: STEADY }, ROLLBACK)];
      expect(seen.some(({ verdict }) => isOnCourse(verdict))).toBe(false);
      expect(seen.at(-1)?.verdict.verdict).toBe('pass');
    }
  });
});

describe('a course is not taken', () => {
  const never = (scene: Scene, more: Parameters<typeof watch>[2] = {}) => {
    for (const { verdict } of watch('never', scene, { ...ROLLBACK, ...more })) {
      expect(isOnCourse(verdict)).toBe(false);
    }
  };

  test('from one device, however much it claims', () => {
    const one: Confidence = (minute, d) => (d === 3 ? 0.86 - 0.02 * minute : 0.86);
    never({ candidate: one });
    never({ candidate: one, claims: (arm, d) => (arm === 'candidate' && d === 3 ? 1e6 : 1) });
    const stable: Confidence = (minute, d) => (d === 3 ? 0.86 + 0.005 * minute : 0.86);
    never({ candidate: STEADY, stable, claims: (arm, d) => (arm === 'stable' && d === 3 ? 1e6 : 1) });
  });

  test('where stable goes the same way', () => {
    never({ candidate: falling, stable: falling });
    never({ candidate: falling, stable: falling, before: { candidate: 0.86, stable: 0.86 } });
  });

  test('of devices that were as unsure before', () => {
    const candidate: Confidence = () => 0.81;
    never({ candidate, before: { candidate: 0.81, stable: 0.86 } }, { rule: 'confidence_drift < 0.05' });
    const seen = [...watch('unsure', { candidate }, { rule: 'confidence_drift < 0.05' })];
    expect(seen.some(({ verdict }) => isOnCourse(verdict) || verdict.verdict === 'fail')).toBe(true);
  });

  test('after the soak, and without one', () => {
    never(KIOSKS, { soakEndsMs: 0, onCourse: 'hold' });
    const last = [...watch('after', KIOSKS, { soakEndsMs: 12 * MINUTE, onCourse: 'hold' })];
    expect(last.slice(12).some(({ verdict }) => isOnCourse(verdict))).toBe(false);
  });
});
