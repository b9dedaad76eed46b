// Owns a world of releases for tests: a Git host in memory, whoever else pushes to it, and what each release did.

import type { Clock } from '../../src/base/clock.ts';
import type { CodedError } from '../../src/base/errors.ts';
import { seededRandom } from '../../src/base/random.ts';
import { digestOf } from '../../src/contract/digest.ts';
import { FaultyGitHost, type HostFaults } from '../../src/git/memory/faulty-git-host.ts';
import { MemoryGitHost } from '../../src/git/memory/memory-git-host.ts';
import { MemoryManifestsRepository } from '../../src/git/memory/memory-manifests-repository.ts';
import type { RepositoryFiles } from '../../src/git/repository-files.ts';
import { filesOfCommit } from '../../src/git/repository-files.ts';
import { ProposalBranch } from '../../src/requests/proposal-branch.ts';
import { pushRelease, type ReleaseOrder } from '../../src/requests/submit-release.ts';
import { manifestText, rolloutText } from '../support/document-texts.ts';

/** Sleeping is all that takes time. */
class SleepClock implements Clock {
  ms = 1_790_000_000_000;
  now = (): number => this.ms;
  monotonicMs = (): number => this.ms;
  async sleep(ms: number): Promise<void> {
    this.ms += ms;
  }
}

export const fileOf = (version: string): string => `models/ocr/${version}.yaml`;
export const bundleOf = (version: string): string => `${fileOf(version)}.sigstore.json`;
export const textOf = (version: string, sequence = 1): string =>
  manifestText({ model: 'ocr', version, sequence, artifact: digestOf(version), sizeBytes: 9 });

interface RunOptions {
  readonly isProposal?: boolean;
  readonly isFaulty?: boolean;
}

/** A branch with one release, and releases that others race, hosts that fail. */
export async function setUpReleases(more: Readonly<Record<string, string>> = {}) {
  const host = new MemoryGitHost();
  const released = { [fileOf('1.0.0')]: textOf('1.0.0'), [bundleOf('1.0.0')]: 'by hand' };
  const rollout = { 'rollouts/eu.yaml': rolloutText('eu', 'ocr', '1.0.0') };
  await host.commit({ files: { ...released, ...rollout, ...more }, message: 'start', atMs: 0 });
  const world = { host, clock: new SleepClock(), faults: (() => undefined) as HostFaults, did: [] as string[] };
  const problems: CodedError[] = [];
  const run = (
    version: string,
    { isProposal = false, isFaulty = true, ...order }: Partial<ReleaseOrder> & RunOptions = {},
  ) => {
    const followed = new MemoryManifestsRepository({
      host: isFaulty ? new FaultyGitHost(host, (step) => world.faults(step)) : host,
      branch: 'main',
      author: { name: 'ci', email: 'ci@example.org' },
    });
    const proposing = isProposal ? new ProposalBranch(followed, `slipway/ocr-${version}`) : null;
    const repository = proposing ?? followed;
    const proposal = proposing === null ? undefined : () => proposing.proposal();
    const wish = { file: fileOf(version), bundle: bundleOf(version), text: textOf(version), bom: null, rollouts: [] };
    const effects = {
      problemsOf: async ({ paths }: { paths: readonly string[] }) => (paths.includes(fileOf(version)) ? problems : []),
      async sign(bytes: Buffer) {
        world.did.push(`sign ${digestOf(bytes)}`);
        return { bundle: `signature of ${digestOf(bytes)}`, signer: 'key K' };
      },
      assertSigned(bytes: Buffer, bundle: Buffer) {
        if (bundle.toString() === 'forged') throw new Error(`forged for ${digestOf(bytes)}`);
      },
      async upload() {
        world.did.push('upload');
      },
    };
    const at = { repository, clock: world.clock, random: seededRandom(1, 'releases') };
    return pushRelease(at, { ...wish, message: null, isDryRun: false, proposal, ...order }, effects);
  };
  const reader = new MemoryManifestsRepository({ host, branch: 'main', author: { name: '', email: '' } });
  const head = async (branch = 'main'): Promise<string> => {
    await reader.fetch();
    return (await host.branches()).get(branch) ?? '';
  };
  const read = async (file: string, branch = 'main'): Promise<string | undefined> => {
    const files = await filesOfCommit(reader, await head(branch));
    return files.paths.includes(file) ? (await files.read(file, 1e6)).toString() : undefined;
  };
  const log = async (branch = 'main') => reader.log(await head(branch), 100);
  let count = 0;
  const somebodyElse = () => host.commit({ files: { 'README.md': `${count++}` }, message: 'other', atMs: 0 });
  return { world, run, read, log, somebodyElse, problems };
}

/** Files that lie nowhere. */
export function filesOfMemory(texts: Readonly<Record<string, string>>): RepositoryFiles {
  return {
    paths: Object.keys(texts).sort(),
    skipped: [],
    read: async (file) => Buffer.from(texts[file] ?? ''),
  };
}
