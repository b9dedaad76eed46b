// Runs the commands of docs/how-to/rotate-keys.md on a service that runs, with a device that follows and one that sleeps through all of it.
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newestRoot } from '../../src/distribution/tuf-roots.ts';
import { rolloutText } from '../support/document-texts.ts';
import { type FileChange, Installation, openHost, running, type StartedAgent } from '../support/installation.ts';
import { page } from '../support/pages.ts';
import { until } from '../support/until.ts';

const host = openHost();
/** Commands of the how-to that are tried here, and those that were. */
const COMMANDS = page('docs/how-to/rotate-keys.md', ['ci', 'test/system/rotate-keys.test.ts']).flatMap(({ commands }) =>
  commands.map(({ command }) => command),
);
const tried = new Set<string>();
let place: Installation;
let device: StartedAgent;

const at = (...parts: string[]): string => path.join(place.set.folder, ...parts);

async function rollOut(version: string, answers: number, agent: StartedAgent): Promise<void> {
  const { files } = await place.release('sorter', version, answers);
  const first: FileChange = ['rollouts/sorter.yaml', rolloutText('sorter', 'sorter', version)];
  await place.push(version, [...files, version === '1.0.0' ? first : place.asking('sorter', version)]);
  await untilRunning(version, agent);
}

function untilRunning(version: string, { agent }: StartedAgent): Promise<unknown> {
  return until(
    () => running(agent, 'sorter') === version,
    async () => [agent.status(), await place.outlook('sorter'), place.log.slice(-10)],
    90_000,
  );
}

/** The command of the how-to that begins so, with our places for its own. */
async function ofHowTo(command: string, more: Record<string, string> = {}): Promise<Record<string, unknown>> {
  const line = COMMANDS.find((one) => one.startsWith(`slipway ${command}`)) ?? 'not found';
  tried.add(line);
  const places: Record<string, string> = {
    ...more,
    '.slipway': place.set.home.folder,
    'next-root.json': at('next-root.json'),
    '/media/usb/root.key': place.set.keys.rootKey,
  };
  const words = line.split(' ').slice(1);
  const args = words.map((word) => places[word] ?? (word.startsWith('/media/') ? at(word) : word));
  const result = await place.slipway(...args, '--json');
  expect(result.stderr, line).toBe('');
  return JSON.parse(result.stdout) as Record<string, unknown>;
}

/** The pointer is signed by the key that the newest root names; nothing was started anew for that. */
async function untilSignedByNewest(version: number): Promise<void> {
  const { publication } = place.set.home;
  const root = await newestRoot(publication);
  expect(root.version).toBe(version);
  const { signed } = JSON.parse(String(root.bytes));
  const [keyId] = signed.roles.timestamp.keyids;
  const pointer = (): string => readFileSync(path.join(publication, 'metadata', 'timestamp.json'), 'utf8');
  await until(
    () => pointer().includes(keyId),
    () => [keyId, pointer(), place.log.slice(-10)],
  );
}

beforeAll(async () => {
  place = await Installation.open();
  await mkdir(at('media'));
  await place.pushStart();
  await place.startService();
  const { store } = place.service.composed;
  const [token = ''] = await store.createEnrolmentTokens({
    expiresAtMs: Date.now() + 600_000,
    labels: { site: 'acme' },
  });
  device = await place.startAgent(host, { id: 'awake', token });
  const sleeper = await place.startAgent(host, { id: 'sleeper' });
  await rollOut('1.0.0', 0, device);
  await untilRunning('1.0.0', sleeper);
  await sleeper.stop();
}, 120_000);

afterAll(async () => {
  await place[Symbol.asyncDispose]();
  await host.close();
});

describe('while the service runs,', { timeout: 300_000 }, () => {
  test('the keys of the publication and of the root are replaced four times, and a device that slept through all of it follows', async () => {
    expect(await ofHowTo('rotate online --home .slipway --key')).toMatchObject({ state: 'done', root: 2 });
    await untilSignedByNewest(2);
    expect(await ofHowTo('rotate online --home .slipway --to')).toMatchObject({ state: 'waits-for-signatures' });
    expect(await ofHowTo('rotate sign')).toMatchObject({
      state: 'ready',
      changes: ['targets', 'snapshot', 'timestamp'],
    });
    expect(await ofHowTo('rotate finish')).toMatchObject({ state: 'done', root: 3 });
    await untilSignedByNewest(3);

    expect(await ofHowTo('rotate root --home .slipway --key /media/usb/root.key --new-key')).toMatchObject({
      ...{ state: 'done', root: 4, changes: ['root'] },
    });
    expect(await ofHowTo('rotate root --home .slipway --key /media/new/root.key')).toMatchObject({
      ...{ state: 'done', root: 5, signatures: { next: { needed: 2 } } },
    });
    await rollOut('2.0.0', 1, device);
    const sleeper = await place.startAgent(host, { id: 'sleeper' });
    await untilRunning('2.0.0', sleeper);
    expect(device.agent.status().directiveRefusal).toBeNull();
    expect(place.log.filter((line) => line.includes('"file read again"') && line.includes('online keys')).length).toBe(
      2,
    );
    await sleeper.stop();
  });

  test('a service that is off when the root changes starts with the new keys, also where they were not put in their place', async () => {
    await place.stopService();
    const { tuf, publication } = place.set.home;
    const [a, c] = [at('media/a/root-1.key'), at('media/c/root-3.key')];
    const told = await place.slipway('rotate', 'online', '--home', place.set.home.folder, '--key', a, c, '--json');
    expect(JSON.parse(told.stdout)).toMatchObject({ state: 'done', root: 6 });
    // As a command leaves them that was killed in between.
    await mkdir(path.join(tuf, 'next'));
    for (const role of ['targets', 'timestamp'])
      await rename(path.join(tuf, `${role}.key`), path.join(tuf, 'next', `${role}.key`));
    expect((await newestRoot(publication)).version).toBe(6);
    await place.startService();
    await untilSignedByNewest(6);
    await rollOut('3.0.0', 0, device);
    const again = await place.slipway('rotate', 'online', '--home', place.set.home.folder, '--json');
    expect(JSON.parse(again.stdout)).toMatchObject({ state: 'finished-earlier', root: 6 });
    expect(readdirSync(tuf).sort()).toEqual(['root.json', 'snapshot.key', 'targets.key', 'timestamp.key']);
  });

  test('a token gets a successor, and a device another key and the labels that it had', async () => {
    const { store } = place.service.composed;
    const { token, known } = await store.createApiToken({
      ...{ name: 'ci', scopes: ['view'], createdBy: 'test', expiresAtMs: null, nowMs: Date.now() },
    });
    const successor = await ofHowTo('rotate token', { '5b4bd2ce1d69': known.id });
    const opens = async (shown: unknown) =>
      (await fetch(`${place.service.url}/v1/outlooks`, { headers: { authorization: `Bearer ${shown}` } })).status;
    expect([await opens(token), await opens(successor.token)]).toEqual([200, 200]);
    const { tokens } = await store.listApiTokens({ most: 2 });
    expect(
      tokens.map(({ name, scopes, expiresAtMs }) => [name, scopes, (expiresAtMs ?? 0) > Date.now() + 80_000_000]),
    ).toEqual([
      ['ci', ['view'], false],
      ['ci', ['view'], true],
    ]);

    const before = await store.findDevice('awake');
    expect(before?.bound).toEqual({ site: 'acme' });
    const made = await ofHowTo('rotate device', { 'till-42': 'awake' });
    expect((await store.findDevice('awake'))?.publicKey).toBe(before?.publicKey);
    await device.stop();
    for (const name of ['device.key.pem', 'identity.json']) await rm(path.join(device.folder, name));
    device = await place.startAgent(host, { id: 'awake', token: String(made.token) });
    const after = await until(
      async () => {
        const found = await store.findDevice('awake');
        return found !== undefined && found.publicKey !== before?.publicKey && found.newestSequence > 1 && found;
      },
      async () => [await store.findDevice('awake'), place.log.slice(-10)],
    );
    expect(after.bound).toEqual({ site: 'acme' });
    expect(running(device.agent, 'sorter')).toBe('3.0.0');
  });

  test('the reconciler gets another key, and what the old one signed stays as it is', async () => {
    const old = place.service.composed.signer.keyId;
    expect(await ofHowTo('rotate reconciler --home .slipway')).toMatchObject({ keyId: old, finish: false });
    // With the trust policy that lists both.
    await device.stop();
    device = await place.startAgent(host, { id: 'awake' });
    const told = await ofHowTo('rotate reconciler --home .slipway --finish');
    expect(told.keyId).not.toBe(old);
    await until(
      () => place.service.composed.signer.keyId === told.keyId,
      () => place.log.slice(-10),
    );
    const known = (await place.steps()).length;
    await rollOut('4.0.0', 1, device);
    const published = await place.service.composed.publisher.findPublished();
    expect(published?.entries.map(({ stepSignature }) => stepSignature?.keyId)).toEqual([told.keyId]);
    const steps = (await place.steps()).slice(known);
    expect(steps.length).toBeGreaterThan(0);
    expect(steps.filter(({ kind }) => kind === 'restore')).toEqual([]);
    const { stdout } = await place.slipway(
      'history',
      'sorter',
      '--repo',
      place.set.repositoryUrl,
      '--home',
      place.set.home.folder,
      '--json',
    );
    const { rows } = JSON.parse(stdout) as { rows: { revision: number | null; signature: string }[] };
    const judged = rows.filter(({ revision }) => revision !== null).map(({ signature }) => signature);
    expect(judged.length).toBeGreaterThan(steps.length);
    expect(new Set(judged)).toEqual(new Set(['verified']));
    expect(COMMANDS.filter((command) => !tried.has(command))).toEqual([]);
  });
});
