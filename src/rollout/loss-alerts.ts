// Owns the alerts of what was lost: evidence that is gone or changed, notices that nobody got.
import type { Alert } from './alerts.ts';

/** Rollouts of which evidence is gone or changed. */
export function evidenceAlerts(
  gaps: readonly { readonly rollout: string; readonly revisions: readonly number[] }[],
): Alert[] {
  return gaps.map(({ rollout, revisions }) => {
    const fact = { kind: 'evidence-missing', revisions } as const;
    return { kind: 'evidence-missing', rollout, subject: '', reason: 'EvidenceMissing', fact };
  });
}

/** Each target that never got some of its notices. */
export function lostNoticesAlerts(lost: readonly (readonly [target: string, { readonly count: number }])[]): Alert[] {
  return lost.map(([target, { count }]) => {
    const fact = { kind: 'notices-lost', target, count } as const;
    return { kind: 'notices-lost', rollout: null, subject: target, reason: 'NoticesLost', fact };
  });
}
