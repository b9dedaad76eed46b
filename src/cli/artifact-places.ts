// Owns where artifacts go: which place `package` and `release` bring files to.
import path from 'node:path';
import type { Command } from 'commander';
import { SystemClock } from '../base/clock.ts';
import { CodedError } from '../base/errors.ts';
import { isLoopbackHost } from '../base/loopback.ts';
import { SystemRandom } from '../base/random.ts';
import { bearerHeader } from '../base/secret-file.ts';
import type { Digest } from '../contract/digest.ts';
import type { Artifact, ArtifactStore, Say, StoredArtifact } from '../distribution/artifact-store.ts';
import { FolderArtifactStore } from '../distribution/folder-artifact-store.ts';
import { HttpsArtifactStore } from '../distribution/https-artifact-store.ts';
import { parseS3Address } from '../distribution/s3-access.ts';
import { S3ArtifactStore } from '../distribution/s3-artifact-store.ts';
import { ServiceArtifactStore } from '../distribution/service-artifact-store.ts';
import type { UploadTerms } from '../distribution/upload/upload-tries.ts';
import { serviceUrl } from './ask-service.ts';
import { homeAt, openHome } from './home.ts';
import { s3AccessOfEnvironment } from './s3-settings.ts';
import { secretOf } from './settings.ts';
import { StopSignal } from './stop-signal.ts';

export interface PlaceOptions {
  readonly home: string;
  readonly to?: string;
  /** For the place `service`. */
  readonly server?: string;
  readonly publicUrl?: string;
  readonly insecureHttp?: boolean;
}

export function addPlaceOptions(command: Command): Command {
  return command
    .option(
      '--to <place>',
      'where the files go: a folder, service (at --server, with SLIPWAY_TOKEN), s3://bucket/prefix, or https://host/prefix/ that takes PUT (default: the publication of the home)',
    )
    .option(
      '--public-url <url>',
      'address under which devices fetch what goes to s3:// or https://, without credentials',
    );
}

const WITHOUT_HOME = 'Without the home of a service, pass --to with the place that devices fetch files from. ';

/** The place that `--to` names. A dry run takes a home that is not there yet. Throws HOME_MISSING, SETTING_VALUE, S3_… or SETTING_SECRET. */
export async function openArtifactStore(
  options: PlaceOptions & { readonly isDryRun: boolean },
): Promise<ArtifactStore> {
  const { home, to, insecureHttp = false } = options;
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(to ?? '')?.[1]?.toLowerCase();
  if (scheme === 's3') {
    const [prefix, publicUrl] = [parseS3Address(to ?? ''), publicUrlOf(options)];
    const access = (): ReturnType<typeof s3AccessOfEnvironment> => s3AccessOfEnvironment(insecureHttp);
    access();
    return new StoppableStore((terms) => new S3ArtifactStore({ access, prefix, publicUrl, terms }));
  }
  if (scheme === 'https' || scheme === 'http') {
    const [prefix, publicUrl] = [folderUrl('--to', to ?? '', insecureHttp), publicUrlOf(options)];
    const credentials = (): string | null => secretOf('SLIPWAY_UPLOAD_TOKEN');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what can't be sent
    if (/[\x00-\x1f\x7f]/.test(credentials() ?? ''))
      throw placeError(
        '--to',
        'SLIPWAY_UPLOAD_TOKEN has a line break or another control character',
        'Check that nothing but the token, or user:password, is there.',
      );
    return new StoppableStore((terms) => new HttpsArtifactStore({ prefix, publicUrl, credentials, terms }));
  }
  if (scheme !== undefined)
    throw placeError(
      '--to',
      `${scheme}: is no kind of place`,
      'Pass a folder, s3://bucket/prefix or https://host/prefix/.',
    );
  if (options.publicUrl !== undefined)
    throw placeError('--public-url', 'it goes with s3:// and https:// only', 'Leave it out.');
  if (to === 'service') return openService(options);
  if (to !== undefined) return new FolderArtifactStore(path.resolve(to));
  const { publication } = options.isDryRun ? homeAt(home) : await openHome(home, WITHOUT_HOME);
  return new FolderArtifactStore(publication);
}

/** Throws SETTING_VALUE, SETTING_SECRET or SERVER_ADDRESS. */
function openService({ server, insecureHttp = false }: PlaceOptions): ArtifactStore {
  if (server === undefined)
    throw placeError('--to service', 'the address of the service is missing', 'Pass --server, or set SLIPWAY_SERVER.');
  const token = (): string | null => secretOf('SLIPWAY_TOKEN');
  if (token() === null)
    throw placeError(
      '--to service',
      'SLIPWAY_TOKEN is not set',
      'Set it, or SLIPWAY_TOKEN_FILE, to a token with the scope publish.',
    );
  if (bearerHeader(token()) === null)
    throw placeError(
      '--to service',
      'SLIPWAY_TOKEN has characters that no token has',
      'Check that nothing but the token is there: no space, no line break.',
    );
  const url = serviceUrl({ server, token: token(), insecureHttp }, '').href.replace(/\/+$/, '');
  return new StoppableStore((terms) => new ServiceArtifactStore({ server: url, token, terms }));
}

function placeError(flag: string, problem: string, remedy: string): CodedError {
  return new CodedError({ code: 'SETTING_VALUE', message: `${flag}: ${problem}.`, remedy });
}

/** Devices get it in the manifest: credentials there would be everybody's. */
function folderUrl(flag: string, text: string, insecureHttp: boolean): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['https:', 'http:'].includes(url.protocol) || `${url.search}${url.hash}` !== '')
    throw placeError(flag, 'this is not the address of a folder', 'Write it like https://host/prefix/.');
  if (url.username !== '' || url.password !== '')
    throw placeError(
      flag,
      'the address holds credentials',
      'Set SLIPWAY_UPLOAD_TOKEN to a token or user:password instead.',
    );
  if (url.protocol === 'http:' && !insecureHttp && !isLoopbackHost(url.hostname))
    throw placeError(
      flag,
      `files would go to or come from ${url.host} over plain HTTP`,
      'Use https://, or pass --insecure-http if you trust the network.',
    );
  return `${url.href.replace(/\/+$/, '')}/`;
}

function publicUrlOf({ publicUrl, insecureHttp = false }: PlaceOptions): string | null {
  return publicUrl === undefined ? null : folderUrl('--public-url', publicUrl, insecureHttp);
}

/** A person or a runner who stops an upload gets it ended in order: nothing of it is left at the place. */
class StoppableStore implements ArtifactStore {
  readonly #open: (signal: AbortSignal) => ArtifactStore;
  readonly #unstopped: ArtifactStore;

  constructor(make: (terms: UploadTerms) => ArtifactStore) {
    const [clock, random] = [new SystemClock(), new SystemRandom()];
    this.#open = (signal) => make({ clock, random, signal });
    this.#unstopped = this.#open(new AbortController().signal);
  }

  get place(): string {
    return this.#unstopped.place;
  }

  urlOf(digest: Digest): string {
    return this.#unstopped.urlOf(digest);
  }

  holds(artifact: Artifact): Promise<boolean> {
    return this.#unstopped.holds(artifact);
  }

  async put(file: string, artifact: Artifact, say: Say): Promise<StoredArtifact> {
    using stop = new StopSignal();
    return await this.#open(stop.signal).put(file, artifact, say);
  }
}
