// Owns the retraining hook at GitHub: a `repository_dispatch` event that starts a workflow of the training repository.
import type { Clock } from '../base/clock.ts';
import { bearerHeader, readSecret } from '../base/secret-file.ts';
import { deliverPost } from './deliver-post.ts';
import type { Notice, NoticeContent } from './notice.ts';
import { type Delivery, type NoticeTarget, passesFilter } from './notice-target.ts';

export interface GithubTargetOptions {
  readonly name: string;
  /** `https://api.github.com`, or that of a GitHub Enterprise Server. */
  readonly apiUrl: string;
  /** `owner/name`. */
  readonly repository: string;
  /** File of a token that may write the repository's contents. */
  readonly tokenFile: string;
  readonly eventType: string;
  readonly rollouts: readonly string[];
  readonly timeoutMs: number;
}

const API_VERSION = '2022-11-28';

export class GithubTarget implements NoticeTarget {
  readonly name: string;
  readonly #options: GithubTargetOptions;
  readonly #clock: Clock;

  constructor(options: GithubTargetOptions, clock: Clock) {
    this.name = options.name;
    this.#options = options;
    this.#clock = clock;
  }

  wants(content: NoticeContent): boolean {
    return passesFilter(content, { topics: ['retraining'], rollouts: this.#options.rollouts });
  }

  async deliver({ id, content }: Notice, signal: AbortSignal): Promise<Delivery> {
    if (content.kind !== 'retraining')
      return { kind: 'refused', reason: 'this target takes requests for retraining only' };
    const { apiUrl, repository, tokenFile, eventType, timeoutMs } = this.#options;
    const shown = bearerHeader(await readSecret(tokenFile));
    if (shown === null) return { kind: 'later', reason: "its token can't be read", afterMs: null };
    const { rollout, model, version, digest, rule, message, numbers, alert } = content;
    // GitHub takes at most ten fields here.
    const payload = { id, rollout, model, version, digest, rule, message, numbers, alert };
    return deliverPost(
      {
        url: `${apiUrl.replace(/\/+$/, '')}/repos/${repository}/dispatches`,
        headers: {
          ...shown,
          accept: 'application/vnd.github+json',
          'x-github-api-version': API_VERSION,
          'content-type': 'application/json',
        },
        body: JSON.stringify({ event_type: eventType, client_payload: payload }),
        timeoutMs,
        signal,
      },
      this.#clock,
    );
  }
}
