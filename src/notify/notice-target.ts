// Owns what a target of notices is: a name, a filter, and an attempt to deliver that always ends in an answer.
import { matchesGlob } from '../contract/trust/name-glob.ts';
import { type Notice, type NoticeContent, type NoticeTopic, topicOf } from './notice.ts';

export type Delivery =
  | { readonly kind: 'taken' }
  /** It may be taken later. */
  | { readonly kind: 'later'; readonly reason: string; readonly afterMs: number | null }
  /** The receiver calls it malformed: repeating changes nothing. */
  | { readonly kind: 'refused'; readonly reason: string };

export const LATER = { kind: 'later', afterMs: null } as const;

export interface NoticeTarget {
  readonly name: string;
  /** It gets no more messages in a minute, of either lane; as many as come unless given. */
  readonly perMinute?: number;
  wants(content: NoticeContent): boolean;
  /** Never throws; ends in bounded time. */
  deliver(notice: Notice, signal: AbortSignal): Promise<Delivery>;
  /** Many in one message, for whom each would be too much. */
  deliverMany?(notices: readonly Notice[], signal: AbortSignal): Promise<Delivery>;
}

export interface NoticeFilter {
  readonly topics: readonly NoticeTopic[];
  /** Names of rollouts, `*` for any characters. A notice about the whole service goes to the targets of every rollout. */
  readonly rollouts: readonly string[];
}

export function passesFilter(content: NoticeContent, { topics, rollouts }: NoticeFilter): boolean {
  if (!topics.includes(topicOf(content))) return false;
  return rollouts.some((glob) => (content.rollout === null ? glob === '*' : matchesGlob(glob, content.rollout)));
}
