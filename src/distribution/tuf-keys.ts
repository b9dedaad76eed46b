// Owns the keys of the TUF roles: making, writing and reading them, and signing metadata with them.
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { canonicalize } from '@tufjs/canonical-json';
import { Key, Signature } from '@tufjs/models';
import { readBoundedFile } from '../base/bounded-file.ts';
import { type ReadingOptions, writeFileDurably } from '../base/durable-file.ts';
import { CodedError } from '../base/errors.ts';
import { sha256Hex } from '../contract/digest.ts';

export type TufRole = 'root' | 'targets' | 'snapshot' | 'timestamp';
export const ONLINE_ROLES = ['targets', 'snapshot', 'timestamp'] as const;

/** The public half of a role's key. */
export interface NamedKey {
  readonly key: Key;
}

/** An Ed25519 key of a role. */
export interface RoleKey extends NamedKey {
  sign(data: Buffer): Signature;
}

/** Throws TUF_KEY_KIND. */
export function namedKeyOf(publicKey: KeyObject): NamedKey {
  const jwk = publicKey.export({ format: 'jwk' });
  if (jwk.crv !== 'Ed25519' || jwk.x === undefined) {
    throw new CodedError({
      code: 'TUF_KEY_KIND',
      message: 'A TUF role key must be an Ed25519 key.',
      remedy: 'Make one with `slipway init`.',
    });
  }
  const keyVal = { public: Buffer.from(jwk.x, 'base64url').toString('hex') };
  const keyID = sha256Hex(canonicalize({ keytype: 'ed25519', scheme: 'ed25519', keyval: keyVal }));
  return { key: new Key({ keyID, keyType: 'ed25519', scheme: 'ed25519', keyVal }) };
}

/** Throws TUF_KEY_KIND. */
export function roleKeyOf(privateKey: KeyObject): RoleKey {
  const { key } = namedKeyOf(createPublicKey(privateKey));
  const { keyID } = key;
  return { key, sign: (data) => new Signature({ keyID, sig: sign(null, data, privateKey).toString('hex') }) };
}

/** Has the metadata a signature with this key? Hostile bytes make the check throw anything. */
export function isSignedWith(key: Key, metadata: Parameters<Key['verifySignature']>[0]): boolean {
  try {
    key.verifySignature(metadata);
    return true;
  } catch {
    return false;
  }
}

export function makeRoleKey(): { readonly roleKey: RoleKey; readonly pem: string } {
  const { privateKey } = generateKeyPairSync('ed25519');
  return { roleKey: roleKeyOf(privateKey), pem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

/** Makes a key and writes it, readable by its owner alone. */
export async function writeRoleKey(file: string): Promise<RoleKey> {
  const { roleKey, pem } = makeRoleKey();
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  await writeFileDurably(file, pem, 0o600);
  return roleKey;
}

export const MOST_KEY_BYTES = 16 * 1024;

/** Throws TUF_KEY_UNREADABLE. */
export async function readRoleKey(file: string, how: ReadingOptions = {}): Promise<RoleKey> {
  try {
    return roleKeyOf(createPrivateKey(await readBoundedFile(file, MOST_KEY_BYTES, false, how)));
  } catch (cause) {
    throw new CodedError({
      code: 'TUF_KEY_UNREADABLE',
      message: `The TUF key ${file} can't be read.`,
      remedy:
        'Check the path, or restore the key from your backup. `slipway rotate online` replaces lost keys of the service.',
      cause,
    });
  }
}

export interface OnlineKeys {
  readonly targets: RoleKey;
  readonly snapshot: RoleKey;
  readonly timestamp: RoleKey;
}

export function roleKeyFile(folder: string, role: string): string {
  return path.join(folder, `${role}.key`);
}

/** Ids of the keys that a root names for each role. */
export type NamedIds = Readonly<Record<TufRole, readonly string[]>>;

/** Where new online keys wait until a root names them: from then on they count, wherever they lie. */
export function nextKeysFolder(folder: string): string {
  return path.join(folder, 'next');
}

/**
 * The three keys that the service holds: of those that wait and those in place, the ones that the newest root names. Throws
 * TUF_KEY_UNREADABLE.
 */
export async function readOnlineKeys(folder: string, named?: NamedIds): Promise<OnlineKeys> {
  const keyOf = async (role: keyof OnlineKeys): Promise<RoleKey> => {
    // First where it is moved away from: it is seen at one of the two places, whenever it is moved.
    const next = named && (await findRoleKey(roleKeyFile(nextKeysFolder(folder), role)));
    return next && named?.[role].includes(next.key.keyID) ? next : readRoleKey(roleKeyFile(folder, role));
  };
  const [targets, snapshot, timestamp] = await Promise.all(ONLINE_ROLES.map(keyOf));
  if (!targets || !snapshot || !timestamp)
    throw new CodedError({ code: 'TUF_KEY_UNREADABLE', message: `${folder} lacks a TUF key.` });
  return { targets, snapshot, timestamp };
}

/** Undefined when there is none, or none that can be read. */
export async function findRoleKey(file: string): Promise<RoleKey | undefined> {
  return readRoleKey(file).catch(() => undefined);
}
