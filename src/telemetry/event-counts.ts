// Owns counting what reports say beyond answers: how downloads ended, what labels showed, what people and applications remarked.
import { assertNever } from '../base/errors.ts';
import { outputCount } from '../contract/output-sketch.ts';
import type { ErrorReason, LabelCounts, ModelInterval, TransferCounts } from '../contract/report.ts';
import type { MeasureCount } from './rate-sums.ts';

/**
 * What is counted, of how many. `download`, `apply`: attempts that failed, of all that ended, but
 * for downloads in which a host sent other bytes than were published: they say nothing of the version. `rejected`: requests that
 * devices refused, of those and the inferences. `complaint`, `anomaly`: feedback, of inferences. `wrong`:
 * wrong answers, of labelled ones. `imprecise:C`: wrong ones of the labelled answers that named C. `missed:C`: those not named so of the
 * labelled answers that should have been. `confused:C`: both, of the labelled answers that either named C or should have. `error:R`: errors of
 * one reason, of inferences. `counter:N`: events that the application counts, `restarts`: starts of the agent; of the milliseconds that the
 * version served, where no millisecond has more than one. `odd`: NaN and infinities of all
 * values of scalar outputs. `empty`: texts of no length, of all whose length is known.
 */
export type EventMeasure =
  | 'download'
  | 'apply'
  | 'rejected'
  | 'complaint'
  | 'anomaly'
  | 'wrong'
  | 'restarts'
  | `error:${ErrorReason}`
  | `counter:${string}`
  | 'odd'
  | 'empty'
  | `imprecise:${string}`
  | `missed:${string}`
  | `confused:${string}`;

type PlainMeasure = Exclude<EventMeasure, `${string}:${string}`>;
type NamedMeasure = 'imprecise' | 'missed' | 'confused' | 'error' | 'counter';

type Parsed = { readonly kind: PlainMeasure } | { readonly kind: NamedMeasure; readonly name: string };

function parse(measure: EventMeasure): Parsed {
  const colon = measure.indexOf(':');
  if (colon < 0) return { kind: measure as PlainMeasure };
  return { kind: measure.slice(0, colon) as NamedMeasure, name: measure.slice(colon + 1) };
}

const NO_LABELS: LabelCounts = { predicted: 0, actual: 0, correct: 0 };

function labelsOf({ labels = {} }: ModelInterval, className: string): LabelCounts {
  return Object.hasOwn(labels, className) ? (labels[className] ?? NO_LABELS) : NO_LABELS;
}

/** Feedback comes later than the answers that it is about: a report with more feedback than inferences counts the feedback as its inferences. */
function feedback(bad: number, { inferences }: ModelInterval): MeasureCount {
  return { trials: Math.max(inferences, bad), bad };
}

function attempts(ended: TransferCounts): MeasureCount {
  const trials = Object.values(ended).reduce((sum, one) => sum + one, 0);
  return { trials, bad: trials - (ended.done ?? 0) };
}

function countOf(parsed: Parsed, interval: ModelInterval): MeasureCount {
  switch (parsed.kind) {
    case 'download': {
      const { corrupt: _bytes, signature: _signature, ...ended } = interval.transfers?.download ?? {};
      return attempts(ended);
    }
    case 'apply':
      return attempts(interval.transfers?.apply ?? {});
    case 'rejected': {
      const rejected = interval.rejected ?? 0;
      return { trials: interval.inferences + rejected, bad: rejected };
    }
    case 'complaint':
      return feedback(interval.userReports ?? 0, interval);
    case 'anomaly':
      return feedback(interval.anomalies ?? 0, interval);
    case 'wrong': {
      const labels = Object.values(interval.labels ?? {});
      const answers = labels.reduce((sum, one) => sum + one.predicted, 0);
      return { trials: answers, bad: Math.max(0, answers - labels.reduce((sum, one) => sum + one.correct, 0)) };
    }
    case 'odd': {
      const scalars = Object.values(interval.outputs?.scalars ?? {});
      const bad = scalars.reduce((sum, { odd }) => sum + odd, 0);
      return { trials: scalars.reduce((sum, one) => sum + outputCount(one), 0), bad };
    }
    case 'empty': {
      const { lengths = [] } = interval.outputs ?? {};
      return { trials: lengths.reduce((sum, one) => sum + one, 0), bad: lengths[0] ?? 0 };
    }
    case 'imprecise': {
      const { predicted, correct } = labelsOf(interval, parsed.name);
      return { trials: predicted, bad: predicted - correct };
    }
    case 'missed': {
      const { actual, correct } = labelsOf(interval, parsed.name);
      return { trials: actual, bad: actual - correct };
    }
    case 'confused': {
      const { predicted, actual, correct } = labelsOf(interval, parsed.name);
      const either = predicted + actual - correct;
      return { trials: either, bad: either - correct };
    }
    case 'error':
      return { trials: interval.inferences, bad: interval.errors[parsed.name as ErrorReason] ?? 0 };
    case 'counter': {
      const { counters = {}, servedMs = 0 } = interval;
      const isTold = Object.hasOwn(counters, parsed.name);
      return { trials: isTold ? servedMs : 0, bad: isTold ? (counters[parsed.name] ?? 0) : 0 };
    }
    case 'restarts':
      return { trials: interval.servedMs ?? 0, bad: 0 };
    default:
      return assertNever(parsed);
  }
}

/** What bounds and tells of a report as a whole. */
export interface CountedReport {
  /** As long as it can have served at most. */
  readonly mostMs: number;
  /** Does it begin with the start of the agent, and is it about one version alone? */
  readonly isFirst: boolean;
}

/** Events by time: a device claims no more time than there was, and no more events than milliseconds. */
function byTime({ trials, bad }: MeasureCount, mostMs: number): MeasureCount {
  const ms = Math.min(trials, Math.max(1, mostMs));
  return { trials: ms, bad: Math.min(bad, ms) };
}

/** The counts of one arm's intervals in one report, in the order of the measures. */
export function countEvents(
  measures: readonly EventMeasure[],
  intervals: readonly ModelInterval[],
  { mostMs, isFirst }: CountedReport,
): MeasureCount[] {
  return measures.map((measure) => {
    const parsed = parse(measure);
    let [trials, bad] = [0, 0];
    for (const interval of intervals) {
      const count = countOf(parsed, interval);
      trials += count.trials;
      bad += count.bad;
    }
    if (parsed.kind === 'restarts') return byTime({ trials, bad: isFirst ? 1 : 0 }, mostMs);
    return parsed.kind === 'counter' ? byTime({ trials, bad }, mostMs) : { trials, bad };
  });
}
