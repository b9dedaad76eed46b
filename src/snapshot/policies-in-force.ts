// Owns the policy that an attempt began under: a copy beside the evidence, found by the digest that the status pins.
import { toCodedError } from '../base/errors.ts';
import { digestOf } from '../contract/digest.ts';
import { parseDocument } from '../documents/parse-document.ts';
import type { RolloutPolicy, RolloutStatus } from '../documents/types.generated.ts';
import { findInTree, type ManifestsRepository, type Tree } from '../git/manifests-repository.ts';
import type { PolicyDocument, Snapshot } from './snapshot.ts';

const POLICY_LIMIT_BYTES = 256 * 1024;
const MOST_POLICIES = 1024;

/** Where a document's copy lies in a folder of evidence. */
export function copyPath(folder: string, digest: string, kind: 'model' | 'policy'): string {
  return `${folder}/${digest.replace('sha256:', '')}.${kind}.yaml`;
}

/** Where evidence of a rollout lies: in the folder that its status names, and in that of the layout, which may have been moved since. */
export function evidenceFolders(
  rollout: string,
  { evidence }: Pick<RolloutStatus, 'evidence'>,
  layout: Snapshot['layout'],
): readonly string[] {
  return [...new Set([`${layout.evidence}/${rollout}`, evidence.slice(0, Math.max(0, evidence.lastIndexOf('/')))])];
}

/** Undefined for what can't be read; throws only where reading may help later. */
export async function readCopy(
  repository: Pick<ManifestsRepository, 'readBlob'>,
  oid: string,
  limitBytes: number,
): Promise<Uint8Array | undefined> {
  try {
    return await repository.readBlob(oid, limitBytes);
  } catch (thrown) {
    if (toCodedError(thrown).kind === 'retry-later') throw thrown;
    return undefined;
  }
}

/** The policy at HEAD with this digest, whatever its name. */
export function findPolicy(snapshot: Snapshot, digest: string): PolicyDocument | undefined {
  for (const policy of snapshot.policies.values())
    if (policy.kind === 'policy' && policy.digest === digest) return policy;
  return undefined;
}

/**
 * Finds pinned policies. Their digest stands in the authentic status, which is all the trust they need: the bytes were admitted when the
 * attempt began.
 */
export class PoliciesInForce {
  readonly #repository: ManifestsRepository;
  readonly #byDigest = new Map<string, RolloutPolicy>();

  constructor(repository: ManifestsRepository) {
    this.#repository = repository;
  }

  /** `trees` are looked through in their order. */
  async find(
    rollout: string,
    status: RolloutStatus | null,
    snapshot: Snapshot,
    trees: readonly Tree[],
  ): Promise<RolloutPolicy | null> {
    const digest = status?.policy ?? null;
    if (status === null || digest === null) return null;
    const paths = evidenceFolders(rollout, status, snapshot.layout).map((folder) => copyPath(folder, digest, 'policy'));
    const known =
      this.#byDigest.get(digest) ??
      findPolicy(snapshot, digest)?.policy ??
      (await this.#readCopy(paths, digest, trees));
    if (known === null) return null;
    if (this.#byDigest.size >= MOST_POLICIES) this.#byDigest.clear();
    this.#byDigest.set(digest, known);
    return known;
  }

  async #readCopy(paths: readonly string[], digest: string, trees: readonly Tree[]): Promise<RolloutPolicy | null> {
    for (const [tree, path] of trees.flatMap((tree) => paths.map((path) => [tree, path] as const))) {
      const found = findInTree(tree, path);
      const bytes =
        found?.kind === 'blob' ? await readCopy(this.#repository, found.oid, POLICY_LIMIT_BYTES) : undefined;
      if (bytes === undefined || digestOf(bytes) !== digest) continue;
      const parsed = parseDocument(path, bytes, { isCopy: true });
      if (parsed.kind === 'parsed' && parsed.document.kind === 'RolloutPolicy') return parsed.document;
    }
    return null;
  }
}
