// Owns in memory alerts with their times, notices in queues, and which revisions people were notified of.
import type { AlertRecord } from '../../rollout/alert-book.ts';
import {
  type LostNotices,
  MOST_QUEUED_NOTICES,
  type NoticeLane,
  type NoticeQueue,
  type OrderedNotice,
  type QueuedNotice,
} from '../notice-queue.ts';
import type { MemoryLeases } from './leases.ts';

interface LanedNotice extends QueuedNotice {
  readonly lane: NoticeLane;
}

export function noticeQueueInMemory({ whileHeld }: MemoryLeases): NoticeQueue {
  let alerts: readonly AlertRecord[] = [];
  const notified = new Map<string, number>();
  /** By target and then by id, the oldest first. */
  const queues = new Map<string, Map<string, LanedNotice>>();
  const lost = new Map<string, LostNotices>();
  let newest = 0;
  const countLost = (target: string, nowMs: number): void => {
    lost.set(target, { count: (lost.get(target)?.count ?? 0) + 1, lastAtMs: Math.floor(nowMs) });
  };
  const add = ({ target, lane, id, notice }: OrderedNotice, nowMs: number): void => {
    const queue = queues.get(target) ?? new Map<string, LanedNotice>();
    queues.set(target, queue);
    if (!queue.has(id)) queue.set(id, { number: ++newest, id, notice, lane });
    if (queue.size <= MOST_QUEUED_NOTICES) return;
    const own = [...queue.values()].filter((one) => one.lane === lane);
    const [oldest] = own;
    if (own.length <= MOST_QUEUED_NOTICES || oldest === undefined) return;
    queue.delete(oldest.id);
    countLost(target, nowMs);
  };
  const take = (number: number): string | undefined => {
    for (const [target, queue] of queues) {
      for (const { id, number: its } of queue.values()) if (its === number && queue.delete(id)) return target;
    }
    return undefined;
  };
  return {
    readAlerts: async () => alerts,

    readNotified: async () => new Map(notified),

    commitNotices: (order) =>
      whileHeld(order, () => {
        alerts = order.alerts ?? alerts;
        for (const [rollout, revision] of order.notified ?? []) notified.set(rollout, revision);
        for (const one of order.notices) add(one, order.nowMs);
        return 'recorded' as const;
      }),

    readNotices: async (target, lane, most) =>
      [...(queues.get(target)?.values() ?? [])].filter((one) => one.lane === lane).slice(0, most),

    dropNotice: async (number) => void take(number),

    loseNotice: async (number, nowMs) => {
      const target = take(number);
      if (target !== undefined) countLost(target, nowMs);
    },

    readLostNotices: async () => new Map(lost),

    dropNoticesOf: async (target) => {
      const waiting = queues.get(target)?.size ?? 0;
      queues.delete(target);
      return waiting;
    },

    countNotices: async () =>
      new Map([...queues].flatMap(([target, { size }]): [string, number][] => (size === 0 ? [] : [[target, size]]))),
  };
}
