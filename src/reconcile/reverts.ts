// Owns what is known of each rollout's last revert: its reason, the rule that failed with its numbers, and its commit.
import { parseInstant } from '../base/clock.ts';
import type { RolloutStatus } from '../documents/types.generated.ts';
import type { RevertedRollout, RevertFact } from '../rollout/alerts.ts';
import { lastRejection } from '../rollout/last-rejection.ts';
import type { StatusClaim } from '../rollout/rollout-facts.ts';
import { ruleOfReason } from '../rollout/rule-failure.ts';
import type { StatusClaims } from '../snapshot/status-claims.ts';
import type { Observation } from './observe.ts';

/** A revert that nobody answered for so long is no alert any more: `status` and the history keep it. */
const ALERT_FOR_MS = 24 * 60 * 60_000;
/** Where a person asked for it, nobody need be told. */
const NEEDS_PERSON: ReadonlySet<RevertFact['reason']['kind']> = new Set([
  'rule-failed',
  'deadline-expired',
  'trust-revoked',
]);

type Rejection = RolloutStatus['rejected'][number];

interface Known {
  readonly evidence: string;
  readonly fact: RevertFact;
  readonly runbook: string | null;
}

/** Evidence is named by the revision of its step. */
function revisionOf({ evidence }: Rejection): number {
  return Number.parseInt(evidence.split('/').at(-1) ?? '', 10);
}

/** A status that somebody forged is put back: the revert before it still counts. */
function statusOf(claim: StatusClaim): RolloutStatus | null {
  if (claim.kind === 'none') return null;
  return claim.kind === 'authentic' ? claim.status : claim.lastAuthentic;
}

export class Reverts {
  readonly #claims: StatusClaims;
  /** Read from evidence once. */
  readonly #known = new Map<string, Known>();

  constructor(claims: StatusClaims) {
    this.#claims = claims;
  }

  async look(
    { facts, snapshot }: Pick<Observation, 'facts' | 'snapshot'>,
    nowMs: number,
  ): Promise<readonly RevertedRollout[]> {
    const found: RevertedRollout[] = [];
    const names = new Set<string>();
    for (const { name, claim } of facts.rollouts) {
      const status = statusOf(claim);
      if (status === null) continue;
      const recent = status.rejected.filter(
        ({ at, reason }) => NEEDS_PERSON.has(reason.kind) && nowMs - (parseInstant(at) ?? 0) < ALERT_FOR_MS,
      );
      const [newest] = recent;
      if (newest === undefined) continue;
      names.add(name);
      if (status.candidate !== null) {
        found.push({ rollout: name, revert: null, open: recent.map(revisionOf), runbook: null });
        continue;
      }
      if (lastRejection(status) === null || newest !== status.rejected[0]) continue;
      const { fact, runbook } = await this.#read(name, status, newest, snapshot);
      found.push({ rollout: name, revert: fact, open: [], runbook });
    }
    for (const name of this.#known.keys()) if (!names.has(name)) this.#known.delete(name);
    return found;
  }

  async #read(
    name: string,
    status: RolloutStatus,
    newest: Rejection,
    snapshot: Observation['snapshot'],
  ): Promise<Omit<Known, 'evidence'>> {
    const known = this.#known.get(name);
    if (known?.evidence === newest.evidence) return known;
    const revision = revisionOf(newest);
    const step = await this.#claims.stepAt(name, newest.evidence, snapshot);
    const reason = step?.predicate.transition.reason ?? newest.reason;
    const verdict = step?.predicate.verdict ?? null;
    const failed = reason.kind === 'rule-failed' ? ruleOfReason(reason, verdict) : undefined;
    const fact: RevertFact = {
      model: status.model ?? step?.predicate.transition.model ?? '',
      version: newest.version,
      stable: status.stable?.version ?? null,
      revision,
      reason: newest.reason,
      commit: step === undefined ? null : await this.#claims.commitOf(step, snapshot.commit),
      failed: failed === undefined ? null : numbersOf(failed),
    };
    const runbook = failed?.runbook ?? null;
    if (step !== undefined) this.#known.set(name, { evidence: newest.evidence, fact, runbook });
    return { fact, runbook };
  }
}

function numbersOf({
  rule,
  metric,
  estimate,
  lower,
  upper,
  limit,
  unit,
  devices,
  trials,
}: NonNullable<RevertFact['failed']>): NonNullable<RevertFact['failed']> {
  return { rule, metric, estimate, lower, upper, limit, unit, devices, trials };
}
