// Owns what counts as this service's own site: whether its pages are reached safely, and whether a request comes from one of them.
import type { IncomingHttpHeaders } from 'node:http';
import { isLoopbackHost } from '../base/loopback.ts';
import type { ServiceError } from '../contract/fleet-messages.ts';

export interface OwnSite {
  /** Address under which browsers reach the service; null takes the one that each request names. */
  readonly publicUrl: URL | null;
  /** Tokens and cookies may go over plain HTTP to another machine. */
  readonly insecureHttp: boolean;
}

/** The part of a request that tells where it comes from. */
export interface Arrival {
  readonly headers: IncomingHttpHeaders;
  /** The socket. */
  readonly connection: object;
}

/** Does the browser speak TLS, with the service itself or with a proxy before it? */
export function isSecure({ publicUrl }: OwnSite, { connection }: Pick<Arrival, 'connection'>): boolean {
  if (publicUrl !== null) return publicUrl.protocol === 'https:';
  return (connection as { readonly encrypted?: boolean }).encrypted === true;
}

/** Why a browser must not log in here; null when it may. */
export function plainHttpProblem(site: OwnSite, arrival: Arrival): ServiceError | null {
  const { host = '' } = arrival.headers;
  const name = URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : '';
  if (site.insecureHttp || isSecure(site, arrival) || isLoopbackHost(name)) return null;
  return {
    code: 'LOGIN_PLAIN_HTTP',
    message: 'The login would cross the network in plain text.',
    remedy:
      'Open the screen over HTTPS, and start the service with --public-url https://…; for a trial, with --insecure-http.',
  };
}

/**
 * Does the request come from one of our own pages? Another site can make a browser send its cookies along; it can't choose these headers.
 * `Sec-Fetch-Site` is sent over TLS and to this machine, `Origin` with each POST.
 */
export function isFromOwnPage({ publicUrl }: OwnSite, { headers }: Arrival): boolean {
  const { origin, host = '' } = headers;
  const fetchSite = headers['sec-fetch-site'];
  if (fetchSite !== undefined) return fetchSite === 'same-origin';
  if (origin === undefined || !URL.canParse(origin)) return false;
  const from = new URL(origin);
  return publicUrl === null ? host !== '' && from.host === host.toLowerCase() : from.origin === publicUrl.origin;
}

export const NOT_OWN_PAGE: ServiceError = {
  code: 'SESSION_ORIGIN',
  message: 'The request does not come from a page of this service.',
  remedy:
    'Open the page under the address of the service (--public-url, where it is set), and press the button there. Programs send a token.',
};

/** The path to go on at after the login: one of this site, and nothing that leaves it. */
export function safeNext(next: string | null | undefined): string {
  const isPath = typeof next === 'string' && next.length <= 1_000 && /^\/(?![/\\])[\x21-\x7e]*$/.test(next);
  if (!isPath || !URL.canParse(next, 'http://slipway')) return '/';
  const url = new URL(next, 'http://slipway');
  const isOurs = url.origin === 'http://slipway' && !/^\/(\/|log(in|out)\b)/.test(url.pathname);
  return isOurs ? url.pathname + url.search : '/';
}
