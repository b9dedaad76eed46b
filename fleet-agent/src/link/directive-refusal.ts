// Owns the note of a directive that the device refused: for its own `status` and for the service.
import { rm } from 'node:fs/promises';
import { toIsoSeconds } from '../../../src/base/clock.ts';
import { writeFileDurably } from '../../../src/base/durable-file.ts';
import { DIRECTIVE_REFUSED } from '../../../src/contract/report.ts';
import { readJsonFile } from '../record/json-file.ts';
import type { DirectiveAnswer } from './directive-source.ts';

export interface DirectiveRefusal {
  readonly code: string;
  /** A sentence for people. */
  readonly reason: string;
  /** When it was first refused for this. */
  readonly since: string;
}

/** A reported property holds at most 256 characters. */
const MOST_REPORTED = 250;

export class RefusalNote {
  readonly #file: string;
  #refusal: DirectiveRefusal | null;

  private constructor(file: string, refusal: DirectiveRefusal | null) {
    this.#file = file;
    this.#refusal = refusal;
  }

  static async open(file: string): Promise<RefusalNote> {
    return new RefusalNote(file, await readRefusal(file));
  }

  get refusal(): DirectiveRefusal | null {
    return this.#refusal;
  }

  /** What reports say about it. */
  get properties(): Readonly<Record<string, string>> {
    if (this.#refusal === null) return {};
    const { code, reason } = this.#refusal;
    return { [DIRECTIVE_REFUSED]: `${code}: ${reason}`.slice(0, MOST_REPORTED) };
  }

  /** Takes note of an answer; true when the note changed. A host that can't be reached says nothing either way. */
  async take(answer: DirectiveAnswer, nowMs: number): Promise<boolean> {
    const known = this.#refusal;
    if (answer.kind === 'unreachable') return false;
    if (answer.kind !== 'refused') {
      if (known === null) return false;
      this.#refusal = null;
      await rm(this.#file, { force: true });
      return true;
    }
    const { code, reason } = answer;
    if (known?.code === code && known.reason === reason) return false;
    this.#refusal = { code, reason, since: toIsoSeconds(nowMs) };
    await writeFileDurably(this.#file, JSON.stringify(this.#refusal));
    return true;
  }
}

/** The note in a device's folder; null when the last directive was accepted, or when the note is damaged. */
export async function readRefusal(file: string): Promise<DirectiveRefusal | null> {
  const refusal = await readJsonFile(file, ({ code, reason, since }) =>
    typeof code === 'string' && typeof reason === 'string' && typeof since === 'string'
      ? { code, reason, since }
      : undefined,
  );
  return refusal ?? null;
}
