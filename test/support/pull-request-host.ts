// Hosts with the pull request API of GitHub and the merge request API of GitLab, as their public documentation has it, which can misbehave on demand.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HostedRequest {
  readonly number: number;
  readonly branch: string;
  readonly base: string;
  readonly title: string;
  readonly body: string;
  isOpen: boolean;
  /** Its branch is of a fork. */
  readonly isOfFork?: boolean;
}

/** Answers the request itself and says true, or leaves it to the host. `isDone`: the host has done its work. */
export type HostMisbehaviour = (request: IncomingMessage, response: ServerResponse, isDone: boolean) => boolean;

interface Answer {
  readonly status: number;
  readonly json: unknown;
}

/** Owner and repository, and the project: both hosts have the same one. */
export const REPOSITORY = 'acme/models';
export const PROJECT = '42';

export class TestPullRequestHost implements AsyncDisposable {
  readonly requests: HostedRequest[] = [];
  readonly asked: string[] = [];
  misbehave: HostMisbehaviour = () => false;
  /** Branches that exist; undefined: any. */
  branches: (() => readonly string[]) | undefined;
  readonly #token: string;
  readonly #server = createServer((request, response) => void this.#receive(request, response));

  private constructor(token: string) {
    this.#token = token;
  }

  static async start(token: string): Promise<TestPullRequestHost> {
    const host = new TestPullRequestHost(token);
    await new Promise<void>((resolve) => host.#server.listen(0, '127.0.0.1', resolve));
    return host;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get gitlabUrl(): string {
    return `${this.url}/api/v4`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.asked.push(`${request.method} ${request.url}`);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (this.misbehave(request, response, false)) return;
    const body = chunks.length === 0 ? {} : JSON.parse(Buffer.concat(chunks).toString());
    const url = new URL(request.url ?? '', this.url);
    const isGitlab = url.pathname.startsWith('/api/v4/');
    const { status, json } = isGitlab ? this.#gitlab(request, url, body) : this.#github(request, url, body);
    if (this.misbehave(request, response, true)) return;
    response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(json));
  }

  #github({ method, headers }: IncomingMessage, url: URL, body: Readonly<Record<string, string>>): Answer {
    if (headers['user-agent'] === undefined)
      return { status: 403, json: { message: 'Request forbidden by administrative rules.' } };
    if (headers.authorization !== `Bearer ${this.#token}`)
      return { status: 401, json: { message: 'Bad credentials', documentation_url: 'https://docs.github.com/rest' } };
    if (url.pathname !== `/repos/${REPOSITORY}/pulls`) return { status: 404, json: { message: 'Not Found' } };
    const [owner] = REPOSITORY.split('/');
    const ownerOf = ({ isOfFork = false }: HostedRequest) => (isOfFork ? 'stranger' : owner);
    const shown = (one: HostedRequest) => ({
      number: one.number,
      html_url: `https://github.test/${REPOSITORY}/pull/${one.number}`,
      state: one.isOpen ? 'open' : 'closed',
      title: one.title,
      body: one.body,
      head: { ref: one.branch, label: `${ownerOf(one)}:${one.branch}`, repo: { id: one.isOfFork ? 2 : 1 } },
      base: { ref: one.base, repo: { id: 1 } },
    });
    if (method === 'GET') {
      const [head, base] = [url.searchParams.get('head'), url.searchParams.get('base')];
      const found = this.requests.filter(
        (one) => one.isOpen && `${ownerOf(one)}:${one.branch}` === head && one.base === base,
      );
      return { status: 200, json: found.map(shown) };
    }
    const { head = '', base = '', title = '' } = body;
    const invalid = (message: string, field?: string): Answer => ({
      status: 422,
      json: {
        message: 'Validation Failed',
        errors: [{ resource: 'PullRequest', code: field === undefined ? 'custom' : 'invalid', field, message }],
        documentation_url: 'https://docs.github.com/rest/pulls/pulls#create-a-pull-request',
      },
    });
    if (this.branches?.().includes(head) === false) return invalid('head is invalid', 'head');
    if (this.requests.some((one) => one.isOpen && !one.isOfFork && one.branch === head && one.base === base))
      return invalid(`A pull request already exists for ${owner}:${head}.`);
    return { status: 201, json: shown(this.#add(head, base, title, body.body ?? '')) };
  }

  #gitlab({ method, headers }: IncomingMessage, url: URL, body: Readonly<Record<string, string>>): Answer {
    if (headers['private-token'] !== this.#token) return { status: 401, json: { message: '401 Unauthorized' } };
    if (url.pathname !== `/api/v4/projects/${PROJECT}/merge_requests`)
      return { status: 404, json: { message: '404 Project Not Found' } };
    const shown = (one: HostedRequest) => ({
      id: 1000 + one.number,
      iid: one.number,
      web_url: `https://gitlab.test/${REPOSITORY}/-/merge_requests/${one.number}`,
      state: one.isOpen ? 'opened' : 'closed',
      title: one.title,
      description: one.body,
      source_branch: one.branch,
      target_branch: one.base,
      source_project_id: one.isOfFork ? 43 : 42,
      target_project_id: 42,
    });
    if (method === 'GET') {
      const [source, target] = [url.searchParams.get('source_branch'), url.searchParams.get('target_branch')];
      const found = this.requests.filter((one) => one.isOpen && one.branch === source && one.base === target);
      return { status: 200, json: found.map(shown) };
    }
    const { source_branch: source = '', target_branch: target = '', title = '', description = '' } = body;
    const open = this.requests.find(
      (one) => one.isOpen && !one.isOfFork && one.branch === source && one.base === target,
    );
    if (open !== undefined) {
      const message = `Another open merge request already exists for this source branch: !${open.number}`;
      return { status: 409, json: { message: [message] } };
    }
    return { status: 201, json: shown(this.#add(source, target, title, description)) };
  }

  #add(branch: string, base: string, title: string, body: string): HostedRequest {
    const added = { number: this.requests.length + 1, branch, base, title, body, isOpen: true };
    this.requests.push(added);
    return added;
  }
}
