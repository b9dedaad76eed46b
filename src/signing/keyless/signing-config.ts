// Owns the choice of services out of a signing config (Sigstore's SigningConfig, version 0.2).
import { type Service, type ServiceConfiguration, ServiceSelector, SigningConfig } from '@sigstore/protobuf-specs';
import { CodedError } from '../../base/errors.ts';
import { assertPrivate } from './identity-token.ts';

export interface LogService {
  readonly url: string;
  readonly version: 1 | 2;
}

/** Addresses without a slash at their end. */
export interface SigstoreServices {
  readonly authority: string;
  readonly logs: readonly LogService[];
  readonly timestamps: readonly string[];
}

export const MOST_CONFIG_BYTES = 65_536;
const MEDIA_TYPE = 'application/vnd.dev.sigstore.signingconfig.v0.2+json';

/** `source` names the file for people. Throws SIGN_CONFIG, and SIGN_INSECURE for an authority that tokens would reach in clear text. */
export function parseSigningConfig(bytes: Uint8Array, source: string, nowMs: number): SigstoreServices {
  const problem = (what: string): CodedError =>
    new CodedError({
      code: 'SIGN_CONFIG',
      message: `The signing config ${source} ${what}.`,
      remedy: 'Get it from who runs your Sigstore, or write one with `cosign signing-config create`.',
    });
  let config: SigningConfig;
  try {
    config = SigningConfig.fromJSON(JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch {
    throw problem('is not JSON of a signing config');
  }
  if (config.mediaType !== MEDIA_TYPE) throw problem(`is not of the media type ${MEDIA_TYPE}`);
  const choose = (services: readonly Service[], what: string, versions: number[], how?: ServiceConfiguration) => {
    const usable = services.filter((one) => versions.includes(one.majorApiVersion) && isValid(one, nowMs));
    const unreachable = usable.find(({ url }) => !/^https?:$/.test(URL.parse(url)?.protocol ?? ''));
    if (unreachable !== undefined) throw problem(`names ${JSON.stringify(unreachable.url.slice(0, 100))}, no address`);
    const chosen = oneOfEach(usable);
    const wanted = how?.selector === ServiceSelector.EXACT ? how.count : 1;
    if (chosen.length < wanted) throw problem(`names ${chosen.length} usable ${what} now, and ${wanted} are needed`);
    return how?.selector === ServiceSelector.ALL ? chosen : chosen.slice(0, wanted);
  };
  const [authority] = choose(config.caUrls, 'certificate authorities', [1]);
  const logs = choose(config.rekorTlogUrls, 'transparency logs', [1, 2], config.rekorTlogConfig);
  const hasTimestamps = config.tsaUrls.length > 0;
  const timestamps = hasTimestamps ? choose(config.tsaUrls, 'timestamp authorities', [1], config.tsaConfig) : [];
  if (authority === undefined) throw problem('names no certificate authority');
  if (!hasTimestamps && logs.every((log) => log.majorApiVersion === 2))
    throw problem('names no timestamp authority, and Rekor of version 2 gives no time of its own');
  assertPrivate(authority.url, 'Your identity token');
  return {
    authority: baseOf(authority),
    logs: logs.map((log) => ({ url: baseOf(log), version: log.majorApiVersion === 2 ? 2 : 1 })),
    timestamps: timestamps.map(baseOf),
  };
}

function baseOf({ url }: Service): string {
  return url.replace(/\/+$/, '');
}

/** Both ends belong to the time. */
function isValid({ validFor }: Service, nowMs: number): boolean {
  const start = validFor?.start?.getTime() ?? 0;
  const end = validFor?.end?.getTime() ?? Number.POSITIVE_INFINITY;
  return start <= nowMs && nowMs <= end;
}

/** Of each operator the service with the highest version, of these the newest: two of one operator prove no more than one. */
function oneOfEach(services: readonly Service[]): Service[] {
  const startOf = ({ validFor }: Service): number => validFor?.start?.getTime() ?? 0;
  const sorted = services.toSorted((a, b) => b.majorApiVersion - a.majorApiVersion || startOf(b) - startOf(a));
  return [...new Map(sorted.toReversed().map((one) => [one.operator, one])).values()].toSorted(
    (a, b) => sorted.indexOf(a) - sorted.indexOf(b),
  );
}
