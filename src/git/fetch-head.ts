// Owns the head of a branch for those who can't go on without one: every other outcome of a fetch as an error.
import { assertNever } from '../base/errors.ts';
import { branchMissing, repositoryEmpty } from './git-errors.ts';
import type { ManifestsRepository } from './manifests-repository.ts';

/** Head of the branch as it is now. Throws GIT_EMPTY, GIT_BRANCH_MISSING, and what fetching failed with. */
export async function fetchHead(repository: Pick<ManifestsRepository, 'fetch'>, signal?: AbortSignal): Promise<string> {
  const outcome = await repository.fetch(signal);
  switch (outcome.kind) {
    case 'head':
      return outcome.commit;
    case 'failed':
      throw outcome.error;
    case 'empty':
      throw repositoryEmpty();
    case 'branch-missing':
      throw branchMissing(outcome.branch, outcome.others);
    default:
      return assertNever(outcome);
  }
}
