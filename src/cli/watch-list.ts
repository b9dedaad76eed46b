// Owns a list in the service's home while the service runs: read again when it changes, without a restart.
import { readFile, stat } from 'node:fs/promises';
import type { Clock } from '../base/clock.ts';
import { CodedError, toCodedError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';

const LOOK_EVERY_MS = 2_000;
/** Whatever is longer is no list: it is known by its size alone. */
const MOST_BYTES = 1024 * 1024;

export interface WatchedList<T> {
  /** As in "the list of providers". */
  readonly name: string;
  readonly file: string;
  /** Throws what is wrong with it, with its place. `isFirst` is for the reading at the start: what is missing later was there before. */
  readonly read: (isFirst: boolean) => Promise<T>;
  /** Says after each reading what may still come right by itself. Never throws. */
  readonly warn?: (logger: Logger) => Promise<void>;
}

export class ListWatch<T> {
  readonly #list: WatchedList<T>;
  /** As it was read, undefined when it is to be read again whatever it holds; and as it lay there at the last look. */
  #content: string | null | undefined;
  #seen: string | null;
  #value: T;
  #problem: CodedError | null = null;

  private constructor(list: WatchedList<T>, content: string | null, value: T) {
    this.#list = list;
    this.#content = content;
    this.#seen = content;
    this.#value = value;
  }

  /** Throws what the reading throws. */
  static async open<T>(list: WatchedList<T>): Promise<ListWatch<T>> {
    const content = await contentOf(list.file);
    return new ListWatch(list, content, await list.read(true));
  }

  /** What is in force: the last list that could be used. */
  get value(): T {
    return this.#value;
  }

  /** Why the file as it lies there can't be used; null when it can. */
  get problem(): CodedError | null {
    return this.#problem;
  }

  /**
   * Reads the file once it lies there alike at two looks, so that none is caught half written or between two names; true when another
   * list is in force since. Never throws: a broken edit changes nothing.
   */
  async look(): Promise<boolean> {
    const { name, file, read } = this.#list;
    const content = await contentOf(file);
    const isSettled = content === this.#seen;
    this.#seen = content;
    if (!isSettled || content === this.#content) return false;
    this.#content = content;
    try {
      this.#value = await read(false);
      this.#problem = null;
      return true;
    } catch (error) {
      const told = toCodedError(error);
      // Only an edit mends what is wrong with the text. What else failed may come right by itself, and is tried again at each look.
      if (told.kind !== 'fix-input' || isOfSystem(told)) this.#content = undefined;
      this.#problem = new CodedError({
        code: told.code,
        message: `The ${name} was changed and can't be used; the one before stays in force. ${told.message}`,
        ...(told.remedy === undefined ? {} : { remedy: told.remedy }),
        ...(told.at === undefined ? {} : { at: told.at }),
        cause: told,
      });
      return false;
    }
  }

  /** Looks until stopped; each problem is logged once. */
  async run(onChange: (value: T) => void, clock: Clock, logger: Logger, signal: AbortSignal): Promise<void> {
    const { name, file, warn } = this.#list;
    await warn?.(logger);
    while (!signal.aborted) {
      await clock.sleep(LOOK_EVERY_MS, signal);
      const before = this.#problem?.message;
      if (await this.look()) {
        logger.info('list read again', { list: name, file });
        onChange(this.#value);
        await warn?.(logger);
      }
      const problem = this.#problem;
      if (problem !== null && problem.message !== before) {
        logger.error('list is broken; the one before stays in force', { list: name, error: problem });
      }
    }
  }
}

/** Did the system refuse to read, as with too many open files, rather than the text be wrong? */
function isOfSystem({ cause }: CodedError): boolean {
  return cause instanceof Error && 'errno' in cause;
}

/** Null without the file. */
async function contentOf(file: string): Promise<string | null> {
  try {
    const { size } = await stat(file);
    return size > MOST_BYTES ? `${size} bytes` : await readFile(file, 'utf8');
  } catch {
    return null;
  }
}
