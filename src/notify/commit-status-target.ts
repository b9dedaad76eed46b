// Owns commit statuses at GitHub and GitLab: how a rollout of what a commit asked for goes, beside that commit.
import type { Clock } from '../base/clock.ts';
import { clipped, oneLine } from '../base/plain-text.ts';
import { bearerHeader, readSecret } from '../base/secret-file.ts';
import { deliverPost } from './deliver-post.ts';
import type { Notice, NoticeContent, StepNotice } from './notice.ts';
import { type Delivery, LATER, type NoticeTarget, passesFilter } from './notice-target.ts';

export interface CommitStatusTargetOptions {
  readonly name: string;
  readonly host: 'github' | 'gitlab';
  readonly apiUrl: string;
  /** `owner/name`; at GitLab with its groups. */
  readonly repository: string;
  readonly tokenFile: string;
  readonly rollouts: readonly string[];
  readonly timeoutMs: number;
}

type Standing = 'pending' | 'success' | 'failure';

/** Null for steps that say nothing of how the version does. */
function standingOf({ step }: StepNotice): Standing | null {
  switch (step) {
    case 'start':
    case 'advance':
    case 'reopen':
    case 'pause':
    case 'except':
      return 'pending';
    case 'complete':
      return 'success';
    case 'roll-back':
    case 'supersede':
      return 'failure';
    default:
      return null;
  }
}

const GITLAB = { pending: 'pending', success: 'success', failure: 'failed' } as const;
const MOST_DESCRIPTION = 140;

export class CommitStatusTarget implements NoticeTarget {
  readonly name: string;
  readonly #options: CommitStatusTargetOptions;
  readonly #clock: Clock;

  constructor(options: CommitStatusTargetOptions, clock: Clock) {
    this.name = options.name;
    this.#options = options;
    this.#clock = clock;
  }

  /** A step whose commit nobody knows has nowhere to go. */
  wants(content: NoticeContent): boolean {
    const filter = { topics: ['rollouts'], rollouts: this.#options.rollouts } as const;
    return (
      content.kind === 'step' &&
      commitOf(content) !== null &&
      standingOf(content) !== null &&
      passesFilter(content, filter)
    );
  }

  async deliver({ content }: Notice, signal: AbortSignal): Promise<Delivery> {
    const standing = content.kind === 'step' ? standingOf(content) : null;
    const commit = content.kind === 'step' ? commitOf(content) : null;
    if (content.kind !== 'step' || standing === null || commit === null) return { kind: 'taken' };
    const { tokenFile, timeoutMs, host } = this.#options;
    const shown = bearerHeader(await readSecret(tokenFile));
    if (shown === null) return { ...LATER, reason: "its token can't be read" };
    const url = this.#addressOf(commit);
    const headers = {
      ...shown,
      ...(host === 'github' ? { accept: 'application/vnd.github+json' } : {}),
      'content-type': 'application/json',
    };
    const body = JSON.stringify(this.#bodyOf(content, standing));
    const order = { url, headers, body, timeoutMs, signal };
    // GitLab refuses to set the state that a status has already.
    return deliverPost(order, this.#clock, {
      refusesPages: true,
      ...(host === 'gitlab' ? { isDone: isRepeated } : {}),
    });
  }

  #addressOf(commit: string): string {
    const { apiUrl, host, repository } = this.#options;
    const base = apiUrl.replace(/\/+$/, '');
    return host === 'github'
      ? `${base}/repos/${repository}/statuses/${commit}`
      : `${base}/projects/${encodeURIComponent(repository)}/statuses/${commit}`;
  }

  #bodyOf({ rollout, to, reason, link }: StepNotice, standing: Standing): object {
    const description = clipped(oneLine(`${to}: ${reason}`), MOST_DESCRIPTION);
    const about = { context: `slipway/${rollout}`, description, ...(link === undefined ? {} : { target_url: link }) };
    return { state: this.#options.host === 'github' ? standing : GITLAB[standing], ...about };
  }
}

function isRepeated(status: number, body: string): boolean {
  return status === 400 && body.includes('Cannot transition status');
}

/** The commit that asked for the version. */
function commitOf({ asked }: StepNotice): string | null {
  return asked !== undefined && asked !== null && /^[0-9a-f]{40,64}$/.test(asked) ? asked : null;
}
