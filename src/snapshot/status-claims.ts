// Owns the question whether a status at HEAD is authentic: backed by evidence that the reconciler signed.

import type { Digest } from '../contract/digest.ts';
import type { ReconcilerKeys } from '../contract/trust/keys.ts';
import type { Subject } from '../contract/trust/statement.ts';
import type { RolloutStatus } from '../documents/types.generated.ts';
import { findInTree, type ManifestsRepository, type Tree } from '../git/manifests-repository.ts';
import type { ClaimProblem } from '../rollout/reasons.ts';
import type { StatusClaim } from '../rollout/rollout-facts.ts';
import type { Transition } from '../rollout/transition.ts';
import { backs, type EvidencePredicate, parseEvidence } from './evidence.ts';
import { type CheckedEvidence, checkEvidence, evidenceFiles } from './evidence-files.ts';
import type { RolloutDocument, Snapshot } from './snapshot.ts';

/** Someone may put any number of files beside the evidence; the newest authentic one is near the top. */
const MOST_EVIDENCE_READ = 100;
/** A step's commit is looked for among so many. */
const MOST_COMMITS = 2_000;

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
  /** Digest of the file, as the step's commit names it. */
  readonly file: Digest;
  /** The manifest that the step is about; null when it is about none. */
  readonly subject: Subject | null;
  readonly predicate: EvidencePredicate;
}

type Attempt = Pick<NonNullable<Transition['subject']>, 'digest' | 'attempt'>;

/** How to find the commit that a candidate started by. */
export interface StartStep {
  /** Digest of its evidence, as the commit's trailer has it. */
  readonly evidence: Digest;
  /** The head on which it was decided: the commit lies above. */
  readonly observed: string;
}

/** The evidence that a status names: where it says, or of the same name where the layout has evidence now. A signature alone proves it. */
function evidenceOidOf(
  name: string,
  status: Pick<RolloutStatus, 'evidence'> | undefined,
  { tree, layout }: Pick<Snapshot, 'tree' | 'layout'>,
): string | null {
  if (status === undefined) return null;
  const file = status.evidence.split('/').at(-1) ?? '';
  for (const path of [status.evidence, `${layout.evidence}/${name}/${file}`]) {
    const found = findInTree(tree, path);
    if (found?.kind === 'blob') return found.oid;
  }
  return null;
}

/** Why a status is not authentic. */
interface Problem {
  readonly problem: ClaimProblem;
  readonly isSignedByOther?: boolean;
}

/** Judges each status once per content of rollout and evidence. */
export class StatusClaims {
  readonly #repository: ManifestsRepository;
  #keys: ReconcilerKeys;
  readonly #judged = new Map<string, Judged>();
  /** What the evidence folder of a rollout proves. */
  readonly #newest = new Map<string, { readonly folder: Tree; readonly status: RolloutStatus | null }>();

  constructor(repository: ManifestsRepository, reconcilerKeys: ReconcilerKeys) {
    this.#repository = repository;
    this.#keys = reconcilerKeys;
  }

  /** Judges by other keys from the next question on. */
  useKeys(reconcilerKeys: ReconcilerKeys): void {
    this.#keys = reconcilerKeys;
    this.#judged.clear();
    this.#newest.clear();
  }

  /** Forgets the rollouts that are gone. */
  keepOnly(names: ReadonlyMap<string, unknown>): void {
    for (const name of this.#judged.keys()) if (!names.has(name)) this.#judged.delete(name);
    for (const name of this.#newest.keys()) if (!names.has(name)) this.#newest.delete(name);
  }

  /** What is known without reading: the same rollout was judged before, on the same evidence. */
  find(name: string, document: RolloutDocument, snapshot: Snapshot): StatusClaim | undefined {
    const { tree } = snapshot;
    const known = this.#judged.get(name);
    if (known?.document !== document) return undefined;
    if (known.tree === tree) return known.claim;
    if (known.evidenceOid !== evidenceOidOf(name, document.rollout.status, snapshot)) return undefined;
    this.#judged.set(name, { ...known, tree });
    return known.claim;
  }

  /** What the status block of a rollout is worth. */
  async judge(name: string, document: RolloutDocument, snapshot: Snapshot): Promise<StatusClaim> {
    const { status } = document.rollout;
    if (status === undefined) return { kind: 'none' };
    const known = this.find(name, document, snapshot);
    if (known !== undefined) return known;
    const evidenceOid = evidenceOidOf(name, status, snapshot);
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
    const problem = await this.#problemOf(name, status, evidenceOid);
    if (problem === null) return { kind: 'authentic', status };
    const lastAuthentic = await this.lastAuthentic(name, snapshot);
    return { kind: 'forged', ...problem, lastAuthentic };
  }

  async #problemOf(name: string, status: RolloutStatus, oid: string | null): Promise<Problem | null> {
    if (status.evidence.split('/').at(-2) !== name)
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
  async stepsAbove(name: string, snapshot: Snapshot, revision: number): Promise<readonly ProvenStep[]> {
    const steps = new Map<number, ProvenStep>();
    const above = evidenceFiles(snapshot.tree, snapshot.layout.evidence, name).filter((one) => one.revision > revision);
    for (const { oid, revision: numbered } of above.slice(0, MOST_EVIDENCE_READ)) {
      const step = await this.stepOf(name, oid);
      if (step?.predicate.revision === numbered && !steps.has(numbered)) steps.set(numbered, step);
    }
    return [...steps.values()];
  }

  /** The step of a rollout that the reconciler signed in a file; undefined when it is none. */
  async stepOf(name: string, oid: string): Promise<ProvenStep | undefined> {
    const check = await this.#verify(oid);
    if (check.kind === 'refused') return undefined;
    const predicate = parseEvidence(check.value.value);
    if (predicate?.rollout !== name) return undefined;
    return { evidence: oid, file: check.file, subject: check.value.value.subject[1] ?? null, predicate };
  }

  /** The step of a rollout that a path of its status names; undefined when its evidence is gone. */
  async stepAt(name: string, evidence: string, snapshot: Snapshot): Promise<ProvenStep | undefined> {
    const oid = evidenceOidOf(name, { evidence }, snapshot);
    return oid === null ? undefined : this.stepOf(name, oid);
  }

  /** The commit of a step; null when none of the commits above the head that it was decided on names its evidence. */
  async commitOf({ file, predicate }: ProvenStep, head: string): Promise<string | null> {
    const history = await this.#repository.logUntil(head, predicate.observed, MOST_COMMITS).catch(() => []);
    // The oldest of all: a person may have copied the trailers into a later commit.
    return history.findLast(({ trailers }) => trailers.get('Slipway-Evidence')?.includes(file))?.oid ?? null;
  }

  /** The step, below a revision, that an attempt of a candidate started by; null when its evidence is gone. */
  async findStart(name: string, snapshot: Snapshot, attempt: Attempt, below: number): Promise<StartStep | null> {
    // Higher numbers are of others: whoever can push may write any file, and any number of them.
    const files = evidenceFiles(snapshot.tree, snapshot.layout.evidence, name).filter((one) => one.revision < below);
    for (const { oid } of files.reverse().slice(0, MOST_EVIDENCE_READ)) {
      const check = await this.#verify(oid);
      if (check.kind === 'refused') continue;
      const predicate = parseEvidence(check.value.value);
      if (predicate === undefined) continue;
      const { rollout, transition, status, observed } = predicate;
      const isSame = status.candidate?.digest === attempt.digest && status.candidate.attempt === attempt.attempt;
      if (rollout === name && transition.kind === 'start' && isSame) return { evidence: check.file, observed };
    }
    return null;
  }

  /** The status of the highest revision that evidence in the tree proves; null when there is none. */
  async lastAuthentic(name: string, { tree, layout }: Snapshot): Promise<RolloutStatus | null> {
    const folder = findInTree(tree, `${layout.evidence}/${name}`);
    const known = this.#newest.get(name);
    if (known !== undefined && folder?.kind === 'tree' && known.folder === folder.tree) return known.status;
    const keys = this.#keys;
    const status = await this.#findNewest(name, tree, layout);
    if (keys === this.#keys && folder?.kind === 'tree') this.#newest.set(name, { folder: folder.tree, status });
    return status;
  }

  async #findNewest(name: string, tree: Tree, layout: Snapshot['layout']): Promise<RolloutStatus | null> {
    const files = evidenceFiles(tree, layout.evidence, name).reverse();
    for (const { oid } of files.slice(0, MOST_EVIDENCE_READ)) {
      const check = await this.#verify(oid);
      if (check.kind === 'refused') continue;
      const predicate = parseEvidence(check.value.value);
      if (predicate?.rollout === name && backs(check.value.value, name, predicate.status)) return predicate.status;
    }
    return null;
  }

  #verify(oid: string): Promise<CheckedEvidence> {
    return checkEvidence(this.#repository, oid, this.#keys);
  }
}
