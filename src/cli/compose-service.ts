// Owns putting the service together: the only place that chooses implementations for it.
import { mkdir } from 'node:fs/promises';
import os from 'node:os';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { Metrics } from '../base/metrics.ts';
import type { RandomStream } from '../base/random.ts';
import type { TrustPolicy } from '../contract/trust/trust-policy.ts';
import { DocumentVerifier } from '../contract/trust/verifier.ts';
import { FolderPublication } from '../distribution/folder-publication.ts';
import { readOnlineKeys } from '../distribution/tuf-keys.ts';
import { DEFAULT_LIFETIMES } from '../distribution/tuf-metadata.ts';
import { HttpFleetApi } from '../fleet-api/http-fleet-api.ts';
import { openManifestsRepository } from '../git/isomorphic-git-repository.ts';
import { DeclaredWatch } from '../measurement/declared-watch.ts';
import { readTraffic } from '../measurement/fleet-traffic.ts';
import type { KnownFleet } from '../measurement/known-fleet.ts';
import { SignalBoard } from '../measurement/signal-board.ts';
import { SteadyWatch } from '../measurement/steady-watch.ts';
import { WindowReader } from '../measurement/window-reader.ts';
import { Courier } from '../notify/courier.ts';
import type { NotifySettings } from '../notify/read-notifications.ts';
import { Executor } from '../reconcile/carry-out.ts';
import { Notices } from '../reconcile/notices.ts';
import { Observer } from '../reconcile/observe.ts';
import { WindowKeeping } from '../reconcile/prepare-windows.ts';
import { Publisher } from '../reconcile/publisher.ts';
import { Reconciler, type ReconcilerEvents, type ReconcilerSettings } from '../reconcile/reconciler.ts';
import type { SignalProvider } from '../signals/signal-provider.ts';
import { createReconcilerSigner, type ReconcilerSigner } from '../signing/evidence-signer.ts';
import { readPrivateKey } from '../signing/keys.ts';
import { SnapshotReader } from '../snapshot/snapshot.ts';
import { StatusClaims } from '../snapshot/status-claims.ts';
import { SqliteFleetStore } from '../store/sqlite-fleet-store.ts';
import type { Home } from './home.ts';
import { openNotifications, openProviders } from './home-lists.ts';
import { rolloutsForViewers } from './rollouts-for-viewers.ts';
import type { ListWatch } from './watch-list.ts';
import { TrustWatch } from './watch-trust.ts';

export interface ServiceSettings {
  readonly home: Home;
  readonly repository: string;
  readonly branch: string;
  readonly credentials: { readonly username: string; readonly password: string } | null;
  readonly insecureHttp: boolean;
  readonly host: string;
  readonly port: number;
  /** File that names the providers of outside signals; null takes the home's, if there is one. */
  readonly signals?: string | null;
  /** File that names who is told; null takes the home's, if there is one. */
  readonly notify?: string | null;
  readonly hookSecret: string | null;
  readonly viewerToken: string | null;
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
  /** Delivers what is told; whoever runs the loop runs it as well. */
  readonly courier: Courier;
  readonly store: SqliteFleetStore;
  readonly publisher: Publisher;
  readonly signer: ReconcilerSigner;
  readonly trust: TrustWatch;
  readonly providers: ListWatch<readonly SignalProvider[]>;
  readonly notify: ListWatch<NotifySettings>;
  /** Judges by another trust policy from the next cycle on, which comes at once. */
  useTrust(policy: TrustPolicy): void;
  /** Tells others from now on. */
  useNotifications(list: NotifySettings): void;
  /** The fleet as of the last cycle; undefined before the first. */
  fleet(): KnownFleet | undefined;
}

const COMMITTER = { name: 'Slipway', email: 'slipway@localhost' };

export interface ComposeOrder extends Surroundings {
  readonly settings: ServiceSettings;
  readonly events?: ReconcilerEvents;
  /** Keeps processes of one machine apart: the mirror is one process's own. */
  readonly instance?: string;
  readonly metrics?: Metrics;
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
}: ComposeOrder): Promise<ComposedReconciler> {
  const { home } = settings;
  await mkdir(home.folder, { recursive: true });
  const signer = createReconcilerSigner(await readPrivateKey(home.reconcilerKey), COMMITTER.email);
  const trust = await TrustWatch.open({ file: home.trustPolicy, ownKeyId: signer.keyId });
  const keys = await readOnlineKeys(home.tuf);
  const providers = await openProviders(home, settings.signals ?? null, clock);
  const signals = new SignalBoard({
    providers: providers.value,
    clock,
    logger,
    ...(metrics === undefined ? {} : { metrics }),
  });
  const notify = await openNotifications(home, settings.notify ?? null, clock);
  await using disposables = new AsyncDisposableStack();
  const store = disposables.use(new SqliteFleetStore({ file: home.store, clock, heartbeatMs: settings.heartbeatMs }));
  const repository = disposables.use(
    await openManifestsRepository({
      remote: settings.repository,
      branch: settings.branch,
      folder: `${home.mirror}${instance}`,
      clock,
      logger,
      author: COMMITTER,
      signer: { ...COMMITTER, sign: (payload) => signer.signCommit(payload) },
      credentials: settings.credentials === null ? undefined : credentialSource(settings.credentials),
      insecureHttp: settings.insecureHttp,
      environment: settings.environment,
    }),
  );
  const holder = `${os.hostname()} ${home.mirror}${instance}`;
  const publication = new FolderPublication({ folder: home.publication, keys, lifetimes: DEFAULT_LIFETIMES });
  const publisher = new Publisher({
    publication,
    store,
    repository,
    clock,
    holder,
    leaseMs: settings.leaseMs,
    renewBeforeMs: DEFAULT_LIFETIMES.timestampMs / 2,
  });
  let fleet: KnownFleet | undefined;
  const reader = new SnapshotReader(repository);
  const claims = new StatusClaims(repository, trust.policy.reconciler);
  const windows = new WindowReader(store, settings.reportIntervalMs, signals);
  const observer = new Observer({
    random,
    repository,
    reader,
    claims,
    windows,
    steady: new SteadyWatch(store, settings.reportIntervalMs),
    store,
    verifier: new DocumentVerifier(trust.policy),
  });
  const measured = metrics === undefined ? {} : { metrics };
  const notices: Notices = new Notices({
    ...{ store, claims, clock, logger, holder, ...measured },
    ...{ list: notify.value, leaseMs: settings.leaseMs },
    onQueued: () => courier.wake(),
  });
  const courier = new Courier({
    ...{ targets: notify.value.targets, queues: store, clock, random, logger, ...measured },
    mayDeliver: () => notices.mayTell(),
  });
  const declared = new DeclaredWatch(store, {
    intervalMs: settings.reportIntervalMs,
    afterMs: notify.value.offDeclaredAfterMs,
  });
  const reconciler = new Reconciler(
    {
      repository,
      observer,
      windows: new WindowKeeping(store, windows, signals),
      executor: new Executor(repository, signer, logger),
      publisher,
      store,
      notices,
      declared,
      clock,
      random,
      logger,
    },
    settings.reconciler,
    {
      ...events,
      onObserved: (observation) => {
        fleet = observation.fleet;
        events.onObserved?.(observation);
      },
    },
  );
  const owned = disposables.move();
  return {
    reconciler,
    signals,
    courier,
    store,
    publisher,
    signer,
    trust,
    providers,
    notify,
    useTrust: (policy) => {
      observer.useVerifier(new DocumentVerifier(policy));
      claims.useKeys(policy.reconciler);
      reconciler.wake();
    },
    useNotifications: (list) => {
      notices.useList(list);
      declared.allow(list.offDeclaredAfterMs);
      courier.useTargets(list.targets);
    },
    fleet: () => fleet,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function credentialSource({ username, password }: { readonly username: string; readonly password: string }) {
  return () => ({ kind: 'basic' as const, username, password });
}

export interface RunningService extends AsyncDisposable {
  readonly url: string;
  readonly composed: ComposedReconciler;
}

/** Starts the whole service: the fleet's HTTP side, listening time, and the loop. Stops in reverse when disposed. */
export async function startService(order: ComposeOrder): Promise<RunningService> {
  const { settings, clock, logger } = order;
  const stop = new AbortController();
  await using disposables = new AsyncDisposableStack();
  let api: HttpFleetApi | undefined;
  const events: ReconcilerEvents = {
    ...order.events,
    onPublished: (sequence) => {
      api?.notifyPublished(sequence);
      order.events?.onPublished?.(sequence);
    },
  };
  const metrics = new Metrics();
  const composed = disposables.use(await composeReconciler({ ...order, events, metrics }));
  const { reconciler, signals, courier, store, publisher, trust, providers, notify } = composed;
  const trafficOf = (rollout: string, target: string) => {
    const fleet = composed.fleet();
    const ids = new Set(target === '' ? [] : fleet?.matching(target));
    return readTraffic(store, rollout, fleet?.devices.filter(({ id }) => ids.has(id)) ?? []);
  };
  api = disposables.use(
    new HttpFleetApi({
      register: store,
      clock,
      logger,
      metrics,
      host: settings.host,
      port: settings.port,
      publicationFolder: settings.home.publication,
      isDenied: (device) => composed.fleet()?.isDenied(device) ?? false,
      isReady: () => reconciler.view().cycledAtMs !== null,
      onHook: () => reconciler.wake(),
      ...(settings.hookSecret === null ? {} : { hookSecret: settings.hookSecret }),
      ...(settings.viewerToken === null ? {} : { viewerToken: settings.viewerToken }),
      readRollouts: (name) => {
        const homeProblems = [trust.problem, providers.problem, notify.problem];
        return rolloutsForViewers({ view: reconciler.view(), homeProblems, traffic: trafficOf }, name);
      },
    }),
  );
  const loops: Promise<void>[] = [];
  disposables.defer(async () => {
    stop.abort();
    await Promise.all(loops);
    await publisher.release();
  });
  loops.push(reconciler.run(stop.signal), signals.run(stop.signal), courier.run(stop.signal));
  // Who is denied stands in the repository: nobody is let in before it was looked at, unless it can't be had.
  await firstLook(reconciler, clock);
  const port = await api.start();
  loops.push(listen(store, settings.heartbeatMs, clock, logger, stop.signal));
  loops.push(trust.run(composed.useTrust, clock, logger, stop.signal));
  loops.push(providers.run((list) => signals.useProviders(list), clock, logger, stop.signal));
  loops.push(notify.run(composed.useNotifications, clock, logger, stop.signal));
  const owned = disposables.move();
  const host = settings.host.includes(':') ? `[${settings.host}]` : settings.host;
  return { url: `http://${host}:${port}`, composed, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

const FIRST_LOOK_MS = 10_000;

/** Waits for the first cycle, however it ended. */
async function firstLook(reconciler: Reconciler, clock: Clock): Promise<void> {
  const endMs = clock.monotonicMs() + FIRST_LOOK_MS;
  const hasLooked = (): boolean => reconciler.view().cycledAtMs !== null || reconciler.view().trouble !== null;
  while (!hasLooked() && clock.monotonicMs() < endMs) await clock.sleep(10);
}

/** Records, heartbeat by heartbeat, that this process listens for reports: soak and silence count in that time only. */
async function listen(
  store: SqliteFleetStore,
  heartbeatMs: number,
  clock: Clock,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await store.recordListening(clock.now());
    } catch (error) {
      logger.warn('listening time could not be recorded', { error });
    }
    await clock.sleep(heartbeatMs, signal);
  }
}
