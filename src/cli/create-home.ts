// Owns a new home: the reconciler's key, the public half of CI's first key, and a trust policy with both.
import { createPublicKey } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { readFileIfPresent, writeFileDurably } from '../base/durable-file.ts';
import { generateKeyPair, type KeyFiles, readPrivateKey, writeKeyPair } from '../signing/keys.ts';
import type { Home } from './home.ts';
import { assureKeyFolder, findCiKey, type KeyFolder } from './key-folder.ts';

const TRUST_POLICY = `# Who may sign what. Keep it outside the manifests repository: people who can push there must not be able to extend it.
apiVersion: slipway.dev/v1alpha1
kind: TrustPolicy
spec:
  signers:
    - name: ci
      key: keys/ci.pub
      models: ["*"]
      policies: ["*"]
  reconciler:
    - key: keys/reconciler.pub
`;

/** A complete pair is kept: an earlier try may have ended halfway. */
async function assureKeyPair(files: KeyFiles): Promise<void> {
  const halves = [await readFileIfPresent(files.privateFile), await readFileIfPresent(files.publicFile)];
  if (halves.includes(undefined)) await writeKeyPair(generateKeyPair(), files);
}

/** CI's private key is taken from the folder of keys if there is one, as of another service; without any, a pair is made. */
async function assureCiKey(home: Home, keys: KeyFolder): Promise<void> {
  if ((await readFileIfPresent(home.ciPublicKey)) !== undefined) return;
  const privateFile = await findCiKey(home, keys);
  if (privateFile === undefined) {
    await assureKeyFolder(keys);
    await writeKeyPair(generateKeyPair(), { privateFile: keys.ciKey, publicFile: home.ciPublicKey });
    return;
  }
  const pem = createPublicKey(await readPrivateKey(privateFile)).export({ type: 'spki', format: 'pem' });
  await writeFileDurably(home.ciPublicKey, pem);
}

/**
 * Existing keys are kept; half a pair of the reconciler throws KEY_FILE_EXISTS. Nobody but its owner may read a home. No private key of
 * others than the service gets into it.
 */
export async function createHome(home: Home, keys: KeyFolder): Promise<void> {
  await mkdir(home.folder, { recursive: true, mode: 0o700 });
  await mkdir(path.dirname(home.reconcilerKey), { recursive: true, mode: 0o700 });
  await assureKeyPair({ privateFile: home.reconcilerKey, publicFile: home.reconcilerPublicKey });
  await assureCiKey(home, keys);
  await writeFileDurably(home.trustPolicy, TRUST_POLICY);
}
