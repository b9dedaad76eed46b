// Owns a new home: the reconciler's key, a first CI key, and a trust policy with both.
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { readFileIfPresent, writeFileDurably } from '../base/durable-file.ts';
import { generateKeyPair, type KeyFiles, writeKeyPair } from '../signing/keys.ts';
import type { Home } from './home.ts';

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

/** Existing keys are kept; half a pair throws KEY_FILE_EXISTS. Nobody but its owner may read a home. */
export async function createHome(home: Home): Promise<void> {
  await mkdir(home.folder, { recursive: true, mode: 0o700 });
  await mkdir(path.dirname(home.reconcilerKey), { recursive: true, mode: 0o700 });
  await assureKeyPair({ privateFile: home.reconcilerKey, publicFile: home.reconcilerPublicKey });
  await assureKeyPair({ privateFile: home.ciKey, publicFile: home.ciPublicKey });
  await writeFileDurably(home.trustPolicy, TRUST_POLICY);
}
