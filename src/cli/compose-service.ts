// Owns putting the service together: the only place that chooses implementations for it.
import { mkdir } from 'node:fs/promises';
import os from 'node:os';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Metrics } from '../base/metrics.ts';
import type { RandomStream } from '../base/random.ts';
import type { Tracer } from '../base/tracer.ts';
import type { LoadedTrust } from '../contract/trust/read-trust-policy.ts';
import { FolderPublication } from '../distribution/folder-publication.ts';
import { versionSeenElsewhere } from '../distribution/seen-pointer.ts';
import type { OnlineKeys } from '../distribution/tuf-keys.ts';
import { DEFAULT_LIFETIMES } from '../distribution/tuf-metadata.ts';
import type { CertificateFiles } from '../fleet-api/http/server-certificate.ts';
import type { OidcSettings } from '../fleet-api/oidc-login.ts';
import type { OwnSite } from '../fleet-api/own-site.ts';
import type { RefusedDevices } from '../fleet-api/refused-reports.ts';
import { openManifestsRepository } from '../git/isomorphic/isomorphic-git-repository.ts';
import type { ManifestsRepository } from '../git/manifests-repository.ts';
import type { CredentialSource } from '../git/wire/http-transport.ts';
import type { KnownFleet } from '../measurement/known-fleet.ts';
import { SignalBoard } from '../measurement/signal-board.ts';
import { WindowMeasurement } from '../measurement/window-measurement.ts';
import { StandingAlerts } from '../notify/alertmanager-target.ts';
import { DeliveryWorker } from '../notify/delivery-worker.ts';
import type { NotifySettings } from '../notify/read-notifications.ts';
import { assembleLoop, type Loop } from '../reconcile/assemble.ts';
import type { Publisher } from '../reconcile/publisher.ts';
import type { Reconciler, ReconcilerEvents, ReconcilerSettings } from '../reconcile/reconciler.ts';
import type { SignalProvider } from '../signals/signal-provider.ts';
import { ChangingSigner, type ReconcilerSigner } from '../signing/evidence-signer.ts';
import type { FleetStore } from '../store/fleet-store.ts';
import { openSqliteFleetStore } from '../store/sqlite/open-sqlite-fleet-store.ts';
import type { Home } from './home.ts';
import { openNotifications, openOnlineKeys, openProviders, openReconcilerKey, openTrust } from './home-files.ts';
import { findMisplacedKeys } from './key-folder.ts';
import type { WatchedFile } from './watched-file.ts';

export interface ServiceSettings {
  readonly home: Home;
  readonly repository: string;
  readonly branch: string;
  /** Asked before each session with the repository's host; null without credentials. */
  readonly credentials: CredentialSource | null;
  readonly insecureHttp: boolean;
  /** Address under which browsers reach the service; none unless given. */
  readonly publicUrl?: OwnSite['publicUrl'];
  /** Certificate and key; plain HTTP unless given. */
  readonly tls?: CertificateFiles | null;
  /** By which people log in to the screen; none unless given. */
  readonly oidc?: OidcSettings | null;
  readonly host: string;
  readonly port: number;
  /** How many times as much as usual one address may send; 1 unless given. */
  readonly addressFactor?: number;
  /** File of the metric providers; null takes the home's, if there is one. */
  readonly signals?: string | null;
  /** File of the notification targets; null takes the home's, if there is one. */
  readonly notify?: string | null;
  /** Private place in S3 that the service signs for: `s3://bucket/prefix`; null for none. */
  readonly artifacts?: string | null;
  readonly hookSecret: string | null;
  readonly viewerToken: string | null;
  readonly adminToken?: string | null;
  /** What artifacts in the publication may take together; as much as the disk has unless given. */
  readonly artifactQuotaBytes?: number;
  /** How long it is kept which device ran which version, after it ended; 13 months unless given. */
  readonly exposureKeptMs?: number;
  /** How often devices are to report. */
  readonly reportIntervalMs: number;
  readonly heartbeatMs: number;
  readonly leaseMs: number;
  readonly reconciler: ReconcilerSettings;
  /** For the git and ssh commands: PATH, HOME, SSH_AUTH_SOCK. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export interface Surroundings {
  readonly clock: Clock;
  readonly random: RandomStream;
  readonly logger: Logger;
}

/** A reconciler with its edges, without the HTTP side. */
export interface ComposedReconciler extends AsyncDisposable {
  readonly reconciler: Reconciler;
  /** Asks the outside signals; whoever runs the loop runs it as well. */
  readonly signals: SignalBoard;
  /** Delivers notices; whoever runs the loop runs it as well. */
  readonly deliveries: DeliveryWorker;
  /** Tells Alertmanagers what stands; whoever runs the loop runs it as well. */
  readonly standingAlerts: StandingAlerts;
  readonly store: FleetStore;
  /** The mirror of the branch that is followed. */
  readonly repository: ManifestsRepository;
  readonly publisher: Publisher;
  readonly traces: Loop['traces'];
  readonly signer: ReconcilerSigner;
  readonly trust: WatchedFile<LoadedTrust>;
  readonly onlineKeys: WatchedFile<OnlineKeys>;
  readonly reconcilerKey: WatchedFile<ReconcilerSigner>;
  readonly providers: WatchedFile<readonly SignalProvider[]>;
  readonly notify: WatchedFile<NotifySettings>;
  /** Judges by another trust policy from the next cycle on, which comes at once. */
  useTrust(trust: LoadedTrust): void;
  /** Signs steps with another key from now on, and what is published anew. */
  useSigner(next: ReconcilerSigner): void;
  /** Signs the publication anew with other keys, at once. */
  useOnlineKeys(keys: OnlineKeys): void;
  /** Notifies these targets from now on. */
  useNotifications(list: NotifySettings): void;
  /** A device shows the pointer that it accepted: what our key signed is published above. */
  notePointer(pointer: string): void;
  /** The fleet as of the last cycle; undefined before the first. */
  fleet(): KnownFleet | undefined;
}

export const COMMITTER = { name: 'Slipway', email: 'slipway@localhost' };

export interface ComposeOrder extends Surroundings {
  readonly settings: ServiceSettings;
  readonly events?: ReconcilerEvents;
  /** Keeps processes of one machine apart: the mirror is one process's own. */
  readonly instance?: string;
  readonly metrics?: Metrics;
  readonly tracer?: Tracer | undefined;
  readonly refusedReports?: () => RefusedDevices;
}

/** Opens store, mirror, publication and keys, and puts the loop on top. */
export async function composeReconciler({
  settings,
  clock,
  random,
  logger,
  events = {},
  instance = '',
  metrics,
  tracer,
  refusedReports,
}: ComposeOrder): Promise<ComposedReconciler> {
  const { home } = settings;
  await mkdir(home.folder, { recursive: true });
  for (const { file, message, move } of await findMisplacedKeys(home)) logger.warn(message, { file, move });
  const reconcilerKey = await openReconcilerKey(home, COMMITTER.email);
  const signer = new ChangingSigner(reconcilerKey.value);
  const trust = await openTrust(home, () => signer.keyId);
  const onlineKeys = await openOnlineKeys(home);
  const providers = await openProviders(home, settings.signals ?? null, clock);
  const signals = new SignalBoard({
    providers: providers.value,
    clock,
    logger,
    ...(metrics === undefined ? {} : { metrics }),
  });
  const notify = await openNotifications(home, settings.notify ?? null, clock);
  await using disposables = new AsyncDisposableStack();
  const store = disposables.use(
    openSqliteFleetStore({
      file: home.store,
      clock,
      heartbeatMs: settings.heartbeatMs,
      reportMs: settings.reportIntervalMs,
    }),
  );
  const repository = disposables.use(
    await openManifestsRepository({
      remote: settings.repository,
      branch: settings.branch,
      folder: `${home.mirror}${instance}`,
      clock,
      logger,
      author: COMMITTER,
      signer: { ...COMMITTER, sign: (payload) => signer.signCommit(payload) },
      credentials: settings.credentials ?? undefined,
      insecureHttp: settings.insecureHttp,
      environment: settings.environment,
    }),
  );
  const holder = `${os.hostname()} ${home.mirror}${instance}`;
  const publication = new FolderPublication({
    folder: home.publication,
    keys: onlineKeys.value,
    lifetimes: DEFAULT_LIFETIMES,
  });
  let fleet: KnownFleet | undefined;
  const measured = { ...(metrics === undefined ? {} : { metrics }), ...(tracer === undefined ? {} : { tracer }) };
  const { publicUrl } = settings;
  const withLinks = (list: NotifySettings) => ({ ...list, ...(publicUrl ? { publicUrl: publicUrl.origin } : {}) });
  const loop = assembleLoop({
    ...{ repository, store, publication, signer, clock, random, logger, signals, holder, ...measured },
    trust: trust.value.policy,
    windows: new WindowMeasurement(store, settings.reportIntervalMs, signals),
    notices: withLinks(notify.value),
    onQueued: () => {
      deliveries.wake();
      standingAlerts.wake();
    },
    leaseMs: settings.leaseMs,
    reportMs: settings.reportIntervalMs,
    renewBeforeMs: DEFAULT_LIFETIMES.timestampMs / 2,
    settings: settings.reconciler,
    ...(refusedReports === undefined ? {} : { refusedReports }),
    events: {
      ...events,
      onObserved: (observation) => {
        fleet = observation.fleet;
        events.onObserved?.(observation);
      },
    },
  });
  const deliveries: DeliveryWorker = new DeliveryWorker({
    ...{ targets: notify.value.targets, queues: store, clock, random, logger, ...measured },
    mayDeliver: () => loop.notices.mayNotify(),
  });
  const standingAlerts: StandingAlerts = new StandingAlerts({
    ...{ targets: notify.value.alertmanagers, clock, logger },
    standing: () => loop.notices.standing(),
    mayDeliver: () => loop.notices.mayNotify(),
  });
  const owned = disposables.move();
  return {
    reconciler: loop.reconciler,
    signals,
    deliveries,
    standingAlerts,
    store,
    repository,
    publisher: loop.publisher,
    traces: loop.traces,
    signer,
    trust,
    onlineKeys,
    reconcilerKey,
    providers,
    notify,
    useTrust: ({ policy }) => loop.useTrust(policy),
    useSigner: (next) => {
      signer.use(next);
      loop.reconciler.wake();
    },
    useOnlineKeys: (keys) => {
      publication.useKeys(keys);
      loop.reconciler.wake();
    },
    useNotifications: (list) => {
      loop.useNotices(withLinks(list));
      deliveries.useTargets(list.targets);
      standingAlerts.useTargets(list.alertmanagers);
    },
    notePointer: (pointer) => {
      versionSeenElsewhere(home.publication, pointer, onlineKeys.value.timestamp)
        .then((version) => {
          if (version === undefined || !loop.publisher.goAbove(version)) return;
          logger.warn('a device has seen newer metadata than this home published: the home was set back', { version });
        })
        .catch((error: unknown) => logger.warn('the pointer of a device could not be compared', { error }));
    },
    fleet: () => fleet,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
