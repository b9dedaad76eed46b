// Owns one simulated stage under rules over confidences, judged each minute by `judgeStage` on folded windows.
import type { RandomStream } from '../../src/base/random.ts';
import { parseRule } from '../../src/documents/rules/rule-text.ts';
import { judgeStage } from '../../src/gates/judge-stage.ts';
import type { StageQuestion } from '../../src/gates/stage-question.ts';
import type { StageRule } from '../../src/gates/stage-rule.ts';
import type { PeriodRow } from '../../src/telemetry/period-table.ts';
import { type ArmTallies, emptyArmTallies } from '../../src/telemetry/window-tallies.ts';
import {
  CONFIDENCE_SPEC,
  type ConfidenceDevice,
  type ConfidenceScenario,
  type DeviceShares,
  drawReport,
  foldConfidences,
  type Move,
  makeConfidenceDevices,
  type Shares,
  sharesOf,
  stageShares,
  UNMOVED,
} from './confidence-traffic.ts';
import { type RunOutcome, Watch } from './outcome.ts';
import { MINUTES } from './scenario.ts';

const MINUTE_MS = CONFIDENCE_SPEC.intervalMs;
const BASELINE_DEVICES = 100;
const BASELINE_ROW = '#000';

/** The first of these decides, the others are read beside it: each at the level that a single rule has. */
export function oneOf(...texts: readonly string[]): StageRule[] {
  return texts.map((text, i) => ({ rule: parseRule(text), dryRun: i > 0 }));
}

/** What is asked in all stages of confidences. */
export function questionAt(
  minute: number,
  more: Pick<StageQuestion, 'rules' | 'candidate' | 'baseline'> & Partial<StageQuestion>,
): StageQuestion {
  return {
    ...{ limits: [], hasStable: true, installs: { bad: 0, good: more.candidate.names.length, pending: 0 } },
    ...{ minimum: { devices: 3, inferences: 1000 }, deadlineMs: MINUTES * MINUTE_MS, intervalMs: MINUTE_MS },
    ...{ openMs: minute * MINUTE_MS, perMinute: null, ...more },
  };
}

/** Devices of a scenario, and what they answer after each move. */
class Reporters {
  readonly #scenario: ConfidenceScenario;
  readonly #devices: readonly ConfidenceDevice[];
  readonly #shares = new Map<Move, readonly DeviceShares[]>();

  constructor(scenario: ConfidenceScenario, devices: readonly ConfidenceDevice[]) {
    this.#scenario = scenario;
    this.#devices = devices;
  }

  /** Folds the reports of one minute, each in a row of its own unless one is named. */
  fold(
    into: ArmTallies,
    move: Move,
    at: { readonly minute: number; readonly random: RandomStream },
    row?: string,
  ): void {
    const shares = this.#shares.get(move) ?? this.#devices.map((device) => sharesOf(this.#scenario, device, move));
    this.#shares.set(move, shares);
    const receivedAtMs = (at.minute - 0.5) * MINUTE_MS;
    this.#devices.forEach((device, i) => {
      const own = shares[i];
      if (own === undefined) return;
      const histogram = drawReport(this.#scenario, device, own, at);
      const folded = foldConfidences({ arm: 'candidate', name: row ?? device.name, receivedAtMs }, histogram);
      into.fold(folded);
    });
  }
}

/** An hour of stable's devices. */
export interface ConfidenceBaseline {
  readonly shares: Shares;
  /** Their common row after each minute. */
  readonly rows: readonly PeriodRow[];
}

export function simulateConfidences(scenario: ConfidenceScenario, random: RandomStream): ConfidenceBaseline {
  const devices = makeConfidenceDevices(scenario, BASELINE_DEVICES, random);
  const reporters = new Reporters(scenario, devices);
  const shared = emptyArmTallies(CONFIDENCE_SPEC, 'stable');
  const rows: PeriodRow[] = [];
  for (let minute = 1; minute <= MINUTES; minute++) {
    reporters.fold(shared, UNMOVED, { minute, random }, BASELINE_ROW);
    const row = shared.read(BASELINE_ROW);
    if (row !== undefined) rows.push(row);
  }
  return { shares: stageShares(scenario, devices), rows };
}

export interface ConfidenceQuestion {
  readonly scenario: ConfidenceScenario;
  readonly devices: number;
  readonly baseline: ConfidenceBaseline;
  readonly move: Move;
  /** Minute from which on answers have moved; the first unless given. */
  readonly movesAt?: number;
  /** Texts of rules, each judged as if it were alone. */
  readonly rules: readonly string[];
  /** Do the stage's own devices break the limit, beside stable and against their own past? */
  readonly isOver: (after: Shares, baselines: readonly Shares[]) => boolean;
}

/** Judges by the text of their rules; `besides` is the first rule without the devices' own past, where devices differ. */
export function runConfidenceStage(question: ConfidenceQuestion, random: RandomStream): RunOutcome {
  const { scenario, baseline, move, movesAt = 0, isOver } = question;
  const devices = makeConfidenceDevices(scenario, question.devices, random);
  const reporters = new Reporters(scenario, devices);
  const rules = oneOf(...question.rules);
  const candidate = emptyArmTallies(CONFIDENCE_SPEC, 'candidate');
  const beside = emptyArmTallies(CONFIDENCE_SPEC, 'stable');
  const past = scenario.spread > 0 ? emptyArmTallies(CONFIDENCE_SPEC, 'stable') : null;
  if (past !== null)
    for (let minute = 1; minute <= MINUTES; minute++) reporters.fold(past, UNMOVED, { minute, random });
  const watches = rules.map(() => new Watch());
  const besides = new Watch();
  for (let minute = 1; minute <= MINUTES; minute++) {
    reporters.fold(candidate, minute < movesAt ? UNMOVED : move, { minute, random });
    const row = baseline.rows[minute - 1];
    if (row !== undefined) beside.put(BASELINE_ROW, row);
    const asked = questionAt(minute, { rules, candidate, baseline: beside });
    judgeStage({ ...asked, restBaseline: past }).rules.forEach(({ verdict }, i) => {
      watches[i]?.see(minute, verdict);
    });
    if (past !== null) besides.see(minute, judgeStage(asked).rules[0]?.verdict ?? 'undecided');
    if (watches.every(({ isOver }) => isOver) && (past === null || besides.isOver)) break;
  }
  const before = past === null ? [] : [stageShares(scenario, devices)];
  return {
    isTrulyOver: isOver(stageShares(scenario, devices, move), [baseline.shares, ...before]),
    judges: {
      ...Object.fromEntries(watches.map(({ outcome }, i) => [question.rules[i], outcome])),
      ...(past === null ? {} : { besides: besides.outcome }),
    },
    because: [],
  };
}
