// Owns telling a manifests repository from another folder: in the wrong one, commands must not say that there are no rollouts.
import { CodedError } from '../base/errors.ts';
import type { RepositoryFiles } from '../git/repository-files.ts';
import { type FoundDocuments, readDocuments } from '../snapshot/repository-documents.ts';

/** Settings at the root, or a document where the layout wants it; YAML of something else makes no manifests repository. */
function isManifestsRepository(files: RepositoryFiles, { documents }: FoundDocuments): boolean {
  if (files.paths.includes('slipway.yaml')) return true;
  return documents.some(({ bytes }) => /^\W*apiVersion\W*slipway\.dev\//m.test(bytes.toString('utf8')));
}

function noManifests({ paths }: RepositoryFiles): CodedError {
  const [inside] = paths.filter((file) => file.endsWith('/slipway.yaml'));
  const place = inside === undefined ? '' : ` There is one in ${inside.slice(0, -'/slipway.yaml'.length)}.`;
  return new CodedError({
    code: 'REPO_NO_DOCUMENTS',
    message:
      'This is not a manifests repository: it has no slipway.yaml, and no Slipway documents in models, policies, rollouts or fleet.',
    remedy: `Pass it with --repo; \`slipway init\` creates one.${place}`,
  });
}

/** Throws REPO_NO_DOCUMENTS. */
export function assertManifests(files: RepositoryFiles, found: FoundDocuments): void {
  if (!isManifestsRepository(files, found)) throw noManifests(files);
}

/** Every document of the files. Throws REPO_NO_DOCUMENTS. */
export async function readManifests(files: RepositoryFiles): Promise<FoundDocuments> {
  const found = await readDocuments(files);
  assertManifests(files, found);
  return found;
}
