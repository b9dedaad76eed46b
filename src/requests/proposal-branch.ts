// Owns a proposal as a branch of its own: edits are made on the head of the branch that they are for, and pushed beside it.
import type {
  EditedRepository,
  FetchOutcome,
  ManifestsRepository,
  ProposalBranches,
  PushOutcome,
} from '../git/manifests-repository.ts';
import { filesOfCommit, type RepositoryFiles } from '../git/repository-files.ts';

/** Stands in the message of each commit that proposes a release. */
export const RELEASE_TRAILER = 'Slipway-Release';

export interface Proposal {
  readonly branch: string;
  readonly commit: string;
  readonly files: RepositoryFiles;
  /** It is one commit of a release, and nothing of anybody else's is lost when another takes its place. */
  readonly isOwn: boolean;
}

type ProposingRepository = EditedRepository & ProposalBranches & Pick<ManifestsRepository, 'log'>;

/** As the repository, but for where a push goes: to the proposal, whose last head gives way to the commit. */
export class ProposalBranch implements EditedRepository {
  readonly branch: string;
  readonly #repository: ProposingRepository;
  #head = '';
  #proposed: string | null = null;

  constructor(repository: ProposingRepository, branch: string) {
    this.#repository = repository;
    this.branch = branch;
  }

  /** What is proposed, as of the last fetch; null where the branch is not there. */
  async proposal(): Promise<Proposal | null> {
    const commit = this.#proposed;
    if (commit === null) return null;
    const files = await filesOfCommit(this.#repository, commit);
    return { branch: this.branch, commit, files, isOwn: await this.#isOwn(commit) };
  }

  async #isOwn(commit: string): Promise<boolean> {
    const [facts] = await this.#repository.log(commit, 1);
    const [parent, ...others] = facts?.parents ?? [];
    if (facts?.trailers.has(RELEASE_TRAILER) !== true || parent === undefined || others.length > 0) return false;
    return (await this.#repository.isAncestor(parent, this.#head)) === true;
  }

  /** Throws what looking at the proposal fails with. */
  async fetch(signal?: AbortSignal): Promise<FetchOutcome> {
    const outcome = await this.#repository.fetch(signal);
    if (outcome.kind !== 'head') return outcome;
    this.#head = outcome.commit;
    this.#proposed = await this.#repository.fetchBranch(this.branch, signal);
    return outcome;
  }

  push(commit: string, expectedHead: string, signal?: AbortSignal): Promise<PushOutcome> {
    const push = { branch: this.branch, commit, base: expectedHead, expected: this.#proposed };
    return this.#repository.pushBranch(push, signal);
  }

  async isAncestor(ancestor: string, descendant: string): Promise<boolean | 'unknown'> {
    return ancestor === this.#proposed || this.#repository.isAncestor(ancestor, descendant);
  }

  readTree: EditedRepository['readTree'] = (commit) => this.#repository.readTree(commit);
  readBlob: EditedRepository['readBlob'] = (oid, limitBytes) => this.#repository.readBlob(oid, limitBytes);
  commit: EditedRepository['commit'] = (draft) => this.#repository.commit(draft);
}
