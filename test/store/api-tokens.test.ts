// What the store promises about API tokens: their hashes alone, found by any process, revoked for good, and bounded in number.
import { describe, expect, it } from 'vitest';
import { isApiTokenText } from '../../src/contract/api-token.ts';
import { sha256Hex } from '../../src/contract/digest.ts';
import { type ApiTokenOrder, MOST_API_TOKENS, MOST_KEPT_API_TOKENS } from '../../src/store/api-tokens.ts';
import { TOKEN_KEPT_MS } from '../../src/store/retention.ts';
import { NOW } from './reports.ts';
import { STORES } from './stores.ts';

function order(over: Partial<ApiTokenOrder> = {}): ApiTokenOrder {
  return { name: 'ci', scopes: ['publish'], createdBy: 'test', expiresAtMs: NOW + 1000, nowMs: NOW, ...over };
}

describe.each(STORES)('API tokens, in $name', ({ makePlace }) => {
  it('are found by their hash in every process, with what is known of them', async () => {
    using place = makePlace();
    await using store = place.open();
    await using other = place.open();
    const { token, known } = await store.createApiToken(order({ scopes: ['view', 'enrol'] }));
    expect(isApiTokenText(token)).toBe(true);
    expect(known).toEqual({
      ...{ id: expect.stringMatching(/^[0-9a-f]{12}$/), name: 'ci', scopes: ['view', 'enrol'], createdBy: 'test' },
      ...{ createdAtMs: NOW, expiresAtMs: NOW + 1000, lastUsedAtMs: null, revokedAtMs: null },
    });
    expect(await other.findApiToken(sha256Hex(token))).toEqual(known);
    expect(await other.findApiToken(token)).toBeUndefined();
    expect(await other.findApiToken(sha256Hex('guess'))).toBeUndefined();
  });

  it('are revoked once and for good', async () => {
    using place = makePlace();
    await using store = place.open();
    await using other = place.open();
    const { token, known } = await store.createApiToken(order());
    expect(await other.revokeApiToken(known.id, NOW + 1)).toEqual({ ...known, revokedAtMs: NOW + 1 });
    expect(await store.revokeApiToken(known.id, NOW + 2)).toEqual({ ...known, revokedAtMs: NOW + 1 });
    expect(await store.findApiToken(sha256Hex(token))).toMatchObject({ revokedAtMs: NOW + 1 });
    expect(await store.revokeApiToken('none', NOW)).toBeUndefined();
  });

  it('end when they are told to, and never later than they would', async () => {
    using place = makePlace();
    await using store = place.open();
    const { known } = await store.createApiToken(order({ expiresAtMs: null }));
    expect(await store.endApiToken(known.id, NOW + 500.5)).toEqual({ ...known, expiresAtMs: NOW + 500 });
    expect(await store.endApiToken(known.id, NOW + 900)).toEqual({ ...known, expiresAtMs: NOW + 500 });
    expect(await store.endApiToken(known.id, NOW + 100)).toEqual({ ...known, expiresAtMs: NOW + 100 });
    expect(await store.endApiToken('none', NOW)).toBeUndefined();
  });

  it('are listed page by page, the newest first, each once', async () => {
    using place = makePlace();
    await using store = place.open();
    for (const name of ['a', 'b', 'c']) await store.createApiToken(order({ name, expiresAtMs: null }));
    const first = await store.listApiTokens({ most: 2 });
    expect(first.tokens.map(({ name }) => name)).toEqual(['c', 'b']);
    await store.createApiToken(order({ name: 'd' }));
    const second = await store.listApiTokens({ before: first.next!, most: 2 });
    expect(second).toMatchObject({ tokens: [{ name: 'a', expiresAtMs: null }], next: null });
    expect((await store.listApiTokens({ most: 4 })).next).toBeNull();
  });

  it('tell when they were used last, never an earlier time', async () => {
    using place = makePlace();
    await using store = place.open();
    const { token, known } = await store.createApiToken(order());
    await store.noteApiTokenUse(known.id, NOW + 9.5);
    await store.noteApiTokenUse(known.id, NOW + 3);
    await store.noteApiTokenUse('none', NOW);
    expect(await store.findApiToken(sha256Hex(token))).toMatchObject({ lastUsedAtMs: NOW + 9 });
  });

  it('are forgotten a while after they ended, and never while they are in force', async () => {
    using place = makePlace();
    await using store = place.open();
    const revoked = await store.createApiToken(order({ name: 'revoked', expiresAtMs: null }));
    await store.revokeApiToken(revoked.known.id, NOW);
    await store.createApiToken(order({ name: 'expired', expiresAtMs: NOW + 1 }));
    await store.createApiToken(order({ name: 'lasting', expiresAtMs: null }));
    expect(await store.forgetApiTokens(NOW + TOKEN_KEPT_MS)).toBe(0);
    expect(await store.forgetApiTokens(NOW + TOKEN_KEPT_MS + 1)).toBe(1);
    expect(await store.forgetApiTokens(NOW + 100 * TOKEN_KEPT_MS)).toBe(1);
    expect((await store.listApiTokens({ most: 9 })).tokens.map(({ name }) => name)).toEqual(['lasting']);
  });

  it('are bounded: too many in force are refused, and of those that ended the oldest go', async () => {
    using place = makePlace();
    await using store = place.open();
    const lasting = await store.createApiToken(order({ name: 'lasting', expiresAtMs: null }));
    for (let i = 1; i < MOST_API_TOKENS; i++) await store.createApiToken(order());
    await expect(store.createApiToken(order())).rejects.toMatchObject({ code: 'TOKEN_COUNT', kind: 'fix-input' });
    await store.revokeApiToken((await store.listApiTokens({ most: 1 })).tokens[0]!.id, NOW);
    await store.createApiToken(order({ name: 'in its place' }));
    const nowMs = NOW + 2000;
    for (let i = 0; i < 999; i++) await store.createApiToken(order({ nowMs, expiresAtMs: nowMs + 1 }));
    await store.createApiToken(order({ name: 'last', nowMs: nowMs + 2, expiresAtMs: null }));
    const { tokens, next } = await store.listApiTokens({ most: 9_999 });
    expect([tokens.length, next]).toEqual([MOST_KEPT_API_TOKENS, null]);
    expect(tokens[0]?.name).toBe('last');
    expect(await store.findApiToken(sha256Hex(lasting.token))).toBeDefined();
  });
});
