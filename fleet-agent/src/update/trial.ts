// Owns the trial of a version that has just begun to serve: how long it lasts, and when it has failed on this device.
import { formatDuration, parseDurationMs, parsePercent } from '../../../src/contract/duration.ts';
import type { FailureReason } from '../../../src/contract/report.ts';
import { meanOf, quantileOf, type Sketch, sketchCount } from '../../../src/contract/sketch.ts';
import type { HealthLimits } from '../../../src/contract/types.generated.ts';
import type { ServedCounts } from '../measure/served-counts.ts';
import { failureReasonOf } from '../model/model-host.ts';
import type { TrialProgress } from '../record/model-record.ts';

export interface TrialLimits {
  /** The trial ends after this time or this many inferences, whichever comes first. */
  readonly durationMs: number;
  readonly inferences: number;
  /** Shares, 0..1. */
  readonly errorRate: number;
  readonly unknownRate: number;
  /** Null: relative to the version before. */
  readonly latencyP95Ms: number | null;
  readonly latencyMeanMs: number | null;
}

/** As the schema states them: one hour or 1,000 inferences, at most 1% errors and 10% unknown answers, twice the latency of before. */
export function trialLimitsOf(health: HealthLimits = {}): TrialLimits {
  const { warmUp, errorRate, unknownRate, latencyP95, latencyMean } = health;
  return {
    durationMs: parseDurationMs(warmUp?.duration ?? '1h'),
    inferences: warmUp?.inferences ?? 1000,
    errorRate: parsePercent(errorRate ?? '1%'),
    unknownRate: parsePercent(unknownRate ?? '10%'),
    latencyP95Ms: latencyP95 === undefined ? null : parseDurationMs(latencyP95),
    latencyMeanMs: latencyMean === undefined ? null : parseDurationMs(latencyMean),
  };
}

export type TrialVerdict =
  | { readonly kind: 'running' }
  | { readonly kind: 'passed'; readonly message: string }
  | { readonly kind: 'failed'; readonly reason: FailureReason; readonly message: string };

/** Bad events before a trial may end early, and at its regular end: below, a share says little. */
const LEAST_BAD_EARLY = 20;
const LEAST_BAD_AT_END = 3;
/** Answers before a latency is believed. */
const LEAST_FOR_LATENCY = 100;
/** A latency may be so many times that of the version before, and is never called slow below the floor: a busy device takes that long by itself. */
const LATENCY_FACTOR = 2;
const LATENCY_FLOOR_MS = 25;

/** The 95th percentile of the latency; null where too few answers say it. */
export function latencyP95Of(latency: Sketch): number | null {
  return sketchCount(latency) < LEAST_FOR_LATENCY ? null : (quantileOf(latency, 0.95) ?? null);
}

function latencyLimitMs({ latencyP95Ms }: TrialLimits, { latencyP95BeforeMs }: TrialProgress): number | null {
  if (latencyP95Ms !== null || latencyP95BeforeMs === null) return latencyP95Ms;
  return Math.max(LATENCY_FLOOR_MS, LATENCY_FACTOR * latencyP95BeforeMs);
}

/**
 * Is a share above its limit by more than noise? Bad events must exceed what the limit allows by three standard deviations of a Poisson
 * count while the trial runs, by two when it ends. The fleet's verdict is the precise one; this only catches versions that are plainly broken here.
 */
function isAbove(bad: number, all: number, limit: number, atEnd: boolean): boolean {
  if (bad < (atEnd ? LEAST_BAD_AT_END : LEAST_BAD_EARLY)) return false;
  const allowed = limit * all;
  return bad > allowed + (atEnd ? 2 : 3) * Math.sqrt(allowed);
}

/** What the trial says now. `latency` and `lastError` are of this process's run alone. */
export function judgeTrial(
  limits: TrialLimits,
  progress: TrialProgress,
  seen: { readonly latency: Sketch; readonly lastError: ServedCounts['lastError'] },
): TrialVerdict {
  const { inferences, errors, unknown, elapsedMs } = progress;
  const atEnd = inferences >= limits.inferences || elapsedMs >= limits.durationMs;
  if (isAbove(errors, inferences, limits.errorRate, atEnd)) {
    const last = seen.lastError === null ? '' : ` Last: ${seen.lastError.message}`;
    const message = `${errors} of ${inferences} inferences failed in its trial; the limit is ${percent(limits.errorRate)}.${last}`;
    return { kind: 'failed', reason: failureReasonOf(seen.lastError?.reason ?? 'runtime', 'trial'), message };
  }
  if (isAbove(unknown, inferences, limits.unknownRate, atEnd)) {
    const message = `${unknown} of ${inferences} answers were unknown in its trial; the limit is ${percent(limits.unknownRate)}.`;
    return { kind: 'failed', reason: 'trial', message };
  }
  if (!atEnd) return { kind: 'running' };
  const slow = findSlowness(limits, progress, seen.latency);
  if (slow !== undefined) return { kind: 'failed', reason: 'trial', message: slow };
  return {
    kind: 'passed',
    message: `Its trial passed: ${inferences} inferences, ${errors} errors in ${formatDuration(elapsedMs)}.`,
  };
}

function findSlowness(limits: TrialLimits, progress: TrialProgress, latency: Sketch): string | undefined {
  const p95 = latencyP95Of(latency);
  const mean = p95 === null ? undefined : meanOf(latency);
  const most = latencyLimitMs(limits, progress);
  if (p95 !== null && most !== null && p95 > most) {
    const before = limits.latencyP95Ms === null ? `, twice that of the version before or ${LATENCY_FLOOR_MS} ms` : '';
    return `The 95th percentile of latency was ${p95.toFixed(1)} ms in its trial; the limit is ${Number(most.toFixed(1))} ms${before}.`;
  }
  if (mean !== undefined && limits.latencyMeanMs !== null && mean > limits.latencyMeanMs)
    return `The mean latency was ${mean.toFixed(1)} ms in its trial; the limit is ${limits.latencyMeanMs} ms.`;
  return undefined;
}

function percent(share: number): string {
  return `${Number((share * 100).toFixed(3))}%`;
}
