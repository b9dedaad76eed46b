// Owns merge requests at GitLab, by its REST API.
import { askHost, type HostAccess, pullRequestOf } from './host-request.ts';
import type { HostAnswer, PullRequest, PullRequestDraft, PullRequestHost } from './pull-request-host.ts';

const NAMES = { number: 'iid', url: 'web_url' };

export interface GitlabOptions extends Pick<HostAccess, 'apiUrl' | 'token' | 'clock' | 'signal'> {
  /** Number, or path such as `acme/models`. */
  readonly project: string;
}

export class GitlabMergeRequests implements PullRequestHost {
  readonly #access: HostAccess;
  readonly #path: string;

  constructor({ project, ...access }: GitlabOptions) {
    this.#path = `/projects/${encodeURIComponent(project)}/merge_requests`;
    this.#access = {
      name: 'GitLab',
      ...access,
      headers: { 'private-token': access.token },
      tokenRemedy:
        "Set GITLAB_TOKEN to a project access token with the scope `api` and the role Developer; CI_JOB_TOKEN can't open merge requests.",
    };
  }

  find({ branch, base }: PullRequestDraft): Promise<HostAnswer<PullRequest | null>> {
    const wanted = { state: 'opened', source_branch: branch, target_branch: base, per_page: '100' };
    const query = new URLSearchParams(wanted);
    return askHost(this.#access, { path: `${this.#path}?${query}`, body: null }, (json) => {
      if (!Array.isArray(json)) return null;
      // The list has those of forks as well, whose branches anybody can name like ours.
      const own = json.find((one) => Object(one).source_branch === branch && !isOfFork(one));
      if (own === undefined) return { value: null };
      const found = pullRequestOf(own, NAMES);
      return found === null ? null : { value: found };
    });
  }

  open({ branch, base, title, body }: PullRequestDraft): Promise<HostAnswer<PullRequest>> {
    const wish = { source_branch: branch, target_branch: base, title, description: body, remove_source_branch: true };
    return askHost(this.#access, { path: this.#path, body: wish }, (json) => {
      const opened = pullRequestOf(json, NAMES);
      return opened === null ? null : { value: opened };
    });
  }
}

function isOfFork(mergeRequest: unknown): boolean {
  const { source_project_id: source, target_project_id: target } = Object(mergeRequest) as Readonly<
    Record<string, unknown>
  >;
  return source !== target;
}
