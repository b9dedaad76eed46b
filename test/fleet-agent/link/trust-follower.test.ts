// Proves that a device takes a trust policy from its publication only as the root's keys for it signed it, and keeps the one before whatever else it is shown.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { Metadata, Targets } from '@tufjs/models';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { DirectiveClient } from '../../../fleet-agent/src/link/directive-client.ts';
import { sha256Hex } from '../../../src/contract/digest.ts';
import { encodeDirective } from '../../../src/contract/directive-json.ts';
import { loadTrust, type TrustContents } from '../../../src/contract/trust/read-trust-policy.ts';
import {
  countSignatures,
  publishPolicy,
  type SignedPolicy,
  signPolicy,
} from '../../../src/distribution/trust-policies.ts';
import { makeRoleKey, type RoleKey, readRoleKey, roleKeyFile } from '../../../src/distribution/tuf-keys.ts';
import { DEFAULT_LIFETIMES, makeOnline } from '../../../src/distribution/tuf-metadata.ts';
import { newestRoot } from '../../../src/distribution/tuf-roots.ts';
import { directiveAt, HOUR, PublicationWorld, refresh } from '../../distribution/publication-world.ts';
import { rolesAfter, rotateRoot } from '../../support/rotate-root.ts';
import { makeKey } from '../../support/trust.ts';

const DAY = 24 * HOUR;
let world: PublicationWorld;
let taken: TrustContents[];
let device: DirectiveClient;
let trustKey: RoleKey;
let revision = 0;

beforeEach(async () => {
  world = await PublicationWorld.open();
  taken = [];
  revision = 0;
  trustKey = await readRoleKey(roleKeyFile(world.keysFolder, 'trust'));
  device = await open();
});
afterEach(() => world[Symbol.asyncDispose]());

function open(): Promise<DirectiveClient> {
  const url = pathToFileURL(world.publication).href;
  return world.device(url, { stateFolder: path.join(world.folder, 'device'), onTrust: (trust) => taken.push(trust) });
}

/** A policy with one signer of this name, whose key lies in a file beside it. */
async function policyOf(name: string, more = ''): Promise<TrustContents> {
  const folder = path.join(world.folder, name);
  mkdirSync(path.join(folder, 'keys'), { recursive: true });
  writeFileSync(path.join(folder, 'keys', `${name}.pub`), makeKey().publicPem);
  const signer = `{ name: ${name}, key: keys/${name}.pub, models: ["*"]${more} }`;
  const head = 'apiVersion: slipway.dev/v1alpha1\nkind: TrustPolicy\nspec:\n';
  writeFileSync(path.join(folder, 'trust-policy.yaml'), `${head}  signers: [${signer}]\n`);
  return loadTrust(path.join(folder, 'trust-policy.yaml'));
}

async function sign(trust: TrustContents, keys = [trustKey], over: { lifetimeMs?: number } = {}) {
  const { publication, clock } = world;
  const order = { trust, publication, before: undefined, nowMs: clock.nowMs, lifetimeMs: 365 * DAY };
  return signPolicy({ ...order, keys, ...over });
}

/** Into the publication whatever it is, as who holds the folder and the online keys can. */
function smuggle({ version, metadata, trust }: SignedPolicy, name: string): void {
  writeFileSync(path.join(world.publication, 'metadata', `${version}.trust.json`), metadata);
  const targets = JSON.parse(metadata).signed.targets as Record<string, { hashes: { sha256: string } }>;
  mkdirSync(path.join(world.publication, 'targets', 'keys'), { recursive: true });
  const hexOf = (target: string) => targets[target]?.hashes.sha256;
  const at = (file: string) => path.join(world.publication, 'targets', file);
  writeFileSync(at(`${hexOf('trust-policy.yaml')}.trust-policy.yaml`), trust.bytes);
  for (const [file, bytes] of trust.contents) writeFileSync(at(`keys/${hexOf(file)}.${name}.pub`), bytes);
}

async function follow(): Promise<string> {
  expect((await refresh(device)).kind).toMatch(/directive|unchanged/);
  return device.followTrust(new AbortController().signal).then(
    () => 'well',
    (error: Error) => error.message,
  );
}

const inForce = (): string | undefined => taken.at(-1)?.policy.signers[0]?.name;

async function publish(policy?: SignedPolicy): Promise<void> {
  if (policy !== undefined) await publishPolicy(world.publication, policy, world.clock.nowMs);
  await world.publish(directiveAt(++revision));
}

async function rotateTrust(keys: readonly RoleKey[], threshold = 1): Promise<void> {
  const { publication, clock } = world;
  const roles = rolesAfter(await newestRoot(publication), { trust: { keys, threshold } });
  const oldRootKeys = [await readRoleKey(roleKeyFile(world.keysFolder, 'root'))];
  await rotateRoot({ publication, nowMs: clock.nowMs, oldRootKeys, roles });
}

describe('a trust policy', () => {
  test('reaches a device with its files, also one that slept through others, and is there again after a restart, offline', async () => {
    await publish();
    expect(await follow()).toBe('well');
    expect([taken, device.properties]).toEqual([[], {}]);
    await publish(await sign(await policyOf('one')));
    await publish(await sign(await policyOf('two')));
    await publish(await sign(await policyOf('three')));
    expect(await follow()).toBe('well');
    expect(taken.map(({ policy }) => policy.signers.map(({ name }) => name))).toEqual([['three']]);
    expect(device.properties).toEqual({ trustVersion: 3 });
    expect(await follow()).toBe('well');
    expect(taken).toHaveLength(1);
    device = await open();
    expect(taken).toHaveLength(2);
    expect([inForce(), device.properties]).toEqual(['three', { trustVersion: 3 }]);
  });

  test('that is published between two directives is named at once, and costs no change of the directive', async () => {
    await publish();
    await follow();
    await publishPolicy(world.publication, await sign(await policyOf('one')), world.clock.nowMs);
    expect(await world.publisher().expiresAtMs()).toBeNull();
    await world.publish(directiveAt(revision));
    expect(await world.publisher().expiresAtMs()).not.toBeNull();
    expect([await follow(), inForce()]).toEqual(['well', 'one']);
  });

  test('needs as many signatures as the root says: two of three keys, on machines apart', async () => {
    const keys = [makeRoleKey(), makeRoleKey(), makeRoleKey()].map(({ roleKey }) => roleKey);
    const [first, , third] = keys as [RoleKey, RoleKey, RoleKey];
    await rotateTrust(keys, 2);
    const trust = await policyOf('two-of-three');
    const once = await sign(trust, [first]);
    expect(once.signatures).toEqual({ given: 1, needed: 2, keys: 3 });
    await expect(publish(once)).rejects.toThrow(/1 of the 2 signatures/);
    smuggle(once, 'two-of-three');
    await publish();
    expect([await follow(), inForce()]).toEqual(['well', undefined]);
    const { publication, clock } = world;
    const order = { trust, publication, before: once, nowMs: clock.nowMs + 1000, lifetimeMs: DAY };
    const twice = await signPolicy({ ...order, keys: [third] }).catch((error: Error) => error);
    // The smuggled file took the number, so both sign the next one.
    expect(twice).toMatchObject({ version: 2, signatures: { given: 1, needed: 2 } });
    const whole = await signPolicy({ ...order, before: twice as SignedPolicy, keys: [first] });
    await publish(whole);
    expect([await follow(), inForce()]).toEqual(['well', 'two-of-three']);
  });

  const refused: readonly [string, RegExp, () => Promise<void>][] = [
    [
      'that has expired',
      /TUF_EXPIRED/,
      async () => {
        const brief = await sign(await policyOf('brief'), [trustKey], { lifetimeMs: HOUR });
        await publish(brief);
        world.clock.nowMs += 2 * HOUR;
      },
    ],
    [
      'that names nobody',
      /names nobody who may sign/,
      async () => publish(await sign(await policyOf('nobody', ', revoked: true'))),
    ],
    [
      'whose file was altered',
      /TUF_SIGNATURE .*differs from the signed one/,
      async () => {
        await publish(await sign(await policyOf('altered')));
        const keys = path.join(world.publication, 'targets', 'keys');
        for (const name of readdirSync(keys)) writeFileSync(path.join(keys, name), makeKey().publicPem);
      },
    ],
    [
      'in whose place a mirror puts an older one',
      /TUF_SIGNATURE .*another one than the snapshot names/,
      async () => {
        const older = await sign(await policyOf('older'));
        await publish(older);
        await publish(await sign(await policyOf('newer')));
        writeFileSync(path.join(world.publication, 'metadata', '3.trust.json'), older.metadata);
      },
    ],
    [
      'that is missing, as on a mirror that was copied by half',
      /404|no such file/,
      async () => {
        const half = await sign(await policyOf('half'));
        await publish(half);
        rmSync(path.join(world.publication, 'metadata', `${half.version}.trust.json`));
      },
    ],
  ];
  test.each(refused)('%s changes nothing: the directive is followed, and the device says why', async (_, why, act) => {
    await publish(await sign(await policyOf('good')));
    await follow();
    expect(inForce()).toBe('good');
    await act();
    expect(await follow()).toMatch(why);
    expect(inForce()).toBe('good');
    device = await open();
    expect(inForce()).toBe('good');
    // What is right again is taken.
    await publish({ ...(await sign(await policyOf('better'))) });
    expect([await follow(), inForce()]).toEqual(['well', 'better']);
  });
});

describe('a root that replaces one of several keys for trust policies', () => {
  const [first, second, third] = [makeRoleKey(), makeRoleKey(), makeRoleKey()].map(({ roleKey }) => roleKey) as [
    RoleKey,
    RoleKey,
    RoleKey,
  ];

  test('brings no older policy back that only the keys which stayed had signed', async () => {
    await rotateTrust([first, second]);
    const older = await sign(await policyOf('revoked-since'), [first]);
    await publish(older);
    await publish(await sign(await policyOf('newer'), [second]));
    expect([await follow(), inForce()]).toEqual(['well', 'newer']);
    await rotateTrust([first, third]);
    await publish();
    expect(await follow()).toMatch(/TUF_SIGNATURE/);
    expect(inForce()).toBe('newer');
    await expect(publishPolicy(world.publication, older, world.clock.nowMs)).rejects.toThrow(/signed before/);
    // As `slipway trust show` says that it has to be signed anew.
    expect(countSignatures(await newestRoot(world.publication), older.metadata)).toMatchObject({ given: 0, needed: 1 });
    await publish(await sign(await policyOf('newest'), [first]));
    expect([await follow(), inForce()]).toEqual(['well', 'newest']);
    device = await open();
    expect([await follow(), inForce()]).toEqual(['well', 'newest']);
  });

  test('is not taken that was signed under a root to come, as a made-up copy of the publication shows one', async () => {
    await rotateTrust([first, second]);
    const { metadata, ...policy } = await sign(await policyOf('early'), [first]);
    const { signed } = JSON.parse(metadata);
    const early = new Metadata(Targets.fromJSON({ ...signed, 'x-slipway-root': 3 }));
    early.sign((data) => first.sign(data));
    const made = { ...policy, metadata: JSON.stringify(early.toJSON()) };
    await expect(publishPolicy(world.publication, made, world.clock.nowMs)).rejects.toThrow(/still to come/);
  });

  test('lets what was signed before be signed anew, as the same version of a new time', async () => {
    const trust = await policyOf('same');
    const before = await sign(trust);
    await rotateTrust([trustKey, first]);
    const { publication, clock } = world;
    const anew = await signPolicy({ trust, publication, before, keys: [first], nowMs: clock.nowMs, lifetimeMs: DAY });
    await publish(anew);
    expect([await follow(), inForce()]).toEqual(['well', 'same']);
  });
});

describe('with all online keys stolen,', () => {
  /** The thief's pointer: validly signed, with what he likes as the trust policy. */
  function nameInstead(trust: { readonly version: number; readonly metadata: string } | undefined): void {
    const { publication, keys, clock } = world;
    thiefVersion += 1;
    const version = thiefVersion;
    const bytes = encodeDirective(directiveAt(++revision));
    const named = trust && { version: trust.version, bytes: Buffer.from(trust.metadata) };
    const order = { version, targets: [{ path: 'directive.json', bytes }], nowMs: clock.nowMs, trust: named };
    const online = makeOnline({ ...order, keys, lifetimes: DEFAULT_LIFETIMES });
    const write = (file: string, text: Buffer) => writeFileSync(path.join(publication, file), text);
    write(`targets/${sha256Hex(bytes)}.directive.json`, bytes);
    if (named !== undefined) write(`metadata/${named.version}.trust.json`, named.bytes);
    write(`metadata/${version}.targets.json`, online.targets);
    write(`metadata/${version}.snapshot.json`, online.snapshot);
    write('metadata/timestamp.json', online.timestamp);
  }
  let thiefVersion = 1_000_000;

  /** What a key signs, whatever the root says of it. */
  function signedBy(keys: readonly RoleKey[], like: SignedPolicy, version: number): SignedPolicy {
    const { signed } = JSON.parse(like.metadata);
    const metadata = new Metadata(Targets.fromJSON({ ...signed, version }));
    for (const key of keys) metadata.sign((data) => key.sign(data));
    return { ...like, version, metadata: JSON.stringify(metadata.toJSON()) };
  }

  test('no trust policy of the thief is taken: not one that online keys signed, not an older one, not none', async () => {
    const first = await sign(await policyOf('first'));
    await publish(first);
    await publish(await sign(await policyOf('second')));
    await follow();
    const { targets, snapshot, timestamp } = world.keys;
    const evil = await policyOf('evil');
    await expect(sign(evil, [targets, snapshot, timestamp])).rejects.toThrow(/does not name the key/);
    const forged = signedBy([targets, snapshot, timestamp], await sign(evil), 3);
    smuggle(forged, 'evil');
    for (const [named, why] of [
      [forged, /TUF_SIGNATURE/],
      [first, /TUF_ROLLBACK/],
      [undefined, /TUF_ROLLBACK .*hides it/],
    ] as const) {
      nameInstead(named);
      expect(await follow()).toMatch(why);
      expect([inForce(), taken.length]).toEqual(['second', 1]);
    }
    device = await open();
    expect(inForce()).toBe('second');
    await publish();
    expect([await follow(), inForce()]).toEqual(['well', 'second']);
  });

  test('none is taken that an online key signed, even of a root that names that key for trust policies by mistake', async () => {
    await publish(await sign(await policyOf('first')));
    await follow();
    const { targets } = world.keys;
    await rotateTrust([targets]);
    const evil = signedBy([targets], await sign(await policyOf('evil'), []), 2);
    smuggle(evil, 'evil');
    nameInstead(evil);
    expect([await follow(), inForce()]).toEqual([expect.stringMatching(/TUF_SIGNATURE/), 'first']);
  });

  test('and the key of trust policies: the next root ends it, however high the thief drove the version', async () => {
    await publish(await sign(await policyOf('first')));
    await follow();
    const evil = signedBy([trustKey], await sign(await policyOf('evil')), 999_999_999_999);
    smuggle(evil, 'evil');
    nameInstead(evil);
    expect([await follow(), inForce()]).toEqual(['well', 'evil']);
    const fresh = makeRoleKey().roleKey;
    await rotateTrust([fresh]);
    await publish();
    expect(await follow()).toMatch(/TUF_SIGNATURE/);
    const mended = await sign(await policyOf('mended'), [fresh]);
    expect(mended.version).toBe(2);
    await publish(mended);
    expect([await follow(), inForce()]).toEqual(['well', 'mended']);
  });
});
