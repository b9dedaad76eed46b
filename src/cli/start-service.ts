// Owns starting the service: the loop, the fleet's HTTP side, listening time, and the files that are read again while it runs.
import type { Clock } from '../base/clock.ts';
import { toCodedError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import { Metrics } from '../base/metrics.ts';
import { ArtifactUploads } from '../distribution/artifact-uploads.ts';
import { addressLimits } from '../fleet-api/rate-limit.ts';
import { type RefusedDevices, RefusedReports } from '../fleet-api/refused-reports.ts';
import { ReportPace } from '../fleet-api/report-pace.ts';
import { parseRemoteAddress } from '../git/wire/remote-address.ts';
import { readTraffic } from '../measurement/fleet-traffic.ts';
import { wordsOfObserved } from '../measurement/known-fleet.ts';
import type { Reconciler, ReconcilerEvents } from '../reconcile/reconciler.ts';
import type { FleetStore } from '../store/fleet-store.ts';
import { EXPOSURE_KEPT_MS } from '../store/retention.ts';
import { OtlpTracer } from '../tracing/otlp-tracer.ts';
import { openLocations } from './artifact-locations.ts';
import { composeDashboard } from './compose-dashboard.ts';
import { composeFleetApi, type FleetApi } from './compose-fleet-api.ts';
import { composeFleetViews } from './compose-fleet-views.ts';
import { composeRequests } from './compose-requests.ts';
import { type ComposedReconciler, type ComposeOrder, composeReconciler } from './compose-service.ts';
import { FileWatcher, watchRepository } from './file-watcher.ts';
import { joinEvents } from './join-events.ts';
import { meterProcess } from './process-readings.ts';
import { rolloutsForViewers } from './rollouts-for-viewers.ts';
import { meterTls, openTls } from './tls-files.ts';
import { tracingSettings } from './tracing-settings.ts';

export interface RunningService extends AsyncDisposable {
  readonly url: string;
  readonly composed: ComposedReconciler;
}

/** Starts the whole service: the fleet's HTTP side, listening time, and the loop. Stops in reverse when disposed. */
export async function startService(order: ComposeOrder): Promise<RunningService> {
  const { settings, clock, logger } = order;
  const stop = new AbortController();
  await using disposables = new AsyncDisposableStack();
  let api: FleetApi | undefined;
  const screen = composeDashboard({ clock, logger });
  const published: ReconcilerEvents = { onPublished: (sequence) => api?.notifyPublished(sequence) };
  const events = joinEvents(published, order.events, screen.events);
  const metrics = new Metrics();
  meterProcess(metrics, clock);
  const tls = settings.tls ? await openTls(settings.tls, clock) : null;
  if (tls !== null) meterTls(metrics, tls);
  const tracer = openTracer(order, metrics);
  if (tracer !== undefined) disposables.use(tracer);
  const refused = new RefusedReports(clock, logger);
  const refusedReports = (): RefusedDevices => refused.current();
  const locations = openLocations({
    ...{ place: settings.artifacts ?? null, insecureHttp: settings.insecureHttp, logger },
    publicationFolder: settings.home.publication,
  });
  const composed = disposables.use(await composeReconciler({ ...order, events, metrics, tracer, refusedReports }));
  const { reconciler, signals, deliveries, standingAlerts, store, publisher } = composed;
  const { trust, onlineKeys, reconcilerKey, providers, notify } = composed;
  const { artifactQuotaBytes: quotaBytes = Number.POSITIVE_INFINITY } = settings;
  const artifacts = new ArtifactUploads(settings.home.publication, { quotaBytes });
  const trafficOf = (rollout: string, target: string) => {
    const fleet = composed.fleet();
    const ids = new Set(target === '' ? [] : fleet?.matching(target));
    return readTraffic(store, rollout, fleet?.devices.filter(({ id }) => ids.has(id)) ?? []);
  };
  const requests = disposables.use(composeRequests(order, () => reconciler.wake()));
  const homeProblems = () =>
    [trust, onlineKeys, reconcilerKey, providers, notify, tls].flatMap((one) => one?.problem ?? []);
  const pace = new ReportPace(clock);
  const dashboard = screen.open({
    shown: composed,
    requests: requests.parts,
    homeProblems,
    pace,
    fleet: () => fleetViews.list(),
  });
  const site = { publicUrl: settings.publicUrl ?? null, insecureHttp: settings.insecureHttp };
  const fleetViews = composeFleetViews({
    ...{ store, clock, refused, reportMs: settings.reportIntervalMs },
    words: () => composed.fleet()?.words,
    asOf: () => dashboard.model.asOf(),
  });
  const { routes, errorPage, showLogin: showPage } = dashboard.withPages(fleetViews);
  api = disposables.use(
    composeFleetApi({
      routes: [...routes, ...fleetViews.routes],
      errorPage,
      login: { site, showPage, oidc: settings.oidc ?? null },
      store,
      clock,
      logger,
      metrics,
      host: settings.host,
      port: settings.port,
      ...(tls === null ? {} : { tls: tls.value }),
      refused,
      pace,
      onTaken: composed.traces && ((taken) => composed.traces?.noteReports(taken)),
      onPointer: composed.notePointer,
      ...addressLimits(settings.addressFactor),
      publicationFolder: settings.home.publication,
      locations,
      artifacts,
      isDenied: (device) => composed.fleet()?.words.isDenied(device) ?? false,
      mayEnrol: (device) => wordsOfObserved(composed.fleet()).mayEnrol(device),
      keyOf: (device) => wordsOfObserved(composed.fleet()).keyOf(device),
      isReady: () => reconciler.view().cycledAtMs !== null,
      onHook: () => reconciler.wake(),
      ...(settings.hookSecret === null ? {} : { hookSecret: settings.hookSecret }),
      viewerToken: settings.viewerToken ?? undefined,
      adminToken: settings.adminToken ?? undefined,
      readRollouts: (name) => {
        const problems = homeProblems();
        return rolloutsForViewers({ view: reconciler.view(), homeProblems: problems, traffic: trafficOf }, name);
      },
    }),
  );
  const loops: Promise<void>[] = [];
  disposables.defer(async () => {
    stop.abort();
    await Promise.all(loops);
    await publisher.release();
  });
  loops.push(dashboard.run(stop.signal));
  loops.push(reconciler.run(stop.signal), signals.run(stop.signal), deliveries.run(stop.signal));
  loops.push(standingAlerts.run(stop.signal));
  // Who is denied stands in the repository: nobody new is let in before it was looked at.
  await firstLook(reconciler, clock);
  const port = await api.start();
  await warnWithoutTokens(order, store);
  loops.push(listen(store, settings.heartbeatMs, clock, logger, stop.signal));
  loops.push(forgetOld(composed, order, stop.signal));
  loops.push(removeOldUploads(artifacts, clock, logger, stop.signal));
  const watcher = disposables.use(new FileWatcher(logger));
  const following = { watcher, clock, logger, signal: stop.signal };
  loops.push(trust.follow(composed.useTrust, following));
  loops.push(reconcilerKey.follow(composed.useSigner, following));
  loops.push(onlineKeys.follow(composed.useOnlineKeys, following));
  loops.push(providers.follow((list) => signals.useProviders(list), following));
  loops.push(notify.follow(composed.useNotifications, following));
  if (tls !== null) loops.push(tls.follow((renewed) => api.replaceTls(renewed), following));
  const address = parseRemoteAddress(settings.repository, '.');
  if (address.kind === 'local') await watchRepository(watcher, address.path, () => reconciler.wake());
  const owned = disposables.move();
  const host = settings.host.includes(':') ? `[${settings.host}]` : settings.host;
  return {
    url: `${tls === null ? 'http' : 'https'}://${host}:${port}`,
    composed,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Undefined unless a collector is set. */
function openTracer({ settings, clock, logger }: ComposeOrder, metrics: Metrics): OtlpTracer | undefined {
  const tracing = tracingSettings(settings.environment);
  if (tracing === null) return undefined;
  const spans = metrics.counter('slipway_trace_spans_total', 'Spans of traces, by outcome: sent, failed or dropped.');
  return new OtlpTracer({ ...tracing, clock, logger, spans });
}

/** Without any token the service runs, and nobody can look. */
async function warnWithoutTokens({ settings, logger }: ComposeOrder, store: FleetStore): Promise<void> {
  const { viewerToken, adminToken = null } = settings;
  if (viewerToken !== null || adminToken !== null) return;
  if ((await store.listApiTokens({ most: 1 })).tokens.length > 0) return;
  const make = 'slipway token create --name <name> --scope view';
  logger.warn('there is no API token: status and explain are closed', { make, or: 'SLIPWAY_VIEWER_TOKEN' });
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
  store: FleetStore,
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

const FORGET_EVERY_MS = 60 * 60_000;
/** The curves of the screen go back at most so far. */
const CURVES_MS = 30 * 24 * 3_600_000;

/** At the start, too: a killed service left what it was taking. */
async function removeOldUploads(
  artifacts: ArtifactUploads,
  clock: Clock,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const count = await artifacts.removeOld();
      if (count > 0) logger.info('uploads were removed that nobody continued for a day', { count });
    } catch (error) {
      logger.warn('old uploads could not be removed', { error: toCodedError(error) });
    }
    await clock.sleep(FORGET_EVERY_MS, signal);
  }
}

/** Forgets, now and then, what nobody leans on any more. Rollouts count as gone only while the branch can be read. */
async function forgetOld(
  { store, reconciler }: ComposedReconciler,
  { settings: { exposureKeptMs = EXPOSURE_KEPT_MS }, clock, logger }: ComposeOrder,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    await clock.sleep(FORGET_EVERY_MS, signal);
    if (signal.aborted) return;
    try {
      const { source, commit, outlooks } = reconciler.view();
      const { devices, tokens } = await store.forgetOld(clock.now());
      const exposure = await store.forgetExposure(clock.now() - exposureKeptMs);
      const apiTokens = await store.forgetApiTokens(clock.now());
      const sessions = await store.forgetSessions(clock.now());
      const present = new Set(outlooks.map(({ rollout }) => rollout));
      const isKnown = source.kind === 'followed' && commit !== null;
      const windows = isKnown ? await store.forgetWindows(present, clock.now()) : 0;
      await store.forgetPoints(clock.now() - CURVES_MS);
      await store.shrink();
      const counts = { devices, tokens, apiTokens, sessions, windows, exposure };
      if (Object.values(counts).some((count) => count > 0)) logger.info('old records were forgotten', counts);
    } catch (error) {
      logger.warn('old records could not be forgotten', { error: toCodedError(error) });
    }
  }
}
