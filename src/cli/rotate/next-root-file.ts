// Owns signing the next root: with the keys that are here, or in a file that goes from machine to machine.
import { createPublicKey } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { readBoundedFile } from '../../base/bounded-file.ts';
import { readFileIfPresent, writeFileDurably } from '../../base/durable-file.ts';
import { CodedError } from '../../base/errors.ts';
import {
  addSignature,
  changedRoles,
  encodeNextRoot,
  isSignedEnough,
  type NextRoot,
  parseNextRoot,
  roleIn,
  signaturesOf,
} from '../../distribution/next-root.ts';
import {
  isSignedWith,
  MOST_KEY_BYTES,
  type NamedKey,
  namedKeyOf,
  type RoleKey,
  readRoleKey,
} from '../../distribution/tuf-keys.ts';
import type { Home } from '../home.ts';
import { folderBeside } from '../key-folder.ts';

const MOST_FILE_BYTES = 1024 * 1024;

/** How far a rotation came. `finished-earlier`: it was cut off, and nothing or only its end was left to do. */
export type RotationState = 'planned' | 'waits-for-signatures' | 'ready' | 'done' | 'finished-earlier';

export interface Rotation {
  readonly state: RotationState;
  /** Null where an earlier rotation was finished. */
  readonly both: NextRoot | null;
  /** The root that is in force after it. */
  readonly version: number;
  /** Where it is handed over; null when it is not. */
  readonly file: string | null;
  /** New private keys that were written, or would be. */
  readonly made: readonly string[];
}

/** Private keys of the root: those of the files, or those that `slipway init` left beside the home. Throws TUF_KEY_UNREADABLE. */
export async function rootSigners(files: readonly string[] | undefined, home: Home): Promise<RoleKey[]> {
  if (files !== undefined) return readGivenKeys(files);
  const folder = folderBeside(home.folder);
  const names = await readdir(folder).catch((): string[] => []);
  const there = names.filter((name) => /^root(-\d+)?\.key$/.test(name));
  return Promise.all(there.map((name) => readRoleKey(path.join(folder, name))));
}

/** As people name them, who may pass `--key <(…)`. Throws TUF_KEY_UNREADABLE. */
export function readGivenKeys(files: readonly string[]): Promise<RoleKey[]> {
  return Promise.all(files.map((file) => readRoleKey(file, { takesPipes: true })));
}

/** The key in a file: private, or only its public half; undefined without the file. Throws TUF_KEY_UNREADABLE and TUF_KEY_KIND. */
export async function findNewRootKey(file: string): Promise<NamedKey | RoleKey | undefined> {
  const pem = await readFileIfPresent(file, MOST_KEY_BYTES);
  if (pem === undefined) return undefined;
  if (!pem.includes('PUBLIC KEY')) return readRoleKey(file);
  try {
    return namedKeyOf(createPublicKey(pem));
  } catch (cause) {
    if (cause instanceof CodedError) throw cause;
    const remedy = 'Pass the PEM of an Ed25519 key, as `openssl pkey -pubout` writes it.';
    throw new CodedError({ code: 'TUF_KEY_UNREADABLE', message: `${file} is no public key.`, remedy, cause });
  }
}

/** Signs with the keys that one of the two roots names. */
export function signWith(both: NextRoot, keys: readonly RoleKey[]): void {
  const { present, next } = signaturesOf(both);
  for (const key of keys) if ([...present.of, ...next.of].includes(key.key.keyID)) addSignature(both, key);
}

/** Throws ROTATION_ROOT_KEY. */
export function assertSigned(both: NextRoot): void {
  if (isSignedEnough(both)) return;
  const { present, next } = signaturesOf(both);
  const lacking = present.by.length < present.needed ? present : next;
  const whose = lacking === present ? 'the present root' : 'the new root';
  throw new CodedError({
    code: 'ROTATION_ROOT_KEY',
    message: `The next root needs ${lacking.needed} of the ${lacking.of.length} keys of ${whose}, and has ${lacking.by.length}.`,
    remedy:
      'Bring the keys for this command (--key). Or pass --to <file>: it is signed where the keys are, with `slipway rotate sign`.',
  });
}

/** What lies in the file already, when it leads to the same keys: its signatures are kept. Throws ROTATION_FILE_EXISTS. */
export async function findHandedOver(file: string, isSame: (both: NextRoot) => boolean): Promise<NextRoot | undefined> {
  const bytes = await readFileIfPresent(file, MOST_FILE_BYTES);
  if (bytes === undefined) return undefined;
  let both: NextRoot | undefined;
  try {
    both = parseNextRoot(bytes, file);
  } catch {
    // Somebody's file: it is not overwritten.
  }
  if (both !== undefined && isSame(both)) return both;
  throw new CodedError({
    code: 'ROTATION_FILE_EXISTS',
    message: `${file} is there already, and belongs to another rotation.`,
    remedy: 'Finish that one with `slipway rotate finish`, or pass another file.',
  });
}

export async function handOver(both: NextRoot, file: string): Promise<void> {
  await writeFileDurably(file, encodeNextRoot(both));
}

/** Throws ROTATION_FILE and what reading throws. */
export async function readHandedOver(file: string): Promise<NextRoot> {
  return parseNextRoot(await readBoundedFile(file, MOST_FILE_BYTES), file);
}

export interface SignOrder {
  readonly file: string;
  readonly keys: readonly string[];
  /** Other keys for roots or trust policies are agreed to. */
  readonly mayChangeSigners: boolean;
  readonly dryRun: boolean;
}

/** Signs where the key is, without a home. Throws ROTATION_FILE, ROTATION_KEY_FOREIGN and ROTATION_CHANGES_SIGNERS. */
export async function signNextRoot({ file, keys, mayChangeSigners, dryRun }: SignOrder): Promise<Rotation> {
  const both = await readHandedOver(file);
  const signers = await readGivenKeys(keys);
  const { present, next } = signaturesOf(both);
  const foreign = signers.findIndex(({ key }) => ![...present.of, ...next.of].includes(key.keyID));
  if (foreign >= 0) {
    throw new CodedError({
      code: 'ROTATION_KEY_FOREIGN',
      message: `${keys[foreign]} is no key of root ${both.present.signed.version}, nor of the one in ${file}.`,
      remedy: "Pass a key of this fleet's root. If you expected this to be one, somebody may have made the file up.",
    });
  }
  if (!mayChangeSigners) assertSameSigners(both, file, signers);
  signWith(both, signers);
  if (!dryRun) await handOver(both, file);
  const state = dryRun ? 'planned' : isSignedEnough(both) ? 'ready' : 'waits-for-signatures';
  return { state, both, version: both.next.signed.version, file, made: [] };
}

/**
 * By the file's own present root, which nobody but this holder can vouch for here: a thief could write one that names him already.
 * Throws ROTATION_CHANGES_SIGNERS.
 */
function assertSameSigners(both: NextRoot, file: string, signers: readonly RoleKey[]): void {
  const { present, next } = both;
  const refuse = (message: string, remedy: string): CodedError =>
    new CodedError({ code: 'ROTATION_CHANGES_SIGNERS', message, remedy });
  const changed = changedRoles(both).find((role) => role === 'root' || role === 'trust');
  if (changed !== undefined)
    throw refuse(
      `${file} changes who may sign ${changed === 'root' ? 'roots' : 'trust policies'}: from ${keysOf(present, changed)} to ${keysOf(next, changed)}.`,
      'If that is what you want, sign with --new-signers. Otherwise sign nothing, and ask who made the file.',
    );
  if (!signers.some(({ key }) => isSignedWith(key, present)))
    throw refuse(
      `None of these keys signed root ${present.signed.version}, as ${file} has it, so that somebody may have made it up. After it, ${keysOf(next, 'root')} sign roots, and ${keysOf(next, 'trust')} sign trust policies.`,
      'If that is as it was, by the newest root of the publication, sign with --new-signers. Otherwise sign nothing.',
    );
}

/** Who signs for a role, as people compare it. */
export function keysOf(root: NextRoot['next'], name: 'root' | 'trust'): string {
  const { keyIDs, threshold } = roleIn(root, name) ?? { keyIDs: [], threshold: 0 };
  return keyIDs.length === 0 ? 'nobody' : `${threshold} of ${keyIDs.map((id) => id.slice(0, 10)).join(', ')}`;
}
