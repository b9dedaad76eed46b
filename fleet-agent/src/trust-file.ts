// Owns the trust policy in force on a device: the one on its disk, read again when it changes, until its publication proves one.
import type { Clock } from '../../src/base/clock.ts';
import { CodedError, toCodedError } from '../../src/base/errors.ts';
import type { Logger } from '../../src/base/logger.ts';
import { type LoadedTrust, loadTrust, type TrustContents } from '../../src/contract/trust/read-trust-policy.ts';
import { DocumentVerifier } from '../../src/contract/trust/verifier.ts';

/** Contents are compared, not timestamps: a clock that was wrong, or a copy that keeps old times, hides nothing. */
const LOOK_EVERY_MS = 30_000;

export class TrustFile {
  readonly #file: string;
  #loaded: TrustContents | null;
  #isPublished = false;
  #verifier: DocumentVerifier | null;

  private constructor(file: string, loaded: LoadedTrust | null) {
    this.#file = file;
    this.#loaded = loaded;
    this.#verifier = loaded && verifierOf(loaded);
  }

  /** Throws what `loadTrust` throws. */
  static async open(file: string): Promise<TrustFile> {
    return new TrustFile(file, await loadTrust(file));
  }

  /** A policy that can't be read now: nothing new is verified until it can. */
  static unread(file: string): TrustFile {
    return new TrustFile(file, null);
  }

  /** Verifies by the policy in force at the time of the call; throws AGENT_TRUST_UNREAD while there is none. */
  get verifier(): Pick<DocumentVerifier, 'verifyModel' | 'reconcilerKeys'> {
    const keys = () => this.#verifier?.reconcilerKeys ?? new Map();
    return {
      get reconcilerKeys() {
        return keys();
      },
      verifyModel: (...question) => {
        if (this.#verifier === null) throw unread(this.#file);
        return this.#verifier.verifyModel(...question);
      },
    };
  }

  /** From now on this one, which the publication proved; the file counts no more. */
  readonly usePublished = (trust: TrustContents): void => {
    this.#isPublished = true;
    this.#use(trust);
  };

  #use(trust: TrustContents): void {
    this.#loaded = trust;
    this.#verifier = verifierOf(trust);
  }

  get fingerprint(): string {
    return this.#loaded?.digest ?? 'unread';
  }

  /** Looks now and then. Broken files change nothing: an edit in progress neither widens nor loses trust. */
  async watch(clock: Clock, logger: Logger, signal: AbortSignal): Promise<void> {
    let problem: string | null = null;
    while (!signal.aborted) {
      await clock.sleep(LOOK_EVERY_MS, signal);
      if (signal.aborted) return;
      if (this.#isPublished) continue;
      try {
        const next = await loadTrust(this.#file);
        problem = null;
        if (this.#isPublished || next.digest === this.#loaded?.digest) continue;
        this.#use(next);
        logger.info('trust policy reloaded', { file: this.#file });
      } catch (thrown) {
        const error = toCodedError(thrown);
        if (error.message !== problem)
          logger.error('trust policy is broken, the previous one stays in force', { error });
        problem = error.message;
      }
    }
  }
}

function unread(file: string): CodedError {
  return new CodedError({
    code: 'AGENT_TRUST_UNREAD',
    kind: 'retry-later',
    message: `The trust policy ${file} can't be read, so nothing new is verified.`,
    remedy: 'Mend the file. The agent reads it again by itself.',
  });
}

function verifierOf({ policy }: TrustContents): DocumentVerifier {
  return new DocumentVerifier(policy, { cacheEntries: 16 });
}
