// Owns replacing the reconciler's key: listed in the trust policy beside the old one, and put into its place once devices know it.
import { createPublicKey, type KeyObject } from 'node:crypto';
import { readFile, rename } from 'node:fs/promises';
import path from 'node:path';
import { toIsoSeconds } from '../../base/clock.ts';
import { syncFolder, writeFileDurably } from '../../base/durable-file.ts';
import { CodedError } from '../../base/errors.ts';
import { sha256Hex } from '../../contract/digest.ts';
import { keyIdOf } from '../../contract/trust/keys.ts';
import { findPublishedTrust } from '../../distribution/trust-policies.ts';
import { withKeyEnds, withReconcilerKeys } from '../../documents/edit-reconciler-keys.ts';
import { parseTrustPolicy } from '../../documents/parse-trust-policy.ts';
import { generateKeyPair, readPrivateKey } from '../../signing/keys.ts';
import type { Home } from '../home.ts';
import { isThere } from '../key-folder.ts';
import { loadTrustPolicy } from '../load-trust.ts';

export interface ReconcilerRotation {
  /** Ids of the key that the service signs with now, and of the one that it is to sign with; null where none waits. */
  readonly keyId: string;
  readonly nextKeyId: string | null;
  /** When old keys end; null as long as they are needed. */
  readonly endsAt: string | null;
}

/** A name of its own for each key: what a policy says of a file must stay true when another key takes its place. */
const OWN_FILE = /^keys\/reconciler-[0-9a-f]{8}\.pub$/;

function nextFile({ reconcilerKey }: Home): string {
  return path.join(path.dirname(reconcilerKey), 'reconciler-next.key');
}

/** The new key, listed beside the old one; the service goes on with the old one. Repeated, it completes what is there. */
export async function beginReconciler(home: Home, dryRun: boolean): Promise<ReconcilerRotation> {
  await loadTrustPolicy(home.trustPolicy);
  const present = await publicKeyIn(home.reconcilerKey);
  const keyId = keyIdOf(present);
  const file = nextFile(home);
  if (dryRun)
    return { keyId, nextKeyId: (await isThere(file)) ? keyIdOf(await publicKeyIn(file)) : null, endsAt: null };
  if (!(await isThere(file))) await writeFileDurably(file, generateKeyPair().privatePem, 0o600);
  const next = await publicKeyIn(file);
  // Files first: the service reads the policy again as soon as it changes.
  const names = [await writePublic(home, present), await writePublic(home, next)];
  await editPolicy(home, (text) => withReconcilerKeys(text, names));
  return { keyId, nextKeyId: keyIdOf(next), endsAt: null };
}

/**
 * From the rename on the service signs with the new key; repeated, it does what is left after that. Throws ROTATION_NOT_BEGUN and
 * ROTATION_NOT_PUBLISHED.
 */
export async function finishReconciler(
  home: Home,
  { endMs, dryRun }: { readonly endMs: number; readonly dryRun: boolean },
): Promise<ReconcilerRotation> {
  const file = nextFile(home);
  const waits = await isThere(file);
  const coming = await publicKeyIn(waits ? file : home.reconcilerKey);
  const keyId = keyIdOf(coming);
  if (!(await loadTrustPolicy(home.trustPolicy)).reconciler.has(keyId)) throw notBegun();
  const endsAt = toIsoSeconds(endMs);
  const isOld = (name: string): boolean => OWN_FILE.test(name) && name !== nameOf(coming);
  const text = await readFile(home.trustPolicy, 'utf8');
  if (waits) await assertPublished(home, keyId);
  if (!waits && withKeyEnds(text, isOld, endsAt) === text) throw notBegun();
  if (dryRun) return { keyId: keyIdOf(await publicKeyIn(home.reconcilerKey)), nextKeyId: keyId, endsAt };
  if (waits) await rename(file, home.reconcilerKey);
  await syncFolder(path.dirname(home.reconcilerKey));
  await writeFileDurably(home.reconcilerPublicKey, pemOf(coming));
  await editPolicy(home, (before) => withKeyEnds(before, isOld, endsAt));
  return { keyId, nextKeyId: null, endsAt };
}

function notBegun(): CodedError {
  return new CodedError({
    code: 'ROTATION_NOT_BEGUN',
    message: 'No new key of the reconciler waits in the home, listed in its trust policy.',
    remedy: 'Begin with `slipway rotate reconciler`, and give devices the trust policy before you finish it.',
  });
}

/** Where devices get their trust policy from the publication; whether a file that they were given lists the key, nobody knows here. */
async function assertPublished({ publication }: Home, keyId: string): Promise<void> {
  const published = (await isThere(publication)) ? await findPublishedTrust(publication) : undefined;
  if (published === undefined || published.trust.policy.reconciler.has(keyId)) return;
  throw new CodedError({
    code: 'ROTATION_NOT_PUBLISHED',
    message: `The trust policy that devices get (version ${published.version}) does not list the new key: they would take no step by it.`,
    remedy:
      'Sign and publish the trust policy first (`slipway trust sign`, `slipway trust publish`), and let devices follow.',
  });
}

async function publicKeyIn(file: string): Promise<KeyObject> {
  return createPublicKey(await readPrivateKey(file));
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'pem' }).toString();
}

function nameOf(key: KeyObject): string {
  return `keys/reconciler-${sha256Hex(keyIdOf(key)).slice(0, 8)}.pub`;
}

async function writePublic(home: Home, key: KeyObject): Promise<string> {
  const name = nameOf(key);
  await writeFileDurably(path.join(path.dirname(home.trustPolicy), name), pemOf(key));
  return name;
}

/** Nothing is written that would not be read again. */
async function editPolicy({ trustPolicy }: Home, edit: (text: string) => string): Promise<void> {
  const before = await readFile(trustPolicy, 'utf8');
  const after = edit(before);
  if (after === before) return;
  parseTrustPolicy(Buffer.from(after), trustPolicy);
  await writeFileDurably(trustPolicy, after);
}
