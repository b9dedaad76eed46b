// Laws of the facts that alerts are judged on: nobody forges a status in silence.
import { expect, test } from 'vitest';
import { alertFactsOf, type Looked, sourceFactsOf } from '../../src/reconcile/alert-facts.ts';
import { NOTHING_YET } from '../../src/reconcile/service-view.ts';
import { alertsOf } from '../../src/rollout/alerts-of.ts';

const UNKNOWN = { kind: 'evidence-refused', code: 'EVIDENCE_KEY_UNKNOWN' };

const QUIET = {
  observation: { facts: { rollouts: [] } },
  view: NOTHING_YET,
  ...{ emergencyRollbacks: [], offDeclared: [], watched: [] },
} as unknown as Looked;

/** One rollout whose status names evidence by a key that is not known, and what it waits on. */
function looked(waitingOn: readonly object[]): Looked {
  const claim = { kind: 'forged', problem: UNKNOWN, lastAuthentic: null, isSignedByOther: true };
  return {
    observation: { facts: { rollouts: [{ name: 'own', claim, policyInForce: null }] } },
    view: { outlooks: [{ rollout: 'own', waitingOn }], source: { kind: 'followed' }, refusing: [], trouble: null },
    ...{ emergencyRollbacks: [], offDeclared: [], watched: [] },
  } as unknown as Looked;
}

test('a forged status raises an alert, by whatever key its evidence is signed', () => {
  expect(alertFactsOf(looked([])).forged).toEqual([{ rollout: 'own', problem: UNKNOWN }]);
});

test('a status that is left alone as another reconciler’s is reported as that, not as forged', () => {
  expect(alertFactsOf(looked([{ kind: 'needs-fix', fix: { kind: 'status-of-other' } }])).forged).toEqual([]);
});

test('a branch that vanished and a repository that was emptied raise an alert, as a host that is away does', () => {
  const reasons = (source: Parameters<typeof sourceFactsOf>[0]) =>
    alertsOf({ ...alertFactsOf(QUIET), ...sourceFactsOf(source) }).present.map(
      ({ kind, reason }) => `${kind} ${reason}`,
    );
  const away = { kind: 'away', problem: 'timeout', reason: '', remedy: null, sinceMs: 0 } as const;
  expect(reasons({ kind: 'followed', commit: 'one', atMs: 0 })).toEqual([]);
  expect(reasons(away)).toEqual(['source-away SourceAway']);
  for (const gone of [{ kind: 'empty' }, { kind: 'branch-missing', branch: 'main', others: [] }] as const)
    expect(reasons(gone)).toEqual(['source-away SourceVanished']);
});
