// Owns the trust policy while the service runs: read again when it or a file that it names changes, without a restart.
import type { Clock } from '../base/clock.ts';
import { CodedError, toCodedError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type { LoadedTrust } from '../contract/trust/read-trust-policy.ts';
import type { TrustPolicy } from '../contract/trust/trust-policy.ts';
import { loadTrust } from './load-trust.ts';

/**
 * Contents are compared, not timestamps or notifications: these few small files may come by an editor, a copy, a mounted secret or a
 * network disk, and each of them tells of changes in its own way or not at all.
 */
const LOOK_EVERY_MS = 1_000;

export interface TrustWatchOptions {
  readonly file: string;
  /** Id of the key that this service signs evidence with. */
  readonly ownKeyId: string;
}

export class TrustWatch {
  readonly #options: TrustWatchOptions;
  #loaded: LoadedTrust;
  #problem: CodedError | null = null;

  private constructor(options: TrustWatchOptions, loaded: LoadedTrust) {
    this.#options = options;
    this.#loaded = loaded;
  }

  /** Throws what `loadTrustPolicy` throws, and TRUST_POLICY_OWN_KEY. */
  static async open(options: TrustWatchOptions): Promise<TrustWatch> {
    return new TrustWatch(options, await load(options));
  }

  /** The policy in force: the last one that could be used. */
  get policy(): TrustPolicy {
    return this.#loaded.policy;
  }

  /** Why the files as they lie there can't be used; null when they can. */
  get problem(): CodedError | null {
    return this.#problem;
  }

  /** Reads the files; true when another policy is in force since. Never throws: a broken edit neither widens trust nor ends it. */
  async look(): Promise<boolean> {
    try {
      const now = await load(this.#options);
      this.#problem = null;
      if (now.digest === this.#loaded.digest) return false;
      this.#loaded = now;
      return true;
    } catch (error) {
      const told = toCodedError(error, 'TRUST_POLICY_UNREADABLE');
      this.#problem = new CodedError({
        code: told.code,
        message: `The trust policy was changed and can't be used; the one before stays in force. ${told.message}`,
        ...(told.remedy === undefined ? {} : { remedy: told.remedy }),
        ...(told.at === undefined ? {} : { at: told.at }),
        cause: told,
      });
      return false;
    }
  }

  /** Looks until stopped; each problem is logged once. */
  async run(onChange: (policy: TrustPolicy) => void, clock: Clock, logger: Logger, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await clock.sleep(LOOK_EVERY_MS, signal);
      const before = this.#problem?.message;
      const isChanged = await this.look();
      if (isChanged) {
        logger.info('trust policy read again', { file: this.#options.file });
        onChange(this.policy);
      }
      const problem = this.#problem;
      if (problem !== null && problem.message !== before) logger.error('trust policy is broken', { error: problem });
      if (problem === null && before !== undefined) logger.info('trust policy is whole again');
    }
  }
}

/** A service whose own evidence it does not trust would put every status right again, for ever. */
async function load({ file, ownKeyId }: TrustWatchOptions): Promise<LoadedTrust> {
  const loaded = await loadTrust(file);
  if (loaded.policy.reconciler.has(ownKeyId)) return loaded;
  throw new CodedError({
    code: 'TRUST_POLICY_OWN_KEY',
    message: `${file} does not name the key ${ownKeyId}, with which this service signs.`,
    remedy: 'List its public key under `reconciler:`; while keys rotate, list the old one and the new one.',
  });
}
