// Owns replacing keys of the root or of trust policies, and renewing the root without other keys.
import path from 'node:path';
import { CodedError } from '../../base/errors.ts';
import { isSameRotation, isSignedEnough, makeNextRoot, type NextRoot, roleIn } from '../../distribution/next-root.ts';
import { makeRoleKey, type NamedKey, ONLINE_ROLES, type RoleKey, writeRoleKey } from '../../distribution/tuf-keys.ts';
import type { RootRole } from '../../distribution/tuf-metadata.ts';
import { newestRoot, parseRoot } from '../../distribution/tuf-roots.ts';
import {
  assertSigned,
  findHandedOver,
  findNewRootKey,
  handOver,
  type Rotation,
  rootSigners,
  signWith,
} from './next-root-file.ts';
import { finishRotation, type RotationOrder } from './online-keys.ts';

export interface RootRotationOrder extends RotationOrder {
  /** Whose keys: those that sign roots, or trust policies. */
  readonly role: 'root' | 'trust';
  /** Files of new keys, made where they are not there; public halves do. None renews the root with the keys that it has. */
  readonly newKeys: readonly string[];
  /** Beginnings of the ids of keys that they replace; all unless given. */
  readonly replace: readonly string[] | undefined;
  /** How many keys must sign; as many as before unless given. */
  readonly threshold: number | undefined;
}

/** Repeated, it does nothing where its keys are the root's already. Throws ROTATION_… and TUF_…. */
export async function rotateRootKeys(order: RootRotationOrder): Promise<Rotation> {
  const { home, to, dryRun, nowMs, newKeys, role, threshold } = order;
  const newest = await newestRoot(home.publication);
  const found = await Promise.all(newKeys.map(findNewRootKey));
  if (newKeys.length > 0 && isDone(newest.bytes, found, order))
    return { state: 'finished-earlier', both: null, version: newest.version, file: null, made: [] };
  const missing = newKeys.filter((_, i) => found[i] === undefined);
  const signers = await rootSigners(order.keys, home);
  const next = (fresh: readonly (NamedKey | RoleKey)[]): NextRoot => {
    const changes =
      newKeys.length === 0 && threshold === undefined ? {} : { [role]: roleAfter(newest.bytes, fresh, order) };
    const both = makeNextRoot(newest.bytes, changes, nowMs);
    signWith(both, [...signers, ...fresh.filter((key): key is RoleKey => 'sign' in key)]);
    return both;
  };
  // With keys that are thrown away, for those that are not there yet: what can't be signed is not begun.
  const trial = next(found.map((key) => key ?? makeRoleKey().roleKey));
  if (to === undefined) assertSigned(trial);
  const earlier = to === undefined ? undefined : await findHandedOver(to, (one) => isSameRotation(one, trial));
  const planned = { both: trial, version: newest.version + 1, file: to ?? null, made: missing };
  if (dryRun) return { ...planned, state: 'planned' };
  const fresh = await Promise.all(found.map((key, i) => key ?? writeRoleKey(path.resolve(newKeys[i] ?? ''))));
  const both = next(fresh);
  if (to === undefined) return { ...(await finishRotation(home, both, order)), made: missing };
  const handed = earlier ?? both;
  signWith(handed, [...signers, ...fresh.filter((key): key is RoleKey => 'sign' in key)]);
  await handOver(handed, to);
  return { ...planned, both: handed, state: isSignedEnough(handed) ? 'ready' : 'waits-for-signatures' };
}

/** Has the root these keys, and none of those that they replace? */
function isDone(
  present: Buffer,
  found: readonly (NamedKey | undefined)[],
  { replace, role }: RootRotationOrder,
): boolean {
  const { keyIDs: ids = [] } = roleIn(parseRoot(present), role) ?? {};
  const isThere = found.every((key) => key !== undefined && ids.includes(key.key.keyID));
  if (replace === undefined) return isThere && ids.length === found.length;
  return isThere && !ids.some((id) => replace.some((begin) => id.startsWith(begin)));
}

/** Throws ROTATION_REPLACE when what is asked for makes no root. */
function roleAfter(
  present: Buffer,
  fresh: readonly NamedKey[],
  { replace, threshold, role }: RootRotationOrder,
): RootRole {
  const root = parseRoot(present);
  const { keyIDs: ids, threshold: before } = roleIn(root, role) ?? { keyIDs: [], threshold: 1 };
  const replaced = fresh.length === 0 ? [] : (replace?.map((begin) => idOf(begin, ids)) ?? ids);
  if (threshold === undefined && ids.length > 0 && fresh.length !== replaced.length)
    throw refuse(
      `${fresh.length} new keys would replace ${replaced.length}, of which ${before} must sign.`,
      'Pass one --new-key for each key that it replaces. Or say with --threshold how many of all must sign.',
    );
  const kept = ids.filter((id) => !replaced.includes(id)).flatMap((id) => root.signed.keys[id] ?? []);
  const all = [...kept.map((key) => ({ key })), ...fresh];
  const needed = threshold ?? before;
  if (new Set(all.map(({ key }) => key.keyID)).size !== all.length)
    throw refuse('A key would be in the root twice.', 'Pass each new key once, and none that stays.');
  const online = ONLINE_ROLES.flatMap((name) => root.signed.roles[name]?.keyIDs ?? []);
  if (all.some(({ key }) => online.includes(key.keyID)))
    throw refuse('A key that the service holds would sign roots or trust policies.', 'Pass a key that lies elsewhere.');
  if (needed > all.length)
    throw refuse(`${needed} of ${all.length} keys can't sign.`, 'Pass more keys, or a lower --threshold.');
  return { keys: all, threshold: needed };
}

function idOf(begin: string, ids: readonly string[]): string {
  const [only, ...more] = ids.filter((id) => id.startsWith(begin));
  if (only !== undefined && more.length === 0 && begin !== '') return only;
  throw refuse(
    `--replace ${JSON.stringify(begin.slice(0, 64))} is no key of the root, or more than one.`,
    `Its keys are ${ids.map((id) => id.slice(0, 10)).join(', ')}.`,
  );
}

function refuse(message: string, remedy: string): CodedError {
  return new CodedError({ code: 'ROTATION_REPLACE', message, remedy });
}
