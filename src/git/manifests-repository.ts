// Owns what the rest of Slipway may ask of Git: one branch of one remote, read as immutable snapshots and moved by compare-and-swap.
import type { CodedError } from '../base/errors.ts';

export type FetchProblem =
  | 'credentials'
  | 'rate-limited'
  | 'unreachable'
  | 'timeout'
  | 'not-a-repository'
  | 'corrupt'
  | 'other';

/**
 * What the branch looks like now. `previous` is the head of the last successful fetch or push of this mirror, over restarts;
 * `continues` says that it is an ancestor of (or equal to) `commit`: false means rewritten history, or history too shallow to tell.
 */
export type FetchOutcome =
  | { readonly kind: 'head'; readonly commit: string; readonly previous: string | null; readonly continues: boolean }
  | { readonly kind: 'empty' }
  | { readonly kind: 'branch-missing'; readonly branch: string; readonly others: readonly string[] }
  | { readonly kind: 'failed'; readonly problem: FetchProblem; readonly error: CodedError };

export type TreeChild =
  | { readonly kind: 'blob'; readonly oid: string }
  | { readonly kind: 'tree'; readonly tree: Tree };

/** Why an entry is left out of a snapshot. */
export type SkipReason = 'symlink' | 'submodule' | 'unfit-name' | 'too-deep';

/** One immutable folder. The same oid gives the same object (while cached), so unchanged subtrees are known by identity; `oid` always decides. */
export interface Tree {
  readonly oid: string;
  readonly entries: ReadonlyMap<string, TreeChild>;
  /** Names left out: Slipway follows no symlinks or submodules, and refuses names that a checkout would refuse, and looks only so deep. */
  readonly skipped: ReadonlyMap<string, SkipReason>;
}

/** A file of a snapshot, as `treeEntries` lists it. */
export interface TreeEntry {
  readonly path: string;
  readonly oid: string;
}

export interface CommitDraft {
  readonly parent: string;
  /** Path to new bytes; null deletes. Paths are relative, `/` between folders. */
  readonly changes: ReadonlyMap<string, Uint8Array | null>;
  readonly message: string;
  /** Author and committer time, milliseconds since 1970. */
  readonly atMs: number;
  /** Who asked for it; whoever commits, unless given. */
  readonly author?: CommitAuthor | undefined;
}

/** Who a commit is by. */
export interface CommitAuthor {
  readonly name: string;
  readonly email: string;
}

/** `sign` returns an armored signature over the commit without its signature (an SSH signature in namespace `git`). */
export interface CommitSigner extends CommitAuthor {
  sign(payload: string): string;
}

/**
 * `refused`: certainly not on the branch (never sent, or the host said no). `unknown`: may be on the branch; fetch and look.
 */
export type PushOutcome =
  | { readonly kind: 'pushed' }
  | { readonly kind: 'refused'; readonly reason: string; readonly error?: CodedError }
  | { readonly kind: 'unknown'; readonly error: CodedError };

export interface CommitFacts {
  readonly oid: string;
  readonly tree: string;
  readonly parents: readonly string[];
  readonly author: CommitAuthor;
  readonly committer: CommitAuthor;
  /** Committer time, milliseconds since 1970. It is the committer's claim, nothing more. */
  readonly atMs: number;
  /** Subject and body, trailers included. */
  readonly message: string;
  /** Trailers of the last paragraph, values in order. */
  readonly trailers: ReadonlyMap<string, readonly string[]>;
  /** What was signed, and the armored signature; null on unsigned commits. Nothing is verified here. */
  readonly signature: { readonly payload: Uint8Array; readonly armored: string } | null;
}

export interface ManifestsRepository extends AsyncDisposable {
  /** Never throws for what the remote does: every failure is an outcome. */
  fetch(signal?: AbortSignal): Promise<FetchOutcome>;
  /** Head of the last successful fetch or push, over restarts; null while there was none. It may be behind the remote's. */
  knownHead(): string | null;
  /** The snapshot of a commit. Throws GIT_OBJECT_MISSING, GIT_OBJECT_CORRUPT, GIT_OBJECT_TYPE, GIT_TREE_TOO_LARGE. */
  readTree(commit: string): Promise<Tree>;
  /** Throws GIT_OBJECT_TOO_LARGE above the limit, GIT_OBJECT_TYPE for what is no file, and as `readTree`. */
  readBlob(oid: string, limitBytes: number): Promise<Uint8Array>;
  /** Writes blobs, trees and the commit durably, moves nothing; returns the commit's oid. Throws GIT_PATH_REFUSED, GIT_COMMIT_EMPTY. */
  commit(draft: CommitDraft): Promise<string>;
  /** Compare-and-swap of the branch from `expectedHead` to `commit`; never forces. */
  push(commit: string, expectedHead: string, signal?: AbortSignal): Promise<PushOutcome>;
  /** `unknown` where shallow history hides the answer. A commit is its own ancestor. */
  isAncestor(ancestor: string, descendant: string): Promise<boolean | 'unknown'>;
  /** At most `most` commits reachable from `from`, newest first. */
  log(from: string, most: number): Promise<readonly CommitFacts[]>;
  /** As `log`, without what is reachable from `until`: cheap when few commits lie between. */
  logUntil(from: string, until: string, most: number): Promise<readonly CommitFacts[]>;
}

/** A push to a branch that is being proposed. */
export interface ProposalPush {
  readonly branch: string;
  readonly commit: string;
  /** Head that the commit was made on: the host has it. */
  readonly base: string;
  /** Where the branch was last seen; null: nowhere. */
  readonly expected: string | null;
}

/** What proposals ask of Git besides: branches beside the one that is followed, such as those of pull requests. */
export interface ProposalBranches {
  /** Head of another branch, ready to be read; null where there is none. Throws GIT_…. Needs a fetch before. */
  fetchBranch(branch: string, signal?: AbortSignal): Promise<string | null>;
  /** Compare-and-swap of another branch, also where that is no fast-forward: what stood there goes. */
  pushBranch(push: ProposalPush, signal?: AbortSignal): Promise<PushOutcome>;
}

/** What an edit of a branch needs. */
export type EditedRepository = Pick<
  ManifestsRepository,
  'fetch' | 'readTree' | 'readBlob' | 'commit' | 'push' | 'isAncestor'
>;

/** All files of a tree with their paths, in path order of each folder. */
export function* treeEntries(tree: Tree, prefix = ''): Generator<TreeEntry> {
  for (const [name, child] of tree.entries) {
    if (child.kind === 'blob') yield { path: prefix + name, oid: child.oid };
    else yield* treeEntries(child.tree, `${prefix}${name}/`);
  }
}

/** The file or folder at a path, or undefined. */
export function findInTree(tree: Tree, path: string): TreeChild | undefined {
  let here: TreeChild | undefined = { kind: 'tree', tree };
  for (const name of path.split('/')) {
    if (here?.kind !== 'tree') return undefined;
    here = here.tree.entries.get(name);
  }
  return here;
}
