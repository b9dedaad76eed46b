// Owns what alerts are judged on: the newest observation and what the service says of itself, as plain facts.
import type { AlertFacts, WatchedRule } from '../rollout/alerts.ts';
import type { OffDeclared } from '../rollout/off-declared.ts';
import type { EmergencyRollback } from '../store/reconciler-state.ts';
import type { Observation } from './observe.ts';
import type { ServiceView } from './service-view.ts';

export interface Looked {
  readonly observation: Observation;
  readonly view: ServiceView;
  /** Those in force. */
  readonly emergencyRollbacks: readonly EmergencyRollback[];
  readonly offDeclared: readonly OffDeclared[];
  readonly watched: readonly WatchedRule[];
}

export function alertFactsOf({ observation, view, emergencyRollbacks, offDeclared, watched }: Looked): AlertFacts {
  const { rollouts } = observation.facts;
  const { source, trouble } = view;
  // Where the rollout stalls on another reconciler's signature, its own alert says so; anything else was put back.
  const isLeftAlone = (name: string): boolean =>
    view.outlooks.some(
      ({ rollout, waitingOn }) =>
        rollout === name && waitingOn.some((one) => one.kind === 'needs-fix' && one.fix.kind === 'status-of-other'),
    );
  return {
    outlooks: view.outlooks,
    forged: rollouts.flatMap(({ name, claim }) =>
      claim.kind === 'forged' && !isLeftAlone(name) ? [{ rollout: name, problem: claim.problem }] : [],
    ),
    emergencyRollbacks,
    refusing: view.refusing,
    away: source.kind === 'away' ? { reason: source.reason } : null,
    trouble,
    offDeclared: offDeclared.map(({ rollout, count, staying, first }) => ({
      ...{ rollout, count, staying },
      first: first.slice(0, staying).map((one) => one.device),
    })),
    watched,
    runbooks: new Map(
      rollouts.flatMap(({ name, policyInForce }) => {
        const runbook = policyInForce?.spec.runbook;
        return runbook === undefined ? [] : [[name, runbook] as const];
      }),
    ),
  };
}
