// Proves that a signed trust policy writes into the publication and the home under the names that signing allows, whoever wrote its folder.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Metadata, Targets } from '@tufjs/models';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadTrust } from '../../src/contract/trust/read-trust-policy.ts';
import {
  findPublishedTrust,
  publishPolicy,
  readSignedPolicy,
  signPolicy,
} from '../../src/distribution/trust-policies.ts';
import { readRoleKey, roleKeyFile } from '../../src/distribution/tuf-keys.ts';
import { SPEC_VERSION, targetFileOf } from '../../src/distribution/tuf-metadata.ts';
import { makeKey } from '../support/trust.ts';
import { PublicationWorld } from './publication-world.ts';

let world: PublicationWorld;
beforeEach(async () => {
  world = await PublicationWorld.open();
});
afterEach(() => world[Symbol.asyncDispose]());

test.each(['../../outside.pub', '/tmp/outside.pub', 'keys/../../x.pub', 'a b.pub'])(
  'a key file named %s is neither read nor published, also where enough keys signed it',
  async (name) => {
    const folder = path.join(world.folder, 'a', 'b', 'signed');
    mkdirSync(path.join(folder, 'keys'), { recursive: true });
    const pem = makeKey().publicPem;
    const keyFile = path.resolve(folder, name.startsWith('/') ? '../absolute.pub' : name);
    mkdirSync(path.dirname(keyFile), { recursive: true });
    writeFileSync(keyFile, pem);
    const policy = (key: string) =>
      `apiVersion: slipway.dev/v1alpha1\nkind: TrustPolicy\nspec:\n  signers: [{ name: evil, key: "${key}", models: ["*"] }]\n`;
    writeFileSync(path.join(folder, 'trust-policy.yaml'), policy(name.startsWith('/') ? keyFile : name));
    const trust = await loadTrust(path.join(folder, 'trust-policy.yaml'));
    const files = [['trust-policy.yaml', trust.bytes] as const, ...trust.contents];
    const targets = new Targets({
      ...{ version: 1, specVersion: SPEC_VERSION, expires: '2099-01-01T00:00:00Z' },
      targets: Object.fromEntries(files.map(([one, bytes]) => [one, targetFileOf({ path: one, bytes })])),
    });
    const metadata = new Metadata(targets);
    const key = await readRoleKey(roleKeyFile(world.keysFolder, 'trust'));
    metadata.sign((data) => key.sign(data));
    const text = JSON.stringify(metadata.toJSON());
    writeFileSync(path.join(folder, 'trust.json'), text);
    await expect(readSignedPolicy(folder)).rejects.toMatchObject({ code: 'TRUST_FILE_NAME' });
    const signed = { version: 1, expiresAtMs: Date.parse('2099-01-01T00:00:00Z'), metadata: text, trust };
    await expect(publishPolicy(world.publication, signed, world.clock.nowMs)).rejects.toMatchObject({
      code: 'TRUST_FILE_NAME',
    });
  },
);

test('of two policies that are published at once as one version one counts, and the other one is told so', async () => {
  const { publication, clock } = world;
  const keys = [await readRoleKey(roleKeyFile(world.keysFolder, 'trust'))];
  const signed = await Promise.all(
    ['one', 'two'].map(async (name) => {
      const file = path.join(world.folder, `${name}.yaml`);
      const pem = JSON.stringify(makeKey().publicPem);
      const signer = `{ name: ${name}, publicKey: ${pem}, models: ["*"] }`;
      writeFileSync(file, `apiVersion: slipway.dev/v1alpha1\nkind: TrustPolicy\nspec: { signers: [${signer}] }\n`);
      const order = { publication, before: undefined, keys, nowMs: clock.nowMs, lifetimeMs: 86_400_000 };
      return signPolicy({ ...order, trust: await loadTrust(file) });
    }),
  );
  const ways = await Promise.allSettled(signed.map((one) => publishPolicy(publication, one, clock.nowMs)));
  expect(ways.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  const won = signed[ways.findIndex(({ status }) => status === 'fulfilled')];
  expect((await findPublishedTrust(publication))?.metadata).toBe(won?.metadata);
  expect(ways.find((way) => way.status === 'rejected')?.reason).toMatchObject({ code: 'TRUST_REFUSED' });
  if (won !== undefined) await publishPolicy(publication, won, clock.nowMs);
});
