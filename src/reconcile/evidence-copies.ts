// Owns the documents that lie beside evidence: manifest and policy of a step with their signatures, so that later changes touch no attempt.
import { type Digest, digestOf } from '../contract/digest.ts';
import { findInTree, type ManifestsRepository } from '../git/manifests-repository.ts';
import type { StatusClaim } from '../rollout/rollout-facts.ts';
import type { Transition } from '../rollout/transition.ts';
import { type EvidenceDocuments, payloadOf } from '../snapshot/evidence.ts';
import { readEvidence } from '../snapshot/evidence-files.ts';
import { copyPath, findPolicy } from '../snapshot/policies-in-force.ts';
import type { ModelDocument, PolicyDocument, Snapshot } from '../snapshot/snapshot.ts';

type Blobs = Pick<ManifestsRepository, 'readBlob'>;

export interface EvidenceCopies {
  readonly documents: EvidenceDocuments;
  /** Files that are not there as they should be. */
  readonly changes: readonly (readonly [path: string, bytes: Uint8Array])[];
}

function findModel({ models }: Snapshot, digest: string): ModelDocument | undefined {
  for (const model of models.values()) if (model.kind === 'model' && model.digest === digest) return model;
  return undefined;
}

/** What has to be written so that the documents of a step lie beside its evidence. */
export async function copiesOf(
  { kind: kindOfStep, rollout, subject, policy }: Transition,
  snapshot: Snapshot,
  blobs: Blobs,
): Promise<EvidenceCopies> {
  const changes: [string, Uint8Array][] = [];
  /**
   * Digest of the file as it lies there, or will; null when neither. Whoever can push may have put anything in its place: what is not the
   * document, or can't be read, is replaced, and never keeps a step from being written.
   */
  const put = async (path: string, wanted: string | null, bytes: Uint8Array | undefined): Promise<Digest | null> => {
    const found = findInTree(snapshot.tree, path);
    const read = found?.kind === 'blob' ? await readEvidence(blobs, found.oid) : undefined;
    const digest = read?.kind === 'read' ? digestOf(read.bytes) : null;
    if (digest !== null && (wanted === null || digest === wanted)) return digest;
    if (bytes === undefined || found?.kind === 'tree') return null;
    changes.push([path, bytes]);
    return digestOf(bytes);
  };
  const copy = async (
    kind: 'model' | 'policy',
    digest: string | undefined,
    found: ModelDocument | PolicyDocument | undefined,
  ): Promise<readonly [Digest | null, Digest | null]> => {
    if (digest === undefined) return [null, null];
    const path = copyPath(`${snapshot.layout.evidence}/${rollout}`, digest, kind);
    // What admits a start is kept, whatever somebody put in its place before; later only what is missing is put there.
    const signature = kindOfStep === 'start' && found?.bundle !== undefined ? digestOf(found.bundle) : null;
    return [await put(path, digest, found?.bytes), await put(`${path}.sigstore.json`, signature, found?.bundle)];
  };
  const model = subject === null ? undefined : findModel(snapshot, subject.digest);
  const [manifest, manifestBundle] = await copy('model', subject?.digest, model);
  const [pinned, policyBundle] = await copy('policy', policy ?? undefined, findPolicy(snapshot, policy ?? ''));
  return { documents: { manifest, manifestBundle, policy: pinned, policyBundle }, changes };
}

function statusOf(claim: StatusClaim): EvidenceOfStatus | null {
  if (claim.kind === 'authentic') return claim.status;
  return claim.kind === 'forged' ? claim.lastAuthentic : null;
}

interface EvidenceOfStatus {
  readonly revision: number;
  readonly evidence: string;
}

/** Digest of the statement before, by which evidence of a rollout is a chain; null for the first, and when its file is gone or can't be read. */
export async function previousStatement(
  { inputs: { claim, seen } }: Transition,
  { tree }: Snapshot,
  blobs: Blobs,
): Promise<Digest | null> {
  const known = [statusOf(claim), seen?.status ?? null].filter((one) => one !== null);
  const [newest] = known.sort((a, b) => b.revision - a.revision);
  const found = newest === undefined || newest.evidence === '' ? undefined : findInTree(tree, newest.evidence);
  if (found?.kind !== 'blob') return null;
  const read = await readEvidence(blobs, found.oid);
  const payload = read.kind === 'read' ? payloadOf(read.bytes) : undefined;
  return payload === undefined ? null : digestOf(payload);
}
