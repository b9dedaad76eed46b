// Owns which files of its home the service follows while it runs: the trust policy, its keys, the metric providers, the notification targets.
import type { Clock } from '../base/clock.ts';
import { CodedError, toCodedError } from '../base/errors.ts';
import type { LoadedTrust } from '../contract/trust/read-trust-policy.ts';
import { ONLINE_ROLES, type OnlineKeys, roleKeyFile } from '../distribution/tuf-keys.ts';
import { readKeysInForce } from '../distribution/tuf-roots.ts';
import { type NotifySettings, readNotifications } from '../notify/read-notifications.ts';
import { lackingSecrets, readProviders } from '../signals/read-providers.ts';
import type { SignalProvider } from '../signals/signal-provider.ts';
import { createReconcilerSigner, type ReconcilerSigner } from '../signing/evidence-signer.ts';
import { readPrivateKey } from '../signing/keys.ts';
import type { Home } from './home.ts';
import { loadTrust } from './load-trust.ts';
import { WatchedFile } from './watched-file.ts';

/** The trust policy and the key files that it names. Throws what `loadTrust` throws, and TRUST_POLICY_OWN_KEY. */
export function openTrust({ trustPolicy: file }: Home, ownKeyId: () => string): Promise<WatchedFile<LoadedTrust>> {
  const read = () => loadOwnTrust(file, ownKeyId());
  return WatchedFile.open({
    ...{ name: 'trust policy', file, read },
    readContent: () =>
      read().then(
        ({ digest }) => digest,
        (thrown) => toCodedError(thrown).message,
      ),
    otherFiles: ({ files }) => files,
  });
}

/** The keys that the newest root of the publication names: after a rotation these are others. Throws TUF_KEY_UNREADABLE. */
export function openOnlineKeys(home: Home): Promise<WatchedFile<OnlineKeys>> {
  const read = () => readKeysInForce(home);
  const files = ONLINE_ROLES.map((role) => roleKeyFile(home.tuf, role));
  return WatchedFile.open({
    ...{ name: 'online keys', file: home.tuf, read },
    readContent: () =>
      read().then(
        (keys) => ONLINE_ROLES.map((role) => keys[role].key.keyID).join(),
        (thrown) => toCodedError(thrown).message,
      ),
    otherFiles: () => files,
  });
}

/** The reconciler's key: another one counts as soon as the trust policy lists it. Throws what `readPrivateKey` throws. */
export function openReconcilerKey(home: Home, principal: string): Promise<WatchedFile<ReconcilerSigner>> {
  const { reconcilerKey: file, trustPolicy } = home;
  const read = async (isFirst: boolean): Promise<ReconcilerSigner> => {
    const signer = createReconcilerSigner(await readPrivateKey(file), principal);
    if (!isFirst) await loadOwnTrust(trustPolicy, signer.keyId);
    return signer;
  };
  return WatchedFile.open({ name: "reconciler's key", file, read });
}

/** A service that doesn't trust its own evidence would restore every status, for ever. */
async function loadOwnTrust(file: string, ownKeyId: string): Promise<LoadedTrust> {
  const loaded = await loadTrust(file);
  if (loaded.policy.reconciler.has(ownKeyId)) return loaded;
  throw new CodedError({
    code: 'TRUST_POLICY_OWN_KEY',
    message: `${file} does not list the key ${ownKeyId}, which this service signs with.`,
    remedy: 'Add its public key under `reconciler:`. During a key rotation, list the old key and the new key.',
  });
}

/** Without the file there are no providers, unless `named` says which file it is. */
export function openProviders(
  home: Home,
  named: string | null,
  clock: Clock,
): Promise<WatchedFile<readonly SignalProvider[]>> {
  const list = { file: named ?? home.signals, isOptional: named === null };
  return WatchedFile.open({
    name: 'list of metric providers',
    file: list.file,
    read: () => readProviders(list, clock),
    // Said when the list is read, rather than at the first query: secrets may still come later.
    warn: async (logger) => {
      for (const lacking of await lackingSecrets(list))
        logger.warn("a provider's secret can't be read: it is missing, empty or too long", { ...lacking });
    },
  });
}

/**
 * Without the file nobody is notified, unless `named` says which file it is. A file that goes away while the service runs is a problem
 * instead: its targets would lose the notices that wait for them.
 */
export function openNotifications(
  home: Home,
  named: string | null,
  clock: Clock,
): Promise<WatchedFile<NotifySettings>> {
  const file = named ?? home.notify;
  const read = (isFirst: boolean) => readNotifications({ file, isOptional: isFirst && named === null }, clock);
  return WatchedFile.open({ name: 'list of notification targets', file, read });
}
