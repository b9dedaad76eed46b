// Owns the report: what one device says about one interval, signed, numbered and frozen once sent.
import type { Digest } from './digest.ts';
import type { Summary } from './gauges.ts';
import type { OutputCounts } from './output-counts.ts';
import { boundedSum } from './report-reader.ts';
import type { SketchJson } from './sketch.ts';

export const REPORT_PAYLOAD_TYPE = 'application/vnd.slipway.report+json';
/** Bins of the confidence histogram: [0, 0.05), [0.05, 0.1), … [0.95, 1]. */
export const CONFIDENCE_BINS = 20;
/** Models of one device: it takes over no more than it can report. */
export const MOST_MODELS = 256;
/** Of one report. */
export const MOST_INTERVALS = 16;
export const MOST_OUTCOMES = 64;
/** Classes beyond this number are counted in `REST_CLASS`. */
export const MOST_CLASSES = 64;
export const REST_CLASS = '(rest)';
/** Inputs of a model that are summed up; the first ones of its interface. */
export const MOST_FEATURES = 16;
/** Of a pointer that a device shows, as long as it takes one. */
export const MOST_POINTER_BYTES = 16_384;
/** Reported property of a device that does not believe the published directive: code and reason. */
export const DIRECTIVE_REFUSED = 'directiveRefused';
/** Reported property of a device that serves versions whose signer is revoked, because it has no other: models and versions. */
export const SERVES_REVOKED = 'servesRevoked';
/** Reported property of a device that has its trust policy from the publication: the policy's version. */
export const TRUST_VERSION = 'trustVersion';
/** Reported property of a device whose agent is older than the fleet declares: the declared version. */
export const AGENT_OUTDATED = 'agentOutdated';
/** Reported property of a device that serves on without a part of itself: codes and messages. */
export const AGENT_PROBLEM = 'agentProblem';

/** What a device finds itself. `bad-shape`: other tensors than promised; `bad-value`: numbers that mean nothing, such as NaN. */
const FOUND_ERRORS = ['runtime', 'out-of-memory', 'bad-shape', 'bad-value', 'timeout', 'load'] as const;
export type FoundError = (typeof FOUND_ERRORS)[number];
/**
 * And what only the application can tell: `bad-input` (an input that can't be read), `network` and `application` (its own code). `other` is
 * of a kind that this version does not know.
 */
export const ERROR_REASONS = [...FOUND_ERRORS, 'bad-input', 'network', 'application', 'other'] as const;
export type ErrorReason = (typeof ERROR_REASONS)[number];

export function errorReasonOf(kind: string): ErrorReason {
  return ERROR_REASONS.find((one) => one === kind) ?? 'other';
}

/** Counters of an application's own, for each model. */
export const MOST_COUNTERS = 8;

/** Events that an application counts, such as `alerts`. */
export function isCounterName(name: string): boolean {
  return /^[a-z][a-z0-9_]{0,39}$/.test(name);
}

/** Both by name, each at most `MOST_COUNT`; counters beyond the number that a report holds are left out. */
export function addCounters(
  a: Readonly<Record<string, number>>,
  b: Readonly<Record<string, number>>,
): Record<string, number> {
  const sums = new Map(Object.entries(a));
  for (const [name, count] of Object.entries(b)) {
    if (sums.has(name) || sums.size < MOST_COUNTERS) sums.set(name, boundedSum(sums.get(name) ?? 0, count));
  }
  return Object.fromEntries(sums);
}

export type FailureReason =
  | 'network'
  | 'signature'
  | 'storage-full'
  | 'corrupt'
  | 'out-of-memory'
  | 'bad-shape'
  | 'load'
  | 'timeout'
  | 'self-test'
  | 'trial'
  | 'incompatible';

/** Answers of one class whose true class came back from people; counted when that came, whenever the answer was given. */
export interface LabelCounts {
  /** Labelled answers that named this class. */
  readonly predicted: number;
  /** Labelled answers that should have. */
  readonly actual: number;
  /** Both: at most either. */
  readonly correct: number;
}

/** The steps of taking a version over: fetching its bytes, checking them and their signatures, making it serve. */
export type TransferStep = 'download' | 'verify' | 'apply';
/** Attempts that ended, by how; a download that is cut and tried again counts each time. */
export type TransferCounts = Readonly<Partial<Record<TransferResult, number>>>;
export type TransferResult = 'done' | FailureReason;

/** What one running digest of one model did in the interval; the optional parts came later, and are left out where there is nothing to say. */
export interface ModelInterval {
  readonly model: string;
  /** Rollout and revision of the directive entry that it ran under; null when no entry manages it. */
  readonly rollout: string | null;
  readonly revision: number | null;
  /** Which arm the directive put the device in; null when no entry manages the model. Arms can share a digest when only parameters differ. */
  readonly arm: 'candidate' | 'stable' | null;
  readonly digest: Digest;
  readonly version: string;
  readonly inferences: number;
  readonly errors: Readonly<Partial<Record<ErrorReason, number>>>;
  /** Answers below the confidence that the manifest asks for. */
  readonly unknown: number;
  readonly latencyMs: SketchJson;
  readonly confidence: readonly number[];
  readonly classes: Readonly<Record<string, number>>;
  /** How long it served in the interval, in whole milliseconds, at least 1: throughput is inferences by this. */
  readonly servedMs?: number;
  /** Time to load it from its slot into memory, in milliseconds. */
  readonly loadMs?: Summary;
  /** Values of its inputs, by name: of each column where there are few, else of the tensor. Long inputs are sampled. */
  readonly features?: Readonly<Record<string, Summary>>;
  /** Answers whose true class came back, by class; bounded as `classes` is. */
  readonly labels?: Readonly<Record<string, LabelCounts>>;
  /** Requests that the agent refused before the model saw them, such as wrong shapes; they are no inferences. */
  readonly rejected?: number;
  /** Complaints of people about its answers. */
  readonly userReports?: number;
  /** Answers that the application called anomalous. */
  readonly anomalies?: number;
  /** Events that the application counted, by name; 0 says that it counts them and none came. */
  readonly counters?: Readonly<Record<string, number>>;
  readonly transfers?: Readonly<Partial<Record<TransferStep, TransferCounts>>>;
  /** What its outputs that are no classes were like. */
  readonly outputs?: OutputCounts;
}

/** State of one model's update machine when the interval closed. */
export interface ModelState {
  readonly model: string;
  readonly rollout: string | null;
  readonly revision: number | null;
  /** What serves now; null before the first model. */
  readonly running: { readonly digest: Digest; readonly version: string; readonly slot: 'A' | 'B' } | null;
  readonly state:
    | 'idle'
    | 'fetching'
    | 'verified'
    | 'staged'
    | 'selfTested'
    | 'trial'
    | 'committed'
    | 'rollingBack'
    | 'failed';
  /** The digest that the state is about, when it is not what runs. */
  readonly subject: { readonly digest: Digest; readonly attempt: number } | null;
}

/** Something that happened once: an install that ended, well or badly. Sent until acknowledged. */
export interface Outcome {
  readonly model: string;
  readonly rollout: string;
  readonly revision: number;
  readonly digest: Digest;
  readonly attempt: number;
  /**
   * `refused`: the device would not even try (signature, compatibility); `failed`: tried and gone back; `undelivered`: hosts kept sending
   * other bytes than were published, which says nothing of the version.
   */
  readonly kind: 'committed' | 'failed' | 'refused' | 'undelivered' | 'rolled-back' | 'conflict';
  readonly reason: FailureReason | null;
  /** In words, for people; at most 500 characters. */
  readonly message: string;
  readonly at: string;
}

export interface DeviceReport {
  readonly kind: 'DeviceReport';
  /** Of the messages; absent: 1. Once read, it says nothing more. */
  readonly protocol?: number;
  readonly device: string;
  /** Given at enrolment; a device enrolled anew starts a new epoch at sequence 1. */
  readonly epoch: number;
  /** Counts up by one a report, persisted before sending. */
  readonly sequence: number;
  readonly bootId: string;
  readonly startedAt: string;
  readonly durationMs: number;
  readonly uptimeMs: number;
  readonly labels: Readonly<Record<string, string>>;
  /** Reported properties that selectors may ask for: platform, agent, firmware, freeDiskBytes, … */
  readonly properties: Readonly<Record<string, string | number>>;
  /** Readings of the device in the interval, by name: those of `GAUGES`, and its own. */
  readonly gauges?: Readonly<Record<string, Summary>>;
  /** The `timestamp.json` accepted last, while the publication shows an older one: a service that was set back publishes above it. */
  readonly acceptedPointer?: string;
  readonly intervals: readonly ModelInterval[];
  readonly states: readonly ModelState[];
  readonly outcomes: readonly Outcome[];
}

/** Names the newest outcome of a digest under a rollout in a map; neither part holds a line break. */
export function outcomeKey(rollout: string, digest: Digest): string {
  return `${rollout}\n${digest}`;
}
