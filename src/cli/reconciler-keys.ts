// Owns whose signatures count as the reconciler's, as far as the options of a command say.

import { readFileIfPresent } from '../base/durable-file.ts';
import type { ReconcilerKeys } from '../contract/trust/keys.ts';
import { homeAt } from './home.ts';
import { loadTrustPolicy } from './load-trust.ts';

export interface KeyOptions {
  readonly trust?: string;
  readonly home: string;
}

/** The reconciler's keys: of the policy that is named, or of the home's where there is one; null without either. */
export async function reconcilerKeys({ trust, home }: KeyOptions): Promise<ReconcilerKeys | null> {
  const ofHome = homeAt(home).trustPolicy;
  if (trust === undefined && (await readFileIfPresent(ofHome)) === undefined) return null;
  return (await loadTrustPolicy(trust ?? ofHome)).reconciler;
}
