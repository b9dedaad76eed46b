// Owns a file of the service's home while the service runs: read again when it changes, without a restart.
import { readBoundedFile } from '../base/bounded-file.ts';
import type { Clock } from '../base/clock.ts';
import { CodedError, toCodedError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type { FileWatcher } from './file-watcher.ts';

/** For files whose changes the system does not report, as on network disks. */
const LOOK_EVERY_MS = 10_000;
/** How long a changed file has to stay as it is before it is read: none is caught half written, or between two names. */
const SETTLE_MS = 500;
/** What changes in a longer file is not looked at: its reader refuses it. */
const MOST_BYTES = 1024 * 1024;

export interface WatchedFileOptions<T> {
  /** As in "list of metric providers". */
  readonly name: string;
  readonly file: string;
  /** Throws what is wrong with it, with its place. `isFirst` is for the reading at the start: what is missing later was there before. */
  readonly read: (isFirst: boolean) => Promise<T>;
  /** Another text means another value. The file's content unless given; null when it is missing. */
  readonly readContent?: () => Promise<string | null>;
  /** Files that the value was read from as well. */
  readonly otherFiles?: (value: T) => readonly string[];
  /** Says after each reading what may still come right by itself. Never throws. */
  readonly warn?: (logger: Logger) => Promise<void>;
}

export interface FollowParts {
  /** Without it only the slow poll sees changes. */
  readonly watcher?: FileWatcher;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

export class WatchedFile<T> {
  readonly #options: WatchedFileOptions<T>;
  /** As it was read, undefined when it is to be read again whatever it holds; and as it lay there at the last look. */
  #content: string | null | undefined;
  #seen: string | null;
  #value: T;
  #problem: CodedError | null = null;
  #woken = new AbortController();

  private constructor(options: WatchedFileOptions<T>, content: string | null, value: T) {
    this.#options = options;
    this.#content = content;
    this.#seen = content;
    this.#value = value;
  }

  /** Throws what the reading throws. */
  static async open<T>(options: WatchedFileOptions<T>): Promise<WatchedFile<T>> {
    const { file, readContent = () => contentOf(file) } = options;
    const content = await readContent();
    return new WatchedFile({ ...options, readContent }, content, await options.read(true));
  }

  /** What is in force: the last value that could be read. */
  get value(): T {
    return this.#value;
  }

  /** Why the file as it lies there can't be used; null when it can. */
  get problem(): CodedError | null {
    return this.#problem;
  }

  /**
   * Reads the file once it lies there alike at two looks; true when another value is in force since. Never throws: a broken edit
   * changes nothing.
   */
  async look(): Promise<boolean> {
    const { name, file, read, readContent = () => contentOf(file) } = this.#options;
    const content = await readContent();
    const isSettled = content === this.#seen;
    this.#seen = content;
    if (!isSettled || content === this.#content) return false;
    this.#content = content;
    try {
      this.#value = await read(false);
      this.#problem = null;
      return true;
    } catch (thrown) {
      const error = toCodedError(thrown);
      // Only an edit fixes a wrong text. What else failed may come right by itself, and is tried again at each look.
      if (error.kind !== 'fix-input' || isOfSystem(error)) this.#content = undefined;
      this.#problem = new CodedError({
        code: error.code,
        message: `The ${name} was changed and can't be used; the previous one stays in force. ${error.message}`,
        ...(error.remedy === undefined ? {} : { remedy: error.remedy }),
        ...(error.at === undefined ? {} : { at: error.at }),
        cause: error,
      });
      return false;
    }
  }

  /** Looks until stopped; each problem is logged once. */
  async follow(onChange: (value: T) => void, { watcher, clock, logger, signal }: FollowParts): Promise<void> {
    const { name, file, warn, otherFiles } = this.#options;
    const watch = (): void => watcher?.watchFiles([file, ...(otherFiles?.(this.#value) ?? [])], this.#wake);
    watch();
    await warn?.(logger);
    while (!signal.aborted) {
      // A settling file is left alone: its next change must not pass for the second look.
      if (this.#seen === this.#content) await clock.sleep(LOOK_EVERY_MS, AbortSignal.any([signal, this.#woken.signal]));
      else await clock.sleep(SETTLE_MS, signal);
      this.#woken = new AbortController();
      const before = this.#problem?.message;
      if (await this.look()) {
        logger.info('file read again', { name, file });
        onChange(this.#value);
        watch();
        await warn?.(logger);
      }
      const problem = this.#problem;
      if (problem !== null && problem.message !== before)
        logger.error("file can't be used; the previous one stays in force", { name, error: problem });
    }
  }

  readonly #wake = (): void => this.#woken.abort();
}

/** Did the system refuse to read, as with too many open files, rather than the text be wrong? */
function isOfSystem({ cause }: CodedError): boolean {
  return cause instanceof Error && 'errno' in cause;
}

/** Null without the file. */
async function contentOf(file: string): Promise<string | null> {
  try {
    return (await readBoundedFile(file, MOST_BYTES, true))?.toString('utf8') ?? null;
  } catch (thrown) {
    return toCodedError(thrown).code === 'FILE_SIZE' ? 'too long' : null;
  }
}
