// Owns what a store promises about notifications: alerts with their times, notices in queues, and which revisions people were notified of.
import type { JsonValue } from '../contract/digest.ts';
import type { AlertRecord } from '../rollout/alert-book.ts';

/** All of it is recorded in one transaction, while the lease holds. */
export interface NoticeOrder {
  readonly lease: string;
  /** Fencing token from `acquireLease`. */
  readonly token: number;
  /** All alerts as they stand now; left out when they did not change. */
  readonly alerts?: readonly AlertRecord[];
  /** By rollout: the revision up to which people were notified. */
  readonly notified?: ReadonlyMap<string, number>;
  /** Put at the end of the queues of their targets. */
  readonly notices: readonly { readonly target: string; readonly id: string; readonly notice: JsonValue }[];
}

export interface QueuedNotice {
  /** Its place in the queue. */
  readonly number: number;
  readonly id: string;
  readonly notice: JsonValue;
}

/** A target that takes nothing for so long loses its oldest notices. */
export const MOST_QUEUED_NOTICES = 10_000;

export interface NoticeQueue {
  readAlerts(): Promise<readonly AlertRecord[]>;
  /** By rollout: the revision up to which people were notified. */
  readNotified(): Promise<ReadonlyMap<string, number>>;
  /** `lost`: another holds the lease; nothing changed. Of a queue that is too long the oldest notices are dropped. */
  commitNotices(order: NoticeOrder): Promise<'recorded' | 'lost'>;
  /** The notices that wait for a target, the oldest first. */
  readNotices(target: string, most: number): Promise<readonly QueuedNotice[]>;
  /** It was delivered, or never will be. */
  dropNotice(number: number): Promise<void>;
  /** The target is gone: all notices that wait for it are dropped, and counted. */
  dropNoticesOf(target: string): Promise<number>;
  /** How many notices wait, by target. */
  countNotices(): Promise<ReadonlyMap<string, number>>;
}
