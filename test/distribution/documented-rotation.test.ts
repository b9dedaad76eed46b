// The rotation that docs/reference/publication.md tells people to run, run.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { readOnlineKeys } from '../../src/distribution/tuf-keys.ts';
import { StaticServer } from '../support/static-server.ts';
import { answerOf, directiveAt, PublicationWorld, refresh } from './publication-world.ts';

const ROOT = path.join(import.meta.dirname, '../..');

it('the documented rotation replaces the online keys, and devices follow', async () => {
  await using world = await PublicationWorld.open();
  await using host = await StaticServer.start(world.publication);
  // The fleet began today, for the script knows no other time.
  world.clock.nowMs = Date.now();
  await world.publish(directiveAt(1));
  const device = await world.device(host.url);
  expect(answerOf(await refresh(device))).toBe(1);
  const page = readFileSync(path.join(ROOT, 'docs/reference/publication.md'), 'utf8');
  const [, script = ''] = /```ts\n([\s\S]*?)```/.exec(page) ?? [];
  expect(script).toContain('rotateRoot');
  const file = path.join(world.folder, 'rotate.ts');
  writeFileSync(file, script.replaceAll("from './", `from '${pathToFileURL(ROOT).href}/`));
  const newKeys = path.join(world.folder, 'new-keys');
  mkdirSync(newKeys);
  execFileSync(process.execPath, [file, world.publication, world.keysFolder, newKeys]);
  await expect(world.publish(directiveAt(2))).rejects.toMatchObject({ code: 'TUF_KEYS_STALE' });
  cpSync(newKeys, world.keysFolder, { recursive: true });
  await world.publish(directiveAt(2), { publisher: world.publisher(await readOnlineKeys(world.keysFolder)) });
  expect(answerOf(await refresh(device))).toBe(2);
});
