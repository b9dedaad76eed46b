// Owns reading a trust policy for commands: with every problem of it.
import { type LoadedTrust, loadTrust as load } from '../contract/trust/read-trust-policy.ts';
import type { TrustPolicy } from '../contract/trust/trust-policy.ts';
import { parseTrustPolicy } from '../documents/parse-trust-policy.ts';

export function loadTrust(file: string): Promise<LoadedTrust> {
  return load(file, parseTrustPolicy);
}

export async function loadTrustPolicy(file: string): Promise<TrustPolicy> {
  return (await loadTrust(file)).policy;
}
