// Owns the check that no merge conflict was committed unsolved.
import type { Trace, TracedFile } from './machine-traces.ts';

/** What Git writes around both sides. The line between them is a heading in Markdown, too. */
const MARKER = /^(?:<{7}|>{7}) /;
/** A document that somebody left so, as a test of what is said of it. */
const SAMPLE = 'test/documents/golden/policies/conflict.yaml';

export function findMergeConflicts(files: readonly TracedFile[]): Trace[] {
  return files
    .filter((file) => file.path !== SAMPLE)
    .flatMap((file) =>
      file.text.split('\n').flatMap((line, index) => {
        const message = 'is the marker of a merge conflict: keep what both sides say, and remove the markers';
        return MARKER.test(line) ? [{ path: file.path, line: index + 1, message }] : [];
      }),
    );
}
