// Owns private keys: making, writing and reading them.
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { readBoundedFile } from '../base/bounded-file.ts';
import type { ReadingOptions } from '../base/durable-file.ts';
import { writeFileDurably } from '../base/durable-file.ts';
import { CodedError } from '../base/errors.ts';
import { assertP256, MOST_KEY_BYTES } from '../contract/trust/keys.ts';
import { isEncrypted, isOfCosign, openCosignKey, wrongPassphrase } from './encrypted-key.ts';

/** A key pair as PEM texts: PKCS #8 and SubjectPublicKeyInfo. */
export interface KeyPairPem {
  readonly privatePem: string;
  readonly publicPem: string;
}

/** A new P-256 pair. */
export function generateKeyPair(): KeyPairPem {
  const { privateKey, publicKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  return { privatePem: privateKey, publicPem: publicKey };
}

export interface KeyFiles {
  readonly privateFile: string;
  readonly publicFile: string;
}

async function writeNew(file: string, text: string, mode: number): Promise<void> {
  try {
    await using handle = await open(file, 'wx', mode);
    await handle.writeFile(text);
    await handle.sync();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
      throw new CodedError({
        code: 'KEY_FILE_EXISTS',
        message: `${file} already exists. Overwriting it would lose that key.`,
        remedy: 'Choose another name, or use --force.',
        cause: error,
      });
    }
    throw new CodedError({
      code: 'KEY_FILE_UNWRITABLE',
      message: `${file} can't be written.`,
      remedy: 'Create its folder and check that you may write there.',
      cause: error,
    });
  }
}

/**
 * Writes both halves, the private one readable by its owner alone (mode 0600). Without `force` neither is written when either
 * exists: throws KEY_FILE_EXISTS. Otherwise KEY_FILE_UNWRITABLE.
 */
export async function writeKeyPair(
  pair: KeyPairPem,
  files: KeyFiles,
  options: { readonly force?: boolean } = {},
): Promise<void> {
  if (options.force === true) {
    await writeFileDurably(files.privateFile, pair.privatePem, 0o600);
    await writeFileDurably(files.publicFile, pair.publicPem, 0o644);
    return;
  }
  await writeNew(files.privateFile, pair.privatePem, 0o600);
  try {
    await writeNew(files.publicFile, pair.publicPem, 0o644);
  } catch (error) {
    await rm(files.privateFile, { force: true });
    throw error;
  }
}

/**
 * The P-256 private key in a PEM text; `source` names it for people. Throws KEY_UNREADABLE, KEY_ENCRYPTED without a passphrase,
 * KEY_PASSPHRASE with a wrong one, or TRUST_KEY_KIND. No message quotes the text.
 */
export function parsePrivateKey(pem: string, source: string, passphrase?: string): KeyObject {
  if (isEncrypted(pem) && passphrase === undefined) {
    throw new CodedError({
      code: 'KEY_ENCRYPTED',
      message: `${source} is encrypted with a passphrase.`,
      remedy:
        'For `slipway sign`, give the passphrase in COSIGN_PASSWORD or with --passphrase-file. A service reads its keys without one: keep its home in a safe place.',
    });
  }
  let key: KeyObject;
  try {
    key = openKey(pem, source, passphrase);
  } catch (error) {
    if (error instanceof CodedError) throw error;
    if (isEncrypted(pem)) throw wrongPassphrase(source);
    // the cause is left out on purpose: it may quote what was given
    throw new CodedError({
      code: 'KEY_UNREADABLE',
      message: `${source} is not a private key in PEM.`,
      remedy: 'Pass the whole block from -----BEGIN PRIVATE KEY----- on; `slipway keygen` creates one.',
    });
  }
  assertP256(key, source);
  return key;
}

function openKey(pem: string, source: string, passphrase: string | undefined): KeyObject {
  if (passphrase === undefined) return createPrivateKey(pem);
  if (!isOfCosign(pem)) return createPrivateKey({ key: pem, passphrase });
  return createPrivateKey({ key: openCosignKey(pem, passphrase, source), format: 'der', type: 'pkcs8' });
}

/** The text of a key file, of at most 16 KiB. Throws KEY_FILE_UNREADABLE and KEY_UNREADABLE. */
export async function readKeyText(file: string, how: ReadingOptions = {}): Promise<string> {
  try {
    return (await readBoundedFile(file, MOST_KEY_BYTES, false, how)).toString('latin1');
  } catch (error) {
    if (error instanceof CodedError && error.code === 'FILE_SIZE')
      throw new CodedError({ code: 'KEY_UNREADABLE', message: `${file} is too large for a private key.` });
    throw new CodedError({
      code: 'KEY_FILE_UNREADABLE',
      message: `The private key ${file} can't be read.`,
      remedy: 'Check that the file exists and that you may read it.',
      cause: error,
    });
  }
}

/** The private key in a file. Throws KEY_FILE_UNREADABLE and what `parsePrivateKey` throws. */
export async function readPrivateKey(file: string): Promise<KeyObject> {
  return parsePrivateKey(await readKeyText(file), file);
}
