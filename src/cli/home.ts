// Owns where a service keeps its files: one folder, the home, outside the manifests repository.
import path from 'node:path';
import { readFileIfPresent } from '../base/durable-file.ts';
import { CodedError } from '../base/errors.ts';

export interface Home {
  readonly folder: string;
  readonly trustPolicy: string;
  readonly reconcilerKey: string;
  readonly reconcilerPublicKey: string;
  readonly ciPublicKey: string;
  /** Online TUF keys, and the first root that devices are given. */
  readonly tuf: string;
  readonly store: string;
  readonly mirror: string;
  readonly publication: string;
  /** The metric providers that rules may query; optional. */
  readonly signals: string;
  /** Who is notified of steps and alerts; optional. */
  readonly notify: string;
  /** Settings of the service; optional. */
  readonly settings: string;
}

export function homeAt(folder: string): Home {
  const at = (...parts: string[]): string => path.join(path.resolve(folder), ...parts);
  return {
    folder: at(),
    trustPolicy: at('trust-policy.yaml'),
    reconcilerKey: at('keys', 'reconciler.key'),
    reconcilerPublicKey: at('keys', 'reconciler.pub'),
    ciPublicKey: at('keys', 'ci.pub'),
    tuf: at('tuf'),
    store: at('slipway.db'),
    mirror: at('mirror'),
    publication: at('publication'),
    signals: at('signals.yaml'),
    notify: at('notify.yaml'),
    settings: at('service.yaml'),
  };
}

/** The home that is there: a mistyped folder is not made into an empty one. `otherwise` says what does without one. Throws HOME_MISSING. */
export async function openHome(folder: string, otherwise = ''): Promise<Home> {
  const home = homeAt(folder);
  if ((await readFileIfPresent(home.trustPolicy)) !== undefined) return home;
  throw new CodedError({
    code: 'HOME_MISSING',
    message: `${home.folder} is not the home of a service: it has no trust-policy.yaml.`,
    remedy: `${otherwise}Pass the home with --home. \`slipway init <new-repository> --home <folder>\` creates one.`,
  });
}
