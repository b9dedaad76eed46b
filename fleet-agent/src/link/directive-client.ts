// Owns how a device accepts a directive: by TUF, so that old, frozen, mixed or endless answers change nothing.
import type { MetaFile, TargetFile } from '@tufjs/models';
import type { Clock } from '../../../src/base/clock.ts';
import { CodedError } from '../../../src/base/errors.ts';
import { type Digest, digestOf, sha256Hex } from '../../../src/contract/digest.ts';
import { DIRECTIVE_TARGET, type Directive } from '../../../src/contract/directive.ts';
import { MOST_DIRECTIVE_BYTES, parseDirective } from '../../../src/contract/directive-json.ts';
import { TRUST_VERSION } from '../../../src/contract/report.ts';
import type { TrustContents } from '../../../src/contract/trust/read-trust-policy.ts';
import { TrustedChain } from '../../../src/contract/tuf/trusted-chain.ts';
import { TrustedState } from '../../../src/contract/tuf/trusted-state.ts';
import { type RefusalCode, refusing, TufRefusal } from '../../../src/contract/tuf/tuf-refusal.ts';
import { DirectiveFetcher, type Fetch, Unreachable } from './directive-fetcher.ts';
import { TrustFollower } from './trust-follower.ts';

export interface DirectiveClientOptions {
  /** URL of the publication (`http(s)://…/` or `file:///…/`): metadata and targets lie below it. */
  readonly publicationUrl: string;
  /** A folder for this client alone. */
  readonly stateFolder: string;
  /** The root that the device was given at the factory; never written to. Another one begins a new chain of trust. */
  readonly factoryRoot: Uint8Array;
  readonly clock: Clock;
  /** Longest request; 30 s unless given. A whole refresh takes at most four times as long. */
  readonly timeoutMs?: number;
  readonly fetch?: Fetch;
  /** Gets each trust policy that the publication proves, and at the opening the one that it proved last. */
  readonly onTrust?: ((trust: TrustContents) => void) | undefined;
}

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
  | { readonly kind: 'unreachable'; readonly reason: string; readonly retryAfterMs?: number };

const LIMITS = { root: 512_000, timestamp: 16_384, snapshot: 2_000_000, targets: 5_000_000 } as const;
/** Roots that one refresh walks; the rest is for the next. */
const MOST_ROTATIONS = 256;
const DEFAULT_TIMEOUT_MS = 30_000;
const REQUESTS_PER_REFRESH = 4;
/** Hosts that make ETags of the second of a change give one ETag to two versions; after this long they can't. */
const ETAG_SETTLES_MS = 2_000;

/** The pointer as a host last gave it. */
interface Seen {
  readonly etag: string;
  readonly text: string;
  readonly firstMs: number;
  readonly lastMs: number;
}

export class DirectiveClient {
  readonly #options: DirectiveClientOptions;
  readonly #state: TrustedState;
  readonly #fetch: Fetch;
  readonly #trust: TrustFollower;
  #seen: Seen | undefined;
  #inDateUntilMs: number | null = null;

  private constructor(options: DirectiveClientOptions, state: TrustedState, trust: TrustFollower) {
    this.#options = options;
    this.#state = state;
    this.#trust = trust;
    this.#fetch = options.fetch ?? ((url, init) => fetch(url, init));
  }

  /** Opens the client with what it accepted last, if anything; expiry is not asked again for that. */
  static async open(options: DirectiveClientOptions): Promise<DirectiveClient> {
    const { stateFolder, factoryRoot, onTrust = () => undefined } = options;
    const state = await TrustedState.open(stateFolder, factoryRoot);
    return new DirectiveClient(options, state, await TrustFollower.open(stateFolder, factoryRoot, onTrust));
  }

  /** The directive accepted last, also offline and after its signatures expired. */
  lastAccepted(): Directive | undefined {
    return this.#state.directive;
  }

  /** Names the keys under which that directive was accepted: other names after a rotation of the keys that sign directives. */
  lastSigners(): string | undefined {
    return this.#state.accepted?.signers;
  }

  /** The pointer that led to it; undefined before the first. */
  lastPointer(): string | undefined {
    return this.#state.accepted?.timestamp;
  }

  /** End of the signed dates that were found in date since this client was opened; null before. What is recalled from disk says nothing of now. */
  inDateUntilMs(): number | null {
    return this.#inDateUntilMs;
  }

  /** What reports say of the publication: the version of its trust policy that is in force here. */
  get properties(): Readonly<Record<string, number>> {
    const { version } = this.#trust;
    return version === null ? {} : { [TRUST_VERSION]: version };
  }

  /** Takes the trust policy that belongs with the directive accepted last. Throws AGENT_TRUST_REFUSED: the one before stays in force. */
  async followTrust(signal: AbortSignal): Promise<void> {
    const { root, accepted } = this.#state;
    if (accepted === undefined) return;
    const fetcher = this.#fetcher(signal);
    try {
      await this.#trust.follow({
        ...{ root, snapshot: accepted.snapshot, nowMs: this.#nowMs() },
        get: (file, most) => fetcher.getPresent(this.#url(file), most),
      });
    } catch (cause) {
      const { code = '', message } = cause as { readonly code?: string; readonly message: string };
      throw new CodedError({
        code: 'AGENT_TRUST_REFUSED',
        kind: 'retry-later',
        message: `The published trust policy is not taken, and the one before stays in force. ${code} ${message}`,
        remedy: 'See it with `slipway trust show`, and sign and publish a newer one.',
        cause,
      });
    }
  }

  /**
   * Asks the publication; one call at a time. An idle poll is two small requests: for a newer root, which is rarely there, and a mostly
   * conditional one for the pointer. Throws only when the state folder
   * can't be written, never for what the publication says.
   */
  async refresh(signal: AbortSignal): Promise<DirectiveAnswer> {
    const fetcher = this.#fetcher(signal);
    try {
      // Roots come first (TUF 5.3): a withdrawn key must not be able to keep its withdrawal from this device by holding back the pointer.
      const { root, floor, accepted } = this.#state;
      const chain = new TrustedChain(root, floor, this.#nowMs(), accepted?.snapshot);
      const isRotated = await this.#walkRoots(chain, fetcher);
      const pointer = await this.#askPointer(fetcher, isRotated);
      return pointer === 'unchanged' ? { kind: 'unchanged' } : await this.#follow(chain, pointer, fetcher);
    } catch (error) {
      if (error instanceof Unreachable) {
        const asked = error.retryAfterMs === null ? {} : { retryAfterMs: error.retryAfterMs };
        return { kind: 'unreachable', reason: error.message, ...asked };
      }
      if (error instanceof TufRefusal) return { kind: 'refused', code: error.code, reason: error.message };
      throw error;
    }
  }

  #fetcher(signal: AbortSignal): DirectiveFetcher {
    const { timeoutMs = DEFAULT_TIMEOUT_MS } = this.#options;
    const whole = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs * REQUESTS_PER_REFRESH)]);
    return new DirectiveFetcher({ fetch: this.#fetch, timeoutMs, signal: whole, nowMs: this.#nowMs() });
  }

  /** The pointer alone. The same pointer means the same directive, until it expires: someone may be freezing us. */
  async #askPointer(fetcher: DirectiveFetcher, isRotated: boolean): Promise<Buffer | 'unchanged'> {
    const { accepted, floor } = this.#state;
    const isNewest = accepted?.floor.timestamp === floor.timestamp;
    const isValid = !isRotated && accepted !== undefined && isNewest && this.#nowMs() < accepted.validUntilMs;
    const etag = isValid ? this.#settledEtag(accepted.timestamp) : null;
    const answer = await fetcher.get(this.#url('metadata', 'timestamp.json'), LIMITS.timestamp, etag);
    if (answer.kind === 'absent') throw new Unreachable(answer.reason);
    if (answer.kind === 'unchanged') return 'unchanged';
    this.#note(answer.bytes.toString('utf8'), answer.etag);
    return isValid && answer.bytes.equals(Buffer.from(accepted.timestamp)) ? 'unchanged' : answer.bytes;
  }

  #settledEtag(text: string): string | null {
    const seen = this.#seen;
    return seen !== undefined && seen.text === text && seen.lastMs - seen.firstMs >= ETAG_SETTLES_MS ? seen.etag : null;
  }

  #note(text: string, etag: string | null): void {
    const nowMs = this.#options.clock.monotonicMs();
    const isSame = this.#seen?.text === text && this.#seen.etag === etag;
    const firstMs = isSame ? (this.#seen?.firstMs ?? nowMs) : nowMs;
    this.#seen = etag === null ? undefined : { etag, text, firstMs, lastMs: nowMs };
  }

  /** Walks the chain; the directive that was accepted changes only when all of it holds, the floors role by role. */
  async #follow(chain: TrustedChain, timestamp: Buffer, fetcher: DirectiveFetcher): Promise<DirectiveAnswer> {
    try {
      return await this.#walk(chain, timestamp, fetcher);
    } finally {
      await this.#state.saveFloor(chain.proven());
    }
  }

  async #walk(chain: TrustedChain, timestamp: Buffer, fetcher: DirectiveFetcher): Promise<DirectiveAnswer> {
    const { accepted } = this.#state;
    const snapshotMeta = chain.takeTimestamp(timestamp);
    const reached = chain.reached().timestamp;
    if (accepted !== undefined && reached === chain.floor.timestamp && reached === accepted.floor.timestamp)
      assertSame(timestamp, accepted.timestamp);
    const snapshot = await this.#read('snapshot', snapshotMeta, accepted?.snapshot, fetcher);
    const targetsMeta = chain.takeSnapshot(snapshot);
    const targets = await this.#read('targets', targetsMeta, accepted?.targets, fetcher);
    const target = chain.takeTargets(targets);
    const bytes = await this.#readDirective(target, accepted?.directive, fetcher);
    const directive = refusing('The directive', 'anyone', () => parseDirective(bytes));
    const floor = chain.reached();
    const texts = {
      timestamp: timestamp.toString('utf8'),
      snapshot: snapshot.toString('utf8'),
      targets: targets.toString('utf8'),
      directive: bytes.toString('utf8'),
    };
    const isNew = accepted?.directive !== texts.directive;
    const saved = {
      ...texts,
      floor,
      signers: chain.signers(),
      atMs: this.#nowMs(),
      validUntilMs: chain.validUntilMs(),
    };
    await this.#state.saveAccepted(saved, directive);
    this.#inDateUntilMs = saved.validUntilMs;
    return isNew
      ? { kind: 'directive', directive, digest: digestOf(bytes), metadataVersion: floor.timestamp }
      : { kind: 'unchanged' };
  }

  /** Roots that were proven are kept whatever comes next: a device far behind gets on even if it is cut off (TUF 5.3.8). */
  async #walkRoots(chain: TrustedChain, fetcher: DirectiveFetcher): Promise<boolean> {
    let newest: Buffer | undefined;
    try {
      for (let steps = 0; steps < MOST_ROTATIONS; steps++) {
        const answer = await fetcher.get(this.#url('metadata', `${chain.rootVersion + 1}.root.json`), LIMITS.root);
        if (answer.kind !== 'bytes' || !isMetadata(answer.bytes)) break;
        chain.takeRoot(answer.bytes);
        newest = answer.bytes;
      }
    } finally {
      if (newest !== undefined) await this.#state.saveRoot(newest, chain.floor);
    }
    return newest !== undefined;
  }

  /** A file of the chain: the one accepted before if it is still the one that is named, else from the host. */
  async #read(
    role: 'snapshot' | 'targets',
    { version, length, hashes }: MetaFile,
    known: string | undefined,
    fetcher: DirectiveFetcher,
  ): Promise<Buffer> {
    if (known !== undefined && hashes?.sha256 === sha256Hex(known)) return Buffer.from(known);
    const name = `${version}.${role}.json`;
    assertAtMost(name, length ?? 0, LIMITS[role]);
    return fetcher.getPresent(this.#url('metadata', name), length ?? LIMITS[role]);
  }

  async #readDirective(target: TargetFile, known: string | undefined, fetcher: DirectiveFetcher): Promise<Buffer> {
    const hex = target.hashes.sha256 ?? '';
    if (!/^[0-9a-f]{64}$/.test(hex))
      throw new TufRefusal('TUF_OTHER', 'targets.json names no SHA-256 of the directive.');
    if (known !== undefined && sha256Hex(known) === hex) return Buffer.from(known);
    assertAtMost('The directive', target.length, MOST_DIRECTIVE_BYTES);
    const bytes = await fetcher.getPresent(this.#url('targets', `${hex}.${DIRECTIVE_TARGET}`), target.length);
    if (bytes.length === target.length && sha256Hex(bytes) === hex) return bytes;
    throw new TufRefusal('TUF_SIGNATURE', 'The directive differs from the signed one: it was damaged or replaced.');
  }

  #url(...parts: string[]): string {
    return `${this.#options.publicationUrl.replace(/\/+$/, '')}/${parts.join('/')}`;
  }

  /** A clock that went back must not bring expired statements back to life. */
  #nowMs(): number {
    return Math.max(this.#options.clock.now(), this.#state.accepted?.atMs ?? 0);
  }
}

/** Hosts of single-page sites answer with a page for what is missing: that is as good as absent. */
function isMetadata(bytes: Buffer): boolean {
  try {
    const { signed, signatures } = Object(JSON.parse(bytes.toString('utf8'))) as Record<string, unknown>;
    return signed !== undefined && signatures !== undefined;
  } catch {
    return false;
  }
}

function assertAtMost(what: string, length: number, most: number): void {
  if (length <= most) return;
  throw new TufRefusal('TUF_LENGTH', `${what} claims ${length} bytes, more than the ${most} allowed.`);
}

/** One version has one content: two under one number mean a stolen key, or a service that was set back to an old backup. */
function assertSame(timestamp: Buffer, known: string): void {
  if (timestamp.equals(Buffer.from(known))) return;
  const reason = 'timestamp.json has the version that was accepted before, and says something else.';
  throw new TufRefusal('TUF_ROLLBACK', reason);
}
