// Owns where artifacts go: which place `package` and `release` bring files to.
import type { ArtifactStore } from '../distribution/artifact-store.ts';
import { FolderArtifactStore } from '../distribution/folder-artifact-store.ts';
import { homeAt, openHome } from './home.ts';

export interface PlaceOptions {
  readonly home: string;
  readonly isDryRun: boolean;
}

/** The publication of the home. A dry run takes one that is not there yet. Throws HOME_MISSING. */
export async function openArtifactStore({ home, isDryRun }: PlaceOptions): Promise<ArtifactStore> {
  const { publication } = isDryRun ? homeAt(home) : await openHome(home);
  return new FolderArtifactStore(publication);
}
