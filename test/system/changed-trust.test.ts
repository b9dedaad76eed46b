// Proves on a running fleet that a changed trust policy reaches every device, also one that was off, and that a thief of all keys of the service changes nobody's trust.
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Metadata } from '@tufjs/models';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TrustFile } from '../../fleet-agent/src/trust-file.ts';
import { loadTrust } from '../../src/cli/load-trust.ts';
import { digestOf, hexOf } from '../../src/contract/digest.ts';
import { parseTrustMetadata, TRUST_TARGET, targetPath } from '../../src/contract/tuf/trust-role.ts';
import { signPolicy } from '../../src/distribution/trust-policies.ts';
import { readOnlineKeys, readRoleKey } from '../../src/distribution/tuf-keys.ts';
import { createReconcilerSigner } from '../../src/signing/evidence-signer.ts';
import { readPrivateKey } from '../../src/signing/keys.ts';
import { policyText, rolloutText } from '../support/document-texts.ts';
import { answering, Installation, openHost, running, type StartedAgent } from '../support/installation.ts';
import { StaticServer } from '../support/static-server.ts';
import { addEvilModel, copyPublication, type EvilModel, entryForAll, signDirective } from '../support/thief.ts';
import { makeKey } from '../support/trust.ts';
import { until } from '../support/until.ts';

/** The old signer may end at any time after this: the fleet does not wait for it. */
const OVERLAP_MS = 15_000;
const model = 'sorter';
const host = openHost();
let home: Installation;
let cdn: StaticServer;
let awake: StartedAgent;
let asleep: StartedAgent;
const trusts = new Map<string, TrustFile>();

const at = (...parts: string[]): string => path.join(home.set.folder, ...parts);

/** As `slipway-agent run` puts it together; each with the policy that it was given when it was new. */
async function start(id: string): Promise<StartedAgent> {
  const trust = await TrustFile.open(at('given', 'trust-policy.yaml'));
  trusts.set(id, trust);
  const { verifier, usePublished: onTrust } = trust;
  const trustFingerprint = () => trust.fingerprint;
  return home.startAgent(host, { id, distributionUrl: cdn.url, verifier, trustFingerprint, onTrust });
}

async function slipway(...args: string[]) {
  const ran = await home.slipway(...args, '--json');
  expect(ran.stderr).toBe('');
  return JSON.parse(ran.stdout);
}

const problemsOf = ({ agent }: StartedAgent): string =>
  agent
    .status()
    .problems.map(({ code }) => code)
    .join();

beforeAll(async () => {
  home = await Installation.open();
  const { folder, trustPolicy } = home.set.home;
  mkdirSync(at('given', 'keys'), { recursive: true });
  cpSync(trustPolicy, at('given', 'trust-policy.yaml'));
  for (const name of ['ci.pub', 'reconciler.pub']) cpSync(path.join(folder, 'keys', name), at('given', 'keys', name));
  cdn = await StaticServer.start(home.set.home.publication);
  await home.pushStart();
  await home.startService();
  [awake, asleep] = [await start('device-1'), await start('device-2')];
  const first = await home.release(model, '1.0.0', 0);
  await home.push('a first version', [...first.files, [`rollouts/${model}.yaml`, rolloutText(model, model, '1.0.0')]]);
  await until(
    async () =>
      [awake, asleep].every(({ agent }) => running(agent, model) === '1.0.0') &&
      (await home.steps(model)).at(-1)?.kind === 'complete',
    () => home.outlook(model),
  );
  await asleep.stop();
}, 180_000);

afterAll(async () => {
  await home[Symbol.asyncDispose]();
  await cdn[Symbol.asyncDispose]();
  await host.close();
});

test("CI's signer is replaced: devices take the new one's versions, refuse the old one's after its end, and one that was off follows", {
  timeout: 240_000,
}, async () => {
  const { set } = home;
  const repository = ['--repo', set.repositoryUrl, '--git-user', set.credentials.username, '--insecure-http'];
  const endsAtMs = Date.now() + OVERLAP_MS;
  const rotation = ['rotate', 'ci', '--home', set.home.folder, '--new-key', at('ci-2.key'), ...repository];
  const ends = ['--ends', new Date(endsAtMs).toISOString()];
  const rotated = await slipway(...rotation, ...ends);
  expect(rotated).toMatchObject({ signer: 'ci', newSigner: 'ci-2', needed: ['policies/quick.yaml'], rolling: [] });
  const publication = ['--publication', set.home.publication, '--key', set.keys.trustKey, '--out', at('signed')];
  await slipway('trust', 'sign', rotated.policy, ...publication);
  const published = await slipway('trust', 'publish', at('signed'), '--home', set.home.folder);
  expect(published).toMatchObject({ version: 1, signers: [{ name: 'ci' }, { name: 'ci-2', notAfter: null }] });
  await until(
    () => trusts.get('device-1')?.fingerprint === published.digest,
    () => [awake.agent.status(), home.log.slice(-5)],
  );
  const next = makeKeyOf(await readPrivateKey(at('ci-2.key')));
  const second = await home.release(model, '2.0.0', 1, next);
  const policy = await home.signed('policies/quick.yaml', policyText('quick', '0s'), next);
  await home.push('by the new signer', [...second.files, ...policy, home.asking(model, '2.0.0')]);
  await until(
    () => running(awake.agent, model) === '2.0.0',
    async () => [await home.outlook(model), awake.agent.status()],
  );
  await until(() => Date.now() > endsAtMs + 1000, 'the end of the old signer', OVERLAP_MS + 5000);
  asleep = await start('device-2');
  await until(
    async () => running(asleep.agent, model) === '2.0.0' && (await home.steps(model)).at(-1)?.kind === 'complete',
    async () => [await home.outlook(model), asleep.agent.status()],
  );
  expect(trusts.get('device-2')?.fingerprint).toBe(published.digest);
  const versions = () =>
    (home.service.composed.fleet()?.devices ?? []).map(({ properties }) => properties.trustVersion);
  await until(() => versions().every((one) => one === 1), versions);
  const third = await home.release(model, '3.0.0', 2);
  await home.push('by the old signer', [...third.files, home.asking(model, '3.0.0')]);
  await home.untilStatusShows(/SIGNER_EXPIRED/);
  expect(await answering(awake.agent, model)).toBe('2.0.0');
});

test('with all keys of the service stolen, the reconciler’s as well, no device changes its trust', {
  timeout: 240_000,
}, async () => {
  const { home: own } = home.set;
  const [online, reconciler] = [
    await readOnlineKeys(own.tuf),
    createReconcilerSigner(await readPrivateKey(own.reconcilerKey)),
  ];
  const before = trusts.get('device-1')?.fingerprint;
  const thief = makeKey();
  await home.writeTrust('    - { name: ci, key: keys/ci.pub, models: ["*"] }', at('given', 'evil.yaml'));
  writeFileSync(at('given', 'keys', 'ci.pub'), thief.publicPem);
  const trust = await loadTrust(at('given', 'evil.yaml'));
  const trustKey = await readRoleKey(home.set.keys.trustKey);
  const order = { trust, publication: own.publication, before: undefined, nowMs: Date.now(), lifetimeMs: 86_400_000 };
  const honest = await signPolicy({ ...order, keys: [trustKey] });
  // All that he lacks is the key of trust policies.
  const forged = new Metadata(parseTrustMetadata(honest.metadata).signed);
  for (const key of Object.values(online)) forged.sign((data) => key.sign(data));
  const evil = at('evil');
  copyPublication(own.publication, evil);
  mkdirSync(path.join(evil, 'targets', 'keys'), { recursive: true });
  for (const [name, bytes] of [[TRUST_TARGET, trust.bytes] as const, ...trust.contents])
    writeFileSync(path.join(evil, 'targets', targetPath(name, hexOf(digestOf(bytes)))), bytes);
  const made: EvilModel[] = [];
  for (const [version, signer] of [
    ['6.6.6', thief],
    ['6.6.7', undefined],
  ] as const) {
    const { manifest, bundle } = await home.release(model, version, 2, signer);
    made.push({ model, version, manifest, bundle });
  }
  let revision = 1_000_000;
  for (const [bad, code] of [
    [made[0], 'SIGNER_UNKNOWN'],
    [made[1], 'SIGNER_EXPIRED'],
  ] as const) {
    if (bad === undefined) throw new Error('two were made');
    const entry = reconciler.signEntry(entryForAll(model, ++revision, bad, addEvilModel(evil, bad)));
    const named = { version: honest.version, bytes: Buffer.from(JSON.stringify(forged.toJSON())) };
    signDirective(evil, revision, online, [entry], named);
    cdn.folder = evil;
    const failures = () => awake.agent.status().models.flatMap((one) => one.failures);
    const digest = digestOf(bad.manifest);
    await until(
      () => failures().some((one) => one.digest === digest && one.message.startsWith(code)),
      () => awake.agent.status(),
    );
  }
  for (const one of [awake, asleep])
    await until(
      () => problemsOf(one).includes('AGENT_TRUST_REFUSED'),
      () => one.agent.status(),
    );
  expect(await answering(awake.agent, model)).toBe('2.0.0');
  expect([...trusts.values()].map(({ fingerprint }) => fingerprint)).toEqual([before, before]);
  const told = () =>
    (home.service.composed.fleet()?.devices ?? []).map(({ properties }) => String(properties.agentProblem));
  await until(() => told().every((text) => /AGENT_TRUST_REFUSED: .*TUF_SIGNATURE/.test(text)), told);
});

function makeKeyOf(key: Awaited<ReturnType<typeof readPrivateKey>>) {
  return { ...makeKey(), key };
}
