// Owns where a service keeps its things: one folder, the home, outside the manifests repository.
import path from 'node:path';

export interface Home {
  readonly folder: string;
  readonly trustPolicy: string;
  readonly reconcilerKey: string;
  readonly reconcilerPublicKey: string;
  readonly ciKey: string;
  readonly ciPublicKey: string;
  /** TUF role keys, and the first root that devices are given. */
  readonly tuf: string;
  readonly store: string;
  readonly mirror: string;
  readonly publication: string;
}

export function homeAt(folder: string): Home {
  const at = (...parts: string[]): string => path.join(path.resolve(folder), ...parts);
  return {
    folder: at(),
    trustPolicy: at('trust-policy.yaml'),
    reconcilerKey: at('keys', 'reconciler.key'),
    reconcilerPublicKey: at('keys', 'reconciler.pub'),
    ciKey: at('keys', 'ci.key'),
    ciPublicKey: at('keys', 'ci.pub'),
    tuf: at('tuf'),
    store: at('slipway.db'),
    mirror: at('mirror'),
    publication: at('publication'),
  };
}
