// Owns the question whether a status at HEAD is authentic: backed by evidence that the reconciler signed.
import type { KeyObject } from 'node:crypto';
import type { RolloutStatus } from '../contract/documents/types.generated.ts';
import { verifyEvidence } from '../contract/trust/verifier.ts';
import { findInTree, type ManifestsRepository, type Tree } from '../git/manifests-repository.ts';
import type { StatusClaim } from '../rollout/rollout-facts.ts';
import { backs, type EvidencePredicate } from './evidence.ts';
import type { RolloutDocument, Snapshot } from './snapshot.ts';

const EVIDENCE_LIMIT_BYTES = 1024 * 1024;

interface Judged {
  readonly document: RolloutDocument;
  /** Root of the last snapshot in which it was found to be so. */
  readonly tree: Tree;
  readonly evidenceOid: string | null;
  readonly claim: StatusClaim;
}

/** Judges each status once per content of rollout and evidence. */
export class StatusClaims {
  readonly #repository: ManifestsRepository;
  #keys: ReadonlyMap<string, KeyObject>;
  readonly #judged = new Map<string, Judged>();

  constructor(repository: ManifestsRepository, reconcilerKeys: ReadonlyMap<string, KeyObject>) {
    this.#repository = repository;
    this.#keys = reconcilerKeys;
  }

  /** Judges by other keys from the next question on. */
  useKeys(reconcilerKeys: ReadonlyMap<string, KeyObject>): void {
    this.#keys = reconcilerKeys;
    this.#judged.clear();
  }

  /** What is known without looking: the same rollout was judged in the same snapshot before. */
  find(name: string, document: RolloutDocument, snapshot: Snapshot): StatusClaim | undefined {
    const known = this.#judged.get(name);
    return known?.document === document && known.tree === snapshot.tree ? known.claim : undefined;
  }

  /** What the status block of a rollout is worth. */
  async judge(name: string, document: RolloutDocument, snapshot: Snapshot): Promise<StatusClaim> {
    const { status } = document.rollout;
    if (status === undefined) return { kind: 'none' };
    const evidence = findInTree(snapshot.tree, status.evidence);
    const evidenceOid = evidence?.kind === 'blob' ? evidence.oid : null;
    const known = this.#judged.get(name);
    const isSame = known?.document === document && known.evidenceOid === evidenceOid;
    const keys = this.#keys;
    const claim = isSame ? known.claim : await this.#judgeAnew(name, status, evidenceOid, snapshot);
    if (keys === this.#keys) this.#judged.set(name, { document, tree: snapshot.tree, evidenceOid, claim });
    return claim;
  }

  async #judgeAnew(
    name: string,
    status: RolloutStatus,
    evidenceOid: string | null,
    snapshot: Snapshot,
  ): Promise<StatusClaim> {
    const problem = await this.#problemOf(name, status, evidenceOid, snapshot);
    if (problem === null) return { kind: 'authentic', status };
    return { kind: 'forged', reason: problem, lastAuthentic: await this.#findLastAuthentic(name, snapshot) };
  }

  async #problemOf(
    name: string,
    status: RolloutStatus,
    oid: string | null,
    { layout }: Snapshot,
  ): Promise<string | null> {
    if (!status.evidence.startsWith(`${layout.evidence}/${name}/`))
      return `it names evidence of something else: ${status.evidence}`;
    if (oid === null) return `its evidence ${status.evidence} is not there`;
    const check = verifyEvidence(await this.#repository.readBlob(oid, EVIDENCE_LIMIT_BYTES), this.#keys);
    if (check.kind === 'refused') return check.reason;
    return backs(check.value.value, name, status) ? null : 'its evidence is about another status';
  }

  /** The status of the highest revision that evidence in the tree proves; null when there is none. */
  async #findLastAuthentic(name: string, snapshot: Snapshot): Promise<RolloutStatus | null> {
    for (const oid of this.#newestFirst(snapshot.tree, `${snapshot.layout.evidence}/${name}`)) {
      const check = verifyEvidence(await this.#repository.readBlob(oid, EVIDENCE_LIMIT_BYTES), this.#keys);
      if (check.kind === 'refused') continue;
      const { status, rollout } = check.value.value.predicate as EvidencePredicate;
      if (rollout === name && backs(check.value.value, name, status)) return status;
    }
    return null;
  }

  #newestFirst(tree: Tree, folder: string): string[] {
    const found = findInTree(tree, folder);
    if (found?.kind !== 'tree') return [];
    const numbered = [...found.tree.entries].flatMap(([name, child]) => {
      const revision = /^(\d+)-.*\.json$/.exec(name)?.[1];
      return revision !== undefined && child.kind === 'blob' ? [{ revision: Number(revision), oid: child.oid }] : [];
    });
    return numbered.sort((a, b) => b.revision - a.revision).map((one) => one.oid);
  }
}
