// Owns the trust policy in a publication: signed offline over files, checked there as devices check it, and never an older one after a newer one.
import { mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import { Metadata, MetadataKind, Targets } from '@tufjs/models';
import { toIsoSeconds } from '../base/clock.ts';
import { readFileIfPresent, writeFileDurably, writeNewFileDurably } from '../base/durable-file.ts';
import { CodedError } from '../base/errors.ts';
import { sha256Hex } from '../contract/digest.ts';
import type { TrustContents } from '../contract/trust/read-trust-policy.ts';
import {
  isOfPresentKeys,
  parseTrustMetadata,
  readTrust,
  SIGNED_UNDER,
  TRUST_METADATA,
  TRUST_TARGET,
  targetPath,
  trustRoleOf,
  verifyTrust,
} from '../contract/tuf/trust-role.ts';
import { refusing, TufRefusal } from '../contract/tuf/tuf-refusal.ts';
import { readPointer } from './pointer.ts';
import { isSignedWith, type RoleKey } from './tuf-keys.ts';
import { encodeMetadata, SPEC_VERSION, targetFileOf, type VersionedFile } from './tuf-metadata.ts';
import { type FoundRoot, newestRoot } from './tuf-roots.ts';

/** A policy that its metadata vouches for. */
export interface SignedPolicy {
  readonly version: number;
  readonly expiresAtMs: number;
  readonly metadata: string;
  readonly trust: TrustContents;
}

/** How many of the root's keys signed, and how many must. */
export interface Signatures {
  readonly given: number;
  readonly needed: number;
  readonly keys: number;
}

/** Newest first. Numbers far above honest ones are left out: they are a thief's. */
async function listTrust(publication: string): Promise<number[]> {
  const names = await readdir(path.join(publication, 'metadata'));
  const versions = names.flatMap((name) => /^(\d{1,9})\.trust\.json$/.exec(name)?.[1] ?? []);
  return versions.map(Number).sort((a, b) => b - a);
}

async function readTrustMetadata(publication: string, version: number): Promise<string | undefined> {
  const file = path.join(publication, 'metadata', `${version}.${TRUST_METADATA}`);
  return (await readFileIfPresent(file))?.toString('utf8');
}

/**
 * What a snapshot is to name: the newest that the newest root's keys signed. Where they were replaced and signed none yet, the one that is
 * named now: a snapshot that names less than before looks like an attack.
 */
export async function trustToName(publication: string): Promise<VersionedFile | undefined> {
  const versions = await listTrust(publication);
  if (versions.length === 0) return undefined;
  const root = await newestRoot(publication);
  for (const version of versions) {
    const text = await readTrustMetadata(publication, version);
    if (text !== undefined && isVerified(root, text, version)) return { version, bytes: Buffer.from(text) };
  }
  const named = namedTrust((await readPointer(publication))?.snapshot?.bytes);
  const text = named && (await readTrustMetadata(publication, named.version));
  return named && text !== undefined ? { version: named.version, bytes: Buffer.from(text) } : undefined;
}

/** Does this snapshot name it? */
export function isTrustNamed(snapshot: VersionedFile | undefined, trust: VersionedFile | undefined): boolean {
  return namedTrust(snapshot?.bytes)?.hex === (trust && sha256Hex(trust.bytes));
}

/** Undefined as well for a snapshot that can't be read: it is written anew. */
function namedTrust(snapshot: Buffer | undefined): { readonly version: number; readonly hex: string } | undefined {
  try {
    const { meta } = Metadata.fromJSON(MetadataKind.Snapshot, JSON.parse(String(snapshot))).signed;
    const { version, hashes } = meta[TRUST_METADATA] ?? {};
    return version === undefined ? undefined : { version, hex: hashes?.sha256 ?? '' };
  } catch {
    return undefined;
  }
}

function isVerified({ bytes }: FoundRoot, text: string, version: number): boolean {
  try {
    return verifyTrust(bytes, text).version === version;
  } catch {
    return false;
  }
}

/** The policy that the publication holds, expired or not; undefined before the first. Throws TRUST_UNREADABLE. */
export async function findPublishedTrust(publication: string): Promise<SignedPolicy | undefined> {
  const found = await trustToName(publication);
  return found && readSigned(publication, found.bytes.toString('utf8'), (at) => path.join(publication, 'targets', at));
}

/** A policy as `writeSignedPolicy` left it in a folder. Throws TRUST_UNREADABLE. */
export async function readSignedPolicy(folder: string): Promise<SignedPolicy> {
  const metadata = (await read(path.join(folder, TRUST_METADATA))).toString('utf8');
  return readSigned(folder, metadata, (_, name) => path.join(folder, name));
}

async function readSigned(place: string, metadata: string, fileOf: (at: string, name: string) => string) {
  try {
    const signed = refusing(TRUST_METADATA, 'anyone', () => parseTrustMetadata(metadata).signed);
    const trust = await readTrust(signed, (at, _, name) => {
      if (name !== TRUST_TARGET) assertName(name);
      return read(fileOf(at, name));
    });
    return { version: signed.version, expiresAtMs: Date.parse(signed.expires), metadata, trust };
  } catch (cause) {
    if (!(cause instanceof TufRefusal)) throw cause;
    throw unreadable(place, cause.message, cause);
  }
}

async function read(file: string): Promise<Buffer> {
  const bytes = await readFileIfPresent(file, MOST_FILE_BYTES);
  if (bytes === undefined) throw unreadable(path.dirname(file), `${path.basename(file)} is missing.`);
  return bytes;
}

const MOST_FILE_BYTES = 1_048_576;
const NAME = /^(?!.*(?:^|\/)\.\.?(?:\/|$))[\w.+-]+(?:\/[\w.+-]+)*$/;

export interface SigningOrder {
  readonly trust: TrustContents;
  /** A copy of the publication: its `metadata` suffices. */
  readonly publication: string;
  /** Signed before, by others: their signatures are kept where it is the same policy. */
  readonly before: SignedPolicy | undefined;
  readonly keys: readonly RoleKey[];
  readonly nowMs: number;
  readonly lifetimeMs: number;
}

/** Signs over the next version. Throws TRUST_FILE_NAME and TRUST_KEY_UNNAMED. */
export async function signPolicy(order: SigningOrder): Promise<SignedPolicy & { readonly signatures: Signatures }> {
  const { trust, publication, before, keys, nowMs, lifetimeMs } = order;
  const root = await newestRoot(publication);
  const files = new Map([[TRUST_TARGET, trust.bytes], ...trust.contents]);
  for (const name of trust.contents.keys()) assertName(name);
  const version = ((await listTrust(publication))[0] ?? 0) + 1;
  const role = roleIn(root);
  const signed =
    before?.version === version && before.trust.digest === trust.digest && parseTrustMetadata(before.metadata);
  const metadata =
    signed && role && isOfPresentKeys(root.version, role, signed.signed)
      ? signed
      : new Metadata(
          new Targets({
            ...{ version, specVersion: SPEC_VERSION, expires: toIsoSeconds(nowMs + lifetimeMs) },
            targets: Object.fromEntries([...files].map(([name, bytes]) => [name, targetFileOf({ path: name, bytes })])),
            unrecognizedFields: { [SIGNED_UNDER]: root.version },
          }),
        );
  for (const key of keys) {
    if (!(role?.keyIDs ?? []).includes(key.key.keyID)) throw unnamed(root, key);
    metadata.sign((data) => key.sign(data));
  }
  const text = encodeMetadata(metadata).toString('utf8');
  const expiresAtMs = Date.parse(metadata.signed.expires);
  return { version, expiresAtMs, metadata: text, trust, signatures: countSignatures(root, text) };
}

function roleIn({ bytes }: FoundRoot) {
  return trustRoleOf(Metadata.fromJSON(MetadataKind.Root, JSON.parse(bytes.toString('utf8'))).signed);
}

/** Those that count: none of what was signed before the keys changed. */
export function countSignatures(root: FoundRoot, text: string): Signatures {
  const { keys } = Metadata.fromJSON(MetadataKind.Root, JSON.parse(root.bytes.toString('utf8'))).signed;
  const role = roleIn(root);
  if (role === undefined) return { given: 0, needed: 1, keys: 0 };
  const { keyIDs, threshold: needed } = role;
  const metadata = parseTrustMetadata(text);
  const isGiven = (id: string): boolean => keys[id] !== undefined && isSignedWith(keys[id], metadata);
  const given = isOfPresentKeys(root.version, role, metadata.signed) ? keyIDs.filter(isGiven).length : 0;
  return { given, needed, keys: keyIDs.length };
}

/** As a folder that can be carried: the metadata, the policy, and the files that it names. */
export async function writeSignedPolicy(folder: string, { metadata, trust }: SignedPolicy): Promise<void> {
  for (const [name, bytes] of [[TRUST_TARGET, trust.bytes] as const, ...trust.contents])
    await writeInto(path.join(folder, name), bytes);
  await writeInto(path.join(folder, TRUST_METADATA), metadata);
}

async function writeInto(file: string, bytes: Uint8Array | string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFileDurably(file, bytes);
}

/**
 * Puts a policy into the publication, if devices would take it. Its metadata comes last: the service names it in its next snapshot. Throws
 * TRUST_REFUSED.
 */
export async function publishPolicy(publication: string, policy: SignedPolicy, nowMs: number): Promise<void> {
  await assertTakeable(publication, policy, nowMs);
  const { metadata, trust, version } = policy;
  for (const [name, bytes] of [[TRUST_TARGET, trust.bytes] as const, ...trust.contents])
    await writeInto(path.join(publication, 'targets', targetPath(name, sha256Hex(bytes))), bytes);
  const file = path.join(publication, 'metadata', `${version}.${TRUST_METADATA}`);
  // Devices that have the one would refuse another one with its number: who published meanwhile has it.
  if (!(await writeNewFileDurably(file, metadata))) await assertTakeable(publication, policy, nowMs);
}

/** As devices ask it, and that its files stay within the publication and the home. Throws TRUST_REFUSED and TRUST_FILE_NAME. */
export async function assertTakeable(publication: string, policy: SignedPolicy, nowMs: number): Promise<void> {
  for (const name of policy.trust.contents.keys()) assertName(name);
  const root = await newestRoot(publication);
  const { version, metadata, expiresAtMs } = policy;
  const newest = (await listTrust(publication))[0] ?? 0;
  const there = version === newest ? await readTrustMetadata(publication, version) : undefined;
  const refuse = (why: string, remedy: string, cause?: unknown): CodedError =>
    new CodedError({ code: 'TRUST_REFUSED', message: `Devices would refuse this trust policy: ${why}`, remedy, cause });
  try {
    verifyTrust(root.bytes, metadata);
  } catch (cause) {
    const { given, needed } = countSignatures(root, metadata);
    const why = `${given} of the ${needed} signatures that it needs are there. ${(cause as Error).message}`;
    throw refuse(why, 'Sign it with more of the keys that the root names: `slipway trust sign`.', cause);
  }
  if (expiresAtMs <= nowMs) throw refuse('it has expired.', 'Sign it anew.');
  if (version < newest || (version === newest && there !== metadata))
    throw refuse(
      `it is version ${version}, and version ${newest} is published.`,
      'Sign it anew, with a copy of the publication as it is now.',
    );
}

function unreadable(place: string, why: string, cause?: unknown): CodedError {
  return new CodedError({
    code: 'TRUST_UNREADABLE',
    message: `The signed trust policy in ${place} can't be read: ${why}`,
    remedy: 'Copy it anew from where it was signed.',
    cause,
  });
}

/** Files are written by these names, into the publication and the home. */
function assertName(name: string): void {
  if (NAME.test(name) && name !== TRUST_TARGET && name !== TRUST_METADATA) return;
  throw new CodedError({
    code: 'TRUST_FILE_NAME',
    message: `The trust policy names the file ${JSON.stringify(name.slice(0, 100))}, which can't be published under that name.`,
    remedy: 'Put it beside the policy or in a folder there, under a name of letters, digits, `.`, `_`, `+` and `-`.',
  });
}

function unnamed({ version }: FoundRoot, { key }: RoleKey): CodedError {
  return new CodedError({
    code: 'TRUST_KEY_UNNAMED',
    message: `Root version ${version} does not name the key ${key.keyID.slice(0, 12)}… for trust policies.`,
    remedy: 'Sign with a key that it names, or let a new root name this one: `slipway rotate trust`.',
  });
}
