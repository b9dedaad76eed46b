// Laws of who answers as often as should be: beside its own past and stable's trend, once it has had a whole window, and if enough is expected.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type RandomStream, seededRandom } from '../../src/base/random.ts';
import { answeringDevices } from '../../src/gates/answering-devices.ts';
import type { HeardDevice, StageHeard } from '../../src/gates/heard-arm.ts';
import { judgeStage } from '../../src/gates/judge-stage.ts';
import type { RuleVerdict } from '../../src/gates/rule-verdict.ts';
import { type AnswerSteps, addAnswers } from '../../src/telemetry/answer-steps.ts';
import { ask, rules } from './false-evidence.ts';

const MINUTE = 60_000;
const RULE = 'answering_devices > 90% of baseline';
/** The stage opened so many steps of two minutes after the store began to listen. */
const OPENED = 100;

interface Told {
  /** Answers in a step before the stage. */
  readonly usual?: number;
  /** In each step since the stage opened; as usual unless given. */
  readonly now?: (step: number) => number;
  readonly from?: number;
}

function device({ usual = 120, now = () => usual, from = 0 }: Told, name: string, end: number): HeardDevice {
  let steps: AnswerSteps | undefined;
  for (let at = -30; at < end; at++) steps = addAnswers(steps, OPENED + at, Math.round(at < 0 ? usual : now(at)));
  return {
    ...{ name, fromMs: 0, fellMs: null, isSilent: false, isYoung: false, isAfter: true, isInBoth: false },
    ...(steps === undefined ? {} : { answers: { steps, usual, fromStep: OPENED + from } }),
  };
}

/** After so many steps. */
function heardAt(end: number, candidate: readonly Told[], stable: readonly Told[]): StageHeard {
  return {
    candidate: candidate.map((one, i) => device(one, `c${i}`, end)),
    stable: stable.map((one, i) => device(one, `s${i}`, end)),
    ...{ isByHash: false, openedMs: OPENED * 2 * MINUTE, openMs: end * 2 * MINUTE, intervalMs: MINUTE },
  };
}

function verdictOf(heard: StageHeard): RuleVerdict {
  return judgeStage(ask({ rules: rules(RULE), heard: () => heard })).rules[0]!;
}

const many = (count: number, told: Told = {}): Told[] => Array<Told>(count).fill(told);
const falling = (to: number, at: number): Told => ({ now: (step) => (step < at ? 120 : to * 120) });

describe('who answers', () => {
  const timesOf = (heard: StageHeard) =>
    answeringDevices(heard).candidate.map(({ name, fromMs, fellMs, isSilent, isYoung }) => {
      const minutes = [fromMs, fellMs].map((ms) => ms && ms / MINUTE);
      return [name, ...minutes, isSilent ? 'quiet' : isYoung ? 'young' : 'on'];
    });

  it('is who gave a third of what is expected over ten intervals, and a fall is first seen at the end of such a window', () => {
    const told = [{}, falling(0.1, 10), falling(0.4, 10), { now: (at: number) => (at >= 10 && at < 20 ? 0 : 120) }];
    expect(timesOf(heardAt(30, told, many(20)))).toEqual([
      ['c0', 0, null, 'on'],
      ['c1', 0, 28, 'quiet'],
      ['c2', 0, null, 'on'],
      ['c3', 0, 28, 'on'],
    ]);
  });

  it('is nobody of whom fewer than 20 answers are expected, by the trend as well, and nobody without a past', () => {
    const told = [{ usual: 3.9, now: () => 0 }, { usual: 4, now: () => 0 }, { usual: 0 }];
    expect(timesOf(heardAt(10, told, many(20)))).toEqual([['c1', 0, 10, 'quiet']]);
    const halved = many(20, { now: () => 60 });
    expect(
      timesOf(
        heardAt(
          10,
          [
            { usual: 7.9, now: () => 0 },
            { usual: 8, now: () => 0 },
          ],
          halved,
        ),
      ),
    ).toEqual([['c1', 0, 10, 'quiet']]);
    const heard = heardAt(10, [{}], many(20));
    const [{ answers: _, ...unknown }] = heard.candidate as [HeardDevice];
    expect(timesOf({ ...heard, candidate: [unknown] })).toEqual([]);
  });

  it('is told from when it took the version on; before a whole window since it is too early', () => {
    const told = [
      { from: 4, now: (at: number) => (at < 4 ? 0 : 120) },
      { from: 6 },
      { from: Number.POSITIVE_INFINITY },
    ];
    expect(timesOf(heardAt(10, told, many(20)))).toEqual([
      ['c0', 8, null, 'on'],
      ['c1', 0, 0, 'young'],
      ['c2', 0, 0, 'young'],
    ]);
  });

  it('of stable, devices that came since are neither counted nor in the trend before a whole window, and one that lies moves no median', () => {
    const late = many(6, { from: 6, now: (at) => (at < 6 ? 0 : 120) });
    expect(timesOf(heardAt(12, [falling(0.1, 0)], [...many(5), ...late]))).toEqual([['c0', 0, 10, 'quiet']]);
    expect(answeringDevices(heardAt(10, [{}], [...many(5), ...late])).stable).toHaveLength(5);
    expect(timesOf(heardAt(12, [{}], [...many(5), { now: () => 1e12 }]))).toEqual([['c0', 0, null, 'on']]);
  });

  it('what did not answer as far as devices remember is quiet, and no fall at a time', () => {
    const told = [falling(0.1, 10), falling(0.1, 95)];
    expect(timesOf(heardAt(100, told, many(20)))).toEqual([
      ['c0', 106, 106, 'quiet'],
      ['c1', 106, 198, 'quiet'],
    ]);
  });

  it('a trend of all is nobody’s fall, whatever it is', () => {
    fc.assert(
      fc.property(fc.integer({ min: 5, max: 300 }), fc.integer({ min: 0, max: 20 }), (percent, at) => {
        const all = many(12, falling(percent / 100, at));
        const { candidate, stable } = answeringDevices(heardAt(25, all, all));
        for (const one of [...candidate, ...stable]) expect(one).toMatchObject({ fellMs: null, isSilent: false });
        expect(candidate).toHaveLength(12);
      }),
    );
  });
});

describe('the rule', () => {
  it('passes when all answer, and not before a whole window', () => {
    expect(verdictOf(heardAt(4, many(20), many(180)))).toMatchObject({ verdict: 'undecided' });
    expect(verdictOf(heardAt(5, many(20), many(180)))).toMatchObject({ verdict: 'pass', estimate: 1, limit: 0.9 });
    const young = [...many(10), ...many(10, { from: 20 })];
    expect(verdictOf(heardAt(22, young, many(180)))).toMatchObject({
      verdict: 'undecided',
      reasons: [{ kind: 'young', count: 10 }],
    });
  });

  it('fails when two in five of the candidate fall to a tenth, and says which', () => {
    const told = [...many(30), ...many(20, falling(0.1, 5))];
    expect(verdictOf(heardAt(10, told, many(180)))).toMatchObject({
      ...{ verdict: 'fail', estimate: 0.6, devices: 50, kind: 'heard' },
      reasons: [{ kind: 'not-answering', count: 20, devices: ['c30', 'c31', 'c32'] }],
    });
  });

  it('waits where stable’s devices fall at once as well', () => {
    const told = [...many(12), ...many(8, falling(0.1, 5))];
    expect(verdictOf(heardAt(20, told, [...many(144), ...many(36, falling(0.1, 5))]))).toMatchObject({
      ...{ verdict: 'undecided', within: false },
      reasons: [{ kind: 'fewer-answer' }, { kind: 'not-answering', count: 8 }],
    });
  });

  it('waits where of stable nothing can be told, and where it did not listen; it does not apply beside no stable', () => {
    expect(verdictOf(heardAt(10, many(20), many(20, { usual: 1 }))).verdict).toBe('undecided');
    expect(verdictOf(heardAt(0, many(20), many(20)))).toMatchObject({ reasons: [{ kind: 'not-listening' }] });
    expect(verdictOf(heardAt(10, many(20), [])).verdict).toBe('not-applicable');
  });

  it('one device that claims any number of answers moves neither the trend nor the verdict', () => {
    const liar = { now: () => 1e12 };
    expect(verdictOf(heardAt(10, [...many(19), liar], [...many(19), liar])).verdict).toBe('pass');
  });
});

/** Devices whose answers swing by themselves from window to window; how many stages of an hour fail, looked at every step. */
function failed(runs: number, { count, spread, fallen }: { count: number; spread: number; fallen: number }): number {
  const random = seededRandom(5, `${count} ${spread} ${fallen}`);
  const normal = (stream: RandomStream) =>
    Math.sqrt(-2 * Math.log(1 - stream.next())) * Math.cos(2 * Math.PI * stream.next());
  const draw = (share: number): Told => {
    const isFallen = random.next() < share;
    const noise = Array.from({ length: 31 }, () => Math.exp(spread * normal(random) - spread ** 2 / 2));
    const now = (at: number) => 120 * (noise[Math.floor(at / 5)] ?? 1) * (at > 15 ? 0.6 : 1);
    return { now: (at) => now(at) * (isFallen && at > 2 ? 0.1 : 1), from: Math.floor(3 * random.next()) };
  };
  let fails = 0;
  for (let run = 0; run < runs; run++) {
    const candidate = Array.from({ length: count }, () => draw(fallen));
    const stable = Array.from({ length: 4 * count }, () => draw(0));
    for (let end = 5; end <= 30; end += 2) {
      if (verdictOf(heardAt(end, candidate, stable)).verdict !== 'fail') continue;
      fails++;
      break;
    }
  }
  return fails / runs;
}

describe('simulated stages', () => {
  it.each([
    [10, 0.3],
    [30, 0.6],
  ])('of %i devices that swing by %f, at night too, are not failed for it', (count, spread) => {
    expect(failed(20, { count, spread, fallen: 0 })).toBeLessThanOrEqual(0.05);
  });

  it('of 50 devices are failed when a fifth falls to a tenth', () => {
    expect(failed(20, { count: 50, spread: 0.3, fallen: 0.2 })).toBeGreaterThan(0.85);
  });
});
