// Owns what the signals of a stage ask of their providers, and what an answer counts for its rule.
import { assertNever } from '../base/errors.ts';
import { fillQuery } from '../documents/rules/query-text.ts';
import { keepsTo } from '../documents/rules/signal-rule-text.ts';
import type { RolloutStatus } from '../documents/types.generated.ts';
import type { SignalRule, SignalSample, SignalSilence } from '../gates/signal-track.ts';
import {
  questionText,
  type SignalAnswer,
  type SignalProvider,
  type SignalQuestion,
} from '../signals/signal-provider.ts';

/** A present stage, as far as its signals are concerned. */
export interface SignalStage {
  readonly rollout: string;
  readonly model: string;
  readonly status: RolloutStatus;
  readonly rules: readonly SignalRule[];
  /** Does its minimum of devices run the candidate? Only then answers say something about it. */
  readonly isReady: boolean;
}

/** Two answers in a row may be lost before the count starts anew. */
const MOST_INTERVALS = 3;
/** Of what a webhook says; a dozen of them stand in the evidence. */
const MOST_REASON = 200;

export function questionOf({ rollout, model, status }: SignalStage, signal: string): SignalQuestion {
  const { candidate, stable } = status;
  return {
    signal,
    rollout,
    model,
    stage: status.stage ?? '',
    revision: status.revision,
    candidate: {
      version: candidate?.version ?? '',
      digest: candidate?.digest ?? '',
      attempt: candidate?.attempt ?? 0,
    },
    stable: stable === null ? null : { version: stable.version, digest: stable.digest },
    stageOpenedAtMs: Date.parse(status.since),
  };
}

export function askedText(rule: SignalRule, question: SignalQuestion): string {
  if (rule.from.kind === 'webhook') return questionText(question);
  const { rollout, model, stage, candidate, stable } = question;
  return fillQuery(rule.from.query, {
    rollout,
    model,
    stage,
    'candidate.version': candidate.version,
    'candidate.digest': candidate.digest,
    'stable.version': stable?.version ?? '',
    'stable.digest': stable?.digest ?? '',
  });
}

/** `paceMs`: how often the rule really gets asked, where its provider is too slow for all that it is asked. */
export function longestGapOf(provider: SignalProvider | undefined, paceMs: number): number {
  return provider === undefined ? 0 : MOST_INTERVALS * Math.max(provider.everyMs, paceMs) + provider.timeoutMs;
}

/** The answer as it counts for the rule, or why it can't be used. */
export function sampleOf(
  { demand }: SignalRule,
  answer: SignalAnswer | null,
  atMs: number,
): SignalSample | SignalSilence {
  if (answer === null) return { kind: 'failed' };
  switch (answer.kind) {
    case 'none':
      return { kind: 'said', text: answer.reason };
    case 'value':
      return demand.kind === 'limit'
        ? { atMs, value: answer.value, within: keepsTo(demand, answer.value), reason: '' }
        : { kind: 'wrong-answer', wanted: 'verdict' };
    case 'judged': {
      if (demand.kind === 'limit') return { kind: 'wrong-answer', wanted: 'number' };
      const within = answer.verdict === 'undecided' ? null : answer.verdict === 'pass';
      return { atMs, value: null, within, reason: answer.reason.slice(0, MOST_REASON).toWellFormed() };
    }
    default:
      return assertNever(answer);
  }
}
