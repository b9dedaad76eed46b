// What the store promises about browser sessions: found by their hash in any process, ended for good, and bounded in number.
import { describe, expect, it } from 'vitest';
import { MOST_SESSIONS_OF_ONE } from '../../src/store/browser-sessions.ts';
import { NOW } from './reports.ts';
import { STORES } from './stores.ts';

const SESSION = { bearer: 'token:a', facts: '{"name":"alice"}', createdAtMs: NOW, expiresAtMs: NOW + 1000 };

describe.each(STORES)('browser sessions, in $name', ({ makePlace }) => {
  it('are found in every process until one ends them', async () => {
    using place = makePlace();
    await using store = place.open();
    await using other = place.open();
    await store.beginSession('h1', SESSION);
    expect(await other.findSession('h1')).toEqual(SESSION);
    expect(await other.findSession('h2')).toBeUndefined();
    await other.endSession('h1');
    await other.endSession('h1');
    expect(await store.findSession('h1')).toBeUndefined();
  });

  it('outlive a restart, and are forgotten once they expired', async () => {
    using place = makePlace();
    const before = place.open();
    await before.beginSession('h1', SESSION);
    await before.beginSession('h2', { ...SESSION, expiresAtMs: NOW + 5000 });
    await before.close();
    await using store = place.open();
    expect(await store.forgetSessions(NOW + 999)).toBe(0);
    expect(await store.forgetSessions(NOW + 1000)).toBe(1);
    expect(await store.findSession('h1')).toBeUndefined();
    expect(await store.findSession('h2')).toBeDefined();
  });

  it('of one bearer give way to its newer ones, and to nobody else', async () => {
    using place = makePlace();
    await using store = place.open();
    await store.beginSession('other', { ...SESSION, bearer: 'token:b' });
    for (let i = 0; i <= MOST_SESSIONS_OF_ONE; i++) await store.beginSession(`h${i}`, SESSION);
    expect(await store.findSession('h0')).toBeUndefined();
    expect(await store.findSession('h1')).toBeDefined();
    expect(await store.findSession('other')).toBeDefined();
  });
});
