// Owns the parameters of a model on disk, where the process that runs it reads them.
import { readFileIfPresent, writeFileDurably } from '../../../src/base/durable-file.ts';
import { canonicalJson } from '../../../src/contract/digest.ts';
import type { Parameters } from '../../../src/contract/directive.ts';

export class ParametersFile {
  readonly #file: string;
  #text: string | undefined;

  constructor(file: string) {
    this.#file = file;
  }

  /** Reads what was put in force before this start; a file that can't be read counts as none. */
  async open(): Promise<void> {
    this.#text = (await readFileIfPresent(this.#file).catch(() => undefined))?.toString('utf8');
  }

  /** In force now. */
  get inForce(): Parameters {
    try {
      return Object(JSON.parse(this.#text ?? '{}')) as Parameters;
    } catch {
      return {};
    }
  }

  /** Writes them if they are others than before; says whether they were. */
  async take(parameters: Parameters): Promise<boolean> {
    const text = canonicalJson(parameters);
    if (text === (this.#text ?? '{}')) return false;
    await writeFileDurably(this.#file, text);
    this.#text = text;
    return true;
  }
}
