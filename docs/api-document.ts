// Owns the OpenAPI document as a running service has it, for the reference page and for tests: the same rows, over parts that nobody asks anything.
import { SystemClock } from '../src/base/clock.ts';
import { silentLogger } from '../src/base/logger.ts';
import { Metrics } from '../src/base/metrics.ts';
import { API_SCHEMAS } from '../src/cli/api-schemas.ts';
import { composeDashboard, type DashboardParts } from '../src/cli/compose-dashboard.ts';
import { type FleetApiOptions, type FleetApiParts, fleetApiRoutes } from '../src/cli/compose-fleet-api.ts';
import { composeFleetViews, type FleetViewParts } from '../src/cli/compose-fleet-views.ts';
import type { JsonValue } from '../src/contract/digest.ts';
import { openApiOf } from '../src/fleet-api/http/openapi.ts';
import type { Route } from '../src/fleet-api/http/route.ts';
import { openMemoryFleetStore } from '../src/store/memory/open-memory-fleet-store.ts';

/** The rows of the whole service; none of them can be asked. */
export function allRoutes(): readonly Route[] {
  const [clock, store, logger, metrics] = [new SystemClock(), openMemoryFleetStore(), silentLogger, new Metrics()];
  const screen = composeDashboard({ clock, logger });
  const views = composeFleetViews({ store, clock, reportMs: 60_000 } as unknown as FleetViewParts);
  const opened = screen.open({ shown: { store }, requests: {} } as unknown as DashboardParts);
  const { routes } = opened.withPages(views);
  const options = {
    store,
    clock,
    logger,
    metrics,
    routes: [...routes, ...views.routes],
    isDenied: () => false,
    artifacts: {},
  };
  return fleetApiRoutes(options as unknown as FleetApiOptions, {} as unknown as FleetApiParts);
}

export function apiDocument(): JsonValue {
  return openApiOf({ routes: allRoutes(), schemas: API_SCHEMAS, version: 'x' });
}
