// Owns the demo's scenery: a folder with a served Git repository, keys, trust, and the people's clones.

import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { SystemClock } from '../../base/clock.ts';
import { SystemRandom } from '../../base/random.ts';
import { initialiseTuf } from '../../distribution/tuf-roots.ts';
import { createHome } from '../create-home.ts';
import { type Home, homeAt } from '../home.ts';
import { assureKeyFolder, type KeyFolder, keyFolderAt } from '../key-folder.ts';
import { GitClone, type GitEnvironment, git } from './git-clone.ts';
import { type GitHttpServer, type GitHttpServerOptions, startGitHttpServer } from './git-http-server.ts';

export interface StageSet extends AsyncDisposable {
  readonly folder: string;
  readonly home: Home;
  /** Keys of CI and of the owner of the TUF root. */
  readonly keys: KeyFolder;
  readonly factoryRoot: Buffer;
  /** The bare repository on disk, and how the service reaches it. */
  readonly repository: string;
  readonly repositoryUrl: string;
  readonly credentials: { readonly username: string; readonly password: string };
  readonly hookSecret: string;
  readonly viewerToken: string;
  readonly gitServer: GitHttpServer;
  /** The clone of a person or of CI. */
  clone(name: string): Promise<GitClone>;
}

const secret = (): string => randomBytes(18).toString('base64url');

export interface StageSetOptions {
  readonly nowMs: number;
  readonly folder?: string;
  /** What the Git host does to requests; for tests that disturb it. */
  readonly gitHost?: Pick<GitHttpServerOptions, 'onRequest' | 'onAnswer'>;
}

/** Builds it in a new temporary folder. */
export async function createStageSet({ nowMs, folder: given, gitHost = {} }: StageSetOptions): Promise<StageSet> {
  const folder = given ?? (await mkdtemp(path.join(os.tmpdir(), 'slipway-demo-')));
  const home = homeAt(path.join(folder, 'home'));
  const keys = keyFolderAt(path.join(folder, 'keys'));
  await assureKeyFolder(keys);
  await createHome(home, keys);
  const { tuf, publication } = home;
  const factoryRoot = await initialiseTuf({ keys: tuf, rootKeysFolder: keys.folder, publication, nowMs });
  const environment: GitEnvironment = { path: process.env.PATH ?? '', home: folder };
  const repositories = path.join(folder, 'repositories');
  const repository = path.join(repositories, 'models.git');
  await mkdir(repository, { recursive: true });
  await git(['init', '--quiet', '--bare', '--initial-branch=main', '.'], repository, environment);
  await git(['config', 'http.receivepack', 'true'], repository, environment);
  const credentials = { username: 'slipway', password: secret() };
  const gitServer = await startGitHttpServer({ ...gitHost, root: repositories, credentials });
  const repositoryUrl = `${gitServer.url}/models.git`;
  const withCredentials = repositoryUrl.replace('://', `://${credentials.username}:${credentials.password}@`);
  return {
    folder,
    home,
    keys,
    factoryRoot,
    repository,
    repositoryUrl,
    credentials,
    hookSecret: secret(),
    viewerToken: secret(),
    gitServer,
    async clone(name) {
      const person = { name, email: `${name}@example.com` };
      const clone = new GitClone({
        url: withCredentials,
        folder: path.join(folder, 'clones', name),
        person,
        environment,
        clock: new SystemClock(),
        random: new SystemRandom(),
      });
      await clone.clone();
      return clone;
    },
    async [Symbol.asyncDispose]() {
      await gitServer.close();
    },
  };
}

export async function removeStageSet(set: StageSet): Promise<void> {
  await rm(set.folder, { recursive: true, force: true, maxRetries: 5 });
}
