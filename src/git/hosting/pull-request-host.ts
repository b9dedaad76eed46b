// Owns what a Git host promises about pull requests, and how one is opened once however often its answers get lost.
import { type BackOff, backOffMs } from '../../base/back-off.ts';
import type { Clock } from '../../base/clock.ts';
import { assertNever, type CodedError } from '../../base/errors.ts';
import type { RandomStream } from '../../base/random.ts';

export interface PullRequestDraft {
  /** Branch with the change, and the branch that it is for. */
  readonly branch: string;
  readonly base: string;
  readonly title: string;
  readonly body: string;
}

export interface PullRequest {
  readonly number: number;
  /** Page for people. */
  readonly url: string;
}

/** `later`: another try may bring it; `exists`: the host says that there is one. */
export type HostAnswer<T> =
  | { readonly kind: 'answer'; readonly value: T }
  | { readonly kind: 'exists'; readonly error: CodedError }
  | { readonly kind: 'later'; readonly error: CodedError; readonly afterMs: number | null }
  | { readonly kind: 'refused'; readonly error: CodedError };

export interface PullRequestHost {
  /** The open one from the branch, or null. */
  find(draft: PullRequestDraft): Promise<HostAnswer<PullRequest | null>>;
  open(draft: PullRequestDraft): Promise<HostAnswer<PullRequest>>;
}

export interface OpenedPullRequest extends PullRequest {
  /** False when it was open before. */
  readonly isNew: boolean;
}

const MOST_TRIES = 6;
const BACK_OFF: BackOff = { firstMs: 500, capMs: 10_000 };
/** A host that asks to be left alone for longer is left to the next run of the job. */
const MOST_WAIT_MS = 60_000;

/** Looks before each try, so that a lost answer makes no second one. Throws HOST_…. */
export async function openPullRequest(
  host: PullRequestHost,
  draft: PullRequestDraft,
  { clock, random }: { readonly clock: Clock; readonly random: RandomStream },
): Promise<OpenedPullRequest> {
  let hasAsked = false;
  for (let attempt = 0; ; attempt++) {
    let answer: HostAnswer<PullRequest | null> = await host.find(draft);
    if (answer.kind === 'answer' && answer.value !== null) return { ...answer.value, isNew: hasAsked };
    if (answer.kind === 'answer') {
      answer = await host.open(draft);
      hasAsked = true;
    }
    switch (answer.kind) {
      case 'answer':
        if (answer.value !== null) return { ...answer.value, isNew: true };
        break;
      case 'refused':
        throw answer.error;
      case 'exists':
      case 'later': {
        const asked = answer.kind === 'later' ? answer.afterMs : null;
        if (attempt + 1 >= MOST_TRIES || (asked ?? 0) > MOST_WAIT_MS) throw answer.error;
        await clock.sleep(asked ?? backOffMs(attempt, BACK_OFF, random));
        break;
      }
      default:
        assertNever(answer);
    }
  }
}
