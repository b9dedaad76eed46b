// Owns the error for a repository or branch that can't be followed now.
import { CodedError } from '../base/errors.ts';
import { branchMissing, repositoryEmpty } from '../git/git-errors.ts';
import type { SourceState } from '../reconcile/service-view.ts';

export function sourceProblem(source: SourceState): CodedError | null {
  switch (source.kind) {
    case 'followed':
    case 'starting':
      return null;
    case 'empty':
      return repositoryEmpty();
    case 'branch-missing':
      return branchMissing(source.branch, source.others);
    case 'away':
      return new CodedError({
        code: 'GIT_AWAY',
        kind: 'retry-later',
        message: source.reason,
        ...(source.remedy === null ? {} : { remedy: source.remedy }),
      });
  }
}
