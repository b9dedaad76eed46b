// Owns the steps of a rollout as its past has them: commits whose trailers name them, and evidence that no listed commit names.

import { type Digest, digestOf } from '../contract/digest.ts';
import type { ReconcilerKeys } from '../contract/trust/keys.ts';
import { EVIDENCE_PREDICATE_TYPE, parseStatement } from '../contract/trust/statement.ts';
import { verifyEvidence } from '../contract/trust/verifier.ts';
import { findInTree, type ManifestsRepository, type Tree } from '../git/manifests-repository.ts';
import type { CommitList, ListedCommit, StepTrailers } from './commit-list.ts';
import { type EvidencePredicate, parseEvidence, payloadOf } from './evidence.ts';
import { evidenceFiles, readEvidence } from './evidence-files.ts';

/** Whether the reconciler signed it: a commit, or evidence. `unknown`: no trust policy says whose keys count. */
export type StepSignature =
  | { readonly kind: 'verified'; readonly keyId: string }
  | { readonly kind: 'not-verified'; readonly reason: string }
  | { readonly kind: 'unsigned'; readonly reason: string }
  | { readonly kind: 'unknown' };

export interface PastStep {
  readonly rollout: string;
  readonly revision: number | null;
  /** `8 canary→ramp`; as far as the name of a file tells it where no commit is known. */
  readonly transition: string;
  /** Null where the listed commits don't have it: the clone is shallow, or someone squashed it. */
  readonly commit: ListedCommit | null;
  readonly trailers: StepTrailers | null;
  /** Where its evidence should lie. */
  readonly file: string;
}

export interface SeenEvidence {
  readonly file: string;
  readonly digest: Digest;
  readonly predicate: EvidencePredicate;
  readonly signature: StepSignature;
}

/** Why there is none of a step. */
export type EvidenceAnswer =
  | { readonly kind: 'seen'; readonly evidence: SeenEvidence }
  | { readonly kind: 'missing' | 'unreadable' | 'of-another-step' };

export type StepCommit = ListedCommit & { readonly step: StepTrailers };

/** Steps that one commit of the branch names: a person may have copied the trailers into a later one, so the oldest counts. */
export function stepCommits({ commits }: Pick<CommitList, 'commits'>): StepCommit[] {
  const first = new Map<string, string>();
  const steps = commits.filter((one): one is StepCommit => one.step !== null);
  for (const { commit, step } of steps) for (const digest of step.evidence) first.set(digest, commit);
  return steps.filter(
    ({ commit, step: { evidence } }) => evidence.length === 0 || evidence.some((one) => first.get(one) === commit),
  );
}

export function stepOfCommit(commit: StepCommit, evidenceFolder: string): PastStep {
  const { step } = commit;
  const { rollout, revision, transition } = step;
  const file = `${evidenceFolder}/${rollout}/${transition.replace(/[ →]/g, '-')}.json`;
  return { rollout, revision, transition, commit, trailers: step, file };
}

export interface PastQuestion {
  /** Its commits, newest first. */
  readonly named: readonly StepCommit[];
  readonly tree: Tree;
  readonly evidenceFolder: string;
  readonly rollout: string;
}

/** Newest first: as the commits are, with evidence that none of them names where its revision belongs. */
export function stepsOf({ named: commits, tree, evidenceFolder, rollout }: PastQuestion): PastStep[] {
  const named = commits.map((one) => stepOfCommit(one, evidenceFolder));
  const known = new Set(named.map(({ file }) => file));
  const alone = evidenceFiles(tree, evidenceFolder, rollout)
    .filter(({ path }) => !known.has(path))
    .map(({ path, revision }): PastStep => {
      const name = path.slice(path.lastIndexOf('/') + 1, -'.json'.length);
      return { rollout, revision, transition: name.replace('-', ' '), commit: null, trailers: null, file: path };
    })
    .reverse();
  const merged: PastStep[] = [];
  let next = 0;
  for (const step of named) {
    while (next < alone.length && (alone[next]?.revision ?? 0) > (step.revision ?? Number.POSITIVE_INFINITY))
      merged.push(...alone.slice(next, ++next));
    merged.push(step);
  }
  return [...merged, ...alone.slice(next)];
}

const MOST_KEPT = 256;

/** Reads the evidence of steps; what it read is kept by its content. */
export class EvidenceReader {
  readonly #repository: Pick<ManifestsRepository, 'readBlob' | 'readTree'>;
  readonly #kept = new Map<string, SeenEvidence | null>();

  constructor(repository: Pick<ManifestsRepository, 'readBlob' | 'readTree'>) {
    this.#repository = repository;
  }

  /** At HEAD; or, where it is gone there, as the step's own commit has it. */
  async read(step: PastStep, tree: Tree, keys: ReconcilerKeys | null): Promise<EvidenceAnswer> {
    const atHead = await this.#readIn(tree, step, keys);
    if (atHead.kind === 'seen' || step.commit === null) return atHead;
    const { commit } = step.commit;
    const own = await this.#repository.readTree(commit).catch(() => null);
    const there = own === null ? atHead : await this.#readIn(own, step, keys);
    return there.kind === 'seen' ? there : atHead;
  }

  async #readIn(tree: Tree, step: PastStep, keys: ReconcilerKeys | null): Promise<EvidenceAnswer> {
    const found = findInTree(tree, step.file);
    if (found?.kind !== 'blob') return { kind: 'missing' };
    const evidence = await this.#readBlob(found.oid, step.file, keys);
    if (evidence === null) return { kind: 'unreadable' };
    const isNamed = step.trailers === null || step.trailers.evidence.includes(evidence.digest);
    const isMeant = isNamed && evidence.predicate.rollout === step.rollout;
    return isMeant ? { kind: 'seen', evidence } : { kind: 'of-another-step' };
  }

  async #readBlob(oid: string, file: string, keys: ReconcilerKeys | null): Promise<SeenEvidence | null> {
    const place = `${oid} ${file} ${keys === null ? '' : [...keys.keys()].join()}`;
    const kept = this.#kept.get(place);
    if (kept !== undefined) return kept;
    const read = await readEvidence(this.#repository, oid);
    const seen = read.kind === 'unreadable' ? null : seenIn(read.bytes, file, keys);
    if (this.#kept.size >= MOST_KEPT) this.#kept.delete(this.#kept.keys().next().value ?? '');
    this.#kept.set(place, seen);
    return seen;
  }
}

function seenIn(bytes: Uint8Array, file: string, keys: ReconcilerKeys | null): SeenEvidence | null {
  const payload = payloadOf(bytes);
  const read = payload === undefined ? undefined : parseStatement(payload, EVIDENCE_PREDICATE_TYPE);
  const predicate = read?.kind === 'read' ? parseEvidence(read.statement) : undefined;
  return predicate === undefined
    ? null
    : { file, digest: digestOf(bytes), predicate, signature: evidenceSignature(bytes, keys) };
}

function evidenceSignature(bytes: Uint8Array, keys: ReconcilerKeys | null): StepSignature {
  if (keys === null) return { kind: 'unknown' };
  const check = verifyEvidence(bytes, keys);
  return check.kind === 'verified'
    ? { kind: 'verified', keyId: check.keyId }
    : { kind: 'not-verified', reason: check.reason };
}
