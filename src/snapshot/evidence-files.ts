// Owns the evidence files of a commit: found by rollout and revision, read within bounds, verified by the reconciler's keys.

import { toCodedError } from '../base/errors.ts';
import { type Digest, digestOf } from '../contract/digest.ts';
import type { ReconcilerKeys } from '../contract/trust/keys.ts';
import { type EvidenceCheck, verifyEvidence } from '../contract/trust/verifier.ts';
import { findInTree, type ManifestsRepository, type Tree } from '../git/manifests-repository.ts';
import { EVIDENCE_LIMIT_BYTES } from './evidence.ts';

export interface EvidenceFile {
  /** Of the step that the file's name says it is about. */
  readonly revision: number;
  readonly path: string;
  readonly oid: string;
}

/** The files of a rollout's evidence folder that are named by a revision, the lowest first. */
export function evidenceFiles(tree: Tree, evidenceFolder: string, rollout: string): EvidenceFile[] {
  const folder = `${evidenceFolder}/${rollout}`;
  const found = findInTree(tree, folder);
  if (found?.kind !== 'tree') return [];
  const files = [...found.tree.entries].flatMap(([name, child]): EvidenceFile[] => {
    const revision = /^(\d+)-.*\.json$/.exec(name)?.[1];
    if (revision === undefined || child.kind !== 'blob') return [];
    return [{ revision: Number(revision), path: `${folder}/${name}`, oid: child.oid }];
  });
  return files.sort((a, b) => a.revision - b.revision);
}

/** Nothing for what is too large or otherwise unreadable: one such file must neither hide the others nor stop a cycle. */
export async function readEvidence(
  repository: Pick<ManifestsRepository, 'readBlob'>,
  oid: string,
): Promise<
  { readonly kind: 'read'; readonly bytes: Uint8Array } | { readonly kind: 'unreadable'; readonly reason: string }
> {
  try {
    return { kind: 'read', bytes: await repository.readBlob(oid, EVIDENCE_LIMIT_BYTES) };
  } catch (thrown) {
    const error = toCodedError(thrown);
    if (error.kind === 'retry-later') throw error;
    return { kind: 'unreadable', reason: `The evidence can't be read: ${error.message}` };
  }
}

/** `file`: digest of the envelope, as trailers of commits have it. */
export type CheckedEvidence =
  | Extract<EvidenceCheck, { kind: 'refused' }>
  | (Extract<EvidenceCheck, { kind: 'verified' }> & { readonly file: Digest });

export async function checkEvidence(
  repository: Pick<ManifestsRepository, 'readBlob'>,
  oid: string,
  keys: ReconcilerKeys,
): Promise<CheckedEvidence> {
  const read = await readEvidence(repository, oid);
  if (read.kind === 'unreadable') return { kind: 'refused', code: 'EVIDENCE_UNREADABLE', reason: read.reason };
  const check = verifyEvidence(read.bytes, keys);
  return check.kind === 'refused' ? check : { ...check, file: digestOf(read.bytes) };
}
