// What the store promises about notices: each is queued once, in order, and by the holder of the lease alone.
import { describe, expect, it } from 'vitest';
import type { AlertRecord } from '../../src/rollout/alert-book.ts';
import { MOST_QUEUED_NOTICES, type NoticeLane } from '../../src/store/notice-queue.ts';
import { NOW } from './reports.ts';
import { STORES } from './stores.ts';

const ALERT = { id: 'a1', kind: 'source-away', sinceMs: NOW, raisedAtMs: NOW, goneSinceMs: null } as AlertRecord;
const lease = { name: 'notices', holder: 'a', ttlMs: 1000, nowMs: NOW };
const to = (target: string, id: string, lane: NoticeLane = 'others') => ({ target, lane, id, notice: { says: id } });

describe.each(STORES)('the notice queue, in $name', ({ makePlace }) => {
  it('keeps alerts, revisions and notices of one order together, each notice once and in order', async () => {
    using place = makePlace();
    await using store = place.open();
    const token = (await store.acquireLease(lease))!;
    const order = { lease: 'notices', token, nowMs: NOW, alerts: [ALERT], notified: new Map([['r', 3]]) };
    const notices = [to('chat', 'n1'), to('chat', 'n2'), to('mail', 'n1')];
    expect(await store.commitNotices({ ...order, notices })).toBe('recorded');
    expect(
      await store.commitNotices({ lease: 'notices', token, nowMs: NOW, notices: [to('chat', 'n2'), to('chat', 'n3')] }),
    ).toBe('recorded');
    expect(await store.readAlerts()).toEqual([ALERT]);
    expect(await store.readNotified()).toEqual(new Map([['r', 3]]));
    expect((await store.readNotices('chat', 'others', 10)).map((one) => one.id)).toEqual(['n1', 'n2', 'n3']);
    expect((await store.readNotices('chat', 'others', 2)).map((one) => one.notice)).toEqual([
      { says: 'n1' },
      { says: 'n2' },
    ]);
    const [first] = await store.readNotices('chat', 'others', 1);
    await store.dropNotice(first!.number);
    expect((await store.readNotices('chat', 'others', 1))[0]?.id).toBe('n2');
    expect(await store.countNotices()).toEqual(
      new Map([
        ['chat', 2],
        ['mail', 1],
      ]),
    );
    expect([await store.dropNoticesOf('chat'), await store.dropNoticesOf('chat')]).toEqual([2, 0]);
    expect(await store.countNotices()).toEqual(new Map([['mail', 1]]));
  });

  it('takes nothing from a holder that was overtaken', async () => {
    using place = makePlace();
    await using store = place.open();
    const token = (await store.acquireLease(lease))!;
    await store.acquireLease({ ...lease, holder: 'b', nowMs: NOW + 2000 });
    const order = { lease: 'notices', token, nowMs: NOW, alerts: [ALERT], notified: new Map([['r', 3]]) };
    expect(await store.commitNotices({ ...order, notices: [to('chat', 'n1')] })).toBe('lost');
    expect([await store.readAlerts(), await store.readNotified(), await store.countNotices()]).toEqual([
      [],
      new Map(),
      new Map(),
    ]);
  });

  it('drops the oldest of a queue that is too long', async () => {
    using place = makePlace();
    await using store = place.open();
    const token = (await store.acquireLease(lease))!;
    const notices = Array.from({ length: MOST_QUEUED_NOTICES + 2 }, (_, i) => to('chat', `n${i}`));
    await store.commitNotices({ lease: 'notices', token, nowMs: NOW, notices });
    expect((await store.readNotices('chat', 'others', 1))[0]?.id).toBe('n2');
    expect((await store.countNotices()).get('chat')).toBe(MOST_QUEUED_NOTICES);
  });

  it('counts what a target never gets, and loses no alert to other notices', async () => {
    using place = makePlace();
    await using store = place.open();
    const token = (await store.acquireLease(lease))!;
    const others = Array.from({ length: MOST_QUEUED_NOTICES + 2 }, (_, i) => to('chat', `n${i}`));
    await store.commitNotices({
      lease: 'notices',
      token,
      nowMs: NOW,
      notices: [to('chat', 'a1', 'alerts'), ...others],
    });
    const [alert] = await store.readNotices('chat', 'alerts', 10);
    expect(alert?.id).toBe('a1');
    expect(await store.readLostNotices()).toEqual(new Map([['chat', { count: 2, lastAtMs: NOW }]]));
    await store.loseNotice(alert!.number, NOW + 5);
    await store.loseNotice(alert!.number, NOW + 9);
    expect(await store.readLostNotices()).toEqual(new Map([['chat', { count: 3, lastAtMs: NOW + 5 }]]));
  });
});
