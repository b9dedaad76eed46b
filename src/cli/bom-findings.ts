// Owns holding the bills of materials in a repository against the manifests that name them by their digest.
import type { CodedError } from '../base/errors.ts';
import { digestOf } from '../contract/digest.ts';
import { locateProblems } from '../contract/source/problem.ts';
import { bomBeside } from '../documents/ml-bom.ts';
import type { RepositoryFiles } from '../git/repository-files.ts';
import type { FoundDocuments } from '../snapshot/repository-documents.ts';

const MOST_BOM_BYTES = 1024 * 1024;

/** Errors at manifests whose bill lies beside them and is another one. A bill may be kept elsewhere. */
export async function bomErrors(files: RepositoryFiles, { documents }: FoundDocuments): Promise<CodedError[]> {
  const errors: CodedError[] = [];
  for (const { file, parsed } of documents) {
    if (parsed.kind !== 'parsed' || parsed.document.kind !== 'ModelManifest') continue;
    const { bom } = parsed.document.spec;
    const beside = bomBeside(file);
    if (bom === undefined || !files.paths.includes(beside)) continue;
    const bytes = await files.read(beside, MOST_BOM_BYTES).catch(() => undefined);
    if (bytes !== undefined && digestOf(bytes) === bom) continue;
    const message = `${beside} is not the bill of materials that the manifest was made with.`;
    const remedy = 'Restore it from the history. Versions never change: another bill needs another version.';
    errors.push(...locateProblems(parsed.source, [{ code: 'MANIFEST_BOM', path: ['spec', 'bom'], message, remedy }]));
  }
  return errors;
}
