// Owns a source of directives that may fail to open: it is opened at a later look then, and what serves goes on serving.
import type { Directive } from '../../../src/contract/directive.ts';
import type { DirectiveAnswer, DirectiveSource } from './directive-source.ts';

export class RetriedDirectives implements DirectiveSource {
  readonly #open: () => Promise<DirectiveSource | null>;
  #source: DirectiveSource | null;

  private constructor(open: () => Promise<DirectiveSource | null>, source: DirectiveSource | null) {
    this.#open = open;
    this.#source = source;
  }

  /** `open` gives null where it failed. */
  static async open(open: () => Promise<DirectiveSource | null>): Promise<RetriedDirectives> {
    return new RetriedDirectives(open, await open());
  }

  async refresh(signal: AbortSignal): Promise<DirectiveAnswer> {
    this.#source ??= await this.#open();
    if (this.#source !== null) return this.#source.refresh(signal);
    return { kind: 'unreachable', reason: "What this device knows of the publication can't be read." };
  }

  lastAccepted(): Directive | undefined {
    return this.#source?.lastAccepted();
  }

  lastSigners(): string | undefined {
    return this.#source?.lastSigners?.();
  }

  lastPointer(): string | undefined {
    return this.#source?.lastPointer?.();
  }

  async followTrust(signal: AbortSignal): Promise<void> {
    await this.#source?.followTrust?.(signal);
  }

  get properties(): Readonly<Record<string, number>> {
    return this.#source?.properties ?? {};
  }

  inDateUntilMs(): number | null {
    return this.#source?.inDateUntilMs?.() ?? null;
  }
}
