// Owns the door for reports: bytes that any device may have sent become a bounded, possible DeviceReport, or an error.
import { CodedError } from '../base/errors.ts';
import { MOST_REVISION } from './directive.ts';
import { FAILURE_REASONS, parseGauges, parseObservations } from './parse-observations.ts';
import { parseOutputs } from './parse-outputs.ts';
import { assertProtocol } from './protocol.ts';
import {
  CONFIDENCE_BINS,
  type DeviceReport,
  type ErrorReason,
  errorReasonOf,
  MOST_CLASSES,
  MOST_INTERVALS,
  MOST_MODELS,
  MOST_OUTCOMES,
  MOST_POINTER_BYTES,
  type ModelInterval,
  type ModelState,
  type Outcome,
} from './report.ts';
import { isDeviceId, list, MOST_LABELS, members, name, parseLabels, record, refuse, text } from './report-reader.ts';
import { count, digest, ifPresent, instant, oneOf, orNull, span, sum } from './report-values.ts';
import type { SketchJson } from './sketch.ts';

const MOST_BUCKETS = 2_000;
const MOST_TEXT = 500;

/** Kinds of errors in one interval: more than there are, for those of newer agents. */
const MOST_ERROR_KINDS = 32;
const STATES: readonly ModelState['state'][] = [
  'idle',
  'fetching',
  'verified',
  'staged',
  'selfTested',
  'trial',
  'committed',
  'rollingBack',
  'failed',
];
const OUTCOMES: readonly Outcome['kind'][] = [
  ...(['committed', 'failed', 'refused', 'undelivered', 'rolled-back', 'conflict'] as const),
];

function parseSketch(value: unknown, place: string): SketchJson {
  const { zero, buckets } = members(value, place);
  let before = Number.NEGATIVE_INFINITY;
  const parsed = list(buckets, `${place}.buckets`, MOST_BUCKETS).map((pair): readonly [number, number] => {
    const [index, n] = list(pair, `${place}.buckets item`, 2);
    if (typeof index !== 'number' || !Number.isInteger(index) || index < -700 || index > 1100 || index <= before) {
      return refuse('REPORT_NUMBERS', `${place}.buckets`, 'has an index out of range or out of order');
    }
    before = index;
    return [index, count(n, `${place}.buckets count`)];
  });
  return { zero: count(zero, `${place}.zero`), buckets: parsed };
}

/** Kinds that are not known here are counted together. */
function parseErrors(value: unknown, place: string): Partial<Record<ErrorReason, number>> {
  const errors: Partial<Record<ErrorReason, number>> = {};
  for (const [kind, n] of Object.entries(record(value, place, MOST_ERROR_KINDS, (one, at) => count(one, at)))) {
    const reason = errorReasonOf(kind);
    errors[reason] = (errors[reason] ?? 0) + n;
  }
  return errors;
}

function parseInterval(value: unknown, place: string): ModelInterval {
  const raw = members(value, place);
  const interval: ModelInterval = {
    model: name(raw.model, `${place}.model`),
    rollout: orNull(raw.rollout, (present) => name(present, `${place}.rollout`)),
    revision: orNull(raw.revision, (present) => count(present, `${place}.revision`, MOST_REVISION)),
    arm: orNull(raw.arm, (present) => oneOf(present, `${place}.arm`, ['candidate', 'stable'])),
    digest: digest(raw.digest, `${place}.digest`),
    version: name(raw.version, `${place}.version`),
    inferences: count(raw.inferences, `${place}.inferences`),
    errors: parseErrors(raw.errors, `${place}.errors`),
    unknown: count(raw.unknown, `${place}.unknown`),
    latencyMs: parseSketch(raw.latencyMs, `${place}.latencyMs`),
    confidence: list(raw.confidence, `${place}.confidence`, CONFIDENCE_BINS).map((n) =>
      count(n, `${place}.confidence`),
    ),
    classes: record(raw.classes, `${place}.classes`, MOST_CLASSES + 1, (n, at) => count(n, at)),
    ...parseObservations(raw, place),
    ...ifPresent(raw, 'outputs', place, (outputs, at) =>
      parseOutputs(outputs, at, count(raw.inferences, `${place}.inferences`)),
    ),
  };
  assertPossible(interval, place);
  return interval;
}

/** Each count is a part of the inferences: a report that claims more would turn rates above 1 into evidence. */
function assertPossible(interval: ModelInterval, place: string): void {
  if (interval.confidence.length !== CONFIDENCE_BINS) {
    refuse('REPORT_SHAPE', `${place}.confidence`, `does not have ${CONFIDENCE_BINS} bins`);
  }
  const parts: readonly (readonly [string, number])[] = [
    ['errors', sum(Object.values(interval.errors))],
    ['unknown', interval.unknown],
    ['latencyMs', interval.latencyMs.zero + sum(interval.latencyMs.buckets.map(([, n]) => n))],
    ['confidence', sum(interval.confidence)],
    ['classes', sum(Object.values(interval.classes))],
  ];
  for (const [part, total] of parts) {
    if (total > interval.inferences) {
      refuse(
        'REPORT_NUMBERS',
        `${place}.${part}`,
        `adds up to ${total}, more than the ${interval.inferences} inferences`,
      );
    }
  }
}

function parseState(value: unknown, place: string): ModelState {
  const raw = members(value, place);
  return {
    model: name(raw.model, `${place}.model`),
    rollout: orNull(raw.rollout, (present) => name(present, `${place}.rollout`)),
    revision: orNull(raw.revision, (present) => count(present, `${place}.revision`, MOST_REVISION)),
    running: orNull(raw.running, (present) => {
      const running = members(present, `${place}.running`);
      return {
        digest: digest(running.digest, `${place}.running.digest`),
        version: name(running.version, `${place}.running.version`),
        slot: oneOf(running.slot, `${place}.running.slot`, ['A', 'B']),
      };
    }),
    state: oneOf(raw.state, `${place}.state`, STATES),
    subject: orNull(raw.subject, (present) => {
      const subject = members(present, `${place}.subject`);
      return {
        digest: digest(subject.digest, `${place}.subject.digest`),
        attempt: count(subject.attempt, `${place}.subject.attempt`, MOST_REVISION),
      };
    }),
  };
}

function parseOutcome(value: unknown, place: string): Outcome {
  const raw = members(value, place);
  return {
    model: name(raw.model, `${place}.model`),
    rollout: name(raw.rollout, `${place}.rollout`),
    revision: count(raw.revision, `${place}.revision`, MOST_REVISION),
    digest: digest(raw.digest, `${place}.digest`),
    attempt: count(raw.attempt, `${place}.attempt`, MOST_REVISION),
    kind: oneOf(raw.kind, `${place}.kind`, OUTCOMES),
    reason: orNull(raw.reason, (present) => oneOf(present, `${place}.reason`, FAILURE_REASONS)),
    message: text(raw.message, `${place}.message`, MOST_TEXT),
    at: instant(raw.at, `${place}.at`),
  };
}

function parseProperty(value: unknown, place: string): string | number {
  if (typeof value === 'number')
    return Number.isFinite(value) ? value : refuse('REPORT_NUMBERS', place, 'is not finite');
  return text(value, place, 256);
}

/**
 * The report in the payload of a verified envelope. Members it does not know are dropped, so that a newer agent can talk to an older service.
 * Throws `REPORT_JSON`, `REPORT_TOO_OLD`, `REPORT_TOO_NEW`, `REPORT_SHAPE`, `REPORT_BOUNDS` or `REPORT_NUMBERS`.
 */
export function parseReport(payload: Uint8Array): DeviceReport {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  } catch (cause) {
    throw new CodedError({ code: 'REPORT_JSON', message: 'The payload is not JSON in UTF-8.', cause });
  }
  return readReport(value);
}

function readReport(value: unknown): DeviceReport {
  const raw = members(value, 'payload');
  assertProtocol('REPORT', raw.protocol);
  if (!isDeviceId(raw.device)) refuse('REPORT_SHAPE', 'device', 'is not a device id');
  const sequence = count(raw.sequence, 'sequence', Number.MAX_SAFE_INTEGER);
  if (sequence === 0) refuse('REPORT_NUMBERS', 'sequence', 'starts at 1');
  return {
    kind: oneOf(raw.kind, 'kind', ['DeviceReport']),
    device: raw.device as string,
    epoch: count(raw.epoch, 'epoch', Number.MAX_SAFE_INTEGER),
    sequence,
    bootId: name(raw.bootId, 'bootId', 64),
    startedAt: instant(raw.startedAt, 'startedAt'),
    durationMs: span(raw.durationMs, 'durationMs'),
    uptimeMs: span(raw.uptimeMs, 'uptimeMs'),
    labels: parseLabels(raw.labels),
    properties: record(raw.properties, 'properties', MOST_LABELS, parseProperty),
    ...parseGauges(raw),
    ...ifPresent(raw, 'acceptedPointer', '', (one, at) => text(one, at, MOST_POINTER_BYTES)),
    intervals: list(raw.intervals, 'intervals', MOST_INTERVALS).map((one, i) => parseInterval(one, `intervals[${i}]`)),
    states: list(raw.states, 'states', MOST_MODELS).map((one, i) => parseState(one, `states[${i}]`)),
    outcomes: list(raw.outcomes, 'outcomes', MOST_OUTCOMES).map((one, i) => parseOutcome(one, `outcomes[${i}]`)),
  };
}
