// Owns making a published trust policy the service's own, in its home.
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { readFileIfPresent, writeFileDurably } from '../../base/durable-file.ts';
import { CodedError } from '../../base/errors.ts';
import { keyIdOf, parsePublicKey } from '../../contract/trust/keys.ts';
import type { TrustContents } from '../../contract/trust/read-trust-policy.ts';
import type { Home } from '../home.ts';

/**
 * Would the service go on with it? Throws TRUST_POLICY_OWN_KEY, and TRUST_FILE_TAKEN where a file of that name says something else: a key
 * that the policy in force names must not become another one before the policy does.
 */
export async function assertInstallable(home: Home, { policy, contents }: TrustContents): Promise<void> {
  const file = home.reconcilerPublicKey;
  const own = keyIdOf(parsePublicKey(await readFile(file, 'utf8'), file));
  if (!policy.reconciler.has(own)) {
    throw new CodedError({
      code: 'TRUST_POLICY_OWN_KEY',
      message: `The trust policy does not list the key ${own}, which this service signs with.`,
      remedy: 'Add its public key under `reconciler:`, and sign the policy again.',
    });
  }
  for (const [name, bytes] of contents) {
    const there = await readFileIfPresent(path.join(path.dirname(home.trustPolicy), name));
    if (there === undefined || there.equals(bytes)) continue;
    throw new CodedError({
      code: 'TRUST_FILE_TAKEN',
      message: `${name} in the home is another file than the one that was signed.`,
      remedy: 'Give the new file another name in the policy, and sign it again; or make them the same.',
    });
  }
}

/** Files first: the service reads the policy again as soon as it changes. */
export async function installPolicy(home: Home, { bytes, contents }: TrustContents): Promise<void> {
  for (const [name, content] of contents) {
    const file = path.join(path.dirname(home.trustPolicy), name);
    if ((await readFileIfPresent(file)) !== undefined) continue;
    await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
    await writeFileDurably(file, content);
  }
  await writeFileDurably(home.trustPolicy, bytes);
}
