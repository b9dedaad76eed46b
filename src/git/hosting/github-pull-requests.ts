// Owns pull requests at GitHub, by its REST API.
import { askHost, type HostAccess, pullRequestOf } from './host-request.ts';
import type { HostAnswer, PullRequest, PullRequestDraft, PullRequestHost } from './pull-request-host.ts';

const NAMES = { number: 'number', url: 'html_url' };

export interface GithubOptions extends Pick<HostAccess, 'apiUrl' | 'token' | 'clock' | 'signal'> {
  /** `owner/name`. */
  readonly repository: string;
}

export class GithubPullRequests implements PullRequestHost {
  readonly #access: HostAccess;
  readonly #repository: string;

  constructor({ repository, ...access }: GithubOptions) {
    this.#repository = repository;
    this.#access = {
      name: 'GitHub',
      ...access,
      headers: {
        authorization: `Bearer ${access.token}`,
        accept: 'application/vnd.github+json',
        'x-github-api-version': '2022-11-28',
      },
      tokenRemedy:
        'Give GITHUB_TOKEN `pull-requests: write` for this repository; for the token of a job, also allow GitHub Actions to create pull requests in its settings.',
    };
  }

  find({ branch, base }: PullRequestDraft): Promise<HostAnswer<PullRequest | null>> {
    const [owner = ''] = this.#repository.split('/');
    const query = new URLSearchParams({ state: 'open', head: `${owner}:${branch}`, base });
    return askHost(this.#access, { path: `${this.#path}?${query}`, body: null }, (json) => {
      if (!Array.isArray(json)) return null;
      // A host that does not know the filter lists them all, and a fork may have a branch of the same name.
      const own = json.find((one) => Object(Object(one).head).ref === branch && !isOfFork(one));
      if (own === undefined) return { value: null };
      const found = pullRequestOf(own, NAMES);
      return found === null ? null : { value: found };
    });
  }

  open({ branch, base, title, body }: PullRequestDraft): Promise<HostAnswer<PullRequest>> {
    return askHost(this.#access, { path: this.#path, body: { head: branch, base, title, body } }, (json) => {
      const opened = pullRequestOf(json, NAMES);
      return opened === null ? null : { value: opened };
    });
  }

  get #path(): string {
    return `/repos/${this.#repository}/pulls`;
  }
}

function isOfFork(pullRequest: unknown): boolean {
  const { head, base } = Object(pullRequest) as Readonly<Record<string, unknown>>;
  return Object(Object(head).repo).id !== Object(Object(base).repo).id;
}
