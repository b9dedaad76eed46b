// Owns one simulated rollout under a whole policy: seven rules at once, judged each minute by `judgeStage` on folded windows.
import type { RandomStream } from '../../src/base/random.ts';
import { judgeStage } from '../../src/gates/judge-stage.ts';
import { ruleName } from '../../src/gates/rule-verdict.ts';
import type { PeriodRow } from '../../src/telemetry/period-table.ts';
import { applyFold, emptyArmTallies, emptyWindowTallies } from '../../src/telemetry/window-tallies.ts';
import {
  ABOVE_P95,
  ABOVE_P99,
  drawMinute,
  FULL_LIMITS,
  FULL_RULES,
  FULL_SPEC,
  type FullDevice,
  foldOf,
  makeFullDevices,
  sharedRowOf,
  UNKNOWN_LIMIT,
} from './full-traffic.ts';
import { type RunOutcome, Watch } from './outcome.ts';
import { Rivals } from './rivals.ts';
import { isAbove, LIMIT, MINUTES, PER_MINUTE, type Scenario, stageRate } from './scenario.ts';

const BASELINE_DEVICES = 200;
const BASELINE_ROW = '#000';
/** So that both error rules have their limit at the same rate. */
const BASELINE_RATE = LIMIT / 2;

export interface FullQuestion {
  readonly scenario: Scenario;
  readonly devices: number;
  /** Error rate over its limit. */
  readonly factor: number;
  /** The other counted measures over theirs. */
  readonly otherFactor: number;
  readonly otherSpread: number;
  readonly baseline: Baseline;
}

/** An hour of stable's devices. */
export interface Baseline {
  readonly devices: readonly FullDevice[];
  /** Their row after each minute. */
  readonly rows: readonly PeriodRow[];
}

/** The odd device is the candidate's alone. */
export function simulateBaseline(
  { oddRate: _, ...scenario }: Scenario,
  otherSpread: number,
  random: RandomStream,
): Baseline {
  const fleet = {
    arm: 'stable',
    count: BASELINE_DEVICES,
    errorRate: BASELINE_RATE,
    otherFactor: 1,
    otherSpread,
  } as const;
  const devices = makeFullDevices(scenario, fleet, random);
  const rows: PeriodRow[] = [];
  const shared = emptyArmTallies(FULL_SPEC, 'stable');
  for (let minute = 1; minute <= MINUTES; minute++) {
    const reports = devices.map((device) => ({ device, counts: drawMinute(scenario, device, minute, random) }));
    shared.add(BASELINE_ROW, sharedRowOf(minute, reports));
    const row = shared.read(BASELINE_ROW);
    if (row !== undefined) rows.push(row);
  }
  return { devices, rows };
}

/** Traffic-weighted mean of a measure over devices. */
function meanOf(devices: readonly FullDevice[], measure: (device: FullDevice) => number): number {
  return stageRate(devices.map((device) => ({ ...device, rate: measure(device) })));
}

function isTrulyOver(candidate: readonly FullDevice[], baseline: readonly FullDevice[]): boolean {
  const errors = stageRate(candidate);
  const slow = meanOf(candidate, (device) => device.slowShare);
  return (
    isAbove(errors, LIMIT) ||
    isAbove(errors, 2 * stageRate(baseline)) ||
    isAbove(
      meanOf(candidate, (device) => device.unknownRate),
      UNKNOWN_LIMIT,
    ) ||
    isAbove(
      slow,
      meanOf(baseline, (device) => device.slowShare),
    ) ||
    isAbove(slow, ABOVE_P95) // the p99 rule: a fifth of the slow ones are that slow
  );
}

/** Bare thresholds have no way to compare with a baseline: they get the four limits that stand alone. */
const RIVAL_LIMITS = [LIMIT, UNKNOWN_LIMIT, ABOVE_P95, ABOVE_P99] as const;

export function runFullStage(question: FullQuestion, random: RandomStream): RunOutcome {
  const { scenario, devices, factor, otherFactor, otherSpread, baseline } = question;
  const fleet = { arm: 'candidate', count: devices, errorRate: factor * LIMIT, otherFactor, otherSpread } as const;
  const candidate = makeFullDevices(scenario, fleet, random);
  const tallies = emptyWindowTallies(FULL_SPEC);
  const full = new Watch();
  const rivals = new Rivals(RIVAL_LIMITS.length);
  let because: readonly string[] = [];
  for (let minute = 1; minute <= MINUTES && !full.isOver; minute++) {
    const sums = RIVAL_LIMITS.map((limit) => ({ bad: 0, trials: 0, limit }));
    for (const device of candidate) {
      const folded = foldOf(device, minute, drawMinute(scenario, device, minute, random));
      applyFold(tallies, folded);
      sums.forEach((sum, i) => {
        sum.bad += folded.counts[i]?.bad ?? 0;
        sum.trials += folded.counts[i]?.trials ?? 0;
      });
    }
    const row = baseline.rows[minute - 1];
    if (row !== undefined) tallies.stable.put(BASELINE_ROW, row);
    rivals.see(minute, sums);
    const verdict = judgeStage({
      rules: FULL_RULES,
      limits: FULL_LIMITS,
      candidate: tallies.candidate,
      baseline: tallies.stable,
      hasStable: true,
      installs: { bad: 0, good: devices, pending: 0 },
      minimum: { devices: 3, inferences: 1000 },
      deadlineMs: MINUTES * FULL_SPEC.intervalMs,
      intervalMs: FULL_SPEC.intervalMs,
      openMs: minute * FULL_SPEC.intervalMs,
      perMinute: devices * PER_MINUTE,
    });
    full.see(minute, verdict.kind);
    if (verdict.kind === 'fail') because = verdict.rules.filter((rule) => rule.verdict === 'fail').map(ruleName);
  }
  return {
    isTrulyOver: isTrulyOver(candidate, baseline.devices),
    judges: {
      full: full.outcome,
      argo: rivals.argo.outcome,
      flagger: rivals.flagger.outcome,
      peeked: rivals.peeked.outcome,
    },
    because,
  };
}
