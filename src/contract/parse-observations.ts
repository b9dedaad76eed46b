// Owns the door for what reports may hold beyond the counts of answers: gauges, labels, loads, inputs, complaints, transfers.
import { GAUGES, gaugeBounds, isGaugeName, MOST_GAUGES, MOST_READING, type Summary } from './gauges.ts';
import {
  type DeviceReport,
  type FailureReason,
  isCounterName,
  type LabelCounts,
  MOST_CLASSES,
  MOST_COUNTERS,
  MOST_FEATURES,
  type ModelInterval,
  type TransferCounts,
  type TransferStep,
} from './report.ts';
import { type Members, MOST_SPAN_MS, members, record, refuse } from './report-reader.ts';
import { count, finite, ifPresent, oneOf } from './report-values.ts';

/** A load that took longer than a day is none. */
const MOST_LOAD_MS = 86_400_000;
/** As long as the longest report. */
const MOST_SERVED_MS = 10 * MOST_SPAN_MS;
const STEPS: readonly TransferStep[] = ['download', 'verify', 'apply'];

export const FAILURE_REASONS: readonly FailureReason[] = [
  'network',
  'signature',
  'storage-full',
  'corrupt',
  'out-of-memory',
  'bad-shape',
  'load',
  'timeout',
  'self-test',
  'trial',
  'incompatible',
];

const TRANSFER_RESULTS = ['done', ...FAILURE_REASONS] as const;

/** The optional parts of an interval, those that are there. */
export function parseObservations(raw: Members, place: string): Partial<ModelInterval> {
  return {
    ...(raw.servedMs === 0 ? {} : ifPresent(raw, 'servedMs', place, (ms, at) => count(ms, at, MOST_SERVED_MS))),
    ...ifPresent(raw, 'loadMs', place, (loads, at) => parseSummary(loads, at, 0, MOST_LOAD_MS)),
    ...ifPresent(raw, 'features', place, (features, at) =>
      record(features, at, MOST_FEATURES, (one, key) => parseSummary(one, key, -MOST_READING, MOST_READING)),
    ),
    ...ifPresent(raw, 'labels', place, (labels, at) => record(labels, at, MOST_CLASSES + 1, parseLabelCounts)),
    ...ifPresent(raw, 'rejected', place, (n, at) => count(n, at)),
    ...ifPresent(raw, 'userReports', place, (n, at) => count(n, at)),
    ...ifPresent(raw, 'anomalies', place, (n, at) => count(n, at)),
    ...ifPresent(raw, 'counters', place, parseCounters),
    ...ifPresent(raw, 'transfers', place, parseTransfers),
  };
}

export function parseGauges(raw: Members): Pick<DeviceReport, 'gauges'> {
  return ifPresent(raw, 'gauges', '', (gauges, place) => {
    const named = members(gauges, place);
    for (const name of Object.keys(named).slice(0, MOST_GAUGES + 1)) {
      if (!isGaugeName(name))
        refuse('REPORT_SHAPE', `${place} key`, 'is not the name of a gauge: a-z, digits and _, at most 64');
    }
    const summaries: Record<string, Summary> = {};
    for (const [name, one] of Object.entries(record(named, place, MOST_GAUGES, (value, at) => members(value, at)))) {
      const { least, most } = gaugeBounds(name);
      if (isOfOlderAgent(name, one)) continue;
      summaries[name] = parseSummary(one, `${place}.${name}`, least, most);
    }
    return summaries;
  });
}

/** For older agents `npu` is an application's own gauge, in whatever unit: no reason to lose the report. */
function isOfOlderAgent(name: string, { min, max }: Members): boolean {
  return name === 'npu' && (Number(max) > GAUGES.npu.most || Number(min) < GAUGES.npu.least);
}

function parseSummary(value: unknown, place: string, least: number, most: number): Summary {
  const raw = members(value, place);
  const summary: Summary = {
    min: finite(raw.min, `${place}.min`, least, most),
    mean: finite(raw.mean, `${place}.mean`, least, most),
    max: finite(raw.max, `${place}.max`, least, most),
    samples: count(raw.samples, `${place}.samples`),
  };
  if (summary.samples === 0) refuse('REPORT_NUMBERS', `${place}.samples`, 'is 0: leave out what was not read');
  if (summary.min > summary.mean || summary.mean > summary.max) {
    refuse('REPORT_NUMBERS', place, 'has a mean that is not between its least and its most');
  }
  return summary;
}

function parseLabelCounts(value: unknown, place: string): LabelCounts {
  const raw = members(value, place);
  const counts: LabelCounts = {
    predicted: count(raw.predicted, `${place}.predicted`),
    actual: count(raw.actual, `${place}.actual`),
    correct: count(raw.correct, `${place}.correct`),
  };
  if (counts.correct > Math.min(counts.predicted, counts.actual)) {
    refuse('REPORT_NUMBERS', `${place}.correct`, 'is more than were predicted, or than there were');
  }
  return counts;
}

function parseCounters(value: unknown, place: string): Record<string, number> {
  const counters = record(value, place, MOST_COUNTERS, (n, key) => count(n, key));
  if (!Object.keys(counters).every(isCounterName))
    refuse('REPORT_SHAPE', `${place} key`, 'is not the name of a counter: a-z, digits and _, at most 40');
  return counters;
}

function parseTransfers(value: unknown, place: string): Partial<Record<TransferStep, TransferCounts>> {
  const raw = members(value, place);
  return Object.assign({}, ...STEPS.map((step) => ifPresent(raw, step, place, parseTransferCounts)));
}

function parseTransferCounts(value: unknown, place: string): TransferCounts {
  const results = record(value, place, TRANSFER_RESULTS.length, (n, key) => count(n, key));
  for (const result of Object.keys(results)) oneOf(result, `${place} key`, TRANSFER_RESULTS);
  return results;
}
