// Owns what is said of documents that nothing reads, to people who look now: none of it is ever kept.

/** A rollout that was published is not found, and nobody can say that it was deleted. */
export interface MissingRollout {
  readonly kind: 'rollout-missing';
  readonly code: 'ROLLOUT_MISSING';
  readonly why: WhyMissing;
}

/** The file has the status of a rollout that is gone: under another name it would begin without its history. */
export interface RenamedRollout {
  readonly kind: 'rollout-renamed';
  readonly code: 'ROLLOUT_RENAMED';
  readonly was: string;
}

/** Why nothing reads a rollout's document any more. */
export type WhyMissing =
  /** A file, link or folder of its name lies where nothing reads it. */
  | { readonly kind: 'misplaced'; readonly path: string }
  /** Another rollout has its status. */
  | { readonly kind: 'renamed'; readonly path: string }
  /** HEAD does not have its evidence either: another history, or another repository. */
  | { readonly kind: 'other-history'; readonly folder: string };

/** What the parser says to do about a problem of a document. */
export interface Advice {
  readonly remedy?: string;
}
