// Owns the simulated kiosks whose confidence falls slowly, judged each minute by the rule and by where they are on course to.
import { assertInvariant } from '../../src/base/errors.ts';
import type { RandomStream } from '../../src/base/random.ts';
import { parseRule } from '../../src/documents/rules/rule-text.ts';
import { judgeStage } from '../../src/gates/judge-stage.ts';
import type { RuleVerdict } from '../../src/gates/rule-verdict.ts';
import type { StageRule } from '../../src/gates/stage-rule.ts';
import { courseSpecFor } from '../../src/telemetry/course-sums.ts';
import type { WindowSpec } from '../../src/telemetry/window.ts';
import { type ArmTallies, emptyArmTallies, emptyWindowTallies } from '../../src/telemetry/window-tallies.ts';
import type { Simulation } from './cell.ts';
import { oneOf, questionAt } from './confidence-stage.ts';
import { CONFIDENCE_SPEC, drawCounts, foldConfidences, SPREAD, sharesAround } from './confidence-traffic.ts';
import { around1 } from './draw.ts';
import { type RunOutcome, Watch } from './outcome.ts';

const MINUTE_MS = CONFIDENCE_SPEC.intervalMs;
const SOAK_MINUTES = 30;
const PAST_MINUTES = 60;
const KIOSKS = 10;
const STABLE_DEVICES = 100;
const ANSWERS = 20;
const TRAFFIC_SPREAD = 0.5;
const MEAN = 0.86;
const FALL_FROM = 2;
/** A shift of normal answers by so much has a drift of 0.1, nearly. */
const AT_LIMIT = SPREAD * Math.sqrt(0.1);

const SPEC: WindowSpec = { ...CONFIDENCE_SPEC, course: courseSpecFor(SOAK_MINUTES * MINUTE_MS, MINUTE_MS) };

export interface KioskScenario {
  readonly title: string;
  /** Loss of mean confidence at a minute. */
  readonly loss: (minute: number) => number;
  /** Do devices differ, and is their own past known? Standard deviation of their means. */
  readonly spread?: number;
}

/** From nothing at minute `from` to `loss` at `until`. */
function falling(loss: number, until: number, from = FALL_FROM) {
  return (minute: number): number => (loss * Math.max(0, Math.min(minute, until) - from)) / (until - from);
}

/** A loss that stops at a part of the limit. */
function levelling(part: number, minute: number) {
  return falling(Math.sqrt(part) * AT_LIMIT, minute, 0);
}

/** Half a point a minute; its drift passes 0.1 at minute 10. */
const STORY = falling(0.14, SOAK_MINUTES);
export const KIOSK_SCENARIOS: Readonly<Record<string, KioskScenario>> = {
  falls: { title: 'half a point a minute', loss: STORY },
  'falls apart': { title: 'the same, kiosks differ (sd 0.05), own past known', loss: STORY, spread: 0.05 },
  'steady 0.8': { title: 'steady at 0.8 of the limit', loss: () => Math.sqrt(0.8) * AT_LIMIT },
  'levels 0.8': { title: 'levels off at 0.8 by minute 5', loss: levelling(0.8, 5) },
  'levels 0.8 late': { title: 'levels off at 0.8 by minute 9', loss: levelling(0.8, 9) },
  'levels 0.6': { title: 'levels off at 0.6 by minute 5', loss: levelling(0.6, 5) },
  straight: { title: 'straight to just the limit at minute 30', loss: falling(AT_LIMIT, SOAK_MINUTES) },
  still: { title: 'no drift', loss: () => 0 },
};

const ALONE = oneOf(
  'confidence_drift < 0.1',
  'confidence_loss < 10%',
  'confidence_drift < 0.1 KL',
  'confidence_loss < 5%',
);
/** What six deciding rules leave of the error level to each. */
const SIX: readonly StageRule[] = [
  'confidence_drift < 0.1',
  'error_rate < 0.5%',
  'error_rate < 1%',
  'unknown_rate < 2%',
  'unknown_rate < 5%',
  'unknown_rate < 10%',
].map((text) => ({ rule: parseRule(text), dryRun: false }));

interface Device {
  readonly name: string;
  readonly arm: 'candidate' | 'stable';
  readonly answers: number;
  readonly mean: number;
  /** Each reports at its own part of the minute, about the minute before. */
  readonly phase: number;
}

function makeDevices(arm: Device['arm'], count: number, spread: number, random: RandomStream): Device[] {
  return Array.from({ length: count }, (_, i) => ({
    ...{ name: `${arm}-${i}`, arm, phase: random.next() },
    answers: Math.max(1, Math.round(ANSWERS * around1(TRAFFIC_SPREAD, random))),
    mean: MEAN + (spread === 0 ? 0 : MEAN * (around1(spread / MEAN, random) - 1)),
  }));
}

function tell(into: ArmTallies, device: Device, minute: number, loss: number, random: RandomStream): void {
  const { name, arm, answers, mean, phase } = device;
  const histogram = drawCounts(answers, sharesAround(mean - loss), random);
  into.fold(foldConfidences({ arm, name, receivedAtMs: (minute + phase) * MINUTE_MS }, histogram, SPEC));
}

const ASKS = [
  { name: 'rule', rules: ALONE, onCourse: 'hold' },
  { name: 'course', rules: ALONE, onCourse: 'rollback' },
  { name: 'six, rule', rules: SIX, onCourse: 'hold' },
  { name: 'six, course', rules: SIX, onCourse: 'rollback' },
] as const;

/** Judges are named `rule TEXT`, `course TEXT` (with rollback on course), and the same with `six, ` before it. `held TEXT`: first held. */
function runKiosks({ loss, spread = 0 }: KioskScenario, random: RandomStream): RunOutcome {
  const devices = [
    ...makeDevices('candidate', KIOSKS, spread, random),
    ...makeDevices('stable', STABLE_DEVICES, spread, random),
  ];
  const { candidate, stable: baseline } = emptyWindowTallies(SPEC);
  const past = spread > 0 ? emptyArmTallies(SPEC, 'stable') : null;
  for (let minute = 0; minute < PAST_MINUTES && past !== null; minute++)
    for (const device of devices) tell(past, device, minute, 0, random);
  const judges = new Map<string, Watch>();
  const see = (name: string, minute: number, verdict: RuleVerdict['verdict']): void => {
    const watch = judges.get(name) ?? new Watch();
    judges.set(name, watch);
    watch.see(minute, verdict);
  };
  for (let minute = 0; minute < SOAK_MINUTES; minute++) {
    for (const device of devices) {
      const isCandidate = device.arm === 'candidate';
      const lost = isCandidate ? loss(minute + device.phase - 0.5) : 0;
      tell(isCandidate ? candidate : baseline, device, minute, lost, random);
    }
    const now = minute + 1;
    for (const { name, rules, onCourse } of ASKS) {
      const about = { rules, onCourse, candidate, baseline, restBaseline: past };
      const { rules: found } = judgeStage(questionAt(now, { ...about, soakEndsMs: SOAK_MINUTES * MINUTE_MS }));
      found.forEach(({ rule, verdict, reasons }) => {
        see(`${name} ${rule}`, now, verdict);
        const isHeld = reasons.some(({ kind }) => kind === 'on-course');
        if (name === 'rule') see(`held ${rule}`, now, isHeld ? 'fail' : 'undecided');
      });
    }
  }
  const outcomes = [...judges].map(([name, watch]) => [name, watch.outcome] as const);
  return { isTrulyOver: false, judges: Object.fromEntries(outcomes), because: [] };
}

export const KIOSK_SIMULATION: Simulation = {
  ...{ setup: 'kiosk', share: 0.3 },
  cells: Object.keys(KIOSK_SCENARIOS).map((scenario) => ({ scenario, devices: KIOSKS, factor: 1 })),
  begin: (name) => {
    const scenario = KIOSK_SCENARIOS[name];
    assertInvariant(scenario !== undefined, `there is a scenario ${name}`);
    return (_, random) => runKiosks(scenario, random);
  },
};
