// Owns how a device accepts a directive: by TUF, so that old, frozen, mixed or endless answers change nothing.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Updater } from 'tuf-js';
import { BadVersionError, DownloadLengthMismatchError, ExpiredMetadataError } from 'tuf-js/dist/error.js';
import type { Clock } from '../../base/clock.ts';
import { readFileIfPresent, writeFileDurably } from '../../base/durable-file.ts';
import { toCodedError } from '../../base/errors.ts';
import { type Digest, digestOf, sha256Hex } from '../digest.ts';
import { DIRECTIVE_TARGET, type Directive } from '../directive.ts';
import { MOST_DIRECTIVE_BYTES, parseDirective } from '../directive-json.ts';
import { DirectiveFetcher, type Fetch } from './directive-fetcher.ts';

export interface DirectiveClientOptions {
  /** URL of the publication (`http(s)://…/` or `file:///…/`): metadata and targets lie below it. */
  readonly publicationUrl: string;
  /** A folder for this client alone. */
  readonly stateFolder: string;
  /** The root that the device was given at the factory; never overwritten. */
  readonly factoryRoot: Uint8Array;
  readonly clock: Clock;
  /** Longest request; 30 s unless given. */
  readonly timeoutMs?: number;
  readonly fetch?: Fetch;
}

export type RefusalCode = 'TUF_EXPIRED' | 'TUF_ROLLBACK' | 'TUF_SIGNATURE' | 'TUF_LENGTH' | 'TUF_OTHER';

export type DirectiveAnswer =
  | {
      readonly kind: 'directive';
      readonly directive: Directive;
      readonly digest: Digest;
      readonly metadataVersion: number;
    }
  | { readonly kind: 'unchanged' }
  /** The publication answers, and what it says is not to be believed. */
  | { readonly kind: 'refused'; readonly code: RefusalCode; readonly reason: string }
  | { readonly kind: 'unreachable'; readonly reason: string };

/** What was accepted last; on disk it is the floor below which nothing is accepted. */
interface Accepted {
  readonly metadataVersion: number;
  readonly expiresAtMs: number;
  readonly etag: string | null;
  readonly digest: Digest;
  readonly directive: string;
}

const LIMITS = {
  rootMaxLength: 512_000,
  timestampMaxLength: 16_384,
  snapshotMaxLength: 2_000_000,
  targetsMaxLength: 5_000_000,
};
const DEFAULT_TIMEOUT_MS = 30_000;

export class DirectiveClient {
  readonly #options: DirectiveClientOptions;
  readonly #fetch: Fetch;
  #accepted: Accepted | null = null;
  #directive: Directive | null = null;

  private constructor(options: DirectiveClientOptions) {
    this.#options = options;
    this.#fetch = options.fetch ?? ((url, init) => fetch(url, init));
  }

  /** Opens the client with what it accepted last, if anything; expiry is not asked again for that. */
  static async open(options: DirectiveClientOptions): Promise<DirectiveClient> {
    const client = new DirectiveClient(options);
    mkdirSync(client.#metadataFolder, { recursive: true });
    await client.#recall();
    return client;
  }

  /** The directive accepted last, also offline and after its signatures expired. */
  lastAccepted(): Directive | undefined {
    return this.#directive ?? undefined;
  }

  /** Asks the publication. An idle poll is one conditional request. Never throws for what the publication says. */
  async refresh(signal: AbortSignal): Promise<DirectiveAnswer> {
    const { timeoutMs = DEFAULT_TIMEOUT_MS } = this.#options;
    const fetcher = new DirectiveFetcher({ fetch: this.#fetch, timeoutMs, signal });
    try {
      const asked = await this.#askTimestamp(fetcher);
      if (asked.kind === 'unchanged') return asked;
      return await this.#update(fetcher, asked.etag);
    } catch (error) {
      if (fetcher.unreachable !== null) return { kind: 'unreachable', reason: fetcher.unreachable.message };
      return { kind: 'refused', code: codeOf(error), reason: reasonOf(error) };
    }
  }

  get #metadataFolder(): string {
    return path.join(this.#options.stateFolder, 'metadata');
  }

  get #acceptedFile(): string {
    return path.join(this.#options.stateFolder, 'accepted.json');
  }

  #url(...parts: string[]): string {
    return `${this.#options.publicationUrl.replace(/\/+$/, '')}/${parts.join('/')}`;
  }

  async #recall(): Promise<void> {
    const bytes = await readFileIfPresent(this.#acceptedFile);
    if (bytes === undefined) return;
    try {
      const accepted = JSON.parse(bytes.toString('utf8')) as Accepted;
      this.#directive = parseDirective(Buffer.from(accepted.directive));
      this.#accepted = accepted;
    } catch {
      rmSync(this.#acceptedFile, { force: true });
    }
  }

  /** The pointer alone: unchanged by ETag means unchanged, unless what we have has expired (someone may be freezing us). */
  async #askTimestamp(
    fetcher: DirectiveFetcher,
  ): Promise<{ readonly kind: 'unchanged' } | { readonly kind: 'changed'; readonly etag: string | null }> {
    const known = this.#accepted;
    const etag = known !== null && known.expiresAtMs > this.#options.clock.now() ? known.etag : null;
    const answer = await fetcher.get(
      this.#url('metadata', 'timestamp.json'),
      LIMITS.timestampMaxLength,
      etag ?? undefined,
    );
    return answer.status === 304 && etag !== null ? { kind: 'unchanged' } : { kind: 'changed', etag: answer.etag };
  }

  async #update(fetcher: DirectiveFetcher, etag: string | null): Promise<DirectiveAnswer> {
    const updater = this.#openUpdater(fetcher);
    await updater.refresh();
    const pointer = this.#readPointer();
    const floor = this.#accepted?.metadataVersion ?? 0;
    if (pointer.version < floor) {
      return {
        kind: 'refused',
        code: 'TUF_ROLLBACK',
        reason: `Metadata version ${pointer.version} is below ${floor}, which was accepted before.`,
      };
    }
    const target = await updater.getTargetInfo(DIRECTIVE_TARGET);
    if (target === undefined)
      return { kind: 'refused', code: 'TUF_OTHER', reason: 'The publication holds no directive.' };
    const hex = target.hashes.sha256 ?? '';
    if (target.length > MOST_DIRECTIVE_BYTES)
      return { kind: 'refused', code: 'TUF_LENGTH', reason: `The directive is said to have ${target.length} bytes.` };
    if (this.#accepted?.digest === `sha256:${hex}`) {
      await this.#accept({
        ...this.#accepted,
        metadataVersion: pointer.version,
        expiresAtMs: pointer.expiresAtMs,
        etag,
      });
      return { kind: 'unchanged' };
    }
    const bytes = await fetcher.downloadBytes(this.#url('targets', `${hex}.${DIRECTIVE_TARGET}`), target.length);
    if (bytes.length !== target.length || sha256Hex(bytes) !== hex) {
      return { kind: 'refused', code: 'TUF_SIGNATURE', reason: 'The directive is not the one that was signed.' };
    }
    this.#directive = parseDirective(bytes);
    const digest = digestOf(bytes);
    await this.#accept({
      metadataVersion: pointer.version,
      expiresAtMs: pointer.expiresAtMs,
      etag,
      digest,
      directive: bytes.toString('utf8'),
    });
    return { kind: 'directive', directive: this.#directive, digest, metadataVersion: pointer.version };
  }

  /** tuf-js writes its files in place; a half root.json would stop it for good, so the factory's root takes its place then. */
  #openUpdater(fetcher: DirectiveFetcher): Updater {
    const options = {
      metadataDir: this.#metadataFolder,
      metadataBaseUrl: this.#url('metadata'),
      targetDir: this.#metadataFolder,
      targetBaseUrl: this.#url('targets'),
      fetcher,
      config: { ...LIMITS, maxRootRotations: 64 },
    };
    try {
      return new Updater(options);
    } catch {
      this.#restoreFactoryRoot();
      return new Updater(options);
    }
  }

  #restoreFactoryRoot(): void {
    rmSync(this.#metadataFolder, { recursive: true, force: true });
    mkdirSync(this.#metadataFolder, { recursive: true });
    const temporary = path.join(this.#metadataFolder, 'root.json.tmp');
    writeFileSync(temporary, this.#options.factoryRoot);
    renameSync(temporary, path.join(this.#metadataFolder, 'root.json'));
  }

  #readPointer(): { readonly version: number; readonly expiresAtMs: number } {
    const { signed } = JSON.parse(readFileSync(path.join(this.#metadataFolder, 'timestamp.json'), 'utf8')) as {
      readonly signed: { readonly version: number; readonly expires: string };
    };
    return { version: signed.version, expiresAtMs: Date.parse(signed.expires) };
  }

  async #accept(accepted: Accepted): Promise<void> {
    await writeFileDurably(this.#acceptedFile, JSON.stringify(accepted));
    this.#accepted = accepted;
  }
}

function codeOf(error: unknown): RefusalCode {
  if (error instanceof ExpiredMetadataError) return 'TUF_EXPIRED';
  if (error instanceof BadVersionError) return 'TUF_ROLLBACK';
  if (error instanceof DownloadLengthMismatchError) return 'TUF_LENGTH';
  const message = String((error as Error)?.message ?? error);
  if (/expired/i.test(message)) return 'TUF_EXPIRED';
  if (/version/i.test(message)) return 'TUF_ROLLBACK';
  return /sign|threshold|hash|verif/i.test(message) ? 'TUF_SIGNATURE' : 'TUF_OTHER';
}

function reasonOf(error: unknown): string {
  const text = toCodedError(error).message.replace(/\s+/g, ' ').slice(0, 300);
  switch (codeOf(error)) {
    case 'TUF_EXPIRED':
      return `The publication's signatures have expired: it is out of date, or someone keeps it back (${text}).`;
    case 'TUF_ROLLBACK':
      return `The publication goes back to an older version (${text}).`;
    case 'TUF_SIGNATURE':
      return `The publication is not signed by the keys that the root names now (${text}).`;
    default:
      return `The publication can't be believed: ${text}.`;
  }
}
