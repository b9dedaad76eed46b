// Owns checking the commits of a branch: their signatures by git itself where it can, else by Slipway's own verification.
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { TrustPolicy } from '../../contract/trust/trust-policy.ts';
import { formatAllowedSigner, verifySignedCommit } from '../../signing/ssh-signature.ts';
import type { SeenCommit } from './branch-watch.ts';
import type { GitClone } from './git-clone.ts';

export interface CheckedCommit {
  readonly commit: string;
  readonly subject: string;
  readonly author: string;
  readonly transition: string | null;
  /** People in the demo do not sign: theirs are `none`. */
  readonly signature: 'good' | 'bad' | 'none';
}

async function checkByGit(clone: GitClone): Promise<ReadonlyMap<string, CheckedCommit['signature']>> {
  const log = await clone.git('log', '--format=%H %G?', 'origin/main');
  const words = { G: 'good', N: 'none' } as const;
  return new Map(
    log
      .trim()
      .split('\n')
      .map((line) => line.split(' '))
      .map(([commit = '', mark = '']) => [commit, words[mark as keyof typeof words] ?? 'bad']),
  );
}

async function checkHere(
  clone: GitClone,
  commits: readonly SeenCommit[],
  trust: TrustPolicy,
): Promise<ReadonlyMap<string, CheckedCommit['signature']>> {
  const answers = new Map<string, CheckedCommit['signature']>();
  for (const { commit } of commits) {
    const raw = await clone.git('cat-file', 'commit', commit);
    const isSigned = raw.includes('\ngpgsig ');
    const check = isSigned ? verifySignedCommit(Buffer.from(raw), trust.reconciler) : null;
    answers.set(commit, check === null ? 'none' : check.kind === 'verified' ? 'good' : 'bad');
  }
  return answers;
}

/** Checks each commit. Where `ssh-keygen` is missing, git can't check SSH signatures: then they are checked in this process. */
export async function checkCommits(
  clone: GitClone,
  commits: readonly SeenCommit[],
  trust: TrustPolicy,
): Promise<{ readonly by: 'git' | 'slipway'; readonly commits: readonly CheckedCommit[] }> {
  await clone.pull();
  await clone.git('fetch', '--quiet', 'origin', 'main:refs/remotes/origin/main');
  const lines = [...trust.reconciler.values()].map(({ key }) => formatAllowedSigner('slipway@localhost', key));
  const file = path.join(clone.folder, '..', 'allowed-signers');
  await writeFile(file, `${lines.join('\n')}\n`);
  await clone.git('config', 'gpg.format', 'ssh');
  await clone.git('config', 'gpg.ssh.allowedSignersFile', file);
  const byGit = await checkByGit(clone);
  const canGit = [...byGit.values()].includes('good');
  const answers = canGit ? byGit : await checkHere(clone, commits, trust);
  const checked = commits.map(({ commit, subject, author, transition }) => ({
    commit,
    subject,
    author,
    transition,
    signature: answers.get(commit) ?? 'none',
  }));
  return { by: canGit ? 'git' : 'slipway', commits: checked };
}
