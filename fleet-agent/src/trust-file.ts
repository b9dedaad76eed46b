// Owns the trust policy on disk: read at the start, and again when it changes, without a restart.
import { readFile, stat } from 'node:fs/promises';
import type { Clock } from '../../src/base/clock.ts';
import { toCodedError } from '../../src/base/errors.ts';
import type { Logger } from '../../src/base/logger.ts';
import { type Digest, digestOf } from '../../src/contract/digest.ts';
import { loadTrustPolicy } from '../../src/contract/trust/read-trust-policy.ts';
import { DocumentVerifier } from '../../src/contract/trust/verifier.ts';

const LOOK_EVERY_MS = 30_000;

export class TrustFile {
  readonly #file: string;
  #verifier: DocumentVerifier;
  #fingerprint: Digest;

  private constructor(file: string, verifier: DocumentVerifier, fingerprint: Digest) {
    this.#file = file;
    this.#verifier = verifier;
    this.#fingerprint = fingerprint;
  }

  /** Throws what `loadTrustPolicy` throws. */
  static async open(file: string): Promise<TrustFile> {
    const verifier = new DocumentVerifier(await loadTrustPolicy(file), { cacheEntries: 16 });
    return new TrustFile(file, verifier, digestOf(await readFile(file)));
  }

  /** By the policy that is in force when it is asked. */
  get verifier(): Pick<DocumentVerifier, 'verifyModel'> {
    return { verifyModel: (...question) => this.#verifier.verifyModel(...question) };
  }

  get fingerprint(): string {
    return this.#fingerprint;
  }

  /** Looks now and then. A file that can't be read changes nothing: trust is neither widened nor lost by an editor at work. */
  async watch(clock: Clock, logger: Logger, signal: AbortSignal): Promise<void> {
    let seen = await modified(this.#file);
    while (!signal.aborted) {
      await clock.sleep(LOOK_EVERY_MS, signal);
      const now = await modified(this.#file);
      if (signal.aborted || now === seen) continue;
      seen = now;
      try {
        const next = await TrustFile.open(this.#file);
        this.#verifier = next.#verifier;
        this.#fingerprint = next.#fingerprint;
        logger.info('trust policy read again', { file: this.#file });
      } catch (error) {
        logger.error('trust policy is broken, the one before stays in force', { error: toCodedError(error) });
      }
    }
  }
}

async function modified(file: string): Promise<number | undefined> {
  return stat(file).then(
    ({ mtimeMs }) => mtimeMs,
    () => undefined,
  );
}
