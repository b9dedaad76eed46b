// Owns what a place for artifacts promises: a file comes there whole and under its digest, or not at all.
import type { Digest } from '../contract/digest.ts';

export interface Artifact {
  readonly digest: Digest;
  readonly sizeBytes: number;
}

/** Takes a sentence about the progress of a long upload. */
export type Say = (progress: string) => void;

export interface StoredArtifact {
  /** For the manifest: absolute, or relative to the publication. */
  readonly url: string;
  /** False when it was there already. */
  readonly isNew: boolean;
}

export interface ArtifactStore {
  /** Where it is, for people; it never holds a secret. */
  readonly place: string;
  /** The address under which devices find the artifact. */
  urlOf(digest: Digest): string;
  /** Is it there whole? By its size, and its digest where the place knows it. */
  holds(artifact: Artifact): Promise<boolean>;
  /**
   * Brings a local file there. Repeating is safe; a failure leaves nothing that devices could take for the file.
   * Throws ARTIFACT_UNREADABLE, ARTIFACT_CHANGED, and what the place refuses.
   */
  put(file: string, artifact: Artifact, say: Say): Promise<StoredArtifact>;
}
