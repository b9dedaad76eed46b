// Owns putting the service's HTTP side together: the table of routes that rooms hand in, on one port.
import type { Clock } from '../base/clock.ts';
import { VERSION } from '../base/version.ts';
import type { JsonValue } from '../contract/digest.ts';
import { ArtifactIntake, type ArtifactPlace } from '../fleet-api/artifact-intake.ts';
import { ArtifactLocations, type ArtifactLocationsParts } from '../fleet-api/artifact-locations.ts';
import { BearerTokens } from '../fleet-api/bearer-tokens.ts';
import { ChangeWaiters } from '../fleet-api/change-waiters.ts';
import { DeviceSignatures } from '../fleet-api/device-signatures.ts';
import { errorAnswer } from '../fleet-api/http/answers.ts';
import { artifactRoutes } from '../fleet-api/http/artifact-routes.ts';
import { deviceRoutes } from '../fleet-api/http/device-routes.ts';
import { HttpServer, type HttpServerOptions, type Tls } from '../fleet-api/http/http-server.ts';
import { type LoginRouteParts, loginRoutes } from '../fleet-api/http/login-routes.ts';
import { oidcRoutes } from '../fleet-api/http/oidc-routes.ts';
import { openApiRoute } from '../fleet-api/http/openapi.ts';
import { plainRoutes } from '../fleet-api/http/plain-routes.ts';
import type { Answer, Route } from '../fleet-api/http/route.ts';
import { serviceRoutes } from '../fleet-api/http/service-routes.ts';
import { tokenRoutes } from '../fleet-api/http/token-routes.ts';
import { OidcLogin, type OidcSettings } from '../fleet-api/oidc-login.ts';
import { PlainIntake } from '../fleet-api/plain-intake.ts';
import { addressLimits, type RateLimit, RateLimiter } from '../fleet-api/rate-limit.ts';
import { RefusedReports } from '../fleet-api/refused-reports.ts';
import { ReportIntake, type ReportIntakeParts } from '../fleet-api/report-intake.ts';
import type { ReportPace } from '../fleet-api/report-pace.ts';
import { type SessionParts, Sessions } from '../fleet-api/sessions.ts';
import type { ApiTokens } from '../store/api-tokens.ts';
import type { BrowserSessions } from '../store/browser-sessions.ts';
import type { DeviceRegister } from '../store/device-register.ts';
import type { FleetStore } from '../store/fleet-store.ts';
import type { PlainRegister } from '../store/plain-reports.ts';
import { API_SCHEMAS } from './api-schemas.ts';

export interface FleetApiOptions extends Omit<HttpServerOptions, 'routes' | 'bearers' | 'browsers'> {
  readonly store: DeviceRegister &
    PlainRegister &
    ApiTokens &
    BrowserSessions &
    Pick<FleetStore, 'readPublication' | 'probe'>;
  /** Tokens of the environment: they open what needs `view`, and everything. Without them, or with empty ones, only tokens of the store do. */
  readonly viewerToken?: string | undefined;
  readonly adminToken?: string | undefined;
  /** Folder that is served below `/distribution`. */
  readonly publicationFolder: string;
  /** Where files in private buckets can be had; without it the service signs for none. */
  readonly locations?: Pick<ArtifactLocationsParts, 'findAddress' | 'presign'>;
  /** Where publishers' artifacts go; without it the service takes none. */
  readonly artifacts?: ArtifactPlace;
  /** How browsers log in; without it only tokens open what needs one. */
  readonly login?: LoginOptions;
  /** Do the fleet documents turn the device away? */
  readonly isDenied: (device: string) => boolean;
  /** Do they let it enrol? All that they don't turn away may unless given. */
  readonly mayEnrol?: (device: string) => boolean;
  /** The only key with which the device may enrol; undefined, or without this, any will do. */
  readonly keyOf?: (device: string) => string | undefined;
  /** Has the first cycle been done? */
  readonly isReady: () => boolean;
  /** A genuine webhook came: look at the repository now. */
  readonly onHook: () => void;
  /** The facts that rollouts are decided on, of all (undefined name) or of one, as the CLI shows them; undefined when there is none of the name. */
  readonly readRollouts: (name?: string) => Promise<JsonValue | undefined>;
  /** Rows of the table that other rooms hand in. */
  readonly routes?: readonly Route[];
  /** Reports of one device; 5 a second, 256 at once unless given. */
  readonly perDevice?: RateLimit;
  readonly forgedPerAddress?: RateLimit;
  readonly wrongTokensPerAddress?: RateLimit;
  readonly waitersPerAddress?: number;
  /** Where devices are noted whose reports are refused. */
  readonly refused?: RefusedReports;
  /** Learns of reports that the store has taken. */
  readonly onTaken?: ReportIntakeParts['onTaken'];
  /** Counts the reports of all devices, with an agent and without. */
  readonly pace?: ReportPace;
  readonly onPointer?: ReportIntakeParts['onPointer'];
}

export interface FleetApi extends AsyncDisposable {
  /** Listens, and gives the port. */
  start(): Promise<number>;
  /** A directive was published under this sequence: wakes all who wait for it. */
  notifyPublished(sequence: number): void;
  /** Takes new certificates for connections to come. */
  replaceTls(tls: Tls): void;
  /** Takes no new connections, answers long polls, lets running requests end for `graceMs`, then cuts. */
  stop(graceMs?: number): Promise<void>;
}

interface LoginOptions extends Pick<LoginRouteParts, 'showPage' | 'site'> {
  /** The identity provider; none unless given. */
  readonly oidc?: OidcSettings | null;
}

function browsersOf({ site, oidc }: LoginOptions, parts: Omit<SessionParts, 'site' | 'issuer'>) {
  return { site, sessions: new Sessions({ ...parts, site, issuer: oidc?.issuer ?? null }) };
}

function loginsOf(
  { showPage, oidc: settings = null }: LoginOptions,
  { clock, ...given }: Omit<LoginRouteParts, 'showPage' | 'provider'> & { readonly clock: Clock },
): Route[] {
  const oidc = settings === null ? null : new OidcLogin(settings, clock);
  const parts = { ...given, showPage, provider: oidc?.host ?? null };
  return [...loginRoutes(parts), ...(oidc === null ? [] : oidcRoutes(parts, oidc, clock))];
}

export function composeFleetApi(options: FleetApiOptions): FleetApi {
  const { store, clock, logger, metrics } = options;
  const changes = new ChangeWaiters(
    clock,
    metrics.gauge('slipway_long_polls', 'Callers that wait for the next publication.'),
    options.waitersPerAddress,
  );
  const signatures = new DeviceSignatures({ ...options, register: store });
  const intake = intakeOf(options, signatures);
  const onTurnedAway = (address: string): void => {
    intake.turnAway(address).catch((error: unknown) => logger.warn('devices could not be noted', { error }));
  };
  const { wrongTokensPerAddress: wrongPerAddress = addressLimits().wrongTokensPerAddress } = options;
  const bearers = new BearerTokens({ ...options, wrongPerAddress });
  const { login } = options;
  const browsers = login && browsersOf(login, { store, bearers, clock });
  const logins =
    login === undefined || browsers === undefined ? [] : loginsOf(login, { ...browsers, bearers, logger, clock });
  const ours = fleetApiRoutes(options, { changes, intake, locations: locationsOf(options, signatures) });
  const secrets = { bearers, ...(browsers === undefined ? {} : { browsers }) };
  const server = new HttpServer({ ...options, ...secrets, onTurnedAway, routes: [...ours, ...logins] });
  const stopped = new AbortController();
  let following = Promise.resolve();
  const stop = async (graceMs?: number): Promise<void> => {
    stopped.abort();
    const closed = server.stop(graceMs);
    changes.stop();
    await Promise.all([closed, following]);
  };
  return {
    start: async () => {
      changes.publish((await store.readPublication()).sequence);
      const port = await server.start();
      following = changes.follow(store, logger, stopped.signal);
      return port;
    },
    notifyPublished: (sequence) => changes.publish(sequence),
    replaceTls: (tls) => server.replaceTls(tls),
    stop,
    [Symbol.asyncDispose]: () => stop(0),
  };
}

/** Reports of one device. */
const PER_DEVICE: RateLimit = { perSecond: 5, burst: 256 };

export function intakeOf(options: FleetApiOptions, signatures: DeviceSignatures): ReportIntake {
  const { store, clock, logger, metrics, perDevice = PER_DEVICE } = options;
  return new ReportIntake({
    ...{ register: store, signatures, clock },
    answers: metrics.counter('slipway_reports_total', 'Reports of devices, by answer and reason.'),
    refused: options.refused ?? new RefusedReports(clock, logger),
    perDevice: new RateLimiter(perDevice),
    onTaken: (taken) => {
      options.pace?.note(taken.reports.length);
      options.onTaken?.(taken);
    },
    ...{ onPointer: options.onPointer, keyOf: options.keyOf },
  });
}

function plainIntakeOf(options: FleetApiOptions): PlainIntake {
  const { store, isDenied, clock, metrics, perDevice = PER_DEVICE } = options;
  return new PlainIntake({
    ...{ register: store, isDenied, clock },
    answers: metrics.counter(
      'slipway_plain_reports_total',
      'Reports of devices without an agent, by answer and reason.',
    ),
    perDevice: new RateLimiter(perDevice),
    onTaken: (count) => options.pace?.note(count),
  });
}

/** A device asks once for each file and try. */
const LOCATIONS_PER_DEVICE = { perSecond: 2, burst: 128 };
const NO_LOCATIONS = { findAddress: async () => undefined, presign: null };

export function locationsOf(options: FleetApiOptions, signatures: DeviceSignatures): ArtifactLocations {
  const { locations = NO_LOCATIONS, clock, metrics } = options;
  return new ArtifactLocations({
    ...{ ...locations, signatures, clock },
    answers: metrics.counter('slipway_artifact_locations_total', 'Requests for addresses of private files, by answer.'),
    perDevice: new RateLimiter(LOCATIONS_PER_DEVICE),
  });
}

export interface FleetApiParts {
  readonly changes: ChangeWaiters;
  readonly intake: ReportIntake;
  readonly locations: ArtifactLocations;
}

/** The whole table. */
export function fleetApiRoutes(
  options: FleetApiOptions,
  { changes, intake, locations }: FleetApiParts,
): readonly Route[] {
  const { store, isDenied, keyOf, clock, metrics, publicationFolder } = options;
  const { mayEnrol = (device) => !isDenied(device) } = options;
  const enrolments = metrics.counter('slipway_enrolments_total', 'Requests to enrol, by answer.');
  const enrolment = { register: store, mayEnrol, keyOf, answers: enrolments };
  const routes: Route[] = [
    ...deviceRoutes({ enrolment, intake, changes, locations, clock, publicationFolder }),
    ...serviceRoutes({ ...options, probe: () => store.probe() }),
    ...viewerRoutes(options.readRollouts),
    ...plainRoutes(plainIntakeOf(options)),
    ...tokenRoutes(options),
    ...publisherRoutes(options),
    ...(options.routes ?? []),
    openApiRoute(() => ({ routes, schemas: API_SCHEMAS, version: VERSION })),
  ];
  return routes;
}

function publisherRoutes({ artifacts, logger, metrics }: FleetApiOptions): Route[] {
  if (artifacts === undefined) return [];
  const intake = new ArtifactIntake({
    ...{ place: artifacts, logger },
    answers: metrics.counter('slipway_uploads_total', 'Uploads of artifacts, by answer.'),
    bytes: metrics.counter('slipway_upload_bytes_total', 'Bytes of artifacts that came.'),
  });
  return artifactRoutes(intake);
}

function viewerRoutes(readRollouts: FleetApiOptions['readRollouts']): Route[] {
  const show = async (name?: string): Promise<Answer> => {
    const value = await readRollouts(name);
    if (value !== undefined) return { kind: 'json', value };
    return errorAnswer(404, { code: 'ROLLOUT_UNKNOWN', message: 'There is no rollout of this name.' });
  };
  return [
    {
      ...{ name: 'outlooks', method: 'GET', path: '/v1/outlooks', scope: 'view', request: null },
      response: 'Outlooks',
      summary: 'The facts that rollouts are decided on, and the state of the service.',
      handle: () => show(),
    },
    {
      ...{ name: 'outlook', method: 'GET', path: '/v1/outlooks/{name}', scope: 'view', request: null },
      response: 'Outlook',
      summary: 'The facts that one rollout is decided on, explained.',
      handle: ({ params }) => show(params.name),
    },
  ];
}
