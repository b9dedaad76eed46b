// Owns how much a fail rests on one of few devices on stable: what one device says of itself is not to take a version back.
import { COURSE_WIDTH, courseGroup } from '../telemetry/course-sums.ts';
import { PeriodTable } from '../telemetry/period-table.ts';
import type { ArmEvidence, StageQuestion } from './stage-question.ts';

/** A device that makes up so much of what stable says could make a good version look a third worse than it is. */
const SWAY = 1 / 4;

/** The device of stable without which it would not be a fail, where few keep stable; null when there is none. */
export function restsOnOne(question: StageQuestion, isFail: (question: StageQuestion) => boolean): string | null {
  const { baseline, heard } = question;
  if (question.isHeldBack !== true || baseline === null) return null;
  const stable = heard?.();
  const devices = [...new Set([...baseline.names, ...(stable?.stable ?? []).map(({ name }) => name)])];
  const others = (device: string): StageQuestion => ({
    ...question,
    baseline: withoutDevice(baseline, device),
    ...(stable && { heard: () => ({ ...stable, stable: stable.stable.filter(({ name }) => name !== device) }) }),
  });
  const mattering = devices.filter((device) => devices.length * SWAY <= 1 || hasSway(baseline, device));
  return mattering.find((device) => !isFail(others(device))) ?? null;
}

/** Is so much of any measure the device's, since the stage opened or in the newest window? */
function hasSway(arm: ArmEvidence, device: string): boolean {
  const { sums } = arm;
  const row = arm.rowOf(device);
  if (row === undefined) return false;
  const isNewest = sums.periods[row] === sums.newest;
  return sums.parts.some(({ whole, total, current, newestTotal, width, trialsAt }) => {
    const holds = (own: Float64Array, all: Float64Array): boolean =>
      (own[row * width + trialsAt] ?? 0) > 0 && (own[row * width + trialsAt] ?? 0) >= SWAY * (all[trialsAt] ?? 0);
    return holds(whole, total) || (isNewest && holds(current, newestTotal));
  });
}

/**
 * An arm as if a device had said nothing now. What it did before stays with the others' (`pastsOf`), and its latencies in the sketch,
 * which is of all.
 */
function withoutDevice(arm: ArmEvidence, device: string): ArmEvidence {
  const { measures, histograms, names, summary, groups, gauges, course } = arm;
  const sums = new PeriodTable(arm.sums.parts);
  names.forEach((name, row) => {
    if (name !== device) sums.add(row, arm.sums.read(row));
  });
  const others = <T>(of: ReadonlyMap<string, T>) => new Map([...of].filter(([name]) => name !== device));
  return {
    ...{ measures, histograms, names, sums, summary, groups, rowOf: (name) => arm.rowOf(name) },
    ...(gauges && { gauges: { isSample: gauges.isSample, specs: gauges.specs, devices: others(gauges.devices) } }),
    ...(course && { course: withoutGroup(course, courseGroup(device)) }),
  };
}

/** Courses are summed in groups of devices. */
function withoutGroup(
  { spec, slots }: NonNullable<ArmEvidence['course']>,
  group: number,
): NonNullable<ArmEvidence['course']> {
  const kept = [...slots].map(([slot, sums]): [number, Float64Array] => [
    slot,
    sums.map((sum, i) => (Math.floor(i / COURSE_WIDTH) === group ? 0 : sum)),
  ]);
  return { spec, slots: new Map(kept) };
}
