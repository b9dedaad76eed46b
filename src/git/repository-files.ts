// Owns the files of one state of a manifests repository, wherever it is, and those of a commit.
import { CodedError } from '../base/errors.ts';
import { type ManifestsRepository, type Tree, treeEntries } from './manifests-repository.ts';

export interface RepositoryFiles {
  /** Paths from the root with `/`, in order. */
  readonly paths: readonly string[];
  /** What is left out, as the service leaves it out. */
  readonly skipped: readonly { readonly path: string; readonly why: string }[];
  /** Throws FILE_TOO_LARGE. */
  read(file: string, limitBytes: number): Promise<Buffer>;
}

export function tooLarge(file: string, limitBytes: number): CodedError {
  return new CodedError({
    code: 'FILE_TOO_LARGE',
    message: `${file} is larger than ${limitBytes} bytes.`,
    remedy: 'Keep documents small; model files belong in artifact storage.',
    at: { file, line: 1, column: 1 },
  });
}

/** The files of a commit. */
export async function filesOfCommit(
  repository: Pick<ManifestsRepository, 'readTree' | 'readBlob'>,
  commit: string,
): Promise<RepositoryFiles> {
  const tree = await repository.readTree(commit);
  const oids = new Map([...treeEntries(tree)].map((entry) => [entry.path, entry.oid]));
  return {
    paths: [...oids.keys()],
    skipped: [...skippedOf(tree, '')],
    async read(file, limitBytes) {
      const bytes = await repository.readBlob(oids.get(file) ?? file, limitBytes + 1);
      if (bytes.length > limitBytes) throw tooLarge(file, limitBytes);
      return Buffer.from(bytes);
    },
  };
}

function* skippedOf(tree: Tree, prefix: string): Generator<{ path: string; why: string }> {
  const whys = {
    symlink: 'it is a symbolic link',
    submodule: 'it is a submodule',
    'unfit-name': 'its name is not allowed',
    'too-deep': 'its folder is nested too deep',
  };
  for (const [name, reason] of tree.skipped) yield { path: prefix + name, why: whys[reason] };
  for (const [name, child] of tree.entries) {
    if (child.kind === 'tree') yield* skippedOf(child.tree, `${prefix}${name}/`);
  }
}
