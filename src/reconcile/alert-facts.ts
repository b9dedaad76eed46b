// Owns what alerts are judged on: the newest observation and what the service says of itself, as plain facts.
import { assertNever } from '../base/errors.ts';
import type { AlertFacts, WatchedRule } from '../rollout/alerts.ts';
import type { OffDeclared } from '../rollout/off-declared.ts';
import type { EmergencyRollback } from '../store/reconciler-state.ts';
import type { Observation } from './observe.ts';
import type { ServiceView, SourceState } from './service-view.ts';

export interface Looked {
  readonly observation: Observation;
  readonly view: ServiceView;
  /** Those in force. */
  readonly emergencyRollbacks: readonly EmergencyRollback[];
  readonly offDeclared: readonly OffDeclared[];
  readonly watched: readonly WatchedRule[];
}

/** What the source itself raises. */
export function sourceFactsOf(source: SourceState): Pick<AlertFacts, 'away' | 'vanished'> {
  switch (source.kind) {
    case 'away':
      return { away: source, vanished: null };
    case 'empty':
      return { away: null, vanished: { branch: null } };
    case 'branch-missing':
      return { away: null, vanished: { branch: source.branch } };
    case 'starting':
    case 'followed':
      return { away: null, vanished: null };
    default:
      return assertNever(source);
  }
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
    onRevoked: view.onRevoked,
    claiming: view.claiming,
    ...sourceFactsOf(source),
    refusedReports: view.refusedReports,
    trouble,
    offDeclared: offDeclared.map(({ rollout, count, staying, first }) => ({
      ...{ rollout, count, staying },
      first: first.slice(0, staying).map((one) => one.device),
    })),
    shared: observation.shared,
    watched,
    runbooks: new Map(
      rollouts.flatMap(({ name, policyInForce }) => {
        const runbook = policyInForce?.spec.runbook;
        return runbook === undefined ? [] : [[name, runbook] as const];
      }),
    ),
  };
}
