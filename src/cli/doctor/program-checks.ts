// Owns the checks of the programs that Slipway runs on: Node.js and git.
import { execFile } from 'node:child_process';
import process from 'node:process';
import { bad, type Check, ok, warn } from './check.ts';

const LEAST_NODE = 24;
/** What `git` learnt by then the service leans on where it runs it: for repositories on this machine or behind SSH. */
const LEAST_GIT = [2, 31] as const;

/** `needsGit`: the repository is reached by running git. */
export function programChecks({ needsGit }: { readonly needsGit: boolean }): Check[] {
  return [
    { name: 'node', run: async () => nodeFinding(process.versions.node) },
    { name: 'git', run: async (signal) => gitFinding(await gitVersion(signal), needsGit) },
  ];
}

function nodeFinding(version: string) {
  if (Number.parseInt(version, 10) >= LEAST_NODE) return ok(version);
  return bad(`${version} is too old`, `Install Node.js ${LEAST_NODE} or later.`);
}

function gitFinding(version: string | null, needsGit: boolean) {
  const why = 'It is needed for repositories on this machine and behind SSH; HTTPS needs none.';
  if (version === null)
    return needsGit
      ? bad('git is not there', `Install git. ${why}`)
      : ok('not there, and not needed for this repository');
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isOld = major < LEAST_GIT[0] || (major === LEAST_GIT[0] && minor < LEAST_GIT[1]);
  return isOld ? warn(`${version} is old`, `Install git ${LEAST_GIT.join('.')} or later. ${why}`) : ok(version);
}

function gitVersion(signal: AbortSignal): Promise<string | null> {
  return new Promise((resolve) => {
    execFile('git', ['--version'], { signal, timeout: 5_000, maxBuffer: 4_096 }, (error, stdout) =>
      resolve(error === null ? (/\d+\.\d+(\.\d+)?/.exec(stdout)?.[0] ?? null) : null),
    );
  });
}
