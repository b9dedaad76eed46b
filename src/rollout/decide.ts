// Owns the plan: for every rollout one step or what it waits on, and the directive that HEAD amounts to. Pure and total.
import type { Directive } from '../contract/directive.ts';
import { decideRollout } from './decide-rollout.ts';
import type { Decision } from './decision.ts';
import { directiveOf } from './directive-of.ts';
import type { Outlook } from './outlook.ts';
import type { RolloutFacts } from './rollout-facts.ts';
import type { Transition } from './transition.ts';

/** A rollout whose document can't be used: it stays as it was published. */
export interface BrokenRollout {
  readonly name: string;
  readonly code: string;
  readonly reason: string;
}

export interface FleetFacts {
  readonly rollouts: readonly RolloutFacts[];
  readonly broken: readonly BrokenRollout[];
  readonly published: Directive | null;
}

export interface Plan {
  /** At most one a rollout; each becomes one commit, in this order. */
  readonly steps: readonly Transition[];
  readonly outlooks: readonly Outlook[];
  /** What the fleet should run as HEAD stands, before the steps. */
  readonly directive: Directive;
}

function brokenOutlook({ name, code, reason }: BrokenRollout): Outlook {
  return {
    rollout: name,
    model: '',
    revision: 0,
    stage: null,
    candidate: null,
    stable: null,
    cohort: null,
    target: '',
    verdict: null,
    window: null,
    terms: null,
    rejected: null,
    waitingOn: [{ kind: 'mending', code, reason }],
    conditions: [
      { type: 'Stalled', status: true, reason: code, message: `${reason} Devices keep what was published last.` },
    ],
  };
}

/** Decisions are pure, so the same object of facts never needs a second one: a rollout at rest costs a look-up a cycle. */
const decided = new WeakMap<RolloutFacts, Decision>();

export function decideOnce(facts: RolloutFacts): Decision {
  const known = decided.get(facts);
  if (known !== undefined) return known;
  const decision = decideRollout(facts);
  decided.set(facts, decision);
  return decision;
}

/** What to do now. The same facts give the same plan. */
export function decide({ rollouts, broken, published }: FleetFacts): Plan {
  const decisions = rollouts.map(decideOnce);
  return {
    steps: decisions.map((decision) => decision.step).filter((step) => step !== null),
    outlooks: [...decisions.map((decision) => decision.outlook), ...broken.map(brokenOutlook)],
    directive: directiveOf({ readable: rollouts, broken: broken.map((one) => one.name), published }),
  };
}
