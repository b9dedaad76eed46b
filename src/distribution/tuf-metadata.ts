// Owns TUF metadata: what each role signs, in the form that every TUF client reads.
import { Metadata, MetadataKind, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp } from '@tufjs/models';
import { toIsoSeconds } from '../base/clock.ts';
import { sha256Hex } from '../contract/digest.ts';
import { TRUST_METADATA, TRUST_ROLE } from '../contract/tuf/trust-role.ts';
import type { NamedKey, OnlineKeys, RoleKey } from './tuf-keys.ts';

export const SPEC_VERSION = '1.0.31';
const DAY_MS = 86_400_000;

/** How long each role's metadata is valid. */
export interface Lifetimes {
  readonly rootMs: number;
  readonly targetsMs: number;
  readonly snapshotMs: number;
  readonly timestampMs: number;
}

export const DEFAULT_LIFETIMES: Lifetimes = {
  rootMs: 365 * DAY_MS,
  targetsMs: 90 * DAY_MS,
  snapshotMs: 7 * DAY_MS,
  timestampMs: DAY_MS,
};

export function encodeMetadata(metadata: { toJSON(): object }): Buffer {
  return Buffer.from(JSON.stringify(metadata.toJSON()));
}

/** Other clients refuse fractions of a second. */
function expiryAt(nowMs: number, lifetimeMs: number): string {
  return toIsoSeconds(nowMs + lifetimeMs);
}

function metaFileOf({ bytes, version }: VersionedFile): MetaFile {
  return new MetaFile({ version, length: bytes.length, hashes: { sha256: sha256Hex(bytes) } });
}

export interface RootRole {
  /** Public halves suffice. */
  readonly keys: readonly NamedKey[];
  readonly threshold: number;
}

/** `trust`: who signs trust policies; none unless given. */
export type RootRoles = Readonly<Record<'root' | 'targets' | 'snapshot' | 'timestamp', RootRole>> & {
  readonly trust?: RootRole | undefined;
};

export interface RootOrder {
  readonly version: number;
  readonly roles: RootRoles;
  /** Who signs: enough of the old root's keys and enough of the new one's. */
  readonly signers: readonly RoleKey[];
  readonly nowMs: number;
  readonly lifetimeMs: number;
}

export function makeRoot({ version, roles, signers, nowMs, lifetimeMs }: RootOrder): Buffer {
  const all = Object.values(roles).flatMap((role) => role?.keys ?? []);
  const keys = Object.fromEntries(all.map(({ key }) => [key.keyID, key.toJSON()]));
  const { trust, ...others } = roles;
  const toJson = ({ keys, threshold }: RootRole) => ({ keyids: keys.map(({ key }) => key.keyID), threshold });
  const named = Object.entries(others).map(([name, role]) => [name, toJson(role)]);
  const root = Root.fromJSON({
    _type: 'root',
    spec_version: SPEC_VERSION,
    version,
    expires: expiryAt(nowMs, lifetimeMs),
    consistent_snapshot: true,
    keys,
    roles: Object.fromEntries(named),
    ...(trust === undefined ? {} : { [TRUST_ROLE]: toJson(trust) }),
  });
  const metadata = new Metadata(root);
  for (const signer of signers) metadata.sign((data) => signer.sign(data));
  return encodeMetadata(metadata);
}

/** A file of metadata under its version. */
export interface VersionedFile {
  readonly version: number;
  readonly bytes: Buffer;
}

export interface OnlineOrder {
  readonly version: number;
  readonly targets: readonly { readonly path: string; readonly bytes: Buffer }[];
  readonly keys: OnlineKeys;
  /** The trust policy that the snapshot names beside the targets. */
  readonly trust?: VersionedFile | undefined;
  readonly nowMs: number;
  readonly lifetimes: Lifetimes;
  /** Files of an earlier version that still say what is to be said; a snapshot only together with the targets that it names. */
  readonly kept?: Partial<Record<'targets' | 'snapshot', VersionedFile | undefined>>;
}

export type OnlineMetadata = Readonly<Record<keyof OnlineKeys, Buffer>>;

/** Targets, snapshot and timestamp, each naming the one before; what is not kept has the new version. */
export function makeOnline({
  version,
  targets,
  keys,
  trust,
  nowMs,
  lifetimes,
  kept = {},
}: OnlineOrder): OnlineMetadata {
  const common = { version, specVersion: SPEC_VERSION };
  const makeTargets = (): Targets =>
    new Targets({
      ...common,
      expires: expiryAt(nowMs, lifetimes.targetsMs),
      targets: Object.fromEntries(targets.map((file) => [file.path, targetFileOf(file)])),
    });
  const targetsFile = kept.targets ?? { version, bytes: signedBy(keys.targets, makeTargets()) };
  const makeSnapshot = (): Snapshot =>
    new Snapshot({
      ...common,
      expires: expiryAt(nowMs, lifetimes.snapshotMs),
      meta: {
        'targets.json': metaFileOf(targetsFile),
        ...(trust === undefined ? {} : { [TRUST_METADATA]: metaFileOf(trust) }),
      },
    });
  const snapshotFile = kept.snapshot ?? { version, bytes: signedBy(keys.snapshot, makeSnapshot()) };
  const timestamp = new Timestamp({
    ...common,
    expires: expiryAt(nowMs, lifetimes.timestampMs),
    snapshotMeta: metaFileOf(snapshotFile),
  });
  return { targets: targetsFile.bytes, snapshot: snapshotFile.bytes, timestamp: signedBy(keys.timestamp, timestamp) };
}

/** Does the key still stand for what was signed before? Not after a rotation, nor for bytes that someone else put there. */
export function isSignedBy({ key }: RoleKey, role: keyof OnlineKeys, bytes: Buffer): boolean {
  try {
    const json = JSON.parse(bytes.toString('utf8'));
    switch (role) {
      case 'targets':
        key.verifySignature(Metadata.fromJSON(MetadataKind.Targets, json));
        return true;
      case 'snapshot':
        key.verifySignature(Metadata.fromJSON(MetadataKind.Snapshot, json));
        return true;
      case 'timestamp':
        key.verifySignature(Metadata.fromJSON(MetadataKind.Timestamp, json));
        return true;
    }
  } catch {
    return false;
  }
}

function signedBy(key: RoleKey, signed: Targets | Snapshot | Timestamp): Buffer {
  const metadata = new Metadata(signed);
  metadata.sign((data) => key.sign(data));
  return encodeMetadata(metadata);
}

export function targetFileOf({ path, bytes }: { readonly path: string; readonly bytes: Uint8Array }): TargetFile {
  return new TargetFile({ path, length: bytes.length, hashes: { sha256: sha256Hex(bytes) } });
}
