// Owns what a target of notices is: a name, what it wants, and an attempt to deliver that always ends in an answer.
import { matchesGlob } from '../contract/trust/name-glob.ts';
import { type Notice, type NoticeContent, type NoticeTopic, topicOf } from './notice.ts';

export type Delivery =
  | { readonly kind: 'taken' }
  /** It may be taken later. */
  | { readonly kind: 'later'; readonly reason: string; readonly afterMs: number | null }
  /** The receiver says that it can't make sense of it: repeating changes nothing. */
  | { readonly kind: 'refused'; readonly reason: string };

export interface NoticeTarget {
  readonly name: string;
  wants(content: NoticeContent): boolean;
  /** Never throws; ends in bounded time. */
  deliver(notice: Notice, signal: AbortSignal): Promise<Delivery>;
}

export interface Wishes {
  readonly topics: readonly NoticeTopic[];
  /** Names of rollouts, `*` for any characters; what is about the service as a whole goes to those that want every rollout. */
  readonly rollouts: readonly string[];
}

export function isWished(content: NoticeContent, { topics, rollouts }: Wishes): boolean {
  if (!topics.includes(topicOf(content))) return false;
  return rollouts.some((glob) => (content.rollout === null ? glob === '*' : matchesGlob(glob, content.rollout)));
}
