// Owns what is wrong with a device while it serves on: noted once, logged, shown by `status`, and said in reports.
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { CodedError, toCodedError } from '../../src/base/errors.ts';
import type { Logger } from '../../src/base/logger.ts';
import { AGENT_PROBLEM } from '../../src/contract/report.ts';
import { Identity } from './link/identity.ts';
import type { DeviceFolder } from './record/device-folder.ts';

/** A reported property holds at most 256 characters. */
const MOST_REPORTED = 250;

/** Messages may name what varies: more of them tell nothing new. */
const MOST_PROBLEMS = 32;

/** The models on the disk serve whatever else fails: what fails is noted here instead of ending the agent. */
export class DeviceProblems {
  readonly #logger: Logger;
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

  note(thrown: unknown): void {
    const error = toCodedError(thrown, 'AGENT_PART');
    const key = `${error.code} ${error.message}`;
    if (this.#found.has(key) || this.#found.size >= MOST_PROBLEMS) return;
    this.#found.set(key, error);
    this.#logger.error('the agent works on without a part of itself', { error });
  }

  /** What the part gives; what takes its place when it throws. */
  async orElse<T, Other>(part: () => Promise<T>, instead: Other): Promise<T | Other> {
    try {
      return await part();
    } catch (error) {
      this.note(error);
      return instead;
    }
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

async function findReadOnly(folder: DeviceFolder): Promise<CodedError | undefined> {
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
