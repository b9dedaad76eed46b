// Owns the question whether a status at HEAD is authentic: backed by evidence that the reconciler signed.
import type { KeyObject } from 'node:crypto';
import { toCodedError } from '../base/errors.ts';
import type { Subject } from '../contract/trust/statement.ts';
import { type EvidenceCheck, verifyEvidence } from '../contract/trust/verifier.ts';
import type { RolloutStatus } from '../documents/types.generated.ts';
import { findInTree, type ManifestsRepository, type Tree } from '../git/manifests-repository.ts';
import type { ClaimProblem } from '../rollout/reasons.ts';
import type { StatusClaim } from '../rollout/rollout-facts.ts';
import { backs, EVIDENCE_LIMIT_BYTES, type EvidencePredicate, parseEvidence } from './evidence.ts';
import type { RolloutDocument, Snapshot } from './snapshot.ts';

/** Someone may put any number of files beside the evidence; the newest authentic one is near the top. */
const MOST_EVIDENCE_READ = 100;

interface Judged {
  readonly document: RolloutDocument;
  /** Root of the last snapshot in which it was found to be so. */
  readonly tree: Tree;
  readonly evidenceOid: string | null;
  readonly claim: StatusClaim;
}

/** A step as its signed evidence has it. */
export interface ProvenStep {
  /** Names the evidence's bytes. */
  readonly evidence: string;
  /** The manifest that the step is about; null when it is about none. */
  readonly subject: Subject | null;
  readonly predicate: EvidencePredicate;
}

function evidenceOidOf({ rollout: { status } }: RolloutDocument, tree: Tree): string | null {
  const evidence = status === undefined ? undefined : findInTree(tree, status.evidence);
  return evidence?.kind === 'blob' ? evidence.oid : null;
}

/** Why a status is not authentic. */
interface Problem {
  readonly problem: ClaimProblem;
  readonly isSignedByOther?: boolean;
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

  /** Forgets the rollouts that are gone. */
  keepOnly(names: ReadonlyMap<string, unknown>): void {
    for (const name of this.#judged.keys()) if (!names.has(name)) this.#judged.delete(name);
  }

  /** What is known without reading: the same rollout was judged before, on the same evidence. */
  find(name: string, document: RolloutDocument, { tree }: Snapshot): StatusClaim | undefined {
    const known = this.#judged.get(name);
    if (known?.document !== document) return undefined;
    if (known.tree === tree) return known.claim;
    if (known.evidenceOid !== evidenceOidOf(document, tree)) return undefined;
    this.#judged.set(name, { ...known, tree });
    return known.claim;
  }

  /** What the status block of a rollout is worth. */
  async judge(name: string, document: RolloutDocument, snapshot: Snapshot): Promise<StatusClaim> {
    const { status } = document.rollout;
    if (status === undefined) return { kind: 'none' };
    const known = this.find(name, document, snapshot);
    if (known !== undefined) return known;
    const evidenceOid = evidenceOidOf(document, snapshot.tree);
    const keys = this.#keys;
    const claim = await this.#judgeAnew(name, status, evidenceOid, snapshot);
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
    const lastAuthentic = await this.#findLastAuthentic(name, snapshot);
    return { kind: 'forged', ...problem, lastAuthentic };
  }

  async #problemOf(
    name: string,
    status: RolloutStatus,
    oid: string | null,
    { layout }: Snapshot,
  ): Promise<Problem | null> {
    if (!status.evidence.startsWith(`${layout.evidence}/${name}/`))
      return { problem: { kind: 'evidence-elsewhere', evidence: status.evidence } };
    if (oid === null) return { problem: { kind: 'evidence-missing', evidence: status.evidence } };
    const check = await this.#verify(oid);
    if (check.kind === 'refused')
      return {
        problem: { kind: 'evidence-refused', code: check.code },
        isSignedByOther: check.code === 'EVIDENCE_KEY_UNKNOWN',
      };
    return backs(check.value.value, name, status) ? null : { problem: { kind: 'evidence-of-other-status' } };
  }

  /** The steps above a revision that evidence in the tree proves, oldest first and each once. */
  async stepsAbove(name: string, { tree, layout }: Snapshot, revision: number): Promise<readonly ProvenStep[]> {
    const found = findInTree(tree, `${layout.evidence}/${name}`);
    if (found?.kind !== 'tree') return [];
    const steps = new Map<number, ProvenStep>();
    const above = numberedEvidence(found.tree).filter((one) => one.revision > revision);
    for (const { oid, revision: numbered } of above.slice(0, MOST_EVIDENCE_READ)) {
      const check = await this.#verify(oid);
      if (check.kind === 'refused') continue;
      const { subject } = check.value.value;
      const predicate = parseEvidence(check.value.value);
      if (predicate?.rollout !== name || predicate.revision !== numbered || steps.has(numbered)) continue;
      steps.set(numbered, { evidence: oid, subject: subject[1] ?? null, predicate });
    }
    return [...steps.values()];
  }

  /** The status of the highest revision that evidence in the tree proves; null when there is none. */
  async #findLastAuthentic(name: string, snapshot: Snapshot): Promise<RolloutStatus | null> {
    const newest = this.#newestFirst(snapshot.tree, `${snapshot.layout.evidence}/${name}`);
    for (const oid of newest.slice(0, MOST_EVIDENCE_READ)) {
      const check = await this.#verify(oid);
      if (check.kind === 'refused') continue;
      const predicate = parseEvidence(check.value.value);
      if (predicate?.rollout === name && backs(check.value.value, name, predicate.status)) return predicate.status;
    }
    return null;
  }

  /** Evidence that can't be read as such, however large or broken it is, backs nothing: it must not stop the cycle. */
  async #verify(oid: string): Promise<EvidenceCheck> {
    try {
      return verifyEvidence(await this.#repository.readBlob(oid, EVIDENCE_LIMIT_BYTES), this.#keys);
    } catch (thrown) {
      const error = toCodedError(thrown);
      if (error.kind === 'retry-later') throw error;
      return { kind: 'refused', code: 'EVIDENCE_UNREADABLE', reason: `The evidence can't be read: ${error.message}` };
    }
  }

  #newestFirst(tree: Tree, folder: string): string[] {
    const found = findInTree(tree, folder);
    if (found?.kind !== 'tree') return [];
    return numberedEvidence(found.tree)
      .reverse()
      .map((one) => one.oid);
  }
}

/** The files of an evidence folder that are named by a revision, the lowest first. */
function numberedEvidence(folder: Tree): { readonly revision: number; readonly oid: string }[] {
  const numbered = [...folder.entries].flatMap(([name, child]) => {
    const revision = /^(\d+)-.*\.json$/.exec(name)?.[1];
    return revision !== undefined && child.kind === 'blob' ? [{ revision: Number(revision), oid: child.oid }] : [];
  });
  return numbered.sort((a, b) => a.revision - b.revision);
}
