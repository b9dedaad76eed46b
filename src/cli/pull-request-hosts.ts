// Owns the choice of the host at which a pull request is opened: by the environment that its jobs have.
import process from 'node:process';
import { Option } from 'commander';
import { SystemClock } from '../base/clock.ts';
import { CodedError } from '../base/errors.ts';
import { GithubPullRequests } from '../git/hosting/github-pull-requests.ts';
import { GitlabMergeRequests } from '../git/hosting/gitlab-merge-requests.ts';
import { checkApiUrl } from '../git/hosting/host-request.ts';
import type { PullRequestHost } from '../git/hosting/pull-request-host.ts';
import { secretOf } from './settings.ts';

const HOSTS = ['github', 'gitlab'] as const;
export type HostKind = (typeof HOSTS)[number];

export function hostOption(): Option {
  const help = 'host of the pull request (default: the one whose job this is)';
  return new Option('--host <host>', help).choices(HOSTS);
}

function missing(message: string, remedy: string): CodedError {
  return new CodedError({ code: 'HOST_UNKNOWN', message, remedy });
}

/** Throws HOST_UNKNOWN, HOST_ADDRESS, SETTING_SECRET. */
export function choosePullRequestHost({
  host,
  insecureHttp = false,
}: {
  readonly host?: HostKind;
  readonly insecureHttp?: boolean;
}): PullRequestHost {
  const { GITHUB_REPOSITORY, CI_PROJECT_ID } = process.env;
  const kind = host ?? (GITHUB_REPOSITORY ? 'github' : CI_PROJECT_ID ? 'gitlab' : undefined);
  if (kind === 'github') return github(insecureHttp);
  if (kind === 'gitlab') return gitlab(insecureHttp);
  throw missing(
    'There is no host for the pull request: this is no job of GitHub or GitLab.',
    'Pass --host github with GITHUB_REPOSITORY and GITHUB_TOKEN set, or --host gitlab with CI_PROJECT_ID, CI_API_V4_URL and GITLAB_TOKEN.',
  );
}

const terms = () => ({ clock: new SystemClock(), signal: new AbortController().signal });

function github(insecureHttp: boolean): PullRequestHost {
  const { GITHUB_REPOSITORY: repository = '', GITHUB_API_URL = 'https://api.github.com' } = process.env;
  if (!/^[A-Za-z0-9_.-]{1,100}\/[A-Za-z0-9_.-]{1,100}$/.test(repository))
    throw missing('GITHUB_REPOSITORY is not the name of a repository.', 'Set it to <owner>/<name>.');
  const token = tokenOf('GITHUB_TOKEN', "Set it to the job's `github.token`, and give the job `pull-requests: write`.");
  return new GithubPullRequests({
    repository,
    token,
    apiUrl: checkApiUrl('GITHUB_API_URL', GITHUB_API_URL, insecureHttp),
    ...terms(),
  });
}

function gitlab(insecureHttp: boolean): PullRequestHost {
  const { CI_PROJECT_ID: project = '', CI_API_V4_URL = 'https://gitlab.com/api/v4' } = process.env;
  if (!/^[\w./-]{1,300}$/.test(project))
    throw missing('CI_PROJECT_ID is not a project.', 'Set it to its number, or to its path.');
  const remedy =
    "Set it to a project access token with the scope `api` and the role Developer; CI_JOB_TOKEN can't open merge requests.";
  const token = tokenOf('GITLAB_TOKEN', remedy);
  return new GitlabMergeRequests({
    project,
    token,
    apiUrl: checkApiUrl('CI_API_V4_URL', CI_API_V4_URL, insecureHttp),
    ...terms(),
  });
}

function tokenOf(variable: string, remedy: string): string {
  const token = secretOf(variable);
  if (token !== null && /^[\x21-\x7e]+$/.test(token)) return token;
  throw missing(`${variable} (or ${variable}_FILE) holds no token.`, remedy);
}
