// Owns the list of providers while the service runs: read again when it changes, without a restart.
import { readFile, stat } from 'node:fs/promises';
import type { Clock } from '../base/clock.ts';
import { CodedError, toCodedError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import { lackingSecrets, MOST_BYTES, type ProvidersFile, readProviders } from '../signals/read-providers.ts';
import type { SignalProvider } from '../signals/signal-provider.ts';

const LOOK_EVERY_MS = 2_000;

export class ProvidersWatch {
  readonly #file: ProvidersFile;
  readonly #clock: Clock;
  #content: string | null;
  #providers: readonly SignalProvider[];
  #problem: CodedError | null = null;

  private constructor(file: ProvidersFile, clock: Clock, content: string | null, providers: readonly SignalProvider[]) {
    this.#file = file;
    this.#clock = clock;
    this.#content = content;
    this.#providers = providers;
  }

  /** Throws what `readProviders` throws. */
  static async open(file: ProvidersFile, clock: Clock): Promise<ProvidersWatch> {
    const content = await contentOf(file);
    return new ProvidersWatch(file, clock, content, await readProviders(file, clock));
  }

  /** The providers in force: those of the last list that could be used. */
  get providers(): readonly SignalProvider[] {
    return this.#providers;
  }

  /** Why the file as it lies there can't be used; null when it can. */
  get problem(): CodedError | null {
    return this.#problem;
  }

  /** Reads the file; true when other providers are in force since. Never throws: a broken edit changes nothing. */
  async look(): Promise<boolean> {
    const content = await contentOf(this.#file);
    if (content === this.#content) return false;
    this.#content = content;
    try {
      this.#providers = await readProviders(this.#file, this.#clock);
      this.#problem = null;
      return true;
    } catch (error) {
      const told = toCodedError(error, 'SIGNALS_FILE_UNREADABLE');
      this.#problem = new CodedError({
        code: told.code,
        message: `The list of providers was changed and can't be used; the one before stays in force. ${told.message}`,
        ...(told.remedy === undefined ? {} : { remedy: told.remedy }),
        ...(told.at === undefined ? {} : { at: told.at }),
        cause: told,
      });
      return false;
    }
  }

  /** Said when the list is read, rather than at the first question: secrets may still come later. */
  async #warnOfSecrets(logger: Logger): Promise<void> {
    for (const lacking of await lackingSecrets(this.#file))
      logger.warn("a provider's secret can't be read: it is missing, empty or too long", { ...lacking });
  }

  /** Looks until stopped; each problem is logged once. */
  async run(
    onChange: (providers: readonly SignalProvider[]) => void,
    logger: Logger,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#warnOfSecrets(logger);
    while (!signal.aborted) {
      await this.#clock.sleep(LOOK_EVERY_MS, signal);
      const before = this.#problem?.message;
      if (await this.look()) {
        logger.info('providers of outside signals read again', {
          file: this.#file.file,
          count: this.#providers.length,
        });
        onChange(this.#providers);
        await this.#warnOfSecrets(logger);
      }
      const problem = this.#problem;
      if (problem !== null && problem.message !== before)
        logger.error('list of providers is broken', { error: problem });
    }
  }
}

/** Null without the file. What is too long to be a list is known by its size alone. */
async function contentOf({ file }: ProvidersFile): Promise<string | null> {
  try {
    const { size } = await stat(file);
    return size > MOST_BYTES ? `${size} bytes` : await readFile(file, 'utf8');
  } catch {
    return null;
  }
}
