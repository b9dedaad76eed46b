// Owns the errors of the git edge: their codes, and which kind of fetch problem each one is.
import { CodedError } from '../base/errors.ts';
import type { FetchProblem } from './manifests-repository.ts';

const PROBLEMS: Readonly<Record<string, FetchProblem>> = {
  GIT_CREDENTIALS_REFUSED: 'credentials',
  GIT_RATE_LIMITED: 'rate-limited',
  GIT_CREDENTIALS_INSECURE: 'credentials',
  GIT_UNREACHABLE: 'unreachable',
  GIT_HOST_FAILED: 'unreachable',
  GIT_TIMEOUT: 'timeout',
  GIT_REPOSITORY_NOT_FOUND: 'not-a-repository',
  GIT_REPOSITORY_UNSUPPORTED: 'not-a-repository',
  GIT_ANSWER_CORRUPT: 'corrupt',
  GIT_OBJECT_CORRUPT: 'corrupt',
  GIT_OBJECT_MISSING: 'corrupt',
};

/** Which problem a failed fetch had, by the error's code. */
export function fetchProblem(error: CodedError): FetchProblem {
  return PROBLEMS[error.code] ?? 'other';
}

export function credentialsRefused(remote: string, status: number | string): CodedError {
  return new CodedError({
    code: 'GIT_CREDENTIALS_REFUSED',
    message: `${remote} rejected the credentials (${status}).`,
    remedy: 'Check that the token is valid and may read and write this repository.',
  });
}

export function repositoryNotFound(remote: string, detail: string): CodedError {
  return new CodedError({
    code: 'GIT_REPOSITORY_NOT_FOUND',
    message: `${remote} is not a Git repository (${detail}).`,
    remedy: 'Check the address; some hosts also answer "not found" when the token may not see the repository.',
  });
}

export function unreachable(remote: string, detail: string, cause?: unknown): CodedError {
  return new CodedError({
    code: 'GIT_UNREACHABLE',
    kind: 'retry-later',
    message: `${remote} can't be reached: ${detail}.`,
    remedy: 'Check the network and the host. The service tries again by itself.',
    cause,
  });
}

export function hostFailed(remote: string, detail: string): CodedError {
  return new CodedError({
    code: 'GIT_HOST_FAILED',
    kind: 'retry-later',
    message: `${remote} failed: ${detail}.`,
    remedy: "Check the Git host's status page. The service tries again by itself.",
  });
}

export function rateLimited(remote: string, waitMs: number): CodedError {
  return new CodedError({
    code: 'GIT_RATE_LIMITED',
    kind: 'retry-later',
    message: `${remote} limits how often it may be asked; it is left alone for ${Math.max(1, Math.ceil(waitMs / 1000))} s.`,
    remedy: 'The service tries again by itself. A webhook and a longer --poll ask less often.',
  });
}

export function answerCorrupt(remote: string, detail: string, cause?: unknown): CodedError {
  return new CodedError({
    code: 'GIT_ANSWER_CORRUPT',
    kind: 'retry-later',
    message: `${remote} sent a truncated or damaged answer: ${detail}.`,
    remedy:
      'The service tries again by itself. If it persists, check proxies in between and run `git fsck` on the host.',
    cause,
  });
}

export function answerTooLarge(remote: string, limitBytes: number): CodedError {
  return new CodedError({
    code: 'GIT_ANSWER_TOO_LARGE',
    message: `${remote} sent more than ${limitBytes} bytes.`,
    remedy: 'Keep large files out of the manifests repository, or raise the limit.',
  });
}

export function timedOut(what: string, limitMs: number): CodedError {
  return new CodedError({
    code: 'GIT_TIMEOUT',
    kind: 'retry-later',
    message: `${what}: no data for ${Math.round(limitMs / 1000)} s.`,
    remedy: 'The service tries again by itself. If the host is just slow, raise the time limit.',
  });
}

export function aborted(what: string): CodedError {
  return new CodedError({ code: 'GIT_ABORTED', kind: 'retry-later', message: `${what}: stopped on request.` });
}

export function objectMissing(oid: string, cause?: unknown): CodedError {
  return new CodedError({
    code: 'GIT_OBJECT_MISSING',
    kind: 'retry-later',
    message: `The mirror has no object ${oid}.`,
    remedy: 'The next fetch downloads it, from a fresh clone if necessary.',
    cause,
  });
}

export function objectCorrupt(oid: string, detail: string, cause?: unknown): CodedError {
  return new CodedError({
    code: 'GIT_OBJECT_CORRUPT',
    kind: 'retry-later',
    message: `Object ${oid} can't be read: ${detail}.`,
    remedy: 'The next fetch makes a fresh clone. If it persists, run `git fsck` on the host.',
    cause,
  });
}

/** The object is whole, so no fresh clone would give another one: what is wrong is the commit that calls it a file or a folder. */
export function objectOfOtherType(oid: string, found: string, wanted: string): CodedError {
  return new CodedError({
    code: 'GIT_OBJECT_TYPE',
    message: `Object ${oid} is a ${found}, where the commit has a ${wanted}.`,
    remedy: 'Delete it and commit a regular file in its place.',
  });
}

export function pathRefused(path: string, why: string): CodedError {
  return new CodedError({
    code: 'GIT_PATH_REFUSED',
    message: `The path ${JSON.stringify(path)} can't be committed: ${why}.`,
    remedy: 'Move away what stands in its place, and commit that; `layout` in slipway.yaml says which folder is where.',
  });
}

/** Why a push is refused without being sent. */
export function branchMoved(found: string | undefined, expected: string | null): string {
  return `the branch is at ${found?.slice(0, 10) ?? 'nothing'}, not at ${expected?.slice(0, 10) ?? 'nothing'}`;
}

export function objectTooLarge(oid: string, bytes: number, limitBytes: number): CodedError {
  return new CodedError({
    code: 'GIT_OBJECT_TOO_LARGE',
    message: `A file has ${bytes} bytes, more than ${limitBytes} (object ${oid.slice(0, 10)}).`,
    remedy: 'Keep documents small; model files belong in artifact storage.',
  });
}

export function repositoryEmpty(): CodedError {
  return new CodedError({
    code: 'GIT_EMPTY',
    message: 'The repository has no commits yet.',
    remedy: 'Commit the manifests first; `slipway init` creates a starter set.',
  });
}

export function branchMissing(branch: string, others: readonly string[]): CodedError {
  const found = others.length === 0 ? 'it has no branches' : `it has ${others.slice(0, 5).join(', ')}`;
  return new CodedError({
    code: 'GIT_BRANCH_MISSING',
    message: `The repository has no branch ${branch}; ${found}.`,
    remedy: 'Pass the branch with --branch.',
  });
}

export function branchNameInvalid(branch: string): CodedError {
  return new CodedError({
    code: 'GIT_BRANCH_NAME',
    message: `${JSON.stringify(branch)} is not a valid branch name.`,
    remedy: 'Pass the short name, such as main.',
  });
}
