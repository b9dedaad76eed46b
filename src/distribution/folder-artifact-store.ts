// Owns the publication folder as a place for artifacts: whoever serves the folder serves them.
import { lstat } from 'node:fs/promises';
import path from 'node:path';
import { type Digest, hexOf } from '../contract/digest.ts';
import type { Artifact, ArtifactStore, StoredArtifact } from './artifact-store.ts';
import { addArtifact } from './artifacts.ts';

export class FolderArtifactStore implements ArtifactStore {
  readonly place: string;

  constructor(folder: string) {
    this.place = folder;
  }

  urlOf(digest: Digest): string {
    return `artifacts/${hexOf(digest)}`;
  }

  async holds({ digest, sizeBytes }: Artifact): Promise<boolean> {
    const found = await lstat(path.join(this.place, 'artifacts', hexOf(digest))).catch(() => undefined);
    return found?.isFile() === true && found.size === sizeBytes;
  }

  /** Copies even what is there: that mends a file which was damaged in its place. */
  async put(file: string, artifact: Artifact): Promise<StoredArtifact> {
    const isNew = !(await this.holds(artifact));
    await addArtifact(this.place, file, artifact.digest);
    return { url: this.urlOf(artifact.digest), isNew };
  }
}
