// Owns rotating a root in one go, for tests that hold all keys.
import { Metadata, MetadataKind } from '@tufjs/models';
import { trustRoleOf } from '../../src/contract/tuf/trust-role.ts';
import { addSignature, makeNextRoot, publishNextRoot } from '../../src/distribution/next-root.ts';
import type { NamedKey, RoleKey, TufRole } from '../../src/distribution/tuf-keys.ts';
import { encodeMetadata, type RootRoles } from '../../src/distribution/tuf-metadata.ts';
import { type FoundRoot, newestRoot } from '../../src/distribution/tuf-roots.ts';

/** The roles of a root as they stand, with some replaced. */
export function rolesAfter({ bytes }: FoundRoot, changes: Partial<RootRoles>): RootRoles {
  const { signed } = Metadata.fromJSON(MetadataKind.Root, JSON.parse(bytes.toString('utf8')));
  const trust = trustRoleOf(signed);
  const toRole = ({ keyIDs, threshold }: { readonly keyIDs: readonly string[]; readonly threshold: number }) => ({
    keys: keyIDs.map((id) => signed.keys[id]).flatMap((key): NamedKey[] => (key ? [{ key }] : [])),
    threshold,
  });
  const asItIs = (name: TufRole) => toRole(signed.roles[name] ?? { keyIDs: [], threshold: 1 });
  return {
    root: changes.root ?? asItIs('root'),
    targets: changes.targets ?? asItIs('targets'),
    snapshot: changes.snapshot ?? asItIs('snapshot'),
    timestamp: changes.timestamp ?? asItIs('timestamp'),
    trust: changes.trust ?? (trust && toRole(trust)),
  };
}

export interface RotationOrder {
  readonly publication: string;
  readonly nowMs: number;
  /** Keys of the present root that sign the change. */
  readonly oldRootKeys: readonly RoleKey[];
  /** Private halves are needed for enough of the root's keys only. */
  readonly roles: RootRoles;
}

/** Throws TUF_ROTATION. */
export async function rotateRoot({ publication, nowMs, oldRootKeys, roles }: RotationOrder): Promise<Buffer> {
  const both = makeNextRoot((await newestRoot(publication)).bytes, roles, nowMs);
  const canSign = roles.root.keys.filter((key): key is RoleKey => 'sign' in key);
  for (const key of [...oldRootKeys, ...canSign]) addSignature(both, key);
  await publishNextRoot(publication, both, nowMs);
  return encodeMetadata(both.next);
}
