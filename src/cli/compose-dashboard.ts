// Owns putting the dashboard together: its routes, and errors as pages.
import type { Clock } from '../base/clock.ts';
import { toCodedError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import { assetMaker, assetRoute } from '../dashboard/assets.ts';
import { errorPage, loginPage } from '../dashboard/routes-pages.ts';
import { type RequestRouteParts, requestRoutes } from '../dashboard/routes-requests.ts';
import type { HttpServerOptions } from '../fleet-api/http/http-server.ts';
import type { LoginRouteParts } from '../fleet-api/http/login-routes.ts';
import type { Route } from '../fleet-api/http/route.ts';

export interface Dashboard {
  readonly routes: readonly Route[];
  readonly showLogin: LoginRouteParts['showPage'];
  readonly errorPage: NonNullable<HttpServerOptions['errorPage']>;
}

export interface DashboardOrder {
  readonly clock: Clock;
  readonly logger: Logger;
  /** How people steer rollouts. */
  readonly requests: RequestRouteParts;
}

export function composeDashboard({ clock, logger, requests }: DashboardOrder): Dashboard {
  const assets = assetMaker((error) =>
    logger.warn('pages go without their script: it could not be made', { error: toCodedError(error) }),
  );
  const parts = { clock, assets };
  return {
    routes: [assetRoute(assets), ...requestRoutes(requests)],
    showLogin: loginPage(parts),
    errorPage: errorPage(parts),
  };
}
