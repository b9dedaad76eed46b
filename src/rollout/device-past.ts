// Owns what counting needs of a device's past: which revisions it followed, and which candidates it took.

export interface HeardRevision {
  readonly revision: number;
  readonly heardListenedMs: number;
  /** It answered for both arms in one interval then. */
  readonly isInBoth?: true;
  /** Its answers in a step before it followed the revision; absent where nobody knows. */
  readonly usual?: number;
}

export interface TakenCandidate {
  readonly digest: string;
  readonly attempt: number;
  /** Listening time of the store when it was seen taking that attempt; absent where nobody knows. */
  readonly takenListenedMs?: number;
}
