// What the store promises about enrolment, and about the picture of the fleet.
import { describe, expect, it } from 'vitest';
import { CANDIDATE, enrolled, NOW, report } from './reports.ts';
import { STORES } from './stores.ts';

describe.each(STORES)('enrolment, in $name', ({ makePlace }) => {
  const ask = (token: string, device = 'd1', publicKey = 'key', nowMs = NOW) => ({
    token,
    device,
    publicKey,
    labels: { region: 'eu' },
    nowMs,
  });

  it('spends a token once, and gives the same answer when the first was lost', async () => {
    using place = makePlace();
    await using store = place.open();
    const [token = ''] = await store.createEnrolmentTokens({ expiresAtMs: NOW + 1000, labels: { ring: 'canary' } });
    const first = await store.enrol(ask(token));
    expect(first).toMatchObject({ kind: 'enrolled', labels: { ring: 'canary' } });
    expect((await store.findDevice('d1'))?.labels).toEqual({ region: 'eu', ring: 'canary' });
    expect(await store.enrol(ask(token))).toEqual(first);
    expect(await store.enrol(ask(token, 'd2'))).toEqual({ kind: 'refused', reason: 'used-token' });
    expect(await store.enrol(ask(token, 'd1', 'other key'))).toEqual({ kind: 'refused', reason: 'used-token' });
    expect(await store.enrol(ask('guessed'))).toEqual({ kind: 'refused', reason: 'unknown-token' });
  });

  it('takes in again a device that it does not know, or knows by the same key and an older epoch, and no other', async () => {
    using place = makePlace();
    await using store = place.open();
    const readmit = (epoch: number, publicKey = 'key') =>
      store.readmit({ device: 'd1', publicKey, epoch, labels: { region: 'eu' }, nowMs: NOW });
    await readmit(7);
    expect(await store.findDevice('d1')).toMatchObject({ epoch: 7, publicKey: 'key', labels: { region: 'eu' } });
    const answered = await store.ingest([{ report: { ...report(), device: 'd1', epoch: 7 }, receivedAtMs: NOW }]);
    expect(answered).toEqual(['accepted']);
    await readmit(7);
    await readmit(6);
    await readmit(9, 'other key');
    expect(await store.findDevice('d1')).toMatchObject({ epoch: 7, publicKey: 'key', newestSequence: 1 });
    await readmit(9);
    expect(await store.findDevice('d1')).toMatchObject({ epoch: 9, publicKey: 'key', newestSequence: 0 });
  });

  it('never lets two askers at once spend one token', async () => {
    using place = makePlace();
    await using store = place.open();
    await using other = place.open();
    const [token = ''] = await store.createEnrolmentTokens({ expiresAtMs: NOW + 1000 });
    const answers = await Promise.all([store.enrol(ask(token, 'd1')), other.enrol(ask(token, 'd2'))]);
    expect(answers.map((answer) => answer.kind).sort()).toEqual(['enrolled', 'refused']);
  });

  it('refuses an expired token, and another device than the token is for', async () => {
    using place = makePlace();
    await using store = place.open();
    const [token = ''] = await store.createEnrolmentTokens({ expiresAtMs: NOW, device: 'd1' });
    expect(await store.enrol(ask(token))).toEqual({ kind: 'refused', reason: 'expired-token' });
    expect(await store.enrol(ask(token, 'd2'))).toEqual({ kind: 'refused', reason: 'other-device' });
  });

  it('starts a new epoch for a new token, and takes a new key only from a token made for that device', async () => {
    using place = makePlace();
    await using store = place.open();
    const first = await enrolled(store, 'd1');
    expect(await enrolled(store, 'd1')).toBe(first + 1);
    await expect(enrolled(store, 'd1', 'thief')).rejects.toThrow('key-taken');
    const [token = ''] = await store.createEnrolmentTokens({ expiresAtMs: NOW + 1000, device: 'd1' });
    expect(await store.enrol(ask(token, 'd1', 'new key'))).toMatchObject({ kind: 'enrolled', epoch: first + 2 });
    expect((await store.findDevice('d1'))?.publicKey).toBe('new key');
  });
});

describe.each(STORES)('the fleet, in $name', ({ makePlace }) => {
  it('shows each process what the other committed, and a new version only when something changed', async () => {
    using place = makePlace();
    await using a = place.open();
    await using b = place.open();
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
});
