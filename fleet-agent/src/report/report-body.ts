// Owns a report before it is numbered and signed: the state of a model, and how two that were never sent become one.
import { addSummaries, addSummariesByName, MOST_GAUGES } from '../../../src/contract/gauges.ts';
import {
  addCounters,
  type DeviceReport,
  type ErrorReason,
  MOST_CLASSES,
  MOST_FEATURES,
  MOST_INTERVALS,
  MOST_OUTCOMES,
  type ModelInterval,
  type ModelState,
  REST_CLASS,
  type TransferCounts,
  type TransferStep,
} from '../../../src/contract/report.ts';
import { boundedSum, MOST_COUNT } from '../../../src/contract/report-reader.ts';
import { mergeSketch, sketchFromJson, sketchToJson } from '../../../src/contract/sketch.ts';
import { addLabelCounts } from '../measure/interval-tally.ts';
import { addOutputCounts } from '../measure/output-sums.ts';
import { activeContent, type ModelRecord, type SlotName, subjectOf } from '../record/model-record.ts';

/** A report without the number and epoch that it gets when it is sent. */
export type ReportBody = Omit<DeviceReport, 'epoch' | 'sequence'>;

/** A model's state for reports; `serving` is the slot that answers now in this process. */
export function modelStateOf(
  record: ModelRecord,
  serving: SlotName | null,
  { rollout, revision }: Pick<ModelState, 'rollout' | 'revision'>,
): ModelState {
  const running = activeContent(record);
  const isServing = running !== null && serving !== null && serving === record.active;
  const subject = subjectOf(record);
  return {
    ...{ model: record.model, rollout, revision },
    running: isServing ? { digest: running.digest, version: running.version, slot: serving } : null,
    state: record.phase.kind,
    subject: subject === null ? null : { digest: subject.digest, attempt: subject.attempt },
  };
}

function keyOf(interval: ModelInterval): string {
  const { model, rollout, revision, arm, digest } = interval;
  return JSON.stringify([model, rollout, revision, arm, digest]);
}

/** One body with the counts of both and the later one's states; undefined when the whole would not fit into one report. */
export function mergeBodies(earlier: ReportBody, later: ReportBody): ReportBody | undefined {
  const intervals = new Map(earlier.intervals.map((interval) => [keyOf(interval), interval]));
  for (const interval of later.intervals) {
    const known = intervals.get(keyOf(interval));
    intervals.set(keyOf(interval), known === undefined ? interval : addIntervals(known, interval));
  }
  const outcomes = [...earlier.outcomes, ...later.outcomes];
  if (intervals.size > MOST_INTERVALS || outcomes.length > MOST_OUTCOMES) return undefined;
  return {
    ...later,
    startedAt: earlier.startedAt,
    durationMs: earlier.durationMs + later.durationMs,
    ...addGauges(earlier, later),
    intervals: [...intervals.values()],
    outcomes,
  };
}

function addGauges({ gauges: a }: ReportBody, { gauges: b }: ReportBody): Pick<ReportBody, 'gauges'> {
  if (a === undefined || b === undefined) return a === undefined ? {} : { gauges: a };
  return { gauges: addSummariesByName(b, a, MOST_GAUGES) };
}

function addIntervals(a: ModelInterval, b: ModelInterval): ModelInterval {
  const observed = addObservations(a, b);
  // Their parts have to add up to them: where a report may not tell so many, the later ones stand alone.
  if (a.inferences + b.inferences > MOST_COUNT) return { ...b, ...observed };
  const latency = sketchFromJson(a.latencyMs);
  mergeSketch(latency, sketchFromJson(b.latencyMs));
  return {
    ...b,
    inferences: a.inferences + b.inferences,
    errors: addCounts(a.errors, b.errors) as Partial<Record<ErrorReason, number>>,
    unknown: a.unknown + b.unknown,
    latencyMs: sketchToJson(latency),
    confidence: a.confidence.map((count, bin) => count + (b.confidence[bin] ?? 0)),
    classes: addByClass(a.classes, b.classes, (x, y) => x + y),
    ...observed,
    ...both(a, b, 'outputs', addOutputCounts),
  };
}

/** The optional parts that are no parts of the inferences; where one lacks a part, the other's is taken. */
function addObservations(a: ModelInterval, b: ModelInterval): Partial<ModelInterval> {
  return {
    ...both(a, b, 'servedMs', (x, y) => x + y),
    ...both(a, b, 'loadMs', addSummaries),
    ...both(a, b, 'features', (x, y) => addSummariesByName(x, y, MOST_FEATURES)),
    ...both(a, b, 'labels', (x, y) => addByClass(x, y, addLabelCounts)),
    ...both(a, b, 'rejected', boundedSum),
    ...both(a, b, 'userReports', boundedSum),
    ...both(a, b, 'anomalies', boundedSum),
    ...both(a, b, 'counters', addCounters),
    ...both(a, b, 'transfers', addTransfers),
  };
}

function both<K extends keyof ModelInterval>(
  a: ModelInterval,
  b: ModelInterval,
  key: K,
  add: (x: NonNullable<ModelInterval[K]>, y: NonNullable<ModelInterval[K]>) => ModelInterval[K],
): Partial<Pick<ModelInterval, K>> {
  const x: ModelInterval[K] | undefined = a[key] ?? undefined;
  const y: ModelInterval[K] | undefined = b[key] ?? undefined;
  const sum = x === undefined || x === null ? y : y === undefined || y === null ? x : add(x, y);
  return sum === undefined ? {} : ({ [key]: sum } as Pick<ModelInterval, K>);
}

/** Both by class; classes beyond the names that a report holds count to the rest. */
function addByClass<T>(
  a: Readonly<Record<string, T>>,
  b: Readonly<Record<string, T>>,
  add: (x: T, y: T) => T,
): Record<string, T> {
  const sums = new Map(Object.entries(a));
  for (const [name, counts] of Object.entries(b)) {
    const key = sums.has(name) || sums.size < MOST_CLASSES ? name : REST_CLASS;
    const known = sums.get(key);
    sums.set(key, known === undefined ? counts : add(known, counts));
  }
  return Object.fromEntries(sums);
}

type Transfers = NonNullable<ModelInterval['transfers']>;

function addTransfers(a: Transfers, b: Transfers): Transfers {
  const sums = new Map(Object.entries(a) as [TransferStep, TransferCounts][]);
  for (const [step, counts] of Object.entries(b) as [TransferStep, TransferCounts][]) {
    sums.set(step, addCounts(sums.get(step) ?? {}, counts));
  }
  return Object.fromEntries(sums);
}

function addCounts(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): Record<string, number> {
  const sum = new Map(Object.entries(a));
  for (const [name, count] of Object.entries(b)) sum.set(name, boundedSum(sum.get(name) ?? 0, count));
  return Object.fromEntries(sum);
}
