// What the store promises about enrolment, listening time, leases, publication and the reconciler's memory.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Directive } from '../../src/contract/directive.ts';
import { CANDIDATE, enrolled, folder, NOW, openStore, report, spec } from './reports.ts';

const directive: Directive = { kind: 'Directive', entries: [] };

describe('enrolment', () => {
  const ask = (token: string, device = 'd1', publicKey = 'key', nowMs = NOW) => ({
    token,
    device,
    publicKey,
    labels: { region: 'eu' },
    nowMs,
  });

  it('spends a token once, and gives the same answer when the first was lost', async () => {
    using place = folder();
    await using store = openStore(place.file);
    const [token = ''] = await store.createEnrolmentTokens({ expiresAtMs: NOW + 1000, labels: { ring: 'canary' } });
    const first = await store.enrol(ask(token));
    expect(first).toMatchObject({ kind: 'enrolled', labels: { region: 'eu', ring: 'canary' } });
    expect(await store.enrol(ask(token))).toEqual(first);
    expect(await store.enrol(ask(token, 'd2'))).toEqual({ kind: 'refused', reason: 'used-token' });
    expect(await store.enrol(ask(token, 'd1', 'other key'))).toEqual({ kind: 'refused', reason: 'used-token' });
    expect(await store.enrol(ask('guessed'))).toEqual({ kind: 'refused', reason: 'unknown-token' });
  });

  it('never lets two askers at once spend one token', async () => {
    using place = folder();
    await using store = openStore(place.file);
    await using other = openStore(place.file);
    const [token = ''] = await store.createEnrolmentTokens({ expiresAtMs: NOW + 1000 });
    const answers = await Promise.all([store.enrol(ask(token, 'd1')), other.enrol(ask(token, 'd2'))]);
    expect(answers.map((answer) => answer.kind).sort()).toEqual(['enrolled', 'refused']);
  });

  it('refuses an expired token, and another device than the token is for', async () => {
    using place = folder();
    await using store = openStore(place.file);
    const [token = ''] = await store.createEnrolmentTokens({ expiresAtMs: NOW, device: 'd1' });
    expect(await store.enrol(ask(token))).toEqual({ kind: 'refused', reason: 'expired-token' });
    expect(await store.enrol(ask(token, 'd2'))).toEqual({ kind: 'refused', reason: 'other-device' });
  });

  it('starts a new epoch for a new token, and takes a new key only from a token made for that device', async () => {
    using place = folder();
    await using store = openStore(place.file);
    const first = await enrolled(store, 'd1');
    expect(await enrolled(store, 'd1')).toBe(first + 1);
    await expect(enrolled(store, 'd1', 'thief')).rejects.toThrow('key-taken');
    const [token = ''] = await store.createEnrolmentTokens({ expiresAtMs: NOW + 1000, device: 'd1' });
    expect(await store.enrol(ask(token, 'd1', 'new key'))).toMatchObject({ kind: 'enrolled', epoch: first + 2 });
    expect((await store.findDevice('d1'))?.publicKey).toBe('new key');
  });

  it('keeps no token that a thief of the file could use', async () => {
    using place = folder();
    const store = openStore(place.file);
    const [token = ''] = await store.createEnrolmentTokens({ expiresAtMs: NOW + 1000 });
    await store.close();
    expect(readFileSync(place.file).includes(token)).toBe(false);
  });
});

describe('listening time', () => {
  it('counts time between heartbeats once for all processes, and no gap, jump or step back', async () => {
    using place = folder();
    await using a = openStore(place.file, { heartbeatMs: 1000 });
    await using b = openStore(place.file, { heartbeatMs: 1000 });
    expect(await a.readListening()).toEqual({ listenedMs: 0, heartbeatAtMs: null });
    const listened: number[] = [];
    for (const [store, ms] of [
      [a, 0],
      [b, 400],
      [a, 1000],
      [b, 900],
      [b, 1400],
      [a, 9000],
      [a, 10_000],
      [a, -3_600_000],
      [a, -3_599_000],
    ] as const) {
      listened.push((await store.recordListening(NOW + ms)).listenedMs);
    }
    expect(listened).toEqual([0, 400, 1000, 1000, 1400, 1400, 2400, 2400, 3400]);
  });

  it('is kept per window while it is open, and as ready time only while the stage is ready', async () => {
    using place = folder();
    await using store = openStore(place.file, { heartbeatMs: 1000 });
    const { rollout } = spec();
    await store.recordListening(NOW);
    await store.openWindow(spec(), NOW);
    await store.recordListening(NOW + 1000);
    await store.markReady(rollout, true);
    await store.recordListening(NOW + 2000);
    await store.markReady(rollout, false);
    await store.recordListening(NOW + 4000);
    await store.closeWindow(rollout, NOW + 4000);
    await store.recordListening(NOW + 5000);
    expect(await store.readWindow(rollout, 5)).toMatchObject({ listenedMs: 4000, readyMs: 1000 });
  });

  it('dates a device by it, so that silence while nobody listened is no silence', async () => {
    using place = folder();
    await using store = openStore(place.file, { heartbeatMs: 1000 });
    const epoch = await enrolled(store, 'd1');
    await store.recordListening(NOW);
    await store.recordListening(NOW + 1000);
    await store.ingest([{ report: report({ epoch }), receivedAtMs: NOW + 1000 }]);
    await store.recordListening(NOW + 7_200_000);
    const device = (await store.readFleet()).devices.get('d1');
    expect((await store.readListening()).listenedMs - (device?.lastSeenListenedMs ?? 0)).toBe(0);
  });
});

describe('leases and publication', () => {
  const lease = (holder: string, ms = 0) => ({ name: 'publication', holder, ttlMs: 1000, nowMs: NOW + ms });

  it('fences the holder that was overtaken', async () => {
    using place = folder();
    await using store = openStore(place.file);
    await using other = openStore(place.file);
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
    await other.releaseLease('publication', 2);
    expect(await other.commitPublication(order(2, 1, 2))).toBe('lost');
    expect(await store.acquireLease(lease('a', 1950))).toBe(3);
    expect(await store.readPublication()).toEqual({ sequence: 1, directive, metadataVersion: 1 });
  });

  it('records nothing when the swap fails', async () => {
    using place = folder();
    await using store = openStore(place.file);
    const token = (await store.acquireLease(lease('a')))!;
    const swap = async () => {
      throw new Error('disk full');
    };
    const order = { lease: 'publication', token, expectedSequence: 0, directive, metadataVersion: 1, swap };
    await expect(store.commitPublication(order)).rejects.toThrow('disk full');
    expect((await store.readPublication()).sequence).toBe(0);
  });

  it('never gives a metadata version twice', async () => {
    using place = folder();
    const store = openStore(place.file);
    await using other = openStore(place.file);
    const given = [await store.reserveMetadataVersion(), await other.reserveMetadataVersion()];
    await store.close();
    await using again = openStore(place.file);
    given.push(await again.reserveMetadataVersion(), await other.reserveMetadataVersion(40));
    expect(given).toEqual([1, 2, 3, 41]);
  });
});

describe('the reconciler’s memory', () => {
  it('never goes back to a lower revision, nor to another status at the same', async () => {
    using place = folder();
    await using store = openStore(place.file);
    const seen = (revision: number, stage: string) => ({ revision, commit: 'c1', status: { stage } });
    expect(await store.recordSeen('r', seen(5, 'canary'))).toBe('recorded');
    expect(await store.recordSeen('r', seen(5, 'canary'))).toBe('recorded');
    expect(await store.recordSeen('r', seen(5, 'full'))).toBe('conflict');
    expect(await store.recordSeen('r', seen(4, 'full'))).toBe('stale');
    expect((await store.readSeen()).get('r')).toEqual(seen(5, 'canary'));
  });

  it('keeps emergency rollbacks and values over a restart', async () => {
    using place = folder();
    const store = openStore(place.file);
    const emergency = { rollout: 'r', revision: 5, reason: 'the push fails', waitsSinceMs: NOW, inForceSinceMs: null };
    await store.setEmergencyRollback(emergency);
    await store.putValue('fetch', { problem: 'refused' });
    await store.close();
    await using again = openStore(place.file);
    expect(await again.readEmergencyRollbacks()).toEqual(new Map([['r', emergency]]));
    expect(await again.readValue('fetch')).toEqual({ problem: 'refused' });
    await again.clearEmergencyRollback('r');
    expect((await again.readEmergencyRollbacks()).size).toBe(0);
  });

  it('shows each process what the other committed, and a new version only when something changed', async () => {
    using place = folder();
    await using a = openStore(place.file);
    await using b = openStore(place.file);
    const epoch = await enrolled(a, 'd1');
    const before = await b.readFleet();
    expect([...before.devices.keys()]).toEqual(['d1']);
    expect((await b.readFleet()).version).toBe(before.version);
    await a.ingest([{ report: report({ epoch }), receivedAtMs: NOW + 5 }]);
    const after = await b.readFleet();
    expect(after.version).toBeGreaterThan(before.version);
    expect(after.devices.get('d1')).toMatchObject({ lastSeenAtMs: NOW + 5, labels: { region: 'eu-west' } });
    expect(after.devices.get('d1')?.models.get('invoice-ocr')?.running?.digest).toBe(CANDIDATE);
  });

  it('refuses a file that a newer Slipway wrote', async () => {
    using place = folder();
    await openStore(place.file).close();
    const { DatabaseSync } = await import('node:sqlite');
    const db = new DatabaseSync(place.file);
    db.exec('PRAGMA user_version = 999');
    db.close();
    expect(() => openStore(place.file)).toThrow(expect.objectContaining({ code: 'STORE_TOO_NEW' }));
  });
});
