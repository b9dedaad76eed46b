// Owns whose signatures count as the reconciler's, as far as the options of a command say.
import type { KeyObject } from 'node:crypto';
import { readFileIfPresent } from '../base/durable-file.ts';
import { homeAt } from './home.ts';
import { loadTrustPolicy } from './load-trust.ts';

export interface KeyOptions {
  readonly trust?: string;
  readonly home: string;
}

/** The reconciler's keys: of the policy that is named, or of the home's where there is one; null without either. */
export async function reconcilerKeys({ trust, home }: KeyOptions): Promise<ReadonlyMap<string, KeyObject> | null> {
  const ofHome = homeAt(home).trustPolicy;
  if (trust === undefined && (await readFileIfPresent(ofHome)) === undefined) return null;
  return (await loadTrustPolicy(trust ?? ofHome)).reconciler;
}
