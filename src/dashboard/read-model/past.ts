// Owns reading the past of a branch: its commits, the steps they name, their evidence and signatures; what can't change is read once.

import { CodedError } from '../../base/errors.ts';
import type { ReconcilerKeys } from '../../contract/trust/keys.ts';
import { parseDocument } from '../../documents/parse-document.ts';
import type { Layout } from '../../documents/repository-layout.ts';
import type { SlipwayDocument } from '../../documents/slipway-document.ts';
import type { CommitFacts, ManifestsRepository, Tree } from '../../git/manifests-repository.ts';
import { findInTree } from '../../git/manifests-repository.ts';
import { filesOfCommit } from '../../git/repository-files.ts';
import { DOCUMENT_LIMIT_BYTES, readLayout } from '../../requests/find-rollout.ts';
import { type CommitList, CommitLister, type ListedCommit } from '../../snapshot/commit-list.ts';
import {
  type EvidenceAnswer,
  EvidenceReader,
  type PastStep,
  type StepCommit,
  type StepSignature,
  stepCommits,
  stepsOf,
} from '../../snapshot/past-steps.ts';

export type PastRepository = Pick<ManifestsRepository, 'log' | 'logUntil' | 'isAncestor' | 'readTree' | 'readBlob'>;

export interface PastParts {
  readonly repository: PastRepository;
  /** The reconciler's keys, asked anew each time; null: no trust policy says whose count. */
  readonly keys: () => ReconcilerKeys | null;
  /** Did one of the keys sign the commit? */
  readonly judge: (commit: CommitFacts, keys: ReconcilerKeys) => StepSignature;
  /** Commits that are looked at; as many as a list holds unless given. */
  readonly most?: number;
}

const MOST_KEPT = 10_000;

export class Past {
  readonly #parts: PastParts;
  readonly #lister: CommitLister;
  readonly #evidence: EvidenceReader;
  readonly #commits = new Map<string, CommitFacts>();
  readonly #signatures = new Map<string, StepSignature>();

  constructor(parts: PastParts) {
    this.#parts = parts;
    this.#lister = new CommitLister(parts.repository, parts.most);
    this.#evidence = new EvidenceReader(parts.repository);
  }

  /** The past as a commit sees it. */
  async at(head: string): Promise<PastAt> {
    const { repository } = this.#parts;
    const [list, tree, files] = await Promise.all([
      this.#lister.list(head),
      repository.readTree(head),
      filesOfCommit(repository, head),
    ]);
    return new PastAt(this, { list, tree, layout: await readLayout(files), repository });
  }

  /** One commit alone: its documents and evidence, without the commits before it. */
  async alone(commit: string): Promise<PastAt> {
    const { repository } = this.#parts;
    const files = await filesOfCommit(repository, commit);
    const list = { head: commit, commits: [], isCut: true };
    return new PastAt(this, {
      list,
      tree: await repository.readTree(commit),
      layout: await readLayout(files),
      repository,
    });
  }

  evidenceOf(step: PastStep, tree: Tree): Promise<EvidenceAnswer> {
    return this.#evidence.read(step, tree, this.#parts.keys());
  }

  /** Throws GIT_OBJECT_MISSING. */
  async commit(oid: string): Promise<CommitFacts> {
    const kept = this.#commits.get(oid);
    if (kept !== undefined) return kept;
    const [facts] = await this.#parts.repository.log(oid, 1);
    if (facts === undefined) throw historyCut();
    if (this.#commits.size >= MOST_KEPT / 10) this.#commits.clear();
    this.#commits.set(oid, facts);
    return facts;
  }

  /** Of its commit; of its evidence where no commit of its own is known. */
  async signatureOf(step: PastStep, answer: EvidenceAnswer): Promise<StepSignature> {
    const ofEvidence = answer.kind === 'seen' ? answer.evidence.signature : ({ kind: 'unknown' } as const);
    if (step.commit === null || (step.trailers?.evidence.length ?? 0) > 1) return ofEvidence;
    const keys = this.#parts.keys();
    if (keys === null) return { kind: 'unknown' };
    const place = `${step.commit.commit} ${[...keys.keys()].join()}`;
    const kept = this.#signatures.get(place);
    if (kept !== undefined) return kept;
    const judged = this.#parts.judge(await this.commit(step.commit.commit), keys);
    if (this.#signatures.size >= MOST_KEPT) this.#signatures.clear();
    this.#signatures.set(place, judged);
    return judged;
  }
}

interface PastAtParts {
  readonly list: CommitList;
  readonly tree: Tree;
  readonly layout: Layout;
  readonly repository: PastRepository;
}

/** The past up to one commit. */
export class PastAt {
  readonly list: CommitList;
  readonly tree: Tree;
  readonly layout: Layout;
  readonly #past: Past;
  readonly #repository: PastRepository;
  #steps: ReadonlyMap<string, readonly StepCommit[]> | undefined;
  #places: ReadonlyMap<string, number> | undefined;

  constructor(past: Past, { list, tree, layout, repository }: PastAtParts) {
    this.list = list;
    this.tree = tree;
    this.layout = layout;
    this.#past = past;
    this.#repository = repository;
  }

  /** Newest first. */
  stepsOf(rollout: string): PastStep[] {
    const { tree, layout } = this;
    this.#steps ??= Map.groupBy(stepCommits(this.list), ({ step }) => step.rollout);
    return stepsOf({ named: this.#steps.get(rollout) ?? [], tree, evidenceFolder: layout.evidence, rollout });
  }

  /** Its place in the list; undefined where it is not in it. */
  placeOf(commit: string): number | undefined {
    this.#places ??= new Map(this.list.commits.map((one, place) => [one.commit, place]));
    return this.#places.get(commit);
  }

  evidenceOf(step: PastStep): Promise<EvidenceAnswer> {
    return this.#past.evidenceOf(step, this.tree);
  }

  signatureOf(step: PastStep, answer: EvidenceAnswer): Promise<StepSignature> {
    return this.#past.signatureOf(step, answer);
  }

  commit(oid: string): Promise<CommitFacts> {
    return this.#past.commit(oid);
  }

  /** A document of the branch, or a copy beside evidence; null where there is none, or a broken one. */
  async document(path: string, { isCopy = false } = {}): Promise<SlipwayDocument | null> {
    const found = findInTree(this.tree, path);
    if (found?.kind !== 'blob') return null;
    const bytes = await this.#repository.readBlob(found.oid, DOCUMENT_LIMIT_BYTES).catch(() => null);
    const parsed = bytes === null ? null : parseDocument(path, bytes, { isCopy });
    return parsed?.kind === 'parsed' ? parsed.document : null;
  }

  /** Did the commit change one of these files or folders, against all its parents? False where a parent is missing. */
  async changes({ commit, parents }: ListedCommit, paths: readonly string[]): Promise<boolean> {
    const here = await this.#repository.readTree(commit);
    for (const parent of parents) {
      const before = await this.#repository.readTree(parent).catch(() => null);
      if (before === null || paths.every((path) => oidAt(here, path) === oidAt(before, path))) return false;
    }
    return paths.some((path) => oidAt(here, path) !== null);
  }
}

function oidAt(tree: Tree, path: string): string | null {
  const found = findInTree(tree, path);
  if (found === undefined) return null;
  return found.kind === 'blob' ? found.oid : found.tree.oid;
}

/** What lies before the beginning of this clone is not known, and must not be taken for nothing. */
export function historyCut(): CodedError {
  return new CodedError({
    code: 'HISTORY_CUT',
    message: 'The history of this clone is cut off, so earlier steps are missing.',
    remedy: 'Run `git fetch --unshallow` in it, or pass the URL of the repository with --repo.',
  });
}
