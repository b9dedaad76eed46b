// Owns how written steps get onto the branch, and what became of them. Today they are pushed; a pull request would be another landing.
import { assertNever } from '../base/errors.ts';
import type { Digest } from '../contract/digest.ts';
import type { ManifestsRepository } from '../git/manifests-repository.ts';
import type { Transition } from '../rollout/transition.ts';

/** A step as a commit that nobody else sees yet. */
export interface WrittenStep {
  readonly commit: string;
  /** Digest of its evidence file: names the step on the branch, whatever became of the commit's own id. */
  readonly evidence: Digest;
  readonly step: Transition;
}

export interface LandingOrder {
  /** A chain of commits on the observed head, the oldest first; at least one. */
  readonly steps: readonly WrittenStep[];
  readonly observed: string;
  readonly signal: AbortSignal;
}

/** Only what landed is on the branch: an emergency rollback's time runs on with every other answer. */
export type LandingAnswer =
  | { readonly kind: 'landed'; readonly head: string; readonly steps: readonly WrittenStep[] }
  /** Somebody has to accept it first; `where` says who finds it where. */
  | { readonly kind: 'proposed'; readonly where: string }
  /** The branch moved, or its host refuses: the next cycle reads it and decides again. */
  | { readonly kind: 'lost'; readonly reason: string }
  /** It may be on the branch; the next cycle that can read the branch sees it. */
  | { readonly kind: 'unknown'; readonly reason: string };

export interface Landing {
  /** Repeating is safe: the steps of a cycle that are not on the branch come again with the next one. */
  land(order: LandingOrder): Promise<LandingAnswer>;
}

const MOST_HISTORY = 500;

/** Moves the branch itself, by compare-and-swap on the observed head. */
export class DirectPush implements Landing {
  readonly #repository: ManifestsRepository;

  constructor(repository: ManifestsRepository) {
    this.#repository = repository;
  }

  async land(order: LandingOrder): Promise<LandingAnswer> {
    const { steps, observed, signal } = order;
    const head = steps.at(-1)?.commit ?? observed;
    const outcome = await this.#repository.push(head, observed, signal);
    switch (outcome.kind) {
      case 'pushed':
        return { kind: 'landed', head, steps };
      case 'refused':
        return { kind: 'lost', reason: outcome.reason };
      case 'unknown':
        return this.#lookForThem(order, outcome.error.message);
      default:
        return assertNever(outcome);
    }
  }

  /** The answer to the push was lost: the branch itself says whether the steps are on it, by the evidence that its commits name. */
  async #lookForThem({ steps, observed, signal }: LandingOrder, reason: string): Promise<LandingAnswer> {
    const fetched = await this.#repository.fetch(signal);
    if (fetched.kind !== 'head') return { kind: 'unknown', reason };
    const since = await this.#repository.logUntil(fetched.commit, observed, MOST_HISTORY);
    const evidence = new Set(since.flatMap((commit) => commit.trailers.get('Slipway-Evidence') ?? []));
    const hasLanded = steps.every((one) => evidence.has(one.evidence));
    return hasLanded ? { kind: 'landed', head: fetched.commit, steps } : { kind: 'lost', reason };
  }
}
