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

const of = (group: string, kind: 'rolled-back' | 'held' | 'behind', stable: typeof ARM | null, why: string) => {
  return {
    group,
    kind,
    stable,
    reason: { kind: 'aborted', by: 'bob', reason: why } as const,
    cohort: null,
    evidence: 'evidence/ocr-eu/3.json',
    since: '2026-01-01T00:00:00Z',
  };
};

test('groups that are exceptions are named below the table, with what they run and why', () => {
  expect(notesWith([of('hw:rev2', 'held', null, 'too slow'), of('hw:rev3', 'behind', ARM, 'it errs')])).toEqual([
    'ocr-eu: hw:rev2 is held: no more of its devices get the candidate\n  aborted by bob: too slow',
    'ocr-eu: hw:rev3 stays on 1.0.0\n  aborted by bob: it errs',
  ]);
});

test('what someone wrote into such an entry stays on its lines', () => {
  const [note = ''] = notesWith([of('hw:a\n\u001b[2Jb', 'held', null, 'x\n'.repeat(900))]);
  expect(note.split('\n')).toHaveLength(2);
  expect(note).not.toContain('\u001b');
  expect(note.length).toBeLessThan(900);
});
