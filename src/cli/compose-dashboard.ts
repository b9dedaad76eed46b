// Owns putting the dashboard together: its routes, and errors as pages.
import type { Clock } from '../base/clock.ts';
import { toCodedError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import { assetMaker, assetRoute } from '../dashboard/assets.ts';
import { errorPage } from '../dashboard/routes-pages.ts';
import type { HttpServerOptions } from '../fleet-api/http/http-server.ts';
import type { Route } from '../fleet-api/http/route.ts';

export interface Dashboard {
  readonly routes: readonly Route[];
  readonly errorPage: NonNullable<HttpServerOptions['errorPage']>;
}

export function composeDashboard({ clock, logger }: { readonly clock: Clock; readonly logger: Logger }): Dashboard {
  const assets = assetMaker((error) =>
    logger.warn('pages go without their script: it could not be made', { error: toCodedError(error) }),
  );
  return { routes: [assetRoute(assets)], errorPage: errorPage({ clock, assets }) };
}
