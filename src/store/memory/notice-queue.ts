// Owns in memory alerts with their times, notices in queues, and which revisions people were notified of.
import type { JsonValue } from '../../contract/digest.ts';
import type { AlertRecord } from '../../rollout/alert-book.ts';
import { MOST_QUEUED_NOTICES, type NoticeQueue, type QueuedNotice } from '../notice-queue.ts';
import type { MemoryLeases } from './leases.ts';

export function noticeQueueInMemory({ whileHeld }: MemoryLeases): NoticeQueue {
  let alerts: readonly AlertRecord[] = [];
  const notified = new Map<string, number>();
  /** By target and then by id, the oldest first. */
  const queues = new Map<string, Map<string, QueuedNotice>>();
  let newest = 0;
  const add = (target: string, id: string, notice: JsonValue): void => {
    const queue = queues.get(target) ?? new Map<string, QueuedNotice>();
    queues.set(target, queue);
    if (!queue.has(id)) queue.set(id, { number: ++newest, id, notice });
    const [oldest] = queue.keys();
    if (queue.size > MOST_QUEUED_NOTICES && oldest !== undefined) queue.delete(oldest);
  };
  return {
    readAlerts: async () => alerts,

    readNotified: async () => new Map(notified),

    commitNotices: (order) =>
      whileHeld(order, () => {
        alerts = order.alerts ?? alerts;
        for (const [rollout, revision] of order.notified ?? []) notified.set(rollout, revision);
        for (const { target, id, notice } of order.notices) add(target, id, notice);
        return 'recorded' as const;
      }),

    readNotices: async (target, most) => [...(queues.get(target)?.values() ?? [])].slice(0, most),

    dropNotice: async (number) => {
      for (const queue of queues.values()) {
        for (const { id, number: its } of queue.values()) if (its === number) queue.delete(id);
      }
    },

    dropNoticesOf: async (target) => {
      const waiting = queues.get(target)?.size ?? 0;
      queues.delete(target);
      return waiting;
    },

    countNotices: async () =>
      new Map([...queues].flatMap(([target, { size }]): [string, number][] => (size === 0 ? [] : [[target, size]]))),
  };
}
