// Owns one rollout in a line: its state, versions, devices and verdict, and the sentence that says it all.
import { parseInstant } from '../../base/clock.ts';
import type { RolloutStatus } from '../../documents/types.generated.ts';
import type { RuleVerdict } from '../../gates/rule-verdict.ts';
import type { CohortCounts } from '../../rollout/count-cohort.ts';
import type { Outlook } from '../../rollout/outlook.ts';
import type { ParameterChange } from '../../rollout/parameter-change.ts';
import type { RolloutFacts } from '../../rollout/rollout-facts.ts';
import { rolloutStateOf, ruleStateOf } from '../../rollout/rollout-state.ts';
import { outlookCells } from '../../wording/plan-in-words.ts';
import { rolloutSentence } from '../../wording/rollout-sentence.ts';
import { count, MOST_NAME, text, textOrNull } from './bounded.ts';
import { stageRows } from './stage-rows.ts';
import type { DeviceCounts, RolloutRow, RuleState, VersionRef } from './types.generated.ts';

/** What is shown of a rollout's facts: those of now, or of the past. */
export type ShownFacts = Pick<RolloutFacts, 'claim' | 'spec' | 'policy' | 'policyInForce' | 'baseline'>;

/** The status that counts: what somebody else wrote is no status. */
export function statusOf(facts: ShownFacts | undefined): RolloutStatus | null {
  const claim = facts?.claim;
  if (claim?.kind === 'authentic') return claim.status;
  return claim?.kind === 'forged' ? claim.lastAuthentic : null;
}

/** The rules that decide, by their state. */
export function statesOf({ verdict }: Outlook): { readonly rule: RuleVerdict; readonly state: RuleState }[] {
  return (verdict?.rules ?? []).map((rule) => ({ rule, state: ruleStateOf(rule) }));
}

function versionRef(
  version: string | null | undefined,
  digest: string | null | undefined,
  changes: readonly ParameterChange[] = [],
): VersionRef | null {
  if (version === null || version === undefined) return null;
  const parameters = changes.slice(0, 50).map(({ name, from, to }) => ({
    name: text(name, MOST_NAME),
    ...{ from: plain(from), to: plain(to) },
  }));
  return {
    version: text(version, MOST_NAME),
    digest: digest ?? null,
    ...(parameters.length === 0 ? {} : { parameters }),
  };
}

function plain(value: unknown): string | number | boolean | null {
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  return text(typeof value === 'string' ? value : JSON.stringify(value), MOST_NAME);
}

/** While it rolls: stable, and the candidate. After a rollback: what was taken back, and what runs again. */
export function versionsOf(outlook: Outlook, status: RolloutStatus | null): Pick<RolloutRow, 'from' | 'to'> {
  const { candidate, stable, rejected, parameters } = outlook;
  const stableRef = versionRef(stable, status?.stable?.digest);
  if (candidate !== null) return { from: stableRef, to: versionRef(candidate, status?.candidate?.digest, parameters) };
  if (rejected === null) return { from: null, to: stableRef };
  const digest = status?.rejected.find((one) => one.version === rejected.version)?.digest;
  return { from: versionRef(rejected.version, digest, rejected.parameters), to: stableRef };
}

export function deviceCounts(cohort: CohortCounts, heldBack: number): DeviceCounts {
  const { incompatible, unreachable, conflicted, undelivered } = cohort;
  return {
    ...{ matching: count(cohort.matching), wanted: count(cohort.wanted), ready: count(cohort.ready) },
    expected: count(cohort.wanted - incompatible - unreachable - conflicted - undelivered),
    ...{ changing: count(cohort.trying), failed: count(cohort.failed), refused: count(cohort.refused) },
    ...{ incompatible: count(incompatible), silent: count(cohort.silent), unreachable: count(unreachable) },
    ...{ pending: count(cohort.pending), conflicted: count(conflicted), undelivered: count(undelivered) },
    ...{ apart: count(cohort.apart), denied: null, heldBack: count(heldBack) },
  };
}

const WORST: readonly RuleState[] = ['fail', 'in-trouble', 'undecided', 'pass', 'dry-run'];

function verdictOf(outlook: Outlook): RolloutRow['verdict'] {
  const states = new Set(statesOf(outlook).map(({ state }) => state));
  return { state: WORST.find((state) => states.has(state)) ?? 'none', text: text(outlookCells(outlook).verdict) };
}

export function rolloutRow(outlook: Outlook, facts: ShownFacts | undefined): RolloutRow {
  const status = statusOf(facts);
  const state = rolloutStateOf(outlook);
  const { cohort, terms, revision } = outlook;
  const troubled = statesOf(outlook).flatMap((one) => (one.state === 'in-trouble' ? [one.rule] : []));
  const waitingFor = outlookCells(outlook).waitingFor;
  const policy = facts?.policyInForce ?? facts?.policy?.policy ?? null;
  return {
    rollout: text(outlook.rollout, MOST_NAME),
    model: text(outlook.model, MOST_NAME),
    target: text(outlook.target, 1_024),
    state,
    ...versionsOf(outlook, status),
    revision: count(revision),
    attempt: status?.candidate === null || status === null ? null : count(status.candidate.attempt),
    stage: textOrNull(outlook.stage, MOST_NAME),
    stages: stageRows({ outlook, policy, status }),
    sentence: rolloutSentence(outlook, { state, troubled }),
    verdict: verdictOf(outlook),
    waitingFor: /^–/.test(waitingFor) ? null : textOrNull(waitingFor),
    devices: cohort === null ? null : deviceCounts(cohort, terms?.heldBack?.devices ?? 0),
    sinceMs: status === null ? null : (parseInstant(status.since) ?? null),
  };
}
