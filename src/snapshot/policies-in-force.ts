// Owns the policy that an attempt began under: a copy beside the evidence, found by the digest that the status pins.
import { digestOf } from '../contract/digest.ts';
import { parseDocument } from '../documents/parse-document.ts';
import type { RolloutPolicy } from '../documents/types.generated.ts';
import { findInTree, type ManifestsRepository } from '../git/manifests-repository.ts';
import type { PolicyDocument, Snapshot } from './snapshot.ts';

const POLICY_LIMIT_BYTES = 256 * 1024;
const MOST_POLICIES = 1024;

export function copyPath(evidenceFolder: string, rollout: string, digest: string, kind: 'model' | 'policy'): string {
  return `${evidenceFolder}/${rollout}/${digest.replace('sha256:', '')}.${kind}.yaml`;
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

  async find(rollout: string, digest: string | null, snapshot: Snapshot): Promise<RolloutPolicy | null> {
    if (digest === null) return null;
    const known =
      this.#byDigest.get(digest) ??
      findPolicy(snapshot, digest)?.policy ??
      (await this.#readCopy(rollout, digest, snapshot));
    if (known === null) return null;
    if (this.#byDigest.size >= MOST_POLICIES) this.#byDigest.clear();
    this.#byDigest.set(digest, known);
    return known;
  }

  async #readCopy(rollout: string, digest: string, snapshot: Snapshot): Promise<RolloutPolicy | null> {
    const path = copyPath(snapshot.layout.evidence, rollout, digest, 'policy');
    const found = findInTree(snapshot.tree, path);
    if (found?.kind !== 'blob') return null;
    const bytes = await this.#repository.readBlob(found.oid, POLICY_LIMIT_BYTES);
    if (digestOf(bytes) !== digest) return null;
    const parsed = parseDocument(path, bytes, { isCopy: true });
    return parsed.kind === 'parsed' && parsed.document.kind === 'RolloutPolicy' ? parsed.document : null;
  }
}
