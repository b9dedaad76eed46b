// What the store promises about the reconciler's own state.
import { describe, expect, it } from 'vitest';
import { NOW } from './reports.ts';
import { STORES } from './stores.ts';

describe.each(STORES)('the reconciler’s state, in $name', ({ makePlace }) => {
  it('never goes back to a lower revision, nor to another status at the same', async () => {
    using place = makePlace();
    await using store = place.open();
    const seen = (revision: number, stage: string) => ({ revision, commit: 'c1', status: { stage } });
    expect(await store.recordSeen('r', seen(5, 'canary'))).toBe('recorded');
    expect(await store.recordSeen('r', seen(5, 'canary'))).toBe('recorded');
    expect(await store.recordSeen('r', seen(5, 'full'))).toBe('conflict');
    expect(await store.recordSeen('r', seen(4, 'full'))).toBe('stale');
    expect((await store.readSeen()).get('r')).toEqual(seen(5, 'canary'));
  });

  it('keeps emergency rollbacks and values over a restart', async () => {
    using place = makePlace();
    const store = place.open();
    const rollback = { rollout: 'r', revision: 5, reason: 'the push fails', waitsSinceMs: NOW, inForceSinceMs: null };
    await store.setEmergencyRollback(rollback);
    await store.putValue('fetch', { problem: 'refused' });
    await store.close();
    await using again = place.open();
    expect(await again.readEmergencyRollbacks()).toEqual(new Map([['r', rollback]]));
    expect(await again.readValue('fetch')).toEqual({ problem: 'refused' });
    await again.clearEmergencyRollback('r');
    expect((await again.readEmergencyRollbacks()).size).toBe(0);
  });
});
