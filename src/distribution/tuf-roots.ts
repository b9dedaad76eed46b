// Owns the root of trust of a fleet: the first one that devices are given, and the newest one in the field.

import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { Metadata, MetadataKind, type Root } from '@tufjs/models';
import { readFileIfPresent, writeFileDurably } from '../base/durable-file.ts';
import { CodedError } from '../base/errors.ts';
import {
  type NamedIds,
  ONLINE_ROLES,
  type OnlineKeys,
  type RoleKey,
  readOnlineKeys,
  readRoleKey,
  roleKeyFile,
  type TufRole,
  writeRoleKey,
} from './tuf-keys.ts';
import { DEFAULT_LIFETIMES, makeRoot, type OnlineMetadata, type RootRoles } from './tuf-metadata.ts';

export interface InitialiseOrder {
  /** Folder of the online keys and of the factory root. */
  readonly keys: string;
  /** Folder of the keys of the root and of trust policies, which belong offline afterwards. */
  readonly rootKeysFolder: string;
  readonly publication: string;
  readonly nowMs: number;
  /** How many root keys are made, and how many must sign. One of one unless given. */
  readonly rootKeys?: number;
  readonly rootThreshold?: number;
}

export function rootKeyNames(rootKeys: number): string[] {
  return Array.from({ length: rootKeys }, (_, i) => (rootKeys === 1 ? 'root' : `root-${i + 1}`));
}

export function rootFile(publication: string, version: number): string {
  return path.join(publication, 'metadata', `${version}.root.json`);
}

/**
 * Makes all role keys and version 1 of the root; returns its bytes, which devices are given at the factory. Cut off in the middle, it
 * is repeated; keys that made a root before are never replaced: its root is put into a publication that lacks it. Throws TUF_EXISTS and
 * TUF_ROOT_KEY_TAKEN.
 */
export async function initialiseTuf(order: InitialiseOrder): Promise<Buffer> {
  const { keys, publication } = order;
  const firstFile = rootFile(publication, 1);
  if ((await readFileIfPresent(firstFile)) !== undefined) throw refuseSecond(firstFile);
  const factoryFile = path.join(keys, 'root.json');
  const root = (await readFileIfPresent(factoryFile)) ?? (await makeFirstRoot(order));
  assertSameOrder(root, order, factoryFile);
  await writeFileDurably(factoryFile, root);
  await mkdir(path.dirname(firstFile), { recursive: true });
  await writeFileDurably(firstFile, root);
  return root;
}

async function makeFirstRoot(order: InitialiseOrder): Promise<Buffer> {
  const { keys, rootKeysFolder, nowMs, rootKeys = 1, rootThreshold = 1 } = order;
  const rootFiles = rootKeyNames(rootKeys).map((name) => roleKeyFile(rootKeysFolder, name));
  const trustFile = roleKeyFile(rootKeysFolder, 'trust');
  const onlineFiles = ONLINE_ROLES.map((role) => roleKeyFile(keys, role));
  const hasBegun = (await readAll(onlineFiles)).every((bytes) => bytes !== undefined);
  if (!hasBegun) await assertNotTaken([...rootFiles, trustFile]);
  const online = await Promise.all(onlineFiles.map((file) => (hasBegun ? readRoleKey(file) : writeRoleKey(file))));
  const named = await Promise.all(rootFiles.map((file) => assureRoleKey(file)));
  return makeRoot({
    version: 1,
    roles: {
      ...rolesOf(named, rootThreshold, online),
      trust: { keys: [await assureRoleKey(trustFile)], threshold: 1 },
    },
    signers: named,
    nowMs,
    lifetimeMs: DEFAULT_LIFETIMES.rootMs,
  });
}

const readAll = (files: readonly string[]) => Promise.all(files.map((file) => readFileIfPresent(file)));

async function assureRoleKey(file: string): Promise<RoleKey> {
  return (await readFileIfPresent(file)) === undefined ? writeRoleKey(file) : readRoleKey(file);
}

/** Two fleets must not share a root: a mirror could give the devices of one the next root of the other. */
async function assertNotTaken(rootFiles: readonly string[]): Promise<void> {
  const taken = (await readAll(rootFiles)).findIndex((bytes) => bytes !== undefined);
  if (taken < 0) return;
  throw new CodedError({
    code: 'TUF_ROOT_KEY_TAKEN',
    message: `${rootFiles[taken]} already exists, and this home made no root with it: it may be another service's.`,
    remedy: 'Pass another folder for the keys of this service (--keys), or move that key away.',
  });
}

/** A root of before is used again only when it is what was asked for. */
function assertSameOrder(root: Buffer, { rootKeys = 1, rootThreshold = 1 }: InitialiseOrder, file: string): void {
  const { keyIDs, threshold } = parseRoot(root).signed.roles.root ?? { keyIDs: [], threshold: 0 };
  if (keyIDs.length !== rootKeys || threshold !== rootThreshold) throw refuseSecond(file);
}

function refuseSecond(file: string): CodedError {
  return new CodedError({
    code: 'TUF_EXISTS',
    message: `${file} already exists, and devices trust its keys.`,
    remedy: 'Rotate the root instead, or choose another folder.',
  });
}

function rolesOf(
  root: readonly RoleKey[],
  threshold: number,
  [targets, snapshot, timestamp]: readonly RoleKey[],
): RootRoles {
  const one = (key: RoleKey | undefined) => ({ keys: key === undefined ? [] : [key], threshold: 1 });
  return { root: { keys: root, threshold }, targets: one(targets), snapshot: one(snapshot), timestamp: one(timestamp) };
}

export interface FoundRoot {
  readonly version: number;
  readonly bytes: Buffer;
}

/** The newest version of the root in a publication folder. Throws TUF_ROOT_MISSING. */
export async function newestRoot(publication: string): Promise<FoundRoot> {
  const newest = await findNewestRoot(publication);
  if (newest !== undefined) return newest;
  throw new CodedError({
    code: 'TUF_ROOT_MISSING',
    message: `${publication} has no root.`,
    remedy: 'Run `slipway init` first.',
  });
}

async function findNewestRoot(publication: string): Promise<FoundRoot | undefined> {
  let newest: FoundRoot | undefined;
  for (let version = 1; ; version++) {
    const bytes = await readFileIfPresent(rootFile(publication, version));
    if (bytes === undefined) return newest;
    newest = { version, bytes };
  }
}

export function parseRoot(bytes: Buffer): Metadata<Root> {
  try {
    return Metadata.fromJSON(MetadataKind.Root, JSON.parse(bytes.toString('utf8')));
  } catch (cause) {
    throw new CodedError({
      code: 'TUF_ROOT_DAMAGED',
      message: 'The newest root in the publication folder is damaged.',
      remedy: 'Restore the file from a device, a mirror or a backup; never sign another root of the same version.',
      cause,
    });
  }
}

/**
 * When the root's own signature ends, milliseconds since 1970: from then on devices accept nothing. Rotate it before, if only to
 * lengthen it.
 */
export function rootExpiresAtMs({ bytes }: FoundRoot): number {
  return Date.parse(parseRoot(bytes).signed.expires);
}

/** Throws TUF_KEYS_STALE when devices would refuse metadata because the newest root names other keys. */
export async function assertNamedByRoot(publication: string, online: OnlineMetadata): Promise<void> {
  const newest = await findNewestRoot(publication);
  if (newest === undefined) return;
  const root = parseRoot(newest.bytes);
  try {
    root.verifyDelegate('targets', Metadata.fromJSON(MetadataKind.Targets, JSON.parse(String(online.targets))));
    root.verifyDelegate('snapshot', Metadata.fromJSON(MetadataKind.Snapshot, JSON.parse(String(online.snapshot))));
    root.verifyDelegate('timestamp', Metadata.fromJSON(MetadataKind.Timestamp, JSON.parse(String(online.timestamp))));
  } catch (cause) {
    throw new CodedError({
      code: 'TUF_KEYS_STALE',
      message: `Root version ${newest.version} names other keys than this service signs with (${String((cause as Error).message)}).`,
      remedy:
        'Give the service the keys that the root was rotated to, or make new ones with `slipway rotate online`; until then devices keep the last directive.',
      cause,
    });
  }
}

export function namedIn({ signed: { roles } }: Metadata<Root>): NamedIds {
  const ids = (role: TufRole): readonly string[] => roles[role]?.keyIDs ?? [];
  return { root: ids('root'), targets: ids('targets'), snapshot: ids('snapshot'), timestamp: ids('timestamp') };
}

/**
 * The keys that the service signs with: those that the newest root names, also while a rotation has not put them in their place yet.
 * Throws TUF_KEY_UNREADABLE and TUF_ROOT_DAMAGED.
 */
export async function readKeysInForce({
  tuf,
  publication,
}: {
  readonly tuf: string;
  readonly publication: string;
}): Promise<OnlineKeys> {
  const newest = await findNewestRoot(publication);
  return readOnlineKeys(tuf, newest && namedIn(parseRoot(newest.bytes)));
}
