// Owns a new home: the reconciler's key, a CI key to begin with, and a trust policy that names both.
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { readFileIfPresent, writeFileDurably } from '../base/durable-file.ts';
import { generateKeyPair, type KeyFiles, writeKeyPair } from '../signing/keys.ts';
import type { Home } from './home.ts';

const TRUST_POLICY = `# Who may sign what. It stays outside the manifests repository: whoever can push there must not be able to widen it.
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

/** A pair that lies there whole is kept: an earlier try may have ended halfway. */
async function assureKeyPair(files: KeyFiles): Promise<void> {
  const halves = [await readFileIfPresent(files.privateFile), await readFileIfPresent(files.publicFile)];
  if (halves.includes(undefined)) await writeKeyPair(generateKeyPair(), files);
}

/** Keys that are there stay; half a pair throws KEY_FILE_EXISTS. Nobody but its owner may look into a home. */
export async function createHome(home: Home): Promise<void> {
  await mkdir(home.folder, { recursive: true, mode: 0o700 });
  await mkdir(path.dirname(home.reconcilerKey), { recursive: true, mode: 0o700 });
  await assureKeyPair({ privateFile: home.reconcilerKey, publicFile: home.reconcilerPublicKey });
  await assureKeyPair({ privateFile: home.ciKey, publicFile: home.ciPublicKey });
  await writeFileDurably(home.trustPolicy, TRUST_POLICY);
}
