// Owns the verdict on an outside signal: a plain threshold that must hold, or be broken, without a pause for its time.

import type { SignalDemand } from '../documents/rules/signal-rule-text.ts';
import { NO_FACTS } from './blank-verdict.ts';
import type { RuleReason } from './rule-reason.ts';
import type { RuleVerdict } from './rule-verdict.ts';
import { NO_ANSWERS, type SignalReading, type SignalRule, type SignalSums, type SignalTrack } from './signal-track.ts';
import { goodSideOf } from './stage-rule.ts';

/** One answer of a query may be a hiccup of what it counts; a webhook has judged. */
const LEAST_SAMPLES = { limit: 3, passes: 1 } as const satisfies Record<SignalDemand['kind'], number>;

interface Said {
  readonly verdict: RuleVerdict['verdict'];
  readonly reasons: readonly RuleReason[];
}

/** What the provider said with its newest answer, where it said anything. */
function newestText({ samples }: SignalTrack): readonly RuleReason[] {
  const text = samples.at(-1)?.reason ?? '';
  return text === '' ? [] : [{ kind: 'provider-said', text }];
}

function say({ state, track, sustainedMs, leastSamples }: SignalSums): Said {
  const open = (...reasons: readonly RuleReason[]): Said => ({ verdict: 'undecided', reasons });
  if (state.kind === 'silent') return open({ kind: 'signal-silent', why: state.why });
  if (state.kind === 'resting') return open({ kind: 'signal-resting', why: state.why });
  const { run } = track;
  if (run === null)
    return track.samples.length === 0
      ? open({ kind: 'no-answer' })
      : open({ kind: 'provider-undecided' }, ...newestText(track));
  const { within, count: answers } = run;
  const heldMs = run.lastMs - run.sinceMs;
  if (heldMs < sustainedMs) return open({ kind: 'signal-short', within, heldMs, neededMs: sustainedMs });
  if (answers < leastSamples) return open({ kind: 'signal-few', within, answers, needed: leastSamples });
  return { verdict: within ? 'pass' : 'fail', reasons: newestText(track) };
}

const NOT_ASKED: SignalReading = {
  asked: '',
  longestGapMs: 0,
  state: { kind: 'resting', why: 'not-asked' },
  track: NO_ANSWERS,
};

/**
 * The verdict on a signal. An outside number comes without its sample, so there is no error level to keep: it is held against its limit as
 * it is, and decides when every answer of the rule's time said the same. A provider that gives nothing usable never decides.
 */
export function judgeSignal(asked: SignalRule, reading: SignalReading | null): RuleVerdict {
  const { name, demand, from, source, sustainedMs, dryRun, onFailure, runbook } = asked;
  const { track, ...rest } = reading ?? NOT_ASKED;
  const leastSamples = LEAST_SAMPLES[demand.kind];
  const sums: SignalSums = {
    from: from.kind,
    provider: from.provider,
    ...rest,
    sustainedMs,
    leastSamples,
    track,
  };
  return {
    ...NO_FACTS,
    kind: 'signal',
    rule: source,
    metric: name,
    goodSide: demand.kind === 'limit' ? goodSideOf(demand) : null,
    isRelative: false,
    scope: 'stage',
    share: null,
    ...say(sums),
    within: rest.state.kind === 'answering' && track.run?.within === true,
    estimate: track.samples.at(-1)?.value ?? null,
    limit: demand.kind === 'limit' ? demand.limit : null,
    unit: demand.kind === 'limit' ? demand.unit : 'count',
    trials: track.run?.count ?? 0,
    dryRun,
    ...(onFailure === undefined ? {} : { onFailure }),
    ...(runbook === undefined ? {} : { runbook }),
    sums,
  };
}
