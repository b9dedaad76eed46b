// Owns the root of trust of a fleet: the first one that devices are given, and its rotation in the field.

import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { Metadata, MetadataKind } from '@tufjs/models';
import { readFileIfPresent, writeFileDurably } from '../base/durable-file.ts';
import { CodedError } from '../base/errors.ts';
import { ONLINE_ROLES, type RoleKey, roleKeyFile, writeRoleKey } from './tuf-keys.ts';
import { DEFAULT_LIFETIMES, makeRoot, type RootRoles } from './tuf-metadata.ts';

export interface InitialiseOrder {
  /** Folder of the role keys; the root's keys may be moved off the machine afterwards. */
  readonly keys: string;
  readonly publication: string;
  readonly nowMs: number;
  /** How many root keys are made, and how many must sign. One of one unless given. */
  readonly rootKeys?: number;
  readonly rootThreshold?: number;
}

export function rootKeyNames(rootKeys: number): string[] {
  return Array.from({ length: rootKeys }, (_, i) => (rootKeys === 1 ? 'root' : `root-${i + 1}`));
}

/** Makes all role keys and version 1 of the root; returns its bytes, which devices are given at the factory. Throws TUF_EXISTS. */
export async function initialiseTuf(order: InitialiseOrder): Promise<Buffer> {
  const { keys, publication, nowMs, rootKeys = 1, rootThreshold = 1 } = order;
  const rootFile = path.join(publication, 'metadata', '1.root.json');
  if ((await readFileIfPresent(rootFile)) !== undefined) {
    throw new CodedError({
      code: 'TUF_EXISTS',
      message: `${rootFile} is there already; devices trust its keys.`,
      remedy: 'Rotate the root instead, or choose another folder.',
    });
  }
  const named = await Promise.all(rootKeyNames(rootKeys).map((name) => writeRoleKey(roleKeyFile(keys, name))));
  const online = await Promise.all(ONLINE_ROLES.map((role) => writeRoleKey(roleKeyFile(keys, role))));
  const root = makeRoot({
    version: 1,
    roles: rolesOf(named, rootThreshold, online),
    signers: named,
    nowMs,
    lifetimeMs: DEFAULT_LIFETIMES.rootMs,
  });
  await mkdir(path.dirname(rootFile), { recursive: true });
  await writeFileDurably(rootFile, root);
  await writeFileDurably(path.join(keys, 'root.json'), root);
  return root;
}

function rolesOf(
  root: readonly RoleKey[],
  threshold: number,
  [targets, snapshot, timestamp]: readonly RoleKey[],
): RootRoles {
  const one = (key: RoleKey | undefined) => ({ keys: key === undefined ? [] : [key], threshold: 1 });
  return { root: { keys: root, threshold }, targets: one(targets), snapshot: one(snapshot), timestamp: one(timestamp) };
}

/** The newest version of the root in a publication folder. */
export async function newestRoot(publication: string): Promise<{ readonly version: number; readonly bytes: Buffer }> {
  let newest: { version: number; bytes: Buffer } | undefined;
  for (let version = 1; ; version++) {
    const bytes = await readFileIfPresent(path.join(publication, 'metadata', `${version}.root.json`));
    if (bytes === undefined) break;
    newest = { version, bytes };
  }
  if (newest === undefined) {
    throw new CodedError({
      code: 'TUF_ROOT_MISSING',
      message: `${publication} has no root.`,
      remedy: 'Run `slipway init` first.',
    });
  }
  return newest;
}

export interface RotationOrder {
  readonly publication: string;
  readonly nowMs: number;
  /** Keys of the present root that sign the change: at least its threshold. */
  readonly oldRootKeys: readonly RoleKey[];
  readonly roles: RootRoles;
}

/** Writes the next root, signed by the old root's keys and by the new one's. Old roots are never deleted: a device may be far behind. */
export async function rotateRoot({ publication, nowMs, oldRootKeys, roles }: RotationOrder): Promise<Buffer> {
  const before = await newestRoot(publication);
  const signers = [...new Map([...oldRootKeys, ...roles.root.keys].map((key) => [key.key.keyID, key])).values()];
  const root = makeRoot({ version: before.version + 1, roles, signers, nowMs, lifetimeMs: DEFAULT_LIFETIMES.rootMs });
  const next = Metadata.fromJSON(MetadataKind.Root, JSON.parse(root.toString('utf8')));
  Metadata.fromJSON(MetadataKind.Root, JSON.parse(before.bytes.toString('utf8'))).verifyDelegate('root', next);
  next.verifyDelegate('root', next);
  await writeFileDurably(path.join(publication, 'metadata', `${before.version + 1}.root.json`), root);
  return root;
}

export async function readFactoryRoot(keys: string): Promise<Buffer> {
  return readFile(path.join(keys, 'root.json'));
}
