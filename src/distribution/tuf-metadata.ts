// Owns TUF metadata: what each role signs, in the form that every TUF client reads.
import { Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp } from '@tufjs/models';
import { toIsoSeconds } from '../base/clock.ts';
import { sha256Hex } from '../contract/digest.ts';
import type { NamedKey, OnlineKeys, RoleKey } from './tuf-keys.ts';

const SPEC_VERSION = '1.0.31';
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

type Signable = Metadata<Root> | Metadata<Targets> | Metadata<Snapshot> | Metadata<Timestamp>;

export function encodeMetadata(metadata: Signable): Buffer {
  return Buffer.from(JSON.stringify(metadata.toJSON()));
}

/** Other clients refuse fractions of a second. */
function expiryAt(nowMs: number, lifetimeMs: number): string {
  return toIsoSeconds(nowMs + lifetimeMs);
}

function metaFileOf(bytes: Buffer, version: number): MetaFile {
  return new MetaFile({ version, length: bytes.length, hashes: { sha256: sha256Hex(bytes) } });
}

export interface RootRole {
  /** Public halves suffice. */
  readonly keys: readonly NamedKey[];
  readonly threshold: number;
}

export type RootRoles = Readonly<Record<'root' | 'targets' | 'snapshot' | 'timestamp', RootRole>>;

export interface RootOrder {
  readonly version: number;
  readonly roles: RootRoles;
  /** Who signs: enough of the old root's keys and enough of the new one's. */
  readonly signers: readonly RoleKey[];
  readonly nowMs: number;
  readonly lifetimeMs: number;
}

export function makeRoot({ version, roles, signers, nowMs, lifetimeMs }: RootOrder): Buffer {
  const all = Object.values(roles).flatMap((role) => role.keys);
  const keys = Object.fromEntries(all.map(({ key }) => [key.keyID, key.toJSON()]));
  const named = Object.entries(roles).map(([name, role]) => [
    name,
    { keyids: role.keys.map(({ key }) => key.keyID), threshold: role.threshold },
  ]);
  const root = Root.fromJSON({
    _type: 'root',
    spec_version: SPEC_VERSION,
    version,
    expires: expiryAt(nowMs, lifetimeMs),
    consistent_snapshot: true,
    keys,
    roles: Object.fromEntries(named),
  });
  const metadata = new Metadata(root);
  for (const signer of signers) metadata.sign((data) => signer.sign(data));
  return encodeMetadata(metadata);
}

export interface OnlineOrder {
  readonly version: number;
  readonly targets: readonly { readonly path: string; readonly bytes: Buffer }[];
  readonly keys: OnlineKeys;
  readonly nowMs: number;
  readonly lifetimes: Lifetimes;
}

export type OnlineMetadata = Readonly<Record<keyof OnlineKeys, Buffer>>;

/** Targets, snapshot and timestamp of one version, each naming the one before. */
export function makeOnline({ version, targets, keys, nowMs, lifetimes }: OnlineOrder): OnlineMetadata {
  const files = targets.map(
    ({ path, bytes }) => new TargetFile({ path, length: bytes.length, hashes: { sha256: sha256Hex(bytes) } }),
  );
  const common = { version, specVersion: SPEC_VERSION };
  const targetsMetadata = new Metadata(
    new Targets({
      ...common,
      expires: expiryAt(nowMs, lifetimes.targetsMs),
      targets: Object.fromEntries(files.map((file) => [file.path, file])),
    }),
  );
  targetsMetadata.sign((data) => keys.targets.sign(data));
  const targetsBytes = encodeMetadata(targetsMetadata);
  const meta = { 'targets.json': metaFileOf(targetsBytes, version) };
  const snapshot = new Metadata(new Snapshot({ ...common, expires: expiryAt(nowMs, lifetimes.snapshotMs), meta }));
  snapshot.sign((data) => keys.snapshot.sign(data));
  const snapshotBytes = encodeMetadata(snapshot);
  const snapshotMeta = metaFileOf(snapshotBytes, version);
  const timestamp = new Metadata(
    new Timestamp({ ...common, expires: expiryAt(nowMs, lifetimes.timestampMs), snapshotMeta }),
  );
  timestamp.sign((data) => keys.timestamp.sign(data));
  return { targets: targetsBytes, snapshot: snapshotBytes, timestamp: encodeMetadata(timestamp) };
}
