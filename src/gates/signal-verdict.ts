// Owns the verdict on an outside signal: a plain threshold that must hold, or be broken, without a pause for its time.

import { formatDuration } from '../contract/duration.ts';
import type { SignalDemand } from '../documents/rules/signal-rule-text.ts';
import type { RuleVerdict } from './rule-verdict.ts';
import { NO_ANSWERS, type SignalReading, type SignalRule, type SignalSums, type SignalTrack } from './signal-track.ts';

/** One answer of a query may be a hiccup of what it counts; a webhook has judged. */
const LEAST_SAMPLES = { limit: 3, passes: 1 } as const satisfies Record<SignalDemand['kind'], number>;

interface Said {
  readonly verdict: RuleVerdict['verdict'];
  readonly reason: string;
}

/** What the provider said with its newest answer, where it said anything. */
function newestReason({ samples }: SignalTrack): string {
  return samples.at(-1)?.reason ?? '';
}

function say(sums: SignalSums): Said {
  const { state, track, sustainedMs, leastSamples, provider } = sums;
  const open = (reason: string): Said => ({ verdict: 'undecided', reason });
  if (state.kind === 'silent') return open(state.reason);
  if (state.kind === 'resting') return open(state.reason);
  const { run } = track;
  if (run === null) {
    const why = newestReason(track);
    if (track.samples.length === 0) return open(`no answer of ${provider} yet`);
    return open(`${provider} is undecided${why === '' ? '' : `: ${why}`}`);
  }
  const heldMs = run.lastMs - run.sinceMs;
  if (heldMs >= sustainedMs && run.count >= leastSamples)
    return { verdict: run.within ? 'pass' : 'fail', reason: newestReason(track) };
  const side = run.within ? 'holds' : 'is broken';
  if (heldMs < sustainedMs)
    return open(`${side} for ${formatDuration(heldMs)} of the ${formatDuration(sustainedMs)} that count`);
  return open(`${side} in ${run.count} of the ${leastSamples} answers that count`);
}

const NOT_ASKED: SignalReading = {
  asked: '',
  longestGapMs: 0,
  state: { kind: 'resting', reason: 'nobody asks: only the running service does' },
  track: NO_ANSWERS,
};

/**
 * The verdict on a signal. An outside number comes without its sample, so there is no error level to keep: it is held against its limit as
 * it is, and decides when every answer of the rule's time said the same. A provider that gives nothing usable never decides.
 */
export function judgeSignal(asked: SignalRule, reading: SignalReading | null): RuleVerdict {
  const { name, demand, from, source, sustainedMs, dryRun } = asked;
  const { track, ...rest } = reading ?? NOT_ASKED;
  const leastSamples = LEAST_SAMPLES[demand.kind];
  const sums: SignalSums = {
    kind: 'signal',
    from: from.kind,
    provider: from.provider,
    ...rest,
    sustainedMs,
    leastSamples,
    track,
  };
  const { verdict, reason } = say(sums);
  return {
    rule: source,
    metric: name,
    verdict,
    within: rest.state.kind === 'answering' && track.run?.within === true,
    estimate: track.samples.at(-1)?.value ?? null,
    lower: null,
    upper: null,
    limit: demand.kind === 'limit' ? demand.limit : null,
    unit: demand.kind === 'limit' ? demand.unit : 'count',
    baseline: null,
    trials: track.run?.count ?? 0,
    devices: 0,
    worstDevice: null,
    reason,
    dryRun,
    needs: null,
    sums,
  };
}
