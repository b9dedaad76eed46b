// Laws of the facts that alerts are judged on: nobody forges a status in silence.
import { expect, test } from 'vitest';
import { alertFactsOf, type Looked } from '../../src/reconcile/alert-facts.ts';

const UNKNOWN = { kind: 'evidence-refused', code: 'EVIDENCE_KEY_UNKNOWN' };

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
