// Owns bringing the files of a version to the place where devices fetch them, or saying what a dry run would bring.
import type { Artifact, ArtifactStore, Say } from '../distribution/artifact-store.ts';

export interface PlacedArtifact extends Artifact {
  readonly file: string;
  readonly url: string;
  /** False when it was there before. */
  readonly isNew: boolean;
}

export interface Placing {
  readonly store: ArtifactStore;
  readonly isDryRun: boolean;
  readonly say: Say;
}

/** Throws what the store throws. */
export async function placeArtifact(
  file: string,
  artifact: Artifact,
  { store, isDryRun, say }: Placing,
): Promise<PlacedArtifact> {
  if (!isDryRun) return { file, ...artifact, ...(await store.put(file, artifact, say)) };
  const isNew = !(await store.holds(artifact));
  say(isNew ? `${file} would go to ${store.place}` : `${file} is in ${store.place} already`);
  return { file, ...artifact, url: store.urlOf(artifact.digest), isNew };
}

/** Brings what devices fetch to its place. */
export async function placeAll(files: ReadonlyMap<string, Artifact>, placing: Placing): Promise<PlacedArtifact[]> {
  const placed: PlacedArtifact[] = [];
  for (const [file, measured] of files) placed.push(await placeArtifact(file, measured, placing));
  return placed;
}
