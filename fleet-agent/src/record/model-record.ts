// Owns the record of one model on this device: slots, phase, failures, and outcomes not reported yet.
import type { Digest } from '../../../src/contract/digest.ts';
import type { FailureReason, Outcome } from '../../../src/contract/report.ts';
import type { Backing } from '../../../src/contract/step-signature.ts';

/** Names that manifests may give; anything else could leave the folder. */
const SAFE_NAME = /^[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?$/;

export function isSafeModelName(name: string): boolean {
  return SAFE_NAME.test(name);
}

export type SlotName = 'A' | 'B';

export function otherSlot(slot: SlotName): SlotName {
  return slot === 'A' ? 'B' : 'A';
}

/** What the directive wants here. */
export interface Goal {
  readonly rollout: string;
  readonly revision: number;
  readonly arm: 'candidate' | 'stable';
  readonly digest: Digest;
  readonly version: string;
  /** Attempt of the candidate; 0 for stable. */
  readonly attempt: number;
  /** Has the reconciler itself signed the entry? The keys of the publication alone take no device below what it committed. */
  readonly backing: Backing;
}

/** A complete, verified version in a slot. */
export interface SlotContent {
  readonly digest: Digest;
  readonly version: string;
  /** Rollout that brought it, or that wanted it last. */
  readonly rollout: string;
  /** As that rollout wanted it last. */
  readonly arm: Goal['arm'];
  /** It has passed its trial here (or came as stable where nothing ran before): it may serve again at once. */
  readonly isProven: boolean;
  /** Of its manifest; 0 where that has none. */
  readonly sequence: number;
}

/** The highest sequence that was ever committed, and whose it is. */
export interface Height {
  readonly sequence: number;
  readonly digest: Digest;
}

/** When a failure stops counting, so that only faults of the version block it for good. */
export type Expiry =
  | { readonly kind: 'never' }
  /** Refused under these circumstances (trust policy, agent, labels, firmware): others may judge otherwise. */
  | { readonly kind: 'circumstances'; readonly were: string }
  /** Hosts, or something on the way, kept giving other bytes than were published: they are asked again later. No fault of the version. */
  | { readonly kind: 'time'; readonly untilMs: number }
  /** Once so much disk is free. */
  | { readonly kind: 'space'; readonly needBytes: number }
  /** Once the reconciler itself signs the step, or under other circumstances. */
  | { readonly kind: 'backing'; readonly were: string };

/** How long a bar stands that lapses with time. */
export const BAR_MS = 60 * 60_000;

export interface FailureFacts {
  readonly reason: FailureReason;
  readonly message: string;
  readonly expiry: Expiry;
}

/** A step that failed. */
export interface Failed extends FailureFacts {
  readonly kind: 'failed';
}

/** A fault of the version itself: it blocks the attempt for good. */
export function failedForGood(reason: FailureReason, message: string): Failed {
  return { kind: 'failed', reason, message, expiry: { kind: 'never' } };
}

export interface Failure extends FailureFacts {
  readonly digest: Digest;
  /** Of the candidate; 0 when it failed as stable. */
  readonly attempt: number;
  /** Wall clock. */
  readonly atMs: number;
}

/** How far a trial has come; persisted now and then, so that a restart carries on. */
export interface TrialProgress {
  readonly elapsedMs: number;
  readonly inferences: number;
  readonly errors: number;
  readonly unknown: number;
  /** 95th percentile of the latency of the version before, on this device; null where nobody knows it. */
  readonly latencyP95BeforeMs: number | null;
  /** Process starts since it began: a version that keeps killing the process must not stay. */
  readonly starts: number;
}

export type Phase =
  | { readonly kind: 'idle' }
  | { readonly kind: 'fetching'; readonly goal: Goal; readonly slot: SlotName; readonly part: DownloadPart | null }
  | { readonly kind: 'verified'; readonly goal: Goal; readonly slot: SlotName }
  | { readonly kind: 'staged'; readonly goal: Goal; readonly slot: SlotName }
  | { readonly kind: 'selfTested'; readonly goal: Goal; readonly slot: SlotName }
  | {
      readonly kind: 'trial';
      readonly goal: Goal;
      readonly slot: SlotName;
      readonly fallback: SlotName | null;
      readonly progress: TrialProgress;
    }
  | { readonly kind: 'committed' }
  | { readonly kind: 'rollingBack'; readonly goal: Goal; readonly failure: Failure }
  | { readonly kind: 'failed'; readonly digest: Digest; readonly attempt: number };

/** The file in download: where it comes from, how much of it is durable on disk, and the server's ETag. */
export interface DownloadPart {
  readonly name: string;
  readonly url: string;
  readonly offset: number;
  readonly etag: string | null;
}

export interface ModelRecord {
  readonly model: string;
  /** The slot that serves, or is to serve next; null while nothing does. */
  readonly active: SlotName | null;
  readonly slots: Readonly<Record<SlotName, SlotContent | null>>;
  readonly phase: Phase;
  readonly failures: readonly Failure[];
  /** Null while no version with a sequence was committed. */
  readonly height: Height | null;
  /** Outcomes that no durable report holds yet. */
  readonly outbox: readonly Outcome[];
}

/** Failures remembered per model; the oldest are forgotten first. */
export const MOST_FAILURES = 64;
/** Outcomes kept per model while no report can take them; the oldest are dropped first. */
export const MOST_OUTBOX = 32;

export function emptyRecord(model: string): ModelRecord {
  const slots = { A: null, B: null };
  return { model, active: null, slots, phase: { kind: 'idle' }, failures: [], height: null, outbox: [] };
}

/** The height once this version is committed. */
export function higher(height: Height | null, { sequence, digest }: Height): Height | null {
  return sequence > (height?.sequence ?? 0) ? { sequence, digest } : height;
}

/**
 * Does the goal go below what was committed here, with nothing but the publication's keys behind it? Another version of the same sequence
 * counts as below: sequences are given once.
 */
export function isUnbackedStepDown({ height }: Pick<ModelRecord, 'height'>, goal: Goal, sequence: number): boolean {
  if (goal.backing !== 'unsigned' || height === null || goal.digest === height.digest) return false;
  return sequence <= height.sequence;
}

/** Why such a goal is refused. */
export function stepDownRefusal({ version }: Pick<Goal, 'version'>, fingerprint: string): Failed {
  const message = `STEP_UNSIGNED: ${version} is older than what was committed here, and the reconciler did not sign the step back to it.`;
  return { kind: 'failed', reason: 'signature', message, expiry: { kind: 'backing', were: fingerprint } };
}

export function activeContent(record: ModelRecord): SlotContent | null {
  return record.active === null ? null : record.slots[record.active];
}

/** The slot that holds this version, complete and verified. */
export function findSlot(record: ModelRecord, digest: Digest): SlotName | undefined {
  return (['A', 'B'] as const).find((slot) => record.slots[slot]?.digest === digest);
}

/** The version that the phase is about, when it is about one. */
export function subjectOf({
  phase,
}: ModelRecord): { readonly version: string | null; readonly digest: Digest; readonly attempt: number } | null {
  if (phase.kind === 'failed') return { version: null, digest: phase.digest, attempt: phase.attempt };
  if (!('goal' in phase)) return null;
  return { version: phase.goal.version, digest: phase.goal.digest, attempt: phase.goal.attempt };
}
