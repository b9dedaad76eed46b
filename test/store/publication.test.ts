// What the store promises about leases, and about the record of publications that they guard.
import { describe, expect, it } from 'vitest';
import type { Directive } from '../../src/contract/directive.ts';
import { NOW } from './reports.ts';
import { STORES } from './stores.ts';

const directive: Directive = { kind: 'Directive', entries: [] };

describe.each(STORES)('leases and publication, in $name', ({ makePlace }) => {
  const lease = (holder: string, ms = 0) => ({ name: 'publication', holder, ttlMs: 1000, nowMs: NOW + ms });

  it('fences the holder that was overtaken', async () => {
    using place = makePlace();
    await using store = place.open();
    await using other = place.open();
    expect(await store.acquireLease(lease('a'))).toBe(1);
    expect(await other.acquireLease(lease('b', 500))).toBeNull();
    expect(await store.acquireLease(lease('a', 900))).toBe(1);
    expect(await other.acquireLease(lease('b', 1900))).toBe(2);
    let swaps = 0;
    const order = (token: number, expectedSequence: number, metadataVersion: number) => ({
      lease: 'publication',
      token,
      expectedSequence,
      directive,
      metadataVersion,
      swap: async () => {
        swaps += 1;
      },
    });
    expect(await store.commitPublication(order(1, 0, 1))).toBe('lost');
    expect(await other.commitPublication(order(2, 0, 1))).toBe('published');
    expect(await other.commitPublication(order(2, 0, 2))).toBe('lost');
    expect(await other.commitPublication(order(2, 1, 1))).toBe('lost');
    expect(swaps).toBe(1);
    await store.releaseLease('publication', 1);
    expect(await store.acquireLease(lease('a', 1950))).toBeNull();
    expect(await store.findLease('publication')).toMatchObject({ holder: 'b', token: 2 });
    await other.releaseLease('publication', 2);
    expect((await store.findLease('publication'))?.holder).toBeNull();
    expect(await store.findLease('never')).toBeUndefined();
    expect(await other.commitPublication(order(2, 1, 2))).toBe('lost');
    expect(await store.acquireLease(lease('a', 1950))).toBe(3);
    expect(await store.readPublication()).toEqual({ sequence: 1, directive, metadataVersion: 1 });
  });

  it('records nothing when the swap fails', async () => {
    using place = makePlace();
    await using store = place.open();
    const token = (await store.acquireLease(lease('a')))!;
    const swap = async () => {
      throw new Error('disk full');
    };
    const order = { lease: 'publication', token, expectedSequence: 0, directive, metadataVersion: 1, swap };
    await expect(store.commitPublication(order)).rejects.toThrow('disk full');
    expect((await store.readPublication()).sequence).toBe(0);
  });

  it('lets nobody take the lease or publish while a pointer is being swapped', async () => {
    using place = makePlace();
    await using store = place.open();
    await using other = place.open();
    const token = (await store.acquireLease(lease('a')))!;
    const events: string[] = [];
    const started = Promise.withResolvers<void>();
    const swapped = Promise.withResolvers<void>();
    const swap = async () => {
      started.resolve();
      await swapped.promise;
      events.push('swapped');
    };
    const order = { lease: 'publication', token, expectedSequence: 0, directive, metadataVersion: 1, swap };
    const first = store.commitPublication(order);
    await started.promise;
    const overtaking = other.acquireLease(lease('b', 5000)).then(async (later) => {
      events.push('overtaken');
      return other.commitPublication({ ...order, token: later!, metadataVersion: 2, swap: async () => {} });
    });
    await new Promise((resolve) => setTimeout(resolve, 30));
    swapped.resolve();
    expect([await first, await overtaking]).toEqual(['published', 'lost']);
    expect(events).toEqual(['swapped', 'overtaken']);
  });

  it('never gives a metadata version twice', async () => {
    using place = makePlace();
    const store = place.open();
    await using other = place.open();
    const given = [await store.reserveMetadataVersion(), await other.reserveMetadataVersion()];
    await store.close();
    await using again = place.open();
    given.push(await again.reserveMetadataVersion(), await other.reserveMetadataVersion(40));
    expect(given).toEqual([1, 2, 3, 41]);
  });
});
