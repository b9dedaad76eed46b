// Owns how commands read devices and exposure: the routes of the service, asked over HTTP or in its home.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { SystemClock } from '../base/clock.ts';
import { CodedError } from '../base/errors.ts';
import { FleetReader } from '../dashboard/read-model/fleet-reader.ts';
import type { Devices, DeviceView, Exposure, Patching } from '../dashboard/read-model/types.generated.ts';
import { fleetRoutes } from '../dashboard/routes-fleet.ts';
import type { Asked } from '../fleet-api/http/route.ts';
import { RouteTable } from '../fleet-api/http/route-table.ts';
import { DEFAULT_REPORT_MS } from '../store/device-memory.ts';
import { openSqliteFleetStore } from '../store/sqlite/open-sqlite-fleet-store.ts';
import { accessTo, askService } from './ask-service.ts';
import { openHome } from './home.ts';
import type { Place } from './home-or-server.ts';

const MOST_BYTES = 32 * 1024 * 1024;

/** A query by its members; those that are undefined are left out. */
export type Query = Readonly<Record<string, string | number | undefined>>;

export class FleetSource implements AsyncDisposable {
  readonly #get: (path: string) => Promise<unknown>;
  readonly #close: () => Promise<void>;

  private constructor(get: (path: string) => Promise<unknown>, close: () => Promise<void>) {
    this.#get = get;
    this.#close = close;
  }

  /** Asks nothing yet. Throws HOME_MISSING and STORE_…. */
  static async open(place: Place): Promise<FleetSource> {
    const clock = new SystemClock();
    if (place.kind === 'server') {
      const access = accessTo(place.server, place.insecureHttp);
      const get = (path: string) => askService({ method: 'GET', path, mostBytes: MOST_BYTES }, access, clock);
      return new FleetSource(get, async () => {});
    }
    const store = openSqliteFleetStore({ file: (await openHome(place.home)).store, clock });
    const reader = new FleetReader({
      ...{ store, reportMs: DEFAULT_REPORT_MS, rest: () => nextTurn() },
      // The fleet documents stand in the repository, and so does the commit.
      words: () => undefined,
      asOf: () => ({ atMs: clock.now(), commit: null, sequence: 0, publication: 0 }),
      refusedWhy: () => undefined,
      sleep: (ms) => clock.sleep(ms),
      monotonicMs: () => clock.monotonicMs(),
    });
    const routes = new RouteTable(fleetRoutes({ reader, exposure: store, now: () => clock.now() }));
    return new FleetSource(
      (path) => answerOf(routes, path),
      () => store.close(),
    );
  }

  devices(query: Query): Promise<Devices> {
    return this.#read('/v1/devices', query, 'devices');
  }

  device(id: string): Promise<DeviceView> {
    return this.#read(`/v1/devices/${encodeURIComponent(id)}`, {}, 'device');
  }

  exposure(query: Query): Promise<Exposure> {
    return this.#read('/v1/exposure', query, 'rows');
  }

  patching(query: Query): Promise<Patching> {
    return this.#read('/v1/exposure/patching', query, 'points');
  }

  async #read<T>(path: string, query: Query, member: string): Promise<T> {
    const given = Object.entries(query).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, String(value)]],
    );
    const search = new URLSearchParams(given).toString();
    const value = await this.#get(search === '' ? path : `${path}?${search}`);
    if (typeof value === 'object' && value !== null && member in value) return value as T;
    throw new CodedError({
      code: 'SERVER_ANSWER',
      kind: 'retry-later',
      message: 'The answer is none of a Slipway service.',
      remedy: 'Check the address, and that the service is as new as this command.',
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#close();
  }
}

async function answerOf(routes: RouteTable, path: string): Promise<unknown> {
  const found = routes.find('GET', path);
  if (found.kind === 'none') throw errorOf(found.answer.error);
  const { route, params, query } = found;
  const answer = await route.handle({ params, query } as Asked);
  if (answer.kind === 'json') return answer.value;
  throw errorOf(answer.kind === 'error' ? answer.error : { code: 'SERVER_ANSWER', message: 'There is no answer.' });
}

function errorOf({ code, message, remedy }: { code: string; message: string; remedy?: string }): CodedError {
  return new CodedError({ code, message, ...(remedy === undefined ? {} : { remedy }) });
}
