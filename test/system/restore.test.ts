// Proves that a restored home serves the devices that saw more than its backup, and that a backup which is not whole changes nothing.

import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { homeAt } from '../../src/cli/home.ts';
import { rolloutText } from '../support/document-texts.ts';
import {
  type CommandResult,
  type FileChange,
  Installation,
  openHost,
  running,
  type StartedAgent,
} from '../support/installation.ts';
import { until } from '../support/until.ts';

const host = openHost();
let place: Installation;
let devices: StartedAgent[];
let backup: string;
let keys: string;

const at = (...parts: string[]): string => path.join(place.set.folder, ...parts);

async function rollOut(version: string, answers: number): Promise<void> {
  const { files } = await place.release('sorter', version, answers);
  const first: FileChange = ['rollouts/sorter.yaml', rolloutText('sorter', 'sorter', version)];
  await place.push(version, [...files, version === '1.0.0' ? first : place.asking('sorter', version)]);
}

function untilRunning(version: string): Promise<unknown> {
  return until(
    () => devices.every(({ agent }) => running(agent, 'sorter') === version),
    async () => [devices.map(({ agent }) => agent.status()), await place.outlook('sorter'), place.log.slice(-10)],
    90_000,
  );
}

const sequence = async (): Promise<number> => (await place.service.composed.store.readPublication()).sequence;
const refusals = (): string[] => place.log.filter((line) => line.includes('directive refused'));

/** Each file of the models on the devices, with the number of its inode: a file that came anew has another one. */
function modelFiles(): string[] {
  return devices.flatMap(({ folder }) =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter(
        (one) =>
          one.isFile() && statSync(path.join(one.parentPath, one.name)).size > 100 && /slot/.test(one.parentPath),
      )
      .map((one) => path.join(one.parentPath, one.name))
      .map((file) => `${file} ${statSync(file).ino}`),
  );
}

/** The command of the how-to, with our places for its own. */
function ofHowTo(command: string, places: Readonly<Record<string, string>>): Promise<CommandResult> {
  const page = readFileSync(new URL('../../docs/how-to/back-up-and-restore.md', import.meta.url), 'utf8');
  const line = new RegExp(`^ *slipway (${command} .*)$`, 'm').exec(page)?.[1] ?? 'not found';
  return place.slipway(...(line.match(/"[^"]*"|\S+/g) ?? []).map((word) => places[word] ?? word), '--json');
}

function restore(file: string, home: string, ...more: string[]): Promise<CommandResult> {
  return place.slipway('restore', file, '--home', home, ...more);
}

/** Nothing of it is there, nor of the work on it. */
function expectUntouched(home: string): void {
  expect(existsSync(home)).toBe(false);
  expect(readdirSync(path.dirname(home)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
}

beforeAll(async () => {
  place = await Installation.open();
  await place.pushStart();
  await place.startService();
  devices = await Promise.all(['a', 'b', 'c'].map((id) => place.startAgent(host, { id })));
  await rollOut('1.0.0', 0);
  await untilRunning('1.0.0');
  for (const name of ['backups', 'safe', 'new']) await mkdir(at(name));
}, 120_000);

afterAll(async () => {
  await place[Symbol.asyncDispose]();
  await host.close();
});

describe('a backup,', { timeout: 300_000 }, () => {
  const order = (...more: string[]) => place.slipway('backup', '--home', place.set.home.folder, ...more);

  test('taken while the service rolls out, is whole, closed to others, and without keys', async () => {
    await rollOut('2.0.0', 1);
    const planned = await order('--to', at('backups'), '--dry-run', '--json');
    expect(JSON.parse(planned.stdout)).toMatchObject({ dryRun: true });
    expect(readdirSync(at('backups'))).toEqual([]);
    const [first] = await Promise.all([
      ofHowTo('backup', { '.slipway': place.set.home.folder, '/backups': at('backups'), '/safe': at('safe') }),
      untilRunning('2.0.0'),
    ]);
    expect(first.stderr).toBe('');
    const told = JSON.parse(first.stdout);
    [backup, keys] = [told.file, told.keysFile];
    expect(told).toMatchObject({ kind: 'slipway-backup', hasKeys: false, version: expect.any(String) });
    for (const file of [backup, keys]) expect(lstatSync(file).mode & 0o777).toBe(0o600);
    expect([readdirSync(at('backups')).length, readdirSync(at('safe')).length]).toEqual([1, 1]);
    const key = readFileSync(place.set.home.reconcilerKey);
    expect([readFileSync(backup).includes(key), readFileSync(keys).includes(key)]).toEqual([false, true]);
  });

  test('lies neither beside its keys, nor in its home, nor in the place of another one', async () => {
    const beside = await order('--to', at('backups', 'x.tar'), '--keys-to', at('backups'));
    expect(beside.stderr).toContain('BACKUP_PLACE');
    expect((await order('--to', path.join(place.set.home.folder, 'x.tar'))).stderr).toContain('BACKUP_PLACE');
    expect((await order('--to', at('none', 'x.tar'))).stderr).toContain('BACKUP_PLACE');
    // A folder that is missing is no name of a file, as where a disk is not mounted.
    for (const missing of [at('none'), `${at('none')}/`]) {
      const refused = await order('--to', missing);
      expect(refused.stderr).toMatch(/BACKUP_PLACE\n.*none is not there/);
      expect(existsSync(at('none'))).toBe(false);
    }
    expect((await order('--to', backup)).stderr).toContain('BACKUP_EXISTS');
    expect(readdirSync(at('backups')).length).toBe(1);
  });

  test('that is foreign, damaged, cut short or newer, or lacks its keys, changes nothing', async () => {
    const broken = at('broken.tar');
    const home = at('new', 'never');
    const change = (edit: (bytes: Buffer) => void): void => {
      copyFileSync(backup, broken);
      const bytes = readFileSync(broken);
      edit(bytes);
      writeFileSync(broken, bytes);
    };
    const said = async (...more: string[]) => (await restore(broken, home, '--keys', keys, ...more)).stderr;
    change((bytes) =>
      bytes.writeUInt8(
        bytes.readUInt8(bytes.indexOf('SQLite format 3') + 5_000) ^ 1,
        bytes.indexOf('SQLite format 3') + 5_000,
      ),
    );
    expect(await said()).toContain('BACKUP_DAMAGED');
    change(() => undefined);
    truncateSync(broken, Math.floor(statSync(backup).size / 2));
    expect(await said()).toMatch(/BACKUP_(FOREIGN|DAMAGED)/);
    change((bytes) => bytes.write('"format": 9', bytes.indexOf('"format": 1')));
    expect(await said()).toContain('BACKUP_TOO_NEW');
    writeFileSync(broken, 'no archive');
    expect(await said()).toContain('BACKUP_FOREIGN');
    expect((await restore(keys, home, '--keys', keys)).stderr).toContain('BACKUP_FOREIGN');
    expect((await restore(backup, home, '--keys', backup)).stderr).toContain('BACKUP_FOREIGN');
    expect((await restore(backup, home)).stderr).toContain('BACKUP_KEYS');
    expect((await restore(backup, place.set.home.folder, '--keys', keys)).stderr).toContain('RESTORE_HOME');
    expect((await restore(backup, home, '--keys', keys, '--published', at('backups'))).stderr).toContain(
      'RESTORE_PUBLISHED',
    );
    expect(
      await restore(backup, home, '--keys', keys, '--published', place.set.home.publication, '--dry-run'),
    ).toMatchObject({ code: 0, stderr: '' });
    expectUntouched(home);
  });

  test('ten publications old is restored, and no device refuses, loads its model anew, or is unheard', async () => {
    const before = await sequence();
    for (const id of ['listed', 'unlisted']) await place.startAgent(host, { id });
    const key = await until(
      async () => (await place.service.composed.store.findDevice('listed'))?.publicKey,
      'enrolled',
    );
    const group = `apiVersion: slipway.dev/v1alpha1\nkind: DeviceGroup\nmetadata: { name: late }\nspec:\n  devices:\n    - { id: listed, publicKey: ${JSON.stringify(key)} }\n`;
    await place.push('a key', [['fleet/late.yaml', group]]);
    for (let i = 3; (await sequence()) < before + 10; i++) {
      await rollOut(`${i}.0.0`, i % 2);
      await untilRunning(`${i}.0.0`);
    }
    const last = running((devices[0] as StartedAgent).agent, 'sorter');
    const models = modelFiles();
    expect(models.length).toBeGreaterThan(0);
    await place.stopService();

    const home = at('new', 'home');
    const restored = await ofHowTo('restore', {
      '.slipway-new': home,
      '"$(ls /backups/slipway-2*.tar | tail -n 1)"': backup,
      '"$(ls /safe/slipway-keys-2*.tar | tail -n 1)"': keys,
    });
    expect(restored.stderr).toBe('');
    const told = JSON.parse(restored.stdout);
    await place.startService({ home: homeAt(home) });
    const { store } = place.service.composed;
    const heard = await Promise.all(devices.map(({ agent }) => store.findDevice(agent.id)));
    await until(
      async () => (await sequence()) > told.sequence,
      async () => [await place.view(), place.log.slice(-10)],
      60_000,
    );
    for (const [i, { agent }] of devices.entries())
      await until(
        async () => ((await store.findDevice(agent.id))?.newestSequence ?? 0) > (heard[i]?.newestSequence ?? 0) + 2,
        async () => [await store.findDevice(agent.id), place.log.slice(-10)],
        60_000,
      );
    expect(devices.map(({ agent }) => running(agent, 'sorter'))).toEqual([last, last, last]);
    expect(modelFiles()).toEqual(models);
    // Enrolled after the backup: one by the proof of its key, which the fleet documents name; the other hears what to do.
    await until(
      async () => (await store.findDevice('listed'))?.newestSequence,
      async () => place.log.slice(-10),
    );
    await until(
      () => place.log.some((line) => line.includes('slipway token --device <id>')),
      () => place.log.slice(-10),
    );
    expect(await store.findDevice('unlisted')).toBeUndefined();

    await rollOut('99.0.0', 1);
    await untilRunning('99.0.0');
    expect(refusals()).toEqual([]);
  });

  test('copied back by hand goes above what devices show of it', async () => {
    await place.stopService();
    await mkdir(at('new', 'by-hand'));
    for (const file of [backup, keys]) execFileSync('tar', ['-xf', file, '-C', at('new', 'by-hand')]);
    await place.startService({ home: homeAt(at('new', 'by-hand', 'home')) });
    await rollOut('100.0.0', 0);
    await untilRunning('100.0.0');
    expect(refusals().length).toBeGreaterThan(0);
    expect(place.log.join('')).toContain('the home was set back');
  });
});
