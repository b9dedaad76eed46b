// Owns putting together what people ask about devices: the reader of the fleet, and its routes.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../base/clock.ts';
import type { ExposurePageValue } from '../dashboard/pages/exposure-page.ts';
import { exposureFile, readExposurePage } from '../dashboard/read-exposure-page.ts';
import type { FleetList } from '../dashboard/read-model/fleet-index.ts';
import { FleetReader } from '../dashboard/read-model/fleet-reader.ts';
import type { AsOf, Devices, DeviceView } from '../dashboard/read-model/types.generated.ts';
import { devicesQuestion, fleetRoutes } from '../dashboard/routes-fleet.ts';
import type { Answer, Route } from '../fleet-api/http/route.ts';
import type { RefusedReports } from '../fleet-api/refused-reports.ts';
import type { WordsOfFleet } from '../measurement/fleet-words.ts';
import type { FleetStore } from '../store/fleet-store.ts';
import { refusedWhy } from '../wording/alerts-in-words.ts';

export interface FleetViewParts {
  readonly store: FleetStore;
  readonly clock: Clock;
  readonly reportMs: number;
  readonly words: () => WordsOfFleet | undefined;
  readonly asOf: () => AsOf;
  readonly refused: RefusedReports;
}

export interface FleetViews {
  /** What pages read: the same as the routes. */
  readonly devices: (query: URLSearchParams) => Promise<Devices>;
  readonly device: (id: string) => Promise<DeviceView | undefined>;
  readonly exposure: (query: URLSearchParams) => Promise<ExposurePageValue>;
  readonly exposureFile: (query: URLSearchParams) => Promise<Answer>;
  readonly list: () => Promise<FleetList>;
  readonly routes: readonly Route[];
}

export function composeFleetViews({ store, clock, reportMs, words, asOf, refused }: FleetViewParts): FleetViews {
  const reader = new FleetReader({
    ...{ store, reportMs, words },
    asOf,
    refusedWhy: (device) => {
      const why = refused.whyOf(device);
      return why === undefined ? undefined : refusedWhy(why);
    },
    rest: () => nextTurn(),
    sleep: (ms) => clock.sleep(ms),
    monotonicMs: () => clock.monotonicMs(),
  });
  const exposed = { exposure: store, now: () => clock.now() };
  return {
    devices: (query) => reader.devices(devicesQuestion(query)),
    device: (id) => reader.device(id),
    list: () => reader.list(),
    exposure: (query) => readExposurePage(exposed, query),
    exposureFile: (query) => exposureFile(exposed, query),
    routes: fleetRoutes({ reader, ...exposed }),
  };
}
