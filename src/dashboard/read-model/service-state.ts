// Owns how the service stands: its source, its last cycle, what it published and whom it asks.
import type { ProviderStanding } from '../../measurement/provider-standing.ts';
import { silenceInWords } from '../../wording/reason-in-words.ts';
import { count, finite, MOST_NAME, MOST_TEXT, text } from './bounded.ts';
import type { CycleFacts, SourceFacts } from './cycle-facts.ts';
import type { ProviderState, ServiceState } from './types.generated.ts';

/** What the service's other parts say of themselves. */
export interface ServiceParts {
  readonly publication: { readonly atMs: number | null; readonly expiresAtMs: number | null };
  readonly lease: ServiceState['lease'];
  /** Null while nothing can be said yet. */
  readonly reportsPerSecond: number | null;
  readonly providers: readonly ProviderStanding[];
  /** Why a file of the home as it lies there is not the one in force. */
  readonly homeProblems: readonly string[];
}

const MOST_PROBLEMS = 100;

function sourceInWords(source: SourceFacts): string {
  switch (source.kind) {
    case 'starting':
      return 'The service has not looked at the repository yet.';
    case 'followed':
      return `The service follows the repository, at ${source.commit.slice(0, 10)}.`;
    case 'empty':
      return 'The repository is empty.';
    case 'branch-missing':
      return `The repository has no branch ${source.branch}.`;
    case 'away':
      return `The repository can't be read: ${source.reason}${source.remedy === null ? '' : ` ${source.remedy}`}`;
  }
}

function providerState({ name, kind, isAsked, silence }: ProviderStanding): ProviderState {
  const error = silence && text(silenceInWords(silence.why), MOST_TEXT);
  return {
    ...{ name: text(name, MOST_NAME), kind, isAsked, isAnswering: silence === null },
    ...{ sinceMs: finite(silence?.sinceMs ?? null), error },
  };
}

/** `heard`: devices of which something was heard in the last report intervals. */
export function serviceState(cycle: CycleFacts, parts: ServiceParts, heard: number): ServiceState {
  const { source, cycledAtMs, publishedSequence, problems, trouble } = cycle;
  const sinceMs = source.kind === 'away' ? source.sinceMs : null;
  return {
    source: { kind: source.kind, text: text(sourceInWords(source)), sinceMs },
    lastCycleAtMs: finite(cycledAtMs),
    lastCycleMs: finite(cycle.cycleMs),
    headSeenAtMs: source.kind === 'followed' ? finite(source.atMs) : null,
    publication: { sequence: count(publishedSequence), ...parts.publication },
    lease: parts.lease && { ...parts.lease, holder: text(parts.lease.holder, MOST_NAME) },
    reports: { perSecond: finite(parts.reportsPerSecond), devices: count(heard) },
    providers: parts.providers.slice(0, MOST_PROBLEMS).map(providerState),
    problems: [...parts.homeProblems, ...problems].slice(0, MOST_PROBLEMS).map((problem) => text(problem, 2_000)),
    trouble: trouble && {
      code: text(trouble.code, MOST_NAME),
      message: text(trouble.message, MOST_TEXT),
      remedy: trouble.remedy === null ? null : text(trouble.remedy, MOST_TEXT),
    },
  };
}
