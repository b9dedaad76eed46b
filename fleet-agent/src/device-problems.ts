// Owns what is wrong with a device while it serves on: noted once, logged, shown by `status`, said in reports, and gone once it is mended.
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { type BackOff, backOffMs } from '../../src/base/back-off.ts';
import type { Clock } from '../../src/base/clock.ts';
import { CodedError, toCodedError } from '../../src/base/errors.ts';
import type { Logger } from '../../src/base/logger.ts';
import type { RandomStream } from '../../src/base/random.ts';
import { AGENT_PROBLEM } from '../../src/contract/report.ts';
import { Identity } from './link/identity.ts';
import type { DeviceFolder } from './record/device-folder.ts';

/** A reported property holds at most 256 characters. */
const MOST_REPORTED = 250;

/** Between tries of a part that failed at the start. */
const BACK_OFF: BackOff = { firstMs: 1000, capMs: 300_000 };

/** Messages may name what varies: more of them tell nothing new. */
const MOST_PROBLEMS = 32;

/** The models on the disk serve whatever else fails: what fails is noted here instead of ending the agent. */
export class DeviceProblems {
  readonly #logger: Logger;
  /** By part, or by what it says where it is of none. */
  readonly #found = new Map<string, CodedError>();

  constructor(logger: Logger, known: readonly CodedError[] = []) {
    this.#logger = logger;
    for (const error of known) this.note(error);
  }

  get list(): readonly CodedError[] {
    return [...this.#found.values()];
  }

  /** What reports say about them. */
  get properties(): Readonly<Record<string, string>> {
    const text = this.list.map(({ code, message }) => `${code}: ${message}`).join(' ');
    return text === '' ? {} : { [AGENT_PROBLEM]: text.slice(0, MOST_REPORTED) };
  }

  note(thrown: unknown, part?: string): void {
    const error = toCodedError(thrown, 'AGENT_PART');
    const key = part ?? `${error.code} ${error.message}`;
    const known = this.#found.get(key);
    if (known?.message === error.message || (known === undefined && this.#found.size >= MOST_PROBLEMS)) return;
    this.#found.set(key, error);
    this.#logger.error('the agent works on without a part of itself', { error });
  }

  /** Nothing is wrong with the part any more. */
  clear(part: string): void {
    this.#found.delete(part);
  }

  /** What the part gives; what takes its place when it throws. One with a name is well again once it gives something. */
  async orElse<T, Other>(part: () => Promise<T>, instead: Other, name?: string): Promise<T | Other> {
    try {
      const given = await part();
      if (name !== undefined) this.#found.delete(name);
      return given;
    } catch (error) {
      this.note(error, name);
      return instead;
    }
  }

  /** What the part gives, however often it has to be tried; undefined when the agent is stopped before. */
  async untilWell<T>(
    part: () => Promise<T>,
    name: string,
    { clock, random, signal }: { readonly clock: Clock; readonly random: RandomStream; readonly signal: AbortSignal },
  ): Promise<T | undefined> {
    for (let tries = 0; !signal.aborted; tries++) {
      const well = await this.orElse(async () => ({ given: await part() }), null, name);
      if (well !== null) return well.given;
      await clock.sleep(backOffMs(tries, BACK_OFF, random), signal);
    }
    return undefined;
  }
}

/** What is wrong with a data folder; finding out changes nothing, so it can be asked beside a running agent. */
export async function findFolderProblems(folder: DeviceFolder): Promise<CodedError[]> {
  const found: CodedError[] = [];
  const readOnly = await findReadOnly(folder);
  if (readOnly !== undefined) found.push(readOnly);
  await Identity.readKey(folder.keyFile).catch((error: unknown) => found.push(toCodedError(error)));
  return found;
}

export async function findReadOnly(folder: DeviceFolder): Promise<CodedError | undefined> {
  const models = await folder.listModels().catch(() => []);
  const places = [
    folder.root,
    folder.tufFolder,
    folder.reportFolder,
    ...models.map((name) => folder.modelFolder(name)),
  ];
  for (const place of places) {
    try {
      await access(place, constants.W_OK);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') continue;
      return new CodedError({
        code: 'AGENT_DATA_READ_ONLY',
        message: `${place} can't be written: the models there serve on, and nothing can be updated or reported.`,
        remedy: 'Make the folder writable for the agent, check the disk (`dmesg`, `mount`), and restart the agent.',
        cause,
      });
    }
  }
  return undefined;
}
