// Owns where a release goes: the repository that a clone came from, the manifest's path in it, and who commits.
import path from 'node:path';
import process from 'node:process';
import { readBoundedFile } from '../base/bounded-file.ts';
import { CodedError } from '../base/errors.ts';
import { bomBeside } from '../documents/ml-bom.ts';
import { nameOfPath } from '../documents/repository-layout.ts';
import { findOrigin } from '../git/isomorphic/find-origin.ts';
import type { CommitAuthor } from '../git/manifests-repository.ts';
import {
  findRepository,
  type OpenedBranch,
  openBranch,
  type RepositoryOptions,
  type RepositoryPlace,
  readAuthor,
} from './repository-access.ts';
import { MOST_DOCUMENT_BYTES } from './sequences.ts';

export interface ReleasePlace {
  /** Path of the manifest from the root of the repository. */
  readonly file: string;
  /** Branch of a pull request for this version. */
  readonly proposalBranch: string;
  /** The manifest as it lies on this machine; null where it doesn't. */
  readText(): Promise<string | null>;
  /** The bill of materials beside it, likewise. */
  readBom(): Promise<string | null>;
  /** The branch as its remote has it: a clone on this machine may be old, shallow, or on another commit. */
  open(): Promise<OpenedBranch>;
}

/** Throws REPO_MISSING, REPO_NO_GIT, RELEASE_PATH, GIT_URL_…. */
export async function findReleasePlace(manifest: string, options: RepositoryOptions): Promise<ReleasePlace> {
  const place = await findRepository(options.repo);
  const file = pathInRepository(manifest, place);
  const onDisk = [path.resolve(manifest), ...(place.kind === 'folder' ? [path.join(place.folder, file)] : [])];
  const readFirst = async (paths: readonly string[]): Promise<string | null> => {
    for (const one of paths) {
      const bytes = await readBoundedFile(one, MOST_DOCUMENT_BYTES, true);
      if (bytes !== undefined) return bytes.toString('utf8');
    }
    return null;
  };
  const version = `${path.posix.basename(path.posix.dirname(file))}-${nameOfPath(file)}`;
  return {
    file,
    proposalBranch: `slipway/${version.replace(/[^A-Za-z0-9._-]+|\.{2,}|\.lock$|\.$/g, '-')}`,
    readText: () => readFirst(onDisk),
    readBom: () => readFirst(onDisk.map(bomBeside)),
    async open() {
      const folder = place.kind === 'folder' ? place.folder : process.cwd();
      const author = await readAuthor(folder, jobAuthor(process.env));
      const origin = place.kind === 'folder' && place.hasGit ? await findOrigin(folder) : undefined;
      if (origin === undefined) return openBranch(options, author);
      return openBranch({ ...options, repo: origin.address, credentials: origin.credentials }, author);
    },
  };
}

/** A path into the clone counts from its root; any other one must be a path of the repository itself. */
function pathInRepository(manifest: string, place: RepositoryPlace): string {
  const inClone = place.kind === 'folder' ? path.relative(place.folder, path.resolve(manifest)) : '..';
  const isInside = inClone !== '' && !inClone.startsWith('..') && !path.isAbsolute(inClone);
  const file = path.posix.normalize((isInside ? inClone : manifest).replaceAll(path.sep, '/'));
  if (/\.(?:ya?ml|json)$/.test(file) && !file.startsWith('..') && !path.isAbsolute(file)) return file;
  throw new CodedError({
    code: 'RELEASE_PATH',
    message: `${manifest} is no path of a manifest in the repository.`,
    remedy: 'Write models/<model>/<version>.yaml, from the root of the repository.',
  });
}

/** Who started the job of GitHub or GitLab; undefined elsewhere. */
function jobAuthor(environment: NodeJS.ProcessEnv): CommitAuthor | undefined {
  const { GITHUB_ACTOR, GITHUB_ACTOR_ID, GITHUB_SERVER_URL, GITLAB_USER_NAME, GITLAB_USER_EMAIL } = environment;
  if (GITLAB_USER_NAME && GITLAB_USER_EMAIL) return { name: GITLAB_USER_NAME, email: GITLAB_USER_EMAIL };
  if (!GITHUB_ACTOR || !GITHUB_ACTOR_ID) return undefined;
  const server = GITHUB_SERVER_URL ?? '';
  const host = URL.canParse(server) ? new URL(server).hostname : 'github.com';
  return { name: GITHUB_ACTOR, email: `${GITHUB_ACTOR_ID}+${GITHUB_ACTOR}@users.noreply.${host}` };
}
