// Owns the plan: for every rollout one step or what it waits on, and the directive that HEAD amounts to. Pure and total.
import type { Directive } from '../contract/directive.ts';
import { decideRollout, type RolloutDecision } from './decide-rollout.ts';
import { directiveOf } from './directive-of.ts';
import type { Outlook } from './outlook.ts';
import type { DocumentProblem, Fix } from './reasons.ts';
import type { RolloutFacts } from './rollout-facts.ts';
import type { Transition } from './transition.ts';

/** A rollout whose document can't be used: it stays as it was published. */
export interface BrokenRollout extends DocumentProblem {
  readonly name: string;
  /** What has to be fixed, where that is not the document itself. */
  readonly fix?: Fix;
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
  readonly decisions: Decisions;
}

/** Decisions are pure, so the same object of facts never needs a second one: a settled rollout costs a look-up a cycle. */
export type Decisions = ReadonlyMap<RolloutFacts, RolloutDecision>;

/** All is as declared: without a change of its facts, nothing is to be decided. */
export function isSettled(decision: RolloutDecision | undefined): boolean {
  return decision !== undefined && decision.step === null && decision.outlook.waitingOn.length === 0;
}

function brokenOutlook({ name, fix: other, ...problem }: BrokenRollout): Outlook {
  const fix: Fix = other ?? { kind: 'document', ...problem };
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
    waitingOn: [{ kind: 'needs-fix', fix }],
    conditions: [{ type: 'Stalled', status: true, reason: fix.code, fix }],
  };
}

/** Of starts that would take the same devices for one model in one plan, the first alone: what it holds then stops the others. */
function withoutRivals(decisions: Decisions): readonly Transition[] {
  const taken = new Map<string, Set<string>>();
  return [...decisions].flatMap(([{ known }, { step }]) => {
    if (step?.kind !== 'start') return step ?? [];
    const before = taken.get(step.model);
    const devices = known.matching?.(step.next.target) ?? [];
    if (before !== undefined && devices.some((device) => before.has(device))) return [];
    const all = before ?? new Set<string>();
    for (const device of devices) all.add(device);
    taken.set(step.model, all);
    return step;
  });
}

/** What to do now. The same facts give the same plan; `before` are the decisions of the last plan. */
export function decide({ rollouts, broken, published }: FleetFacts, before?: Decisions): Plan {
  const decisions = new Map(rollouts.map((facts) => [facts, before?.get(facts) ?? decideRollout(facts)]));
  const all = [...decisions.values()];
  return {
    steps: withoutRivals(decisions),
    outlooks: [...all.map((decision) => decision.outlook), ...broken.map(brokenOutlook)],
    directive: directiveOf({ readable: rollouts, broken: broken.map((one) => one.name), published }),
    decisions,
  };
}
