// What every store promises about forgetting: only what nobody leans on any more, and never because a clock jumped.
import { describe, expect, it } from 'vitest';
import { DEVICE_KEPT_LISTENED_MS, TOKEN_KEPT_MS, WINDOW_KEPT_MS } from '../../src/store/retention.ts';
import { enrolled, NOW, spec } from './reports.ts';
import { STORES } from './stores.ts';

describe.each(STORES)('$name', ({ makePlace }) => {
  it('forgets a device after its time of listening, whatever the wall clock says', async () => {
    using place = makePlace();
    // One heartbeat may stand for so much: the time of years passes in a few.
    const store = place.open({ heartbeatMs: DEVICE_KEPT_LISTENED_MS });
    await enrolled(store, 'old');
    await store.recordListening(NOW);
    expect(await store.forgetOld(NOW + 10 * DEVICE_KEPT_LISTENED_MS)).toMatchObject({ devices: 0 });
    await store.recordListening(NOW + DEVICE_KEPT_LISTENED_MS / 2);
    await enrolled(store, 'new');
    expect((await store.readFleet()).devices.size).toBe(2);
    await store.recordListening(NOW + DEVICE_KEPT_LISTENED_MS + 1);
    expect(await store.forgetOld(NOW)).toMatchObject({ devices: 1 });
    expect([...(await store.readFleet()).devices.keys()]).toEqual(['new']);
    expect(await store.findDevice('old')).toBeUndefined();
    await store.close();
  });

  it('forgets a token long after it expired, not when it is used up', async () => {
    using place = makePlace();
    const store = place.open();
    const [token = ''] = await store.createEnrolmentTokens({ expiresAtMs: NOW });
    const order = { token, device: 'd1', publicKey: 'key', labels: {} };
    expect((await store.enrol({ ...order, nowMs: NOW - 1 })).kind).toBe('enrolled');
    expect(await store.forgetOld(NOW + TOKEN_KEPT_MS)).toMatchObject({ tokens: 0 });
    expect(await store.enrol({ ...order, device: 'd2', nowMs: NOW - 1 })).toMatchObject({ reason: 'used-token' });
    expect(await store.forgetOld(NOW + TOKEN_KEPT_MS + 1)).toMatchObject({ tokens: 1 });
    expect(await store.enrol({ ...order, device: 'd2', nowMs: NOW - 1 })).toMatchObject({ reason: 'unknown-token' });
    await store.close();
  });

  it('forgets the closed windows of rollouts that are gone, and no others', async () => {
    using place = makePlace();
    const store = place.open();
    for (const rollout of ['gone', 'here', 'open']) await store.openWindow({ ...spec(), rollout }, NOW);
    await store.setAside({ spec: { ...spec(), rollout: 'gone', openedAtMs: NOW + 1 }, as: 'baseline', nowMs: NOW + 1 });
    await store.closeWindow('gone', NOW + 1);
    await store.closeWindow('here', NOW);
    const present = new Set(['here']);
    expect(await store.forgetWindows(present, NOW + WINDOW_KEPT_MS)).toBe(0);
    expect(await store.forgetWindows(present, NOW + WINDOW_KEPT_MS + 2)).toBe(2);
    const left = await Promise.all(['gone', 'here', 'open'].map((rollout) => store.readWindow(rollout, 5)));
    expect(left.map((one) => one !== undefined)).toEqual([false, true, true]);
    expect(await store.readAside('gone', 'baseline')).toBeUndefined();
    await store.close();
  });
});
