// Owns what a trust policy in a publication has to prove before anyone believes it: keys that the root names for it alone, files as signed, and a signer.
import { Metadata, MetadataKind, type Root, type Targets } from '@tufjs/models';
import { Role } from '@tufjs/models/dist/role.js';
import { sha256Hex } from '../digest.ts';
import { parseTrustPolicy } from '../trust/parse-trust-policy.ts';
import { assembleTrust, type TrustContents } from '../trust/read-trust-policy.ts';
import { MOST_ROOT_BYTES } from '../trust/trusted-root.ts';
import { refusing, TufRefusal } from './tuf-refusal.ts';

/** A field of the root: other TUF clients refuse a root with a fifth role, and pass over what they don't know. */
export const TRUST_ROLE = 'x-slipway-trust';
export const TRUST_METADATA = 'trust.json';
export const TRUST_TARGET = 'trust-policy.yaml';
/** Of trust metadata: the root that was the newest when it was signed. */
export const SIGNED_UNDER = 'x-slipway-root';

/** Who may sign trust policies; undefined where the root names nobody. A key of another role is none of these, whatever the root says. */
export function trustRoleOf({ unrecognizedFields, roles }: Root): Role | undefined {
  const field = unrecognizedFields[TRUST_ROLE];
  if (field === undefined) return undefined;
  const role = Role.fromJSON(field as Parameters<typeof Role.fromJSON>[0]);
  const others = new Set([roles.targets, roles.snapshot, roles.timestamp].flatMap((one) => one?.keyIDs ?? []));
  return Object.assign(role, { keyIDs: role.keyIDs.filter((id) => !others.has(id)) });
}

/**
 * Was it signed since the keys for it changed last? A key that stays would otherwise bring back what it signed before one that goes signed
 * something newer: the signer whom that revoked could sign again. Nor under a root that is still to come: a made-up copy of the publication
 * could get it signed so, and it would outlast the next change.
 */
export function isOfPresentKeys(rootVersion: number, role: Role, metadata: Targets): boolean {
  const under = Number(metadata.unrecognizedFields[SIGNED_UNDER] ?? 1);
  return under >= Number(role.unrecognizedFields?.since ?? 1) && under <= rootVersion;
}

/** Of metadata that was verified, or is about to be. */
export function parseTrustMetadata(text: string): Metadata<Targets> {
  return Metadata.fromJSON(MetadataKind.Targets, JSON.parse(text));
}

/** What enough of the root's keys for it signed. Its date and version are for the caller to ask. Throws TufRefusal. */
export function verifyTrust(rootBytes: Buffer, text: string): Targets {
  return refusing(TRUST_METADATA, 'enough of the keys that the root names for trust policies', () => {
    const root = Metadata.fromJSON(MetadataKind.Root, JSON.parse(rootBytes.toString('utf8')));
    const role = trustRoleOf(root.signed);
    if (role === undefined) throw new TufRefusal('TUF_SIGNATURE', 'The root names no keys for trust policies.');
    root.signed.roles[TRUST_ROLE] = role;
    const metadata = parseTrustMetadata(text);
    root.verifyDelegate(TRUST_ROLE, metadata);
    if (!isOfPresentKeys(root.signed.version, role, metadata.signed))
      throw new TufRefusal(
        'TUF_SIGNATURE',
        'It was signed before the root changed who signs trust policies, or under a root that is still to come.',
      );
    return metadata.signed;
  });
}

/** `keys/ci.pub` lies at `keys/<sha256>.ci.pub`, as TUF has it. */
export function targetPath(name: string, hex: string): string {
  return name.replace(/[^/]*$/, (base) => `${hex}.${base}`);
}

/** The policy that verified metadata vouches for. `read` yields a file, and need not be believed. Throws TufRefusal and what `read` throws. */
export async function readTrust(
  { targets }: Targets,
  read: (path: string, sizeBytes: number, name: string) => Promise<Buffer>,
): Promise<TrustContents> {
  const readTarget = async (name: string): Promise<Buffer> => {
    const { length = 0, hashes } = targets[name] ?? {};
    const hex = hashes?.sha256 ?? '';
    if (hex === '' || length > MOST_ROOT_BYTES)
      throw new TufRefusal('TUF_OTHER', `${TRUST_METADATA} names no ${name} of at most ${MOST_ROOT_BYTES} bytes.`);
    const bytes = await read(targetPath(name, hex), length, name);
    if (sha256Hex(bytes) === hex) return bytes;
    throw new TufRefusal('TUF_SIGNATURE', `${name} differs from the signed one: it was damaged or replaced.`);
  };
  const bytes = await readTarget(TRUST_TARGET);
  const source = refusing(TRUST_TARGET, 'anyone', () => parseTrustPolicy(bytes, TRUST_TARGET));
  const trust = await assembleTrust(bytes, source, readTarget);
  if (trust.policy.signers.some(({ revoked }) => !revoked)) return trust;
  throw new TufRefusal('TUF_OTHER', `${TRUST_TARGET} names nobody who may sign.`);
}
