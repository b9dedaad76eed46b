// Owns a new home: the reconciler's key, a CI key to begin with, and a trust policy that names both.
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { writeFileDurably } from '../base/durable-file.ts';
import { generateKeyPair, writeKeyPair } from '../signing/keys.ts';
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

/** Throws KEY_FILE_EXISTS when there is a home already: its keys are not replaced. Nobody but its owner may look into it. */
export async function createHome(home: Home): Promise<void> {
  await mkdir(home.folder, { recursive: true, mode: 0o700 });
  await mkdir(path.dirname(home.reconcilerKey), { recursive: true, mode: 0o700 });
  await writeKeyPair(generateKeyPair(), { privateFile: home.reconcilerKey, publicFile: home.reconcilerPublicKey });
  await writeKeyPair(generateKeyPair(), { privateFile: home.ciKey, publicFile: home.ciPublicKey });
  await writeFileDurably(home.trustPolicy, TRUST_POLICY);
}
