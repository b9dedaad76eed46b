// Owns the files of a repository as an edit would leave them.
import { type RepositoryFiles, tooLarge } from '../git/repository-files.ts';

/** The files with the changes made. Paths stay in order. */
export function filesWith(files: RepositoryFiles, changes: ReadonlyMap<string, Buffer>): RepositoryFiles {
  return {
    paths: [...new Set([...files.paths, ...changes.keys()])].sort(),
    skipped: files.skipped,
    async read(file, limitBytes) {
      const bytes = changes.get(file);
      if (bytes === undefined) return files.read(file, limitBytes);
      if (bytes.length > limitBytes) throw tooLarge(file, limitBytes);
      return bytes;
    },
  };
}
