// Owns made-up evidence for tests of gates: only what a law is about need be said.
import { parseRule } from '../../src/contract/documents/rule-text.ts';
import { emptySketch, type Sketch } from '../../src/contract/sketch.ts';
import { WINDOW_INTERVALS } from '../../src/gates/late-regression.ts';
import type { ArmEvidence, DeviceEvidence, StageQuestion, StageRule } from '../../src/gates/stage-question.ts';
import { addReport, EMPTY_TALLY, type Tally } from '../../src/gates/tally.ts';

/** Trials and bad events of one report. */
export type Report = readonly [trials: number, bad: number];

export function rules(...texts: readonly string[]): StageRule[] {
  return texts.map((text) => ({ rule: parseRule(text), dryRun: false }));
}

function tallyOf(reports: readonly Report[]): Tally {
  return reports.reduce((tally, [trials, bad]) => addReport(tally, trials, bad), EMPTY_TALLY);
}

/** One report an interval, all of one measure. */
export function device(reports: readonly Report[]): DeviceEvidence {
  const window = Math.max(0, Math.floor((reports.length - 1) / WINDOW_INTERVALS));
  return { window, whole: [tallyOf(reports)], current: [tallyOf(reports.slice(window * WINDOW_INTERVALS))] };
}

/** An arm whose devices `d0`, `d1`, … sent these reports of one measure. */
export function arm(
  devices: readonly (readonly Report[])[],
  measure = 'error',
  latencyMs: Sketch = emptySketch(),
): ArmEvidence {
  return {
    measures: [measure],
    devices: new Map(devices.map((reports, i) => [`d${i}`, device(reports)])),
    summary: { latencyMs },
  };
}

/** The same reports from each of so many devices. */
export function alike(devices: number, reports: readonly Report[]): Report[][] {
  return Array.from({ length: devices }, () => [...reports]);
}

export function repeat(times: number, report: Report): Report[] {
  return Array.from({ length: times }, () => report);
}

export function ask(question: Partial<StageQuestion>): StageQuestion {
  return {
    rules: rules('error_rate < 1%'),
    limits: [],
    candidate: arm([]),
    baseline: null,
    hasStable: true,
    installs: { bad: 0, good: 10, pending: 0 },
    minimum: { devices: 3, inferences: 100 },
    deadlineMs: 3_600_000,
    intervalMs: 60_000,
    perMinute: 600,
    ...question,
  };
}
