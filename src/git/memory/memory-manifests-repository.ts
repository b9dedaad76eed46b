// Owns the manifests repository in memory: for simulations and tests, without files, processes or waiting.
import { toCodedError } from '../../base/errors.ts';
import { aborted, branchMoved, fetchProblem, objectMissing, objectTooLarge } from '../git-errors.ts';
import type {
  CommitAuthor,
  CommitDraft,
  CommitFacts,
  CommitSigner,
  FetchOutcome,
  ManifestsRepository,
  ProposalBranches,
  ProposalPush,
  PushOutcome,
  Tree,
} from '../manifests-repository.ts';
import { objectsBetween, writeCommit } from '../objects/commit-writer.ts';
import type { GitObjects } from '../objects/git-objects.ts';
import { History } from '../objects/history.ts';
import { DEFAULT_TREE_LIMITS, TreeReader } from '../objects/tree-reader.ts';
import type { GitHost } from './memory-git-host.ts';

const COMMITS_PER_PUSH = 1_000;

export interface MemoryRepositoryOptions {
  readonly host: GitHost;
  readonly branch: string;
  readonly author: CommitAuthor;
  /** Signs commits; unsigned without. Their ids repeat only when its signatures do. */
  readonly signer?: CommitSigner | undefined;
  /** What `knownHead` said before a restart. */
  readonly knownHead?: string | null;
}

/** All repositories of one host share its objects: what another one wrote can be read before it is fetched. */
export class MemoryManifestsRepository implements ManifestsRepository, ProposalBranches {
  readonly #options: MemoryRepositoryOptions;
  readonly #history: History;
  readonly #trees = new TreeReader(DEFAULT_TREE_LIMITS);
  #knownHead: string | null;
  #disposed = false;

  constructor(options: MemoryRepositoryOptions) {
    this.#options = options;
    this.#history = new History(options.host.objects, new Set());
    this.#knownHead = options.knownHead ?? null;
  }

  async fetch(signal?: AbortSignal): Promise<FetchOutcome> {
    const { host, branch } = this.#options;
    try {
      if (signal?.aborted) throw aborted('Fetching');
      const branches = await host.branches();
      const commit = branches.get(branch);
      if (branches.size === 0) return { kind: 'empty' };
      if (commit === undefined) return { kind: 'branch-missing', branch, others: [...branches.keys()] };
      const previous = this.#knownHead;
      const continues = previous === null || (await this.#history.isAncestor(previous, commit)) === true;
      this.#knownHead = commit;
      return { kind: 'head', commit, previous, continues };
    } catch (thrown) {
      const error = toCodedError(thrown, 'GIT_FETCH_FAILED');
      return { kind: 'failed', problem: fetchProblem(error), error };
    }
  }

  knownHead(): string | null {
    return this.#knownHead;
  }

  async readTree(commit: string): Promise<Tree> {
    const objects = this.#objects(commit);
    return this.#trees.read(objects, (await objects.readCommit(commit)).tree);
  }

  async readBlob(oid: string, limitBytes: number): Promise<Uint8Array> {
    const bytes = await this.#objects(oid).read(oid, 'blob');
    if (bytes.length > limitBytes) throw objectTooLarge(oid, bytes.length, limitBytes);
    return bytes;
  }

  async commit(draft: CommitDraft): Promise<string> {
    const { author, signer } = this.#options;
    return writeCommit(this.#objects(draft.parent), draft, signer ?? author, signer);
  }

  async push(commit: string, expectedHead: string, signal?: AbortSignal): Promise<PushOutcome> {
    const { host, branch } = this.#options;
    const objects = this.#objects(commit);
    try {
      if (signal?.aborted) throw aborted('Pushing');
      const found = (await host.branches()).get(branch);
      if (found !== expectedHead) return { kind: 'refused', reason: branchMoved(found, expectedHead) };
      await objectsBetween(objects, expectedHead, commit, COMMITS_PER_PUSH);
    } catch (thrown) {
      const error = toCodedError(thrown, 'GIT_PUSH_FAILED');
      return { kind: 'refused', reason: `nothing was sent: ${error.message}`, error };
    }
    try {
      const outcome = await host.move(branch, expectedHead, commit);
      if (outcome.kind === 'refused') return outcome;
      this.#knownHead = commit;
      return { kind: 'pushed' };
    } catch (thrown) {
      return { kind: 'unknown', error: toCodedError(thrown, 'GIT_PUSH_FAILED') };
    }
  }

  async fetchBranch(branch: string, signal?: AbortSignal): Promise<string | null> {
    if (signal?.aborted) throw aborted('Fetching');
    return (await this.#options.host.branches()).get(branch) ?? null;
  }

  async pushBranch({ branch, commit, expected }: ProposalPush, signal?: AbortSignal): Promise<PushOutcome> {
    this.#objects(commit);
    if (signal?.aborted) return { kind: 'refused', reason: 'nothing was sent', error: aborted('Pushing') };
    try {
      const outcome = await this.#options.host.move(branch, expected, commit);
      return outcome.kind === 'moved' ? { kind: 'pushed' } : outcome;
    } catch (thrown) {
      return { kind: 'unknown', error: toCodedError(thrown, 'GIT_PUSH_FAILED') };
    }
  }

  async isAncestor(ancestor: string, descendant: string): Promise<boolean | 'unknown'> {
    this.#objects(descendant);
    return this.#history.isAncestor(ancestor, descendant);
  }

  async log(from: string, most: number): Promise<readonly CommitFacts[]> {
    this.#objects(from);
    return this.#history.log(from, undefined, most);
  }

  async logUntil(from: string, until: string, most: number): Promise<readonly CommitFacts[]> {
    this.#objects(from);
    return this.#history.log(from, until, most);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
  }

  #objects(oid: string): GitObjects {
    if (this.#knownHead === null || this.#disposed) throw objectMissing(oid);
    return this.#options.host.objects;
  }
}
