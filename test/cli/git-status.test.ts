// Laws of the status by Git alone: what a status block says is said, and stays in its place.
import { expect, test } from 'vitest';
import { notesOfGit } from '../../src/cli/git-status.ts';
import { digestOf } from '../../src/contract/digest.ts';
import type { Rollout, RolloutStatus } from '../../src/documents/types.generated.ts';
import { blankStatus } from '../../src/rollout/next-status.ts';

const ARM = { version: '1.0.0', digest: digestOf('1.0.0'), parameters: {}, target: 'region:eu' };

function notesWith(exceptions: NonNullable<RolloutStatus['exceptions']>): string[] {
  const rollout: Rollout = {
    apiVersion: 'slipway.dev/v1alpha1',
    kind: 'Rollout',
    metadata: { name: 'ocr-eu' },
    spec: { model: 'ocr', version: '2.0.0', target: 'region:eu' },
    status: { ...blankStatus('region:eu', 0), exceptions },
  };
  return notesOfGit({ commit: 'a'.repeat(40), rollouts: [rollout], broken: [] });
}

const of = (group: string, kind: 'rolled-back' | 'held' | 'behind', stable: typeof ARM | null, reason: string) => {
  return {
    group,
    kind,
    stable,
    reason,
    cohort: null,
    evidence: 'evidence/ocr-eu/3.json',
    since: '2026-01-01T00:00:00Z',
  };
};

test('groups that do not go along are named below the table, with what they run and why', () => {
  expect(
    notesWith([
      of('hw:rev2', 'held', null, 'latency_p95 251 ms, not < 150 ms'),
      of('hw:rev3', 'behind', ARM, 'error_rate 4 %, not < 1 %'),
    ]),
  ).toEqual([
    'ocr-eu: hw:rev2 is held: no more of it get the candidate\n  latency_p95 251 ms, not < 150 ms',
    'ocr-eu: hw:rev3 stayed on 1.0.0\n  error_rate 4 %, not < 1 %',
  ]);
});

test('what someone wrote into such an entry stays on its lines', () => {
  const [note = ''] = notesWith([of('hw:a\n\u001b[2Jb', 'held', null, 'x\n'.repeat(900))]);
  expect(note.split('\n')).toHaveLength(2);
  expect(note).not.toContain('\u001b');
  expect(note.length).toBeLessThan(900);
});
