// Owns putting the dashboard together: the read model over the loop's events, its event stream, its routes, and errors as pages.
import { randomUUID } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { type CodedError, formatError, toCodedError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import { WakeSignal } from '../base/wake-signal.ts';
import { assetMaker, assetRoute } from '../dashboard/assets.ts';
import { EventFeed } from '../dashboard/event-feed.ts';
import type { FleetList } from '../dashboard/read-model/fleet-index.ts';
import { LiveModel } from '../dashboard/read-model/live-model.ts';
import type { ServiceParts } from '../dashboard/read-model/service-state.ts';
import { dashboardRoutes } from '../dashboard/routes.ts';
import { errorPage, loginPage, type PageSource, pageRoutes, steerPage } from '../dashboard/routes-pages.ts';
import { type PastSource, pastRoutes, sinceOf } from '../dashboard/routes-past.ts';
import { type RequestRouteParts, requestRoutes } from '../dashboard/routes-requests.ts';
import { silenceRoutes } from '../dashboard/routes-silences.ts';
import { steerRoutes } from '../dashboard/routes-steer.ts';
import { tellAlerts, tellSteps } from '../dashboard/tell-events.ts';
import { DEFAULT_LIFETIMES } from '../distribution/tuf-metadata.ts';
import type { HttpServerOptions } from '../fleet-api/http/http-server.ts';
import type { LoginRouteParts } from '../fleet-api/http/login-routes.ts';
import type { Route } from '../fleet-api/http/route.ts';
import type { ReportPace } from '../fleet-api/report-pace.ts';
import type { ReconcilerEvents } from '../reconcile/reconciler.ts';
import { runbookOfRule } from '../wording/runbook-of.ts';
import { composePast } from './compose-past.ts';
import type { ComposedReconciler } from './compose-service.ts';

export interface Dashboard {
  readonly model: LiveModel;
  /** What it answers, with what it reads besides its own model. */
  withPages(views: PageViews): ScreenRoutes;
  /** Keeps the curves until the signal; no error of the store ends it. */
  run(signal: AbortSignal): Promise<void>;
}

/** What pages show beside the read model. */
export type PageViews = Pick<PageSource, 'devices' | 'device' | 'exposure' | 'exposureFile'>;

export interface ScreenRoutes {
  readonly routes: readonly Route[];
  readonly showLogin: LoginRouteParts['showPage'];
  readonly errorPage: NonNullable<HttpServerOptions['errorPage']>;
}

export interface DashboardOrder {
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What the screen shows of the service, and how people steer rollouts. */
export interface DashboardParts {
  readonly shown: Pick<
    ComposedReconciler,
    'store' | 'trust' | 'providers' | 'notify' | 'repository' | 'reconciler' | 'signals' | 'publisher'
  >;
  /** Why files as they lie there are not in force. */
  readonly homeProblems: () => readonly CodedError[];
  readonly requests: RequestRouteParts;
  readonly pace: Pick<ReportPace, 'perSecond'>;
  /** All devices as they stand. */
  readonly fleet: () => Promise<FleetList>;
}

/** The dashboard hears of the loop before there is one, and is opened once the service is put together. */
export interface ComposedDashboard {
  readonly events: ReconcilerEvents;
  open(parts: DashboardParts): Dashboard;
}

/** What the other parts of the service say of themselves. */
async function servicePartsOf({ shown, homeProblems, pace }: DashboardParts): Promise<ServiceParts> {
  const { publisher, signals } = shown;
  const { expiresAtMs } = publisher;
  return {
    // Its end says when it was signed, by whichever process that was.
    publication: { atMs: expiresAtMs === null ? null : expiresAtMs - DEFAULT_LIFETIMES.timestampMs, expiresAtMs },
    lease: await publisher.findHolder(),
    reportsPerSecond: pace.perSecond(),
    providers: signals.providers(),
    homeProblems: homeProblems().map(formatError),
  };
}

/** The feed numbers its events from the time of the start on. */
export function composeDashboard(order: DashboardOrder): ComposedDashboard {
  const feed = new EventFeed(Math.floor(order.clock.now()));
  const wake = new WakeSignal();
  let model: LiveModel | undefined;
  const events: ReconcilerEvents = {
    onObserved: (observation) => model?.observe(observation),
    onShown: (view) => {
      if (model === undefined) return;
      const before = model.cycle.alerts;
      model.show(view);
      tellAlerts(feed, before, view.alerts);
      wake.wake();
    },
    onSteps: (steps) => tellSteps(feed, steps),
  };
  return {
    events,
    open: (parts) => {
      const { shown, requests, fleet } = parts;
      const { clock } = order;
      const service = () => servicePartsOf(parts);
      const past = composePast(shown, order);
      const historyOf = (rollout: string) => past.newest(rollout);
      const runbookOf = (rule: Parameters<typeof runbookOfRule>[0]) =>
        runbookOfRule(rule, shown.notify.value.runbookBase);
      model = new LiveModel({
        clock,
        store: shown.store,
        feed,
        fleet,
        service,
        historyOf,
        newestSteps: () => past.newestSteps(),
        runbookOf,
      });
      return openDashboard(order, { model, feed, wake, requests, past, store: shown.store });
    },
  };
}

interface Opened extends Pick<DashboardParts, 'requests'> {
  readonly model: LiveModel;
  readonly feed: EventFeed;
  readonly wake: WakeSignal;
  readonly past: PastSource;
  readonly store: DashboardParts['shown']['store'];
}

function openDashboard({ clock, logger }: DashboardOrder, opened: Opened): Dashboard {
  const { model, feed, wake, requests, past, store } = opened;
  const assets = assetMaker((error) =>
    logger.warn('pages go without their script: it could not be made', { error: toCodedError(error) }),
  );
  const pages = { clock, assets };
  const silences = silenceRoutes({
    ...{ store, clock, logger, newId: () => randomUUID() },
    known: () => ({ alerts: model.cycle.alerts, rollouts: model.cycle.outlooks.map(({ rollout }) => rollout) }),
  });
  const steering = [...requestRoutes(requests), ...steerRoutes({ ...requests, showPage: steerPage(pages) })];
  return {
    model,
    withPages: (views) => {
      const source: PageSource = {
        ...views,
        ...{ overview: () => model.overview(), rollout: (name) => model.rollout(name) },
        figures: (query) => past.figures(sinceOf({ query }), query.get('rollout')),
        ...{ rolloutAt: (name, commit) => past.rolloutAt(name, commit) },
        ...{ commitMessage: (commit) => past.commitMessage(commit), postmortem: (...of) => past.postmortem(...of) },
      };
      return {
        routes: [
          ...[...dashboardRoutes({ model, feed }), ...pastRoutes(past), assetRoute(assets)],
          ...[...steering, ...silences, ...pageRoutes(source, pages)],
        ],
        ...{ showLogin: loginPage(pages), errorPage: errorPage(pages) },
      };
    },
    run: async (signal) => {
      signal.addEventListener('abort', () => wake.wake(), { once: true });
      while (!signal.aborted) {
        await wake.wait(clock);
        await model.keep(clock.now()).catch((error: unknown) => {
          logger.warn('the curves of the screen could not be kept', { error: toCodedError(error) });
        });
      }
      await model.settle().catch(() => undefined);
    },
  };
}
