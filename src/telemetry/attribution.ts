// Owns which parts of a report count: those of arms and versions that the directive of the named revision gives this device, computed here.
import { assignmentOf, choicesOf, type DirectiveEntry, type OnTrial } from '../contract/directive.ts';
import type { DeviceReport, ModelInterval, Outcome } from '../contract/report.ts';
import type { DeviceFacts } from '../contract/selector.ts';

/** The entries that were published, as far as they are kept. */
export interface PublishedEntries {
  /** Those of one revision: two when it was published as an emergency rollback as well. */
  at(rollout: string, revision: number): readonly DirectiveEntry[];
  /** The newest of a rollout; undefined when none is kept. */
  newest(rollout: string): DirectiveEntry | undefined;
}

/** A device that reports for an arm, or about a version, that the directive did not give it. */
export interface FalseClaim {
  readonly rollout: string;
  readonly revision: number;
  /** `outcome`: that an install ended. */
  readonly says: 'candidate' | 'stable' | 'outcome';
  /** What the directive gives the device; `unpublished` when there is no such revision yet. */
  readonly given: 'candidate' | 'stable' | 'nothing' | 'unpublished';
}

export interface Attributed {
  /** The report without what has no say. */
  readonly report: DeviceReport;
  /** The first false claim in it. */
  readonly claim: FalseClaim | null;
}

/** `counts: false` without a claim: the revision is older than what is kept, or the device is on its way from one version to another. */
interface Judged {
  readonly counts: boolean;
  readonly claim: FalseClaim | null;
}

const COUNTS: Judged = { counts: true, claim: null };
const DOES_NOT: Judged = { counts: false, claim: null };

/**
 * `facts` are the device's, once with the properties of the report and once with those of the one before: a device may have acted on either.
 * `onTrial` are the rollouts whose candidate it ran before.
 * Nobody gets a say by naming an arm: an interval counts only in the arm that the device belongs to.
 */
export function attribute(
  report: DeviceReport,
  facts: readonly DeviceFacts[],
  published: PublishedEntries,
  onTrial?: OnTrial,
): Attributed {
  const judge = new Judge(facts, published, onTrial);
  const claims: FalseClaim[] = [];
  const keep = ({ counts, claim }: Judged): boolean => {
    if (claim !== null) claims.push(claim);
    return counts;
  };
  const intervals = report.intervals.filter((interval) => keep(judge.interval(interval)));
  const outcomes = report.outcomes.filter((outcome) => keep(judge.outcome(outcome)));
  const isWhole = intervals.length === report.intervals.length && outcomes.length === report.outcomes.length;
  return { report: isWhole ? report : { ...report, intervals, outcomes }, claim: claims[0] ?? null };
}

class Judge {
  readonly #facts: readonly DeviceFacts[];
  readonly #published: PublishedEntries;
  readonly #onTrial: OnTrial | undefined;

  constructor(facts: readonly DeviceFacts[], published: PublishedEntries, onTrial: OnTrial | undefined) {
    this.#facts = facts;
    this.#onTrial = onTrial;
    this.#published = published;
  }

  /** Intervals that name no arm are of none, and claim nothing. */
  interval({ rollout, revision, arm, digest }: ModelInterval): Judged {
    if (rollout === null || revision === null || arm === null) return DOES_NOT;
    const given = this.#given(rollout, revision);
    const own = given.filter((one) => one?.kind === 'run' && one.arm === arm);
    if (own.length === 0) return this.#unlessForgotten({ rollout, revision, says: arm }, given[0]);
    return own.some((one) => one?.kind === 'run' && one.choice.digest === digest) ? COUNTS : DOES_NOT;
  }

  /** An install that ended is believed of devices that were told to take the version: a conflict, of those that the entry is for. */
  outcome({ rollout, revision, digest, attempt, kind }: Outcome): Judged {
    const given = this.#given(rollout, revision);
    const isTold = given.some((one) => {
      if (one === undefined) return false;
      if (kind === 'conflict') return choicesOf(one.entry).some((choice) => choice.digest === digest);
      if (one.kind !== 'run') return false;
      // Leaving what an earlier revision gave says nothing of any attempt.
      if (kind === 'rolled-back' && attempt === 0) return true;
      if (one.choice.digest === digest) return one.arm === 'stable' || one.attempt === attempt;
      // A device without a proven version takes stable first.
      return one.arm === 'candidate' && choicesOf(one.entry).some((choice) => choice.digest === digest);
    });
    return isTold ? COUNTS : this.#unlessForgotten({ rollout, revision, says: 'outcome' }, given[0]);
  }

  #given(rollout: string, revision: number): ReturnType<typeof assignmentOf>[] {
    const entries = this.#published.at(rollout, revision);
    return entries.flatMap((entry) => this.#facts.map((facts) => assignmentOf(entry, facts, this.#onTrial)));
  }

  #unlessForgotten(claim: Omit<FalseClaim, 'given'>, assignment: ReturnType<typeof assignmentOf>): Judged {
    const { rollout, revision } = claim;
    if (this.#published.at(rollout, revision).length > 0) {
      const given = assignment?.kind === 'run' ? assignment.arm : 'nothing';
      return { counts: false, claim: { ...claim, given } };
    }
    const isAhead = revision > (this.#published.newest(rollout)?.revision ?? Number.POSITIVE_INFINITY);
    return isAhead ? { counts: false, claim: { ...claim, given: 'unpublished' } } : DOES_NOT;
  }
}
