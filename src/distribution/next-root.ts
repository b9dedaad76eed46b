// Owns the next root on its way: made beside the present one, signed by one holder of a key after another, and published once it counts.
import { canonicalize } from '@tufjs/canonical-json';
import { Metadata, MetadataKind, type Root } from '@tufjs/models';
import type { Role } from '@tufjs/models/dist/role.js';
import { toIsoSeconds } from '../base/clock.ts';
import { writeNewFileDurably } from '../base/durable-file.ts';
import { CodedError } from '../base/errors.ts';
import { sha256Hex } from '../contract/digest.ts';
import { TRUST_ROLE, trustRoleOf } from '../contract/tuf/trust-role.ts';
import { isSignedWith, type RoleKey } from './tuf-keys.ts';
import { DEFAULT_LIFETIMES, encodeMetadata, type RootRole, type RootRoles } from './tuf-metadata.ts';
import { newestRoot, parseRoot, rootFile } from './tuf-roots.ts';

export const ROOT_ROLES = ['root', 'trust', 'targets', 'snapshot', 'timestamp'] as const;

/** The next root beside the one that it follows: all that a holder of a key needs to see what he signs. */
export interface NextRoot {
  readonly present: Metadata<Root>;
  readonly next: Metadata<Root>;
}

/** The root after the present one, with some roles replaced and not signed yet. What this version does not know of it is carried over. */
export function makeNextRoot(present: Buffer, changes: Partial<RootRoles>, nowMs: number): NextRoot {
  const before = parseRoot(present);
  const { keys, roles, [TRUST_ROLE]: trustBefore, ...signed } = before.signed.toJSON() as unknown as RootJson;
  const { trust, ...others } = changes;
  const changed = Object.entries<RootRole>(others);
  const newRoles = { ...roles, ...Object.fromEntries(changed.map(([name, role]) => [name, toJson(role)])) };
  const newTrust = trust === undefined ? trustBefore : trustAfter(trustBefore, toJson(trust), signed.version + 1);
  const newKeys = [...Object.values(others), ...(trust ? [trust] : [])].flatMap((role) =>
    role.keys.map(({ key }) => [key.keyID, key.toJSON()] as const),
  );
  const needed = new Set([...Object.values(newRoles), ...(newTrust ? [newTrust] : [])].flatMap(({ keyids }) => keyids));
  const all = Object.entries({ ...keys, ...Object.fromEntries(newKeys) });
  const next = {
    ...signed,
    version: signed.version + 1,
    expires: toIsoSeconds(nowMs + DEFAULT_LIFETIMES.rootMs),
    keys: Object.fromEntries(all.filter(([id]) => needed.has(id))),
    roles: newRoles,
    ...(newTrust === undefined ? {} : { [TRUST_ROLE]: newTrust }),
  };
  return { present: before, next: parseRoot(Buffer.from(JSON.stringify({ signed: next, signatures: [] }))) };
}

interface RootJson {
  readonly version: number;
  readonly keys: Readonly<Record<string, unknown>>;
  readonly roles: Readonly<Record<string, RoleJson>>;
  readonly [TRUST_ROLE]?: RoleJson;
}

interface RoleJson {
  readonly keyids: readonly string[];
  readonly threshold: number;
  readonly since?: number;
}

/** From which root on who signs trust policies is as now: what was signed under an earlier one counts no more. */
function trustAfter(before: RoleJson | undefined, after: RoleJson, since: number): RoleJson {
  const text = ({ keyids, threshold }: RoleJson): string => JSON.stringify([[...keyids].sort(), threshold]);
  return before !== undefined && text(before) === text(after) ? before : { ...after, since };
}

function toJson({ keys, threshold }: RootRole): RoleJson {
  return { keyids: keys.map(({ key }) => key.keyID), threshold };
}

export function addSignature({ next }: Pick<NextRoot, 'next'>, key: RoleKey): void {
  next.sign((data) => key.sign(data));
}

/** How many signatures a root needs of a root's keys, and which of them it has. */
export interface Signatures {
  readonly needed: number;
  readonly by: readonly string[];
  readonly of: readonly string[];
}

/** By the keys of the present root, and by its own: it counts once both have enough. */
export function signaturesOf({ present, next }: NextRoot): { readonly present: Signatures; readonly next: Signatures } {
  const count = ({ signed }: Metadata<Root>): Signatures => {
    const { keyIDs: of = [], threshold: needed = 1 } = signed.roles.root ?? {};
    return { needed, of, by: of.filter((id) => signed.keys[id] && isSignedWith(signed.keys[id], next)) };
  };
  return { present: count(present), next: count(next) };
}

export function isSignedEnough(both: NextRoot): boolean {
  const { present, next } = signaturesOf(both);
  return present.by.length >= present.needed && next.by.length >= next.needed;
}

/** Roles of a root, with the one for trust policies. */
export type RootRoleName = (typeof ROOT_ROLES)[number];

export function roleIn({ signed }: Metadata<Root>, name: RootRoleName): Role | undefined {
  return name === 'trust' ? trustRoleOf(signed) : signed.roles[name];
}

/** Roles whose keys or threshold another root changes. */
export function changedRoles({ present, next }: NextRoot): readonly RootRoleName[] {
  const text = (root: Metadata<Root>, name: RootRoleName): string => {
    const { keyIDs = [], threshold, unrecognizedFields } = roleIn(root, name) ?? {};
    return canonicalize([[...keyIDs].sort(), threshold ?? 0, unrecognizedFields ?? {}]);
  };
  return ROOT_ROLES.filter((name) => text(present, name) !== text(next, name));
}

/** Do both follow the same root to the same one? Until when it is valid may differ. */
export function isSameRotation(one: NextRoot, other: NextRoot): boolean {
  const text = ({ present, next }: NextRoot): string =>
    canonicalize([present.signed.toJSON(), { ...next.signed.toJSON(), expires: '' }]);
  return text(one) === text(other);
}

const KIND = 'slipway-next-root';

/** As it is handed over from machine to machine. */
export function encodeNextRoot({ present, next }: NextRoot): string {
  const of = (root: Metadata<Root>): unknown => JSON.parse(encodeMetadata(root).toString('utf8'));
  return `${JSON.stringify({ kind: KIND, present: of(present), next: of(next) }, null, 1)}\n`;
}

/** Throws ROTATION_FILE for anything but the root that follows one which its own keys signed. */
export function parseNextRoot(bytes: Buffer, file: string): NextRoot {
  try {
    const { kind, present, next } = JSON.parse(bytes.toString('utf8')) as Record<string, unknown>;
    if (kind !== KIND) throw new Error(`it has no \`kind: ${KIND}\``);
    const both = { present: rootIn(present), next: rootIn(next) };
    both.present.verifyDelegate('root', both.present);
    const [before, after] = [both.present.signed.version, both.next.signed.version];
    if (after !== before + 1) throw new Error(`version ${after} does not follow version ${before}`);
    assertOwnIds(both);
    return both;
  } catch (cause) {
    throw new CodedError({
      code: 'ROTATION_FILE',
      message: `${file} is not the next root of a fleet (${(cause as Error).message}).`,
      remedy: 'Pass the file that --to of `slipway rotate online`, `root` or `trust` wrote.',
      cause,
    });
  }
}

/** Else a stranger could come in under the id of a key that people know, or under one that looks like it. */
function assertOwnIds({ present, next }: NextRoot): void {
  for (const [id, key] of Object.entries(next.signed.keys)) {
    const before = present.signed.keys[id];
    const isOwn = before === undefined ? sha256Hex(canonicalize(key.toJSON())) === id : before.equals(key);
    if (!isOwn) throw new Error(`the id ${id.slice(0, 12)}… is another key's`);
  }
}

function rootIn(value: unknown): Metadata<Root> {
  return Metadata.fromJSON(MetadataKind.Root, value as Parameters<typeof Metadata.fromJSON>[1]);
}

/**
 * Puts the next root into the publication; from then on it counts. Old roots are never deleted: a device may be far behind. False when
 * it is there already. Throws TUF_ROTATION when signatures lack, when another root came first, or when its time is over.
 */
export async function publishNextRoot(publication: string, both: NextRoot, nowMs: number): Promise<boolean> {
  const newest = await newestRoot(publication);
  const { version } = both.next.signed;
  if (newest.version >= version) {
    if (newest.version === version && parseRoot(newest.bytes).signed.equals(both.next.signed)) return false;
    throw refuseRotation(`The publication has root version ${newest.version} already, and it is another one.`);
  }
  // By the root that lies there, whatever the file says of it.
  const present = parseRoot(newest.bytes);
  try {
    present.verifyDelegate('root', both.next);
    both.next.verifyDelegate('root', both.next);
  } catch (cause) {
    throw refuseRotation(`Root version ${version} lacks signatures (${(cause as Error).message}).`, cause);
  }
  if (newest.version + 1 !== version)
    throw refuseRotation(`Root version ${version} does not follow ${newest.version}, the newest of the publication.`);
  if (both.next.signed.isExpired(new Date(nowMs)))
    throw refuseRotation(`Root version ${version} ended at ${both.next.signed.expires}, before it was put into force.`);
  // Two people who rotate at once must not make two roots of one version: devices that saw one would refuse all that follows the other.
  if (await writeNewFileDurably(rootFile(publication, version), encodeMetadata(both.next))) return true;
  throw refuseRotation(`Root version ${version} was made by someone else meanwhile.`);
}

function refuseRotation(message: string, cause?: unknown): CodedError {
  return new CodedError({
    code: 'TUF_ROTATION',
    message,
    remedy: 'Sign with enough keys of the present root and of the next one, one rotation at a time.',
    cause,
  });
}
