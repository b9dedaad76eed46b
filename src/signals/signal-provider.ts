// Owns what a metric provider is asked and what it answers: answers are values, whatever the provider does.
import { toIsoSeconds } from '../base/clock.ts';
import { clipped, oneLine } from '../base/plain-text.ts';

/** What a webhook is asked to judge; it learns nothing else. */
export interface SignalQuestion {
  readonly signal: string;
  readonly rollout: string;
  readonly model: string;
  readonly stage: string;
  readonly revision: number;
  readonly candidate: { readonly version: string; readonly digest: string; readonly attempt: number };
  readonly stable: { readonly version: string; readonly digest: string } | null;
  readonly stageOpenedAtMs: number;
}

/** The question as it is posted; `version` names this form. `askedAtMs` keeps others from replaying a signed question later. */
export function questionText({ stageOpenedAtMs, ...facts }: SignalQuestion, askedAtMs?: number): string {
  const window = {
    openedAt: toIsoSeconds(stageOpenedAtMs),
    ...(askedAtMs === undefined ? {} : { askedAt: toIsoSeconds(askedAtMs) }),
  };
  return JSON.stringify({ version: 1, ...facts, window });
}

export type SignalAnswer =
  | { readonly kind: 'value'; readonly value: number }
  | { readonly kind: 'judged'; readonly verdict: 'pass' | 'fail' | 'undecided'; readonly reason: string }
  /** No usable answer, and why. */
  | { readonly kind: 'none'; readonly reason: string };

interface Provider {
  readonly name: string;
  /** How often each rule asks, in milliseconds. */
  readonly everyMs: number;
  readonly timeoutMs: number;
}

/** Answers a query with one number. */
export interface QueryProvider extends Provider {
  readonly kind: 'prometheus';
  /** Never throws. */
  ask(query: string, signal: AbortSignal): Promise<SignalAnswer>;
}

/** Answers with a verdict of its own. */
export interface JudgingProvider extends Provider {
  readonly kind: 'webhook';
  /** Never throws. */
  ask(question: SignalQuestion, signal: AbortSignal): Promise<SignalAnswer>;
}

export type SignalProvider = QueryProvider | JudgingProvider;

const MOST_REASON = 300;

/** No usable answer. The reason may quote the provider, so it is bounded and on one line. */
export function noAnswer(reason: string): SignalAnswer {
  return { kind: 'none', reason: clipped(oneLine(reason.slice(0, 2 * MOST_REASON)), MOST_REASON) };
}
