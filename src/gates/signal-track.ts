// Owns what is known of an outside signal: its rule, its newest answers, and for how long they have said the same.
import type { QueryPart } from '../documents/rules/query-text.ts';
import type { ParsedSignalRule } from '../documents/rules/signal-rule-text.ts';
import type { FailureAction } from './stage-rule.ts';

/** Whom a rule asks, by the names that the service's providers have. */
export type SignalSource =
  | { readonly kind: 'prometheus'; readonly provider: string; readonly query: readonly QueryPart[] }
  | { readonly kind: 'webhook'; readonly provider: string };

export interface SignalRule extends ParsedSignalRule {
  readonly from: SignalSource;
  /** Reported, but never decides. */
  readonly dryRun: boolean;
  /** What its fail does; as its stage says unless given. */
  readonly onFailure?: FailureAction;
  /** Address of the page for people, where the rule itself names one. */
  readonly runbook?: string;
}

/** One answer. */
export interface SignalSample {
  readonly atMs: number;
  /** Null when the provider judges by itself. */
  readonly value: number | null;
  /** Null when the provider itself is undecided. */
  readonly within: boolean | null;
  /** What the provider said of it; empty when nothing. */
  readonly reason: string;
}

/** Answers that said the same, without a pause, up to the newest. */
export interface SignalRun {
  readonly within: boolean;
  readonly sinceMs: number;
  readonly lastMs: number;
  readonly count: number;
  /** Of the values; null when the provider judges by itself. */
  readonly least: number | null;
  readonly most: number | null;
}

export interface SignalTrack {
  /** Null when the newest answer was undecided, and before the first. */
  readonly run: SignalRun | null;
  /** The newest few, oldest first. */
  readonly samples: readonly SignalSample[];
}

/** Why nothing is known at present: only the running service asks; too few devices are ready; the newest answer is too old. */
export type SignalResting = 'not-asked' | 'not-ready' | 'no-new-answer';

/** Why a provider gives nothing that can be used. */
export type SignalSilence =
  /** The service has no provider of that name. */
  | { readonly kind: 'unknown-provider' }
  | { readonly kind: 'wrong-answer'; readonly wanted: 'number' | 'verdict' }
  | { readonly kind: 'failed' }
  /** Its answers don't come as often as they should. */
  | { readonly kind: 'late' }
  /** In the provider's words. */
  | { readonly kind: 'said'; readonly text: string };

export type SignalState =
  | { readonly kind: 'answering' }
  /** Nobody asks at present. */
  | { readonly kind: 'resting'; readonly why: SignalResting }
  | { readonly kind: 'silent'; readonly why: SignalSilence; readonly sinceMs: number };

/** What is known of a signal. */
export interface SignalReading {
  /** The query as it was asked, or the question that was posted. */
  readonly asked: string;
  /** A longer pause between answers starts the count anew. */
  readonly longestGapMs: number;
  readonly state: SignalState;
  readonly track: SignalTrack;
}

/** The numbers that the verdict can be worked out from again. */
export interface SignalSums extends SignalReading {
  readonly from: SignalSource['kind'];
  readonly provider: string;
  readonly sustainedMs: number;
  readonly leastSamples: number;
}

export const NO_ANSWERS: SignalTrack = { run: null, samples: [] };
const MOST_SAMPLES = 12;

function extended(run: SignalRun, { atMs, value }: SignalSample): SignalRun {
  return {
    ...run,
    lastMs: atMs,
    count: run.count + 1,
    least: value === null || run.least === null ? null : Math.min(run.least, value),
    most: value === null || run.most === null ? null : Math.max(run.most, value),
  };
}

/** The track after one more answer. Answers come in the order of time; where the clock jumped, the count starts anew. */
export function addAnswer(track: SignalTrack, sample: SignalSample, longestGapMs: number): SignalTrack {
  const { run } = track;
  const samples = [...track.samples, sample].slice(-MOST_SAMPLES);
  const { atMs, value, within } = sample;
  if (within === null) return { run: null, samples };
  const pauseMs = run === null ? Number.NaN : atMs - run.lastMs;
  if (run !== null && run.within === within && pauseMs >= 0 && pauseMs <= longestGapMs)
    return { run: extended(run, sample), samples };
  return { run: { within, sinceMs: atMs, lastMs: atMs, count: 1, least: value, most: value }, samples };
}
