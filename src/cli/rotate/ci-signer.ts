// Owns the next trust policy of a rotation of CI's signer: the new one beside the old, whose time ends; all else as people wrote it.
import { createPublicKey } from 'node:crypto';
import path from 'node:path';
import { toIsoSeconds } from '../../base/clock.ts';
import { readFileIfPresent, writeFileDurably } from '../../base/durable-file.ts';
import { CodedError } from '../../base/errors.ts';
import { keyIdOf, parsePublicKey } from '../../contract/trust/keys.ts';
import { assembleTrust, type LoadedTrust, type TrustContents } from '../../contract/trust/read-trust-policy.ts';
import { withNextSigner } from '../../documents/edit-trust-policy.ts';
import { parseTrustPolicy } from '../../documents/parse-trust-policy.ts';
import { generateKeyPair, readPrivateKey } from '../../signing/keys.ts';

/** Who signs from now on: a key, or an identity that a certificate states. */
export type NewSigner =
  | { readonly kind: 'key'; readonly file: string }
  | { readonly kind: 'identity'; readonly issuer: string; readonly identity: string };

export interface CiRotation {
  readonly file: string;
  readonly before: LoadedTrust;
  /** Name of the signer that ends; the only one without an end unless given. */
  readonly old: string | undefined;
  readonly next: NewSigner;
  readonly endsAtMs: number;
  readonly dryRun: boolean;
}

export interface NextPolicy {
  readonly old: string;
  readonly name: string;
  readonly text: string;
  readonly trust: TrustContents;
  /** The private key that was made; null where there was one, or none is needed. */
  readonly made: string | null;
}

/** Makes the key, if one is to be made; writes no policy. Throws ROTATE_SIGNER, and what reading keys and policies throws. */
export async function addCiSigner(order: CiRotation): Promise<NextPolicy> {
  const { file, before, endsAtMs, next, dryRun } = order;
  const old = oldSigner(before, order.old);
  const identity = await identityOf(next, dryRun);
  const known = before.policy.signers.find(
    (one) => one.identity.kind === 'key' && one.identity.keyId === identity.keyId,
  );
  if (known?.name === old) throw signerError(`"${old}" has this key already.`);
  const name = known?.name ?? freeName(old, before);
  const added = known === undefined ? { name, ...identity.source } : null;
  const present = Buffer.from(before.bytes).toString('utf8');
  const text = withNextSigner(present, { old, notAfter: toIsoSeconds(endsAtMs), added });
  if (text === undefined) throw signerError(`There is no signer "${old}".`);
  const bytes = Buffer.from(text);
  const trust = await assembleTrust(
    bytes,
    parseTrustPolicy(bytes, file),
    async (one) => before.contents.get(one) ?? Buffer.alloc(0),
  );
  return { old, name, text, trust, made: identity.made };
}

function oldSigner({ policy }: LoadedTrust, given: string | undefined): string {
  if (given !== undefined) return given;
  const endless = policy.signers.filter(({ notAfterMs, revoked }) => notAfterMs === null && !revoked);
  const [only, ...others] = endless;
  if (only !== undefined && others.length === 0) return only.name;
  throw signerError(`Which signer ends? Without an end are: ${endless.map(({ name }) => name).join(', ') || 'none'}.`);
}

function freeName(old: string, { policy }: LoadedTrust): string {
  const taken = new Set(policy.signers.map(({ name }) => name));
  const stem = old.replace(/-\d+$/, '');
  for (let i = 2; ; i++) if (!taken.has(`${stem}-${i}`)) return `${stem}-${i}`;
}

/** As the policy names it. A key that is not there is made, readable by its owner alone. */
async function identityOf(next: NewSigner, dryRun: boolean) {
  if (next.kind === 'identity') {
    const { issuer, identity } = next;
    return { source: { keyless: { issuer, identity } }, keyId: null, made: null };
  }
  const pem = await readFileIfPresent(next.file, 64 * 1024);
  const made = pem === undefined ? generateKeyPair() : null;
  if (made !== null && !dryRun) await writeFileDurably(next.file, made.privatePem, 0o600);
  const publicPem = made?.publicPem ?? (await publicHalf(next.file, String(pem)));
  const keyId = keyIdOf(parsePublicKey(publicPem, path.basename(next.file)));
  return { source: { publicKey: publicPem }, keyId, made: made === null ? null : next.file };
}

async function publicHalf(file: string, pem: string): Promise<string> {
  if (pem.includes('PUBLIC KEY')) return pem;
  return createPublicKey(await readPrivateKey(file))
    .export({ type: 'spki', format: 'pem' })
    .toString();
}

function signerError(message: string): CodedError {
  const remedy = 'Name the signer that ends with --signer, and another key or identity for the new one.';
  return new CodedError({ code: 'ROTATE_SIGNER', message, remedy });
}
