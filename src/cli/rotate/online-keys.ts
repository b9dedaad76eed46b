// Owns replacing the online keys of a home: made beside those in force, named by the next root, and moved into their place.
import { randomUUID } from 'node:crypto';
import { readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { syncFolder } from '../../base/durable-file.ts';
import { CodedError } from '../../base/errors.ts';
import { tryLock } from '../../base/process-lock.ts';
import {
  isSameRotation,
  isSignedEnough,
  makeNextRoot,
  type NextRoot,
  publishNextRoot,
} from '../../distribution/next-root.ts';
import {
  makeRoleKey,
  nextKeysFolder,
  ONLINE_ROLES,
  type OnlineKeys,
  readOnlineKeys,
  readRoleKey,
  roleKeyFile,
  writeRoleKey,
} from '../../distribution/tuf-keys.ts';
import { namedIn, newestRoot, parseRoot } from '../../distribution/tuf-roots.ts';
import type { Home } from '../home.ts';
import { assertSigned, findHandedOver, handOver, type Rotation, rootSigners, signWith } from './next-root-file.ts';

export interface RotationOrder {
  readonly home: Home;
  /** Files of keys that sign; those beside the home unless given. */
  readonly keys: readonly string[] | undefined;
  /** Hands the next root over in this file, to be signed elsewhere. */
  readonly to: string | undefined;
  readonly dryRun: boolean;
  readonly nowMs: number;
}

/**
 * New keys for targets, snapshot and timestamp. Whatever cuts it off, the home holds the keys that the newest root names; repeated, it
 * finishes what a root names already and begins anew otherwise: keys that waited may be known to a thief by now. Throws ROTATION_…, TUF_….
 */
export async function rotateOnline(order: RotationOrder): Promise<Rotation> {
  const { home, to, dryRun, nowMs } = order;
  using _lock = dryRun ? null : lockRotation(home);
  if ((await findArrived(home)) !== null) return await finishEarlier(home, dryRun);
  const signers = await rootSigners(order.keys, home);
  const { bytes: present } = await newestRoot(home.publication);
  const next = (keys: OnlineKeys): NextRoot => {
    const one = (role: keyof OnlineKeys) => ({ keys: [keys[role]], threshold: 1 });
    const changes = { targets: one('targets'), snapshot: one('snapshot'), timestamp: one('timestamp') };
    const both = makeNextRoot(present, changes, nowMs);
    signWith(both, signers);
    return both;
  };
  // With keys that are thrown away: what can't be signed is not begun.
  const trial = next({ targets: newKey(), snapshot: newKey(), timestamp: newKey() });
  if (to === undefined) assertSigned(trial);
  const waiting = await readOnlineKeys(nextKeysFolder(home.tuf)).catch(() => undefined);
  const isOurs = (both: NextRoot): boolean => waiting !== undefined && isSameRotation(both, next(waiting));
  const handedOver = to === undefined ? undefined : await findHandedOver(to, isOurs);
  const file = to ?? null;
  if (dryRun) return { state: 'planned', both: handedOver ?? trial, version: versionOf(trial), file, made: [] };
  const both = handedOver ?? next(await makeWaitingKeys(home));
  if (to === undefined) return await putIntoForce(home, both, order);
  signWith(both, signers);
  await handOver(both, to);
  const state = isSignedEnough(both) ? 'ready' : 'waits-for-signatures';
  return { state, both, version: versionOf(both), file, made: [] };
}

function versionOf({ next }: NextRoot): number {
  return next.signed.version;
}

function newKey() {
  return makeRoleKey().roleKey;
}

type InForceOrder = Pick<RotationOrder, 'dryRun' | 'nowMs'>;

/** Puts a root that has its signatures into force. Throws ROTATION_KEYS_GONE when this home could not sign by it, and TUF_ROTATION. */
export async function finishRotation(home: Home, both: NextRoot, order: InForceOrder): Promise<Rotation> {
  using _lock = order.dryRun ? null : lockRotation(home);
  return await putIntoForce(home, both, order);
}

/** Another command must not take away the keys that a root is about to name. Throws ROTATION_BUSY. */
function lockRotation({ folder }: Home): Disposable {
  const lock = tryLock(path.join(folder, '.rotation.lock'));
  if (lock !== undefined) return lock;
  throw new CodedError({
    code: 'ROTATION_BUSY',
    kind: 'retry-later',
    message: `Another rotation of ${folder} is under way.`,
    remedy: 'Wait until it has ended, and run this one again.',
  });
}

async function putIntoForce(home: Home, both: NextRoot, { dryRun, nowMs }: InForceOrder): Promise<Rotation> {
  const version = versionOf(both);
  const rotation = { both, version, file: null, made: [] };
  assertSigned(both);
  await assertHeld(home, both);
  if (dryRun) return { ...rotation, state: 'planned' };
  const isNew = await publishNextRoot(home.publication, both, nowMs);
  await settle(home);
  return { ...rotation, state: isNew ? 'done' : 'finished-earlier' };
}

async function assertHeld(home: Home, { next }: NextRoot): Promise<void> {
  const named = namedIn(next);
  const held = await readOnlineKeys(home.tuf, named).catch(() => undefined);
  if (held !== undefined && ONLINE_ROLES.every((role) => named[role].includes(held[role].key.keyID))) return;
  throw new CodedError({
    code: 'ROTATION_KEYS_GONE',
    message: `${home.folder} does not hold the keys that root ${next.signed.version} names: it could not publish any more.`,
    remedy:
      'Finish it in the home where it began. If `slipway rotate online` was run again there since, sign its newest file.',
  });
}

/** Which keys wait, of those that the newest root names already; null where none do. Throws TUF_KEY_UNREADABLE. */
async function findArrived({ tuf, publication }: Home): Promise<readonly string[] | null> {
  const folder = nextKeysFolder(tuf);
  const names = await readdir(folder).catch(() => null);
  if (names === null) return null;
  const named = namedIn(parseRoot((await newestRoot(publication)).bytes));
  const arrived: string[] = [];
  for (const role of ONLINE_ROLES) {
    const isWaiting = names.includes(path.basename(roleKeyFile(folder, role)));
    if (isWaiting && named[role].includes((await readRoleKey(roleKeyFile(folder, role))).key.keyID)) arrived.push(role);
  }
  // All of them may have gone already, and their folder not.
  return arrived.length > 0 || names.length === 0 ? arrived : null;
}

async function finishEarlier(home: Home, dryRun: boolean): Promise<Rotation> {
  const { version } = await newestRoot(home.publication);
  if (!dryRun) await settle(home);
  return { state: dryRun ? 'planned' : 'finished-earlier', both: null, version, file: null, made: [] };
}

/** Moves the keys that the newest root names into their place; a service reads them wherever they lie. */
async function settle(home: Home): Promise<void> {
  const arrived = await findArrived(home);
  if (arrived === null) return;
  const folder = nextKeysFolder(home.tuf);
  for (const role of arrived) await rename(roleKeyFile(folder, role), roleKeyFile(home.tuf, role));
  await syncFolder(home.tuf);
  await rm(folder, { recursive: true, force: true });
}

const isStray = (name: string): boolean => /^\.next-.*\.tmp$/.test(name);

/** All three or none, in the place of those that waited before. */
async function makeWaitingKeys({ tuf }: Home): Promise<OnlineKeys> {
  const folder = nextKeysFolder(tuf);
  const temporary = (): string => path.join(tuf, `.next-${randomUUID().slice(0, 8)}.tmp`);
  const fresh = temporary();
  const keys = await makeKeysIn(fresh);
  await rename(folder, temporary()).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  await rename(fresh, folder);
  await syncFolder(tuf);
  for (const name of (await readdir(tuf)).filter(isStray))
    await rm(path.join(tuf, name), { recursive: true, force: true });
  return keys;
}

async function makeKeysIn(folder: string): Promise<OnlineKeys> {
  const write = (role: string) => writeRoleKey(roleKeyFile(folder, role));
  try {
    return {
      targets: await write('targets'),
      snapshot: await write('snapshot'),
      timestamp: await write('timestamp'),
    };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}
