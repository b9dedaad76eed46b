// Owns the files of one state of a manifests repository, wherever it is: a folder as it lies there, or a commit.
import type { Dirent } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import path from 'node:path';
import { CodedError } from '../base/errors.ts';
import { type ManifestsRepository, type Tree, treeEntries } from '../git/manifests-repository.ts';

const MOST_FILES = 200_000;
const MOST_DEPTH = 32;

export interface RepositoryFiles {
  /** Paths from the root with `/`, in order. */
  readonly paths: readonly string[];
  /** What is left out, as the service leaves it out. */
  readonly skipped: readonly { readonly path: string; readonly why: string }[];
  /** Throws FILE_TOO_LARGE. */
  read(file: string, limitBytes: number): Promise<Buffer>;
}

function tooLarge(file: string, limitBytes: number): CodedError {
  return new CodedError({
    code: 'FILE_TOO_LARGE',
    message: `${file} is longer than ${limitBytes} bytes.`,
    remedy: 'Keep documents small; model files belong into artifact storage.',
    at: { file, line: 1, column: 1 },
  });
}

async function readBounded(folder: string, file: string, limitBytes: number): Promise<Buffer> {
  await using handle = await open(path.join(folder, ...file.split('/')), 'r');
  const buffer = Buffer.alloc(limitBytes + 1);
  let length = 0;
  while (length < buffer.length) {
    const { bytesRead } = await handle.read(buffer, length, buffer.length - length, null);
    if (bytesRead === 0) return buffer.subarray(0, length);
    length += bytesRead;
  }
  throw tooLarge(file, limitBytes);
}

/** The files of a folder, uncommitted ones too. Names that start with a dot are no documents. Throws REPO_TOO_MANY_FILES. */
export async function filesOfFolder(folder: string): Promise<RepositoryFiles> {
  const paths: string[] = [];
  const skipped: { path: string; why: string }[] = [];
  const visit = async (prefix: string, depth: number): Promise<void> => {
    const entries = await readdir(path.join(folder, ...prefix.split('/')), { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.name.startsWith('.') || entry.name === 'node_modules') continue;
      await take(entry, `${prefix}${entry.name}`, depth);
    }
  };
  const take = async (entry: Dirent, file: string, depth: number): Promise<void> => {
    if (entry.isSymbolicLink()) skipped.push({ path: file, why: 'it is a symbolic link' });
    else if (entry.isFile()) paths.push(file);
    else if (entry.isDirectory() && depth < MOST_DEPTH) await visit(`${file}/`, depth + 1);
    if (paths.length <= MOST_FILES) return;
    throw new CodedError({
      code: 'REPO_TOO_MANY_FILES',
      message: `${folder} holds more than ${MOST_FILES} files.`,
      remedy: 'Name the manifests repository, not a folder around it.',
    });
  };
  await visit('', 0);
  return { paths, skipped, read: (file, limitBytes) => readBounded(folder, file, limitBytes) };
}

/** The files of a commit. */
export async function filesOfCommit(repository: ManifestsRepository, commit: string): Promise<RepositoryFiles> {
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
  const whys = { symlink: 'it is a symbolic link', submodule: 'it is a submodule', 'unfit-name': 'its name is unfit' };
  for (const [name, reason] of tree.skipped) yield { path: prefix + name, why: whys[reason] };
  for (const [name, child] of tree.entries) {
    if (child.kind === 'tree') yield* skippedOf(child.tree, `${prefix}${name}/`);
  }
}
