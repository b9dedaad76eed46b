// Owns whether a commit was signed by the reconciler.
import { countsAt, type ReconcilerKeys } from '../contract/trust/keys.ts';
import type { CommitFacts } from '../git/manifests-repository.ts';
import { verifySshSignature } from '../signing/ssh-signature.ts';
import type { StepSignature } from '../snapshot/past-steps.ts';

export function judgeCommit(
  { signature, atMs }: Pick<CommitFacts, 'signature' | 'atMs'>,
  keys: ReconcilerKeys,
): StepSignature {
  if (signature === null) return { kind: 'unsigned', reason: 'the commit is not signed' };
  const check = verifySshSignature(signature.payload, signature.armored);
  if (check.kind === 'refused') return { kind: 'not-verified', reason: check.reason };
  const key = keys.get(check.keyId);
  if (key !== undefined && !countsAt(key, atMs))
    return { kind: 'not-verified', reason: 'its key was replaced before that' };
  if (key !== undefined) return { kind: 'verified', keyId: check.keyId };
  return { kind: 'not-verified', reason: `it is signed by another key (${check.keyId})` };
}
