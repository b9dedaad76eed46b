// Owns made-up evidence for tests of gates: only what a law is about need be said.

import { emptySketch, type Sketch } from '../../src/contract/sketch.ts';
import { parseRule } from '../../src/documents/rules/rule-text.ts';
import type { StageQuestion } from '../../src/gates/stage-question.ts';
import type { StageRule } from '../../src/gates/stage-rule.ts';
import { MEASURE_WIDTH, type MeasureCount, writeMeasure } from '../../src/telemetry/rate-sums.ts';
import { type Measure, WINDOW_INTERVALS } from '../../src/telemetry/window.ts';
import { ArmTallies } from '../../src/telemetry/window-tallies.ts';

/** Trials and bad events of one report. */
export type Report = readonly [trials: number, bad: number];

export function rules(...texts: readonly string[]): StageRule[] {
  return texts.map((text) => ({ rule: parseRule(text), dryRun: false }));
}

/** An arm whose devices `d0`, `d1`, … sent one report an interval, with these counts of each measure. */
export function measuredArm(
  measures: readonly Measure[],
  devices: readonly (readonly (readonly MeasureCount[])[])[],
): ArmTallies {
  const arm = new ArmTallies({ measures, histograms: [] });
  const empty = new Float64Array(MEASURE_WIDTH * measures.length);
  devices.forEach((reports, d) => {
    arm.add(`d${d}`, { period: 0, whole: empty, current: empty });
    reports.forEach((counts, interval) => {
      const sums = new Float64Array(MEASURE_WIDTH * measures.length);
      counts.forEach((count, place) => {
        writeMeasure(sums, MEASURE_WIDTH * place, count);
      });
      const period = Math.floor(interval / WINDOW_INTERVALS);
      arm.add(`d${d}`, { period, whole: sums, current: sums });
    });
  });
  return arm;
}

/** An arm whose devices `d0`, `d1`, … sent these reports of one measure, one an interval. */
export function arm(
  devices: readonly (readonly Report[])[],
  measure: Measure = 'error',
  latencyMs: Sketch = emptySketch(),
): ArmTallies {
  const tallies = measuredArm(
    [measure],
    devices.map((reports) => reports.map(([trials, bad]) => [{ trials, bad }])),
  );
  tallies.summary = { ...tallies.summary, latencyMs };
  return tallies;
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
