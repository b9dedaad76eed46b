// That the publication is a plain TUF repository: the stock client of tuf-js reads it, with nothing of ours.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Updater } from 'tuf-js';
import { expect, it } from 'vitest';
import { encodeDirective } from '../../src/contract/directive-json.ts';
import { readRoleKey, roleKeyFile } from '../../src/distribution/tuf-keys.ts';
import { newestRoot } from '../../src/distribution/tuf-roots.ts';
import { rolesAfter, rotateRoot } from '../support/rotate-root.ts';
import { StaticServer } from '../support/static-server.ts';
import { directiveAt, PublicationWorld } from './publication-world.ts';

it('another TUF client fetches the directive, before and after a rotation', async () => {
  await using world = await PublicationWorld.open();
  await using host = await StaticServer.start(world.publication);
  world.clock.nowMs = Date.now();
  const metadataDir = path.join(world.folder, 'stock');
  mkdirSync(metadataDir);
  writeFileSync(path.join(metadataDir, 'root.json'), world.factoryRoot);
  for (const revision of [1, 2]) {
    await world.publish(directiveAt(revision));
    const updater = new Updater({
      metadataDir,
      metadataBaseUrl: `${host.url}/metadata`,
      targetDir: metadataDir,
      targetBaseUrl: `${host.url}/targets`,
    });
    await updater.refresh();
    const target = await updater.getTargetInfo('directive.json');
    const file = await updater.downloadTarget(target!, path.join(metadataDir, 'got.json'));
    expect(readFileSync(file)).toEqual(encodeDirective(directiveAt(revision)));
    const { publication } = world;
    const roles = rolesAfter(await newestRoot(publication), {});
    const oldRootKeys = [await readRoleKey(roleKeyFile(world.keysFolder, 'root'))];
    await rotateRoot({ publication, nowMs: Date.now(), oldRootKeys, roles });
  }
});
