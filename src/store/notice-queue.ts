// Owns what a store promises about notifications: alerts with their times, notices in queues, and which revisions people were notified of.
import type { JsonValue } from '../contract/digest.ts';
import type { AlertRecord } from '../rollout/alert-book.ts';

/** Alerts never wait behind other notices: each target has a queue for either. */
export type NoticeLane = 'alerts' | 'others';

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
  readonly notices: readonly OrderedNotice[];
  readonly nowMs: number;
}

export interface OrderedNotice {
  readonly target: string;
  readonly lane: NoticeLane;
  readonly id: string;
  readonly notice: JsonValue;
}

/** Notices that a target never got. */
export interface LostNotices {
  readonly count: number;
  readonly lastAtMs: number;
}

export interface QueuedNotice {
  /** Its place in the queue. */
  readonly number: number;
  readonly id: string;
  readonly notice: JsonValue;
}

/** A queue that is longer loses its oldest notices. */
export const MOST_QUEUED_NOTICES = 10_000;

export interface NoticeQueue {
  readAlerts(): Promise<readonly AlertRecord[]>;
  /** By rollout: the revision up to which people were notified. */
  readNotified(): Promise<ReadonlyMap<string, number>>;
  /** `lost`: another holds the lease; nothing changed. Of a queue that is too long the oldest notices are lost. */
  commitNotices(order: NoticeOrder): Promise<'recorded' | 'lost'>;
  /** The notices that wait in a queue, the oldest first. */
  readNotices(target: string, lane: NoticeLane, most: number): Promise<readonly QueuedNotice[]>;
  /** It was delivered. */
  dropNotice(number: number): Promise<void>;
  /** It never will be delivered. */
  loseNotice(number: number, nowMs: number): Promise<void>;
  /** The target is gone: all notices that wait for it are dropped, and counted. */
  dropNoticesOf(target: string): Promise<number>;
  /** What targets never got, of all time, by target. */
  readLostNotices(): Promise<ReadonlyMap<string, LostNotices>>;
  /** How many notices wait, by target. */
  countNotices(): Promise<ReadonlyMap<string, number>>;
}
