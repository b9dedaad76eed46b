// Laws of drift rules, on tallies that the real folding made of reports.
import { describe, expect, test } from 'vitest';
import { type RandomStream, seededRandom } from '../../src/base/random.ts';
import { judgeStage } from '../../src/gates/judge-stage.ts';
import { foldReport } from '../../src/telemetry/fold-report.ts';
import { applyFold, emptyWindowTallies, type WindowTallies } from '../../src/telemetry/window-tallies.ts';
import { CANDIDATE, makeInterval, makeReport, makeSpec, STABLE } from '../telemetry/false-reports.ts';
import { DOCUMENTS, draw, type Shares, without } from './false-classes.ts';
import { ask, rules } from './false-evidence.ts';

const MINUTE = 60_000;
const CLASSES = Object.keys(DOCUMENTS);
const spec = makeSpec({ classes: [], histograms: [{ kind: 'confidence' }, { kind: 'class', names: CLASSES }] });

/** Confidences near 1, the nearer the larger `sureness`; of a part of the answers anywhere. */
function confidences({ sureness, lost = 0 }: Traffic, answers: number, random: RandomStream): number[] {
  const bins = new Array<number>(20).fill(0);
  for (let i = 0; i < answers; i++) {
    const exponent = lost > 0 && random.next() < lost ? 1 : 1 / sureness;
    bins[Math.min(19, Math.floor(20 * random.next() ** exponent))]! += 1;
  }
  return bins;
}

interface Traffic {
  readonly shares: Shares;
  readonly sureness: number;
  /** The part of the answers (0..1) that it is not sure of at all; 0 unless given. */
  readonly lost?: number;
  readonly devices: number;
  /** Of each report; 60 unless given. */
  readonly answers?: number;
}

const GOOD: Traffic = { shares: DOCUMENTS, sureness: 8, devices: 10 };

/** Folds one report a minute of each device of both arms. */
function walk(
  seed: string,
  minutes: number,
  candidate: Traffic,
  stable: Traffic = { ...GOOD, devices: 30 },
  { tallies, from } = { tallies: emptyWindowTallies(spec), from: 0 },
) {
  const random = seededRandom(`${seed} ${from}`, 'drift');
  for (let minute = from; minute < from + minutes; minute++) {
    for (const [arm, traffic] of [['candidate', candidate] as const, ['stable', stable] as const]) {
      const { answers = 60 } = traffic;
      for (let d = 0; d < traffic.devices; d++) {
        const interval = makeInterval({
          arm,
          digest: arm === 'candidate' ? CANDIDATE : STABLE,
          inferences: answers,
          confidence: confidences(traffic, answers, random),
          classes: draw(traffic.shares, answers, random),
        });
        const report = makeReport(`${arm}-${d}`, [interval], minute + 1);
        for (const folded of foldReport(spec, report, minute * MINUTE + 1000 * d)) applyFold(tallies, folded);
      }
    }
  }
  return tallies;
}

function question(tallies: WindowTallies, minutes: number, rule: string) {
  const { candidate, stable: baseline } = tallies;
  return ask({
    rules: rules(rule),
    candidate,
    baseline,
    openMs: minutes * MINUTE,
    minimum: { devices: 1, inferences: 0 },
  });
}

const judge = (tallies: WindowTallies, minutes: number, rule: string) =>
  judgeStage(question(tallies, minutes, rule)).rules[0]!;

const UNSURE = { ...GOOD, sureness: 2 };

describe('confidence_drift', () => {
  test('finds a model that is less sure than stable, and says where', () => {
    const verdict = judge(walk('unsure', 8, UNSURE), 8, 'confidence_drift < 0.1');
    expect(verdict.verdict).toBe('fail');
    expect(verdict.estimate).toBeGreaterThan(0.25);
    expect(verdict).toMatchObject({ reasons: [{ kind: 'confidence-moved' }], kind: 'histogram' });
  });

  test('passes what did not move, and never fails it', () => {
    for (let run = 0; run < 30; run++) {
      const tallies = walk(`good ${run}`, 16, GOOD);
      for (const minutes of [2, 4, 8, 16]) {
        expect(judge(tallies, minutes, 'confidence_drift < 0.1').verdict).not.toBe('fail');
      }
      expect(judge(tallies, 16, 'confidence_drift < 0.1').verdict).toBe('pass');
    }
  });

  test('one device that is unlike the others is named, and does not fail the stage', () => {
    const tallies = walk('one', 16, { ...GOOD, devices: 4 });
    const odd = walk('odd', 16, { ...GOOD, sureness: 0.3, devices: 1 });
    tallies.candidate.add('odd', odd.candidate.read('candidate-0')!);
    const verdict = judge(tallies, 16, 'confidence_drift < 0.05');
    expect(verdict.verdict).toBe('undecided');
    expect(verdict).toMatchObject({ worstDevice: 'odd', reasons: [{ kind: 'one-device' }] });
  });

  test('devices that were as unsure under stable do not blame the candidate for it, and pass it beside a stable unlike them', () => {
    const tallies = walk('unsure', 16, UNSURE);
    const before = walk('before', 16, UNSURE).candidate;
    const asked = { ...question(tallies, 16, 'confidence_drift < 0.1'), restBaseline: before };
    expect(judgeStage(asked).rules[0]).toMatchObject({ verdict: 'pass', reasons: [{ kind: 'own-past' }] });
    const other = walk('before', 16, GOOD).candidate;
    expect(judgeStage({ ...asked, restBaseline: other }).rules[0]?.verdict).toBe('fail');
  });

  test('a limit on the scale of KL is half of the same limit in PSI', () => {
    const tallies = walk('unsure', 8, UNSURE);
    const [psi, kl] = ['confidence_drift < 0.1', 'confidence_drift < 0.05 KL'].map((rule) => judge(tallies, 8, rule));
    expect(kl?.verdict).toBe(psi?.verdict);
    expect(kl?.estimate).toBeCloseTo((psi?.estimate ?? 0) / 2, 9);
  });
});

describe('confidence_loss', () => {
  const SURER = { ...GOOD, sureness: 20 };
  const LOSS = 'confidence_loss < 10%';

  test('passes a surer model, which two-sided drift fails and calls surer', () => {
    const tallies = walk('surer', 16, SURER);
    expect(judge(tallies, 16, LOSS)).toMatchObject({ verdict: 'pass', estimate: 0 });
    expect(judge(tallies, 16, 'confidence_drift < 0.1')).toMatchObject({
      verdict: 'fail',
      reasons: [{ kind: 'confidence-moved', direction: 'surer' }],
    });
  });

  test('fails a model that is less sure, and says of how many answers below which confidence', () => {
    const tallies = walk('unsure', 8, UNSURE);
    const verdict = judge(tallies, 8, LOSS);
    const [reason] = verdict.reasons as [{ kind: 'less-sure'; below: number; excess: number }];
    expect(verdict.verdict).toBe('fail');
    expect(reason.kind).toBe('less-sure');
    // sureness is the exponent of the distribution function: x² of answers below x, and x⁸ with stable.
    expect(reason.excess).toBeCloseTo(reason.below ** 2 - reason.below ** 8, 1);
    expect(verdict.lower!).toBeGreaterThan(0.1);
    expect(judge(tallies, 8, 'confidence_drift < 0.1')).toMatchObject({ reasons: [{ direction: 'less-sure' }] });
  });

  test('fails a model that is far less sure of some answers, though surer on average', () => {
    const tallies = walk('mixed', 60, { ...SURER, lost: 0.25 });
    expect(judge(tallies, 60, LOSS).verdict).toBe('fail');
    expect(judge(tallies, 60, 'confidence_drift < 0.1')).toMatchObject({ reasons: [{ direction: 'mixed' }] });
  });

  test('what is open says how much more of the same would decide', () => {
    const asked = judge(walk('open', 3, GOOD), 3, 'confidence_loss < 2%');
    expect(asked).toMatchObject({ verdict: 'undecided', within: true, reasons: [{ kind: 'too-little' }] });
    const minutes = 3 + 2 * (asked.needs?.minutes ?? 0);
    expect(judge(walk('open', minutes, GOOD), minutes, 'confidence_loss < 2%').verdict).toBe('pass');
  });
});

describe('a device that claims far more answers than the others', () => {
  /** What one such device adds, as the arm of that name. */
  const add = (to: WindowTallies, arm: 'candidate' | 'stable', name: string, like: Traffic) => {
    const outlier = { ...like, devices: 1, answers: 60 * 200 };
    to[arm].add(name, walk(name, 8, outlier, outlier)[arm].read(`${arm}-0`)!);
  };
  const DRIFT = 'confidence_drift < 0.1';

  test('passes no stage whose other devices drifted, keeps none within, and is named', () => {
    const tallies = walk('drifted', 8, { ...UNSURE, devices: 9 });
    add(tallies, 'candidate', 'liar', GOOD);
    add(tallies, 'candidate', 'lier', GOOD);
    const verdict = judge(tallies, 8, DRIFT);
    expect(verdict.estimate).toBeLessThan(0.1);
    expect(verdict).toMatchObject({ verdict: 'undecided', within: false });
    expect(verdict.reasons).toMatchObject([
      { kind: 'outlier', byAll: 'pass', device: 'liar', times: expect.closeTo(200, -1), areOthersOver: true },
    ]);
  });

  test('of stable fails no good candidate, nor lets a bad one pass', () => {
    const [good, bad] = [walk('good', 8, GOOD), walk('bad', 8, UNSURE)];
    for (const tallies of [good, bad]) add(tallies, 'stable', 'liar', UNSURE);
    expect(judge(good, 8, DRIFT)).toMatchObject({ verdict: 'undecided' });
    expect(judge(good, 8, DRIFT).reasons).toMatchObject([{ kind: 'outlier', byAll: 'fail', device: 'liar' }]);
    expect(judge(bad, 8, DRIFT)).toMatchObject({ verdict: 'undecided', within: false });
  });

  test('passes no drifted stage by what it claims of its past', () => {
    const bad = walk('bad', 8, UNSURE);
    const past = walk('past', 8, GOOD);
    past.candidate.add('candidate-0', walk('liar', 8, { ...UNSURE, answers: 60 * 200 }).candidate.read('candidate-0')!);
    const asked = { ...question(bad, 8, DRIFT), restBaseline: past.candidate };
    expect(judgeStage(asked).rules[0]).toMatchObject({ verdict: 'undecided', within: false });
  });

  test('is in nobody’s way where the others show the same', () => {
    const [good, bad] = [walk('good', 8, GOOD), walk('bad', 8, UNSURE)];
    for (const tallies of [good, bad]) add(tallies, 'stable', 'gateway', GOOD);
    add(good, 'candidate', 'gateway', GOOD);
    add(bad, 'candidate', 'gateway', UNSURE);
    expect(judge(good, 8, DRIFT).verdict).toBe('pass');
    expect(judge(bad, 8, DRIFT).verdict).toBe('fail');
  });
});

describe('class_drift', () => {
  test('finds a large shift of classes, and hardly moves when a rare one goes: that is what vanished_classes is for', () => {
    const shifted = { ...GOOD, shares: without(DOCUMENTS, 'letter', 'order') };
    const gone = { ...GOOD, shares: without(DOCUMENTS, 'receipt', 'invoice') };
    const found = judge(walk('shift', 8, shifted), 8, 'class_drift < 0.1');
    expect(found.verdict).toBe('fail');
    expect(found.reasons).toMatchObject([{ kind: 'class-moved', name: 'letter', from: expect.closeTo(0.2, 1), to: 0 }]);
    expect(judge(walk('rare', 16, gone), 16, 'class_drift < 0.25').verdict).toBe('pass');
  });
});

test('where every answer is of one class, on both arms, every number can stand as JSON, in evidence too', () => {
  const all = { ...GOOD, shares: { receipt: 1 } };
  const stage = judgeStage(question(walk('one class', 16, all, { ...all, devices: 30 }), 16, 'class_drift < 0.5'));
  expect(JSON.parse(JSON.stringify(stage))).toEqual(stage);
});

describe('at any time', () => {
  test('before two intervals, and before eight reports, it says how long that takes', () => {
    const first = judge(walk('first', 1, GOOD), 1, 'confidence_drift < 0.1');
    expect(first).toMatchObject({ verdict: 'undecided', reasons: [{ kind: 'first-intervals', intervals: 2 }] });
    expect(first.needs).toEqual({ trials: 0, minutes: 1 });
    const few = judge(walk('few', 2, { ...GOOD, devices: 1 }), 2, 'confidence_drift < 0.1');
    expect(few).toMatchObject({ verdict: 'undecided', reasons: [{ kind: 'too-few-reports' }] });
    expect(few.needs).toEqual({ trials: 0, minutes: 6 });
  });

  test('what is open says how much more of the same would decide, about so', () => {
    const asked = judge(walk('open', 3, GOOD), 3, 'confidence_drift < 0.01');
    expect(asked).toMatchObject({ verdict: 'undecided', within: true, reasons: [{ kind: 'too-little' }] });
    const minutes = asked.needs?.minutes ?? 0;
    expect(minutes).toBeGreaterThan(2);
    expect(judge(walk('open', 3 + 2 * minutes, GOOD), 3 + 2 * minutes, 'confidence_drift < 0.01').verdict).toBe('pass');
  });

  test('a fault that begins late is found in the newest window, which a long healthy start would hide, and is described by it', () => {
    const tallies = walk('late', 40, GOOD);
    walk('late', 4, { ...GOOD, sureness: 4 }, undefined, { tallies, from: 40 });
    const verdict = judge(tallies, 44, 'confidence_drift < 0.1');
    expect(verdict.verdict).toBe('fail');
    expect(verdict.estimate).toBeLessThan(0.1);
    const { kind, ...moved } = verdict.reasons[0] as { kind: string; from: number; to: number };
    expect(kind).toBe('confidence-moved');
    expect(Math.abs(moved.to - moved.from)).toBeGreaterThan(0.1);
  });
});

test('without a stable version drift does not apply, and every number can stand as JSON', () => {
  const tallies = walk('json', 8, UNSURE);
  for (const rule of ['confidence_drift < 0.1', 'class_drift < 0.1']) {
    const asked = question(tallies, 8, rule);
    expect(judgeStage({ ...asked, hasStable: false }).rules[0]?.verdict).toBe('not-applicable');
    expect(judgeStage({ ...asked, baseline: null }).rules[0]).toMatchObject({
      verdict: 'undecided',
      reasons: [{ kind: 'no-baseline' }],
    });
    const verdict = judgeStage(asked);
    expect(JSON.parse(JSON.stringify(verdict))).toEqual(verdict);
  }
});
