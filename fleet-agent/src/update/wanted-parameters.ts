// Owns a model's parameters: held to what its signed manifest allows, and put in force with the version that they are for.
import type { Logger } from '../../../src/base/logger.ts';
import type { Digest } from '../../../src/contract/digest.ts';
import type { Parameters } from '../../../src/contract/directive.ts';
import { parseManifest } from '../../../src/contract/manifest/parse-manifest.ts';
import { findUnfitParameters } from '../../../src/contract/parameter-limits.ts';
import { findSlot, type Goal, type ModelRecord } from '../record/model-record.ts';
import type { ParametersFile } from '../record/parameters-file.ts';
import type { Slots } from '../record/slots.ts';

export class WantedParameters {
  readonly #file: ParametersFile;
  readonly #slots: Slots;
  readonly #logger: Logger;
  #wanted: { readonly digest: Digest; readonly parameters: Parameters } | null = null;
  #told = '';

  constructor(tools: { readonly parameters: ParametersFile; readonly slots: Slots; readonly logger: Logger }) {
    this.#file = tools.parameters;
    this.#slots = tools.slots;
    this.#logger = tools.logger;
  }

  /** Those of the version that serves. */
  get inForce(): Parameters {
    return this.#file.inForce;
  }

  /** What the directive sets the version's parameters to; none while it says nothing of it. */
  of(digest: Digest): Parameters {
    return this.#wanted?.digest === digest ? this.#wanted.parameters : {};
  }

  /**
   * Takes note of what the directive wants. Parameters that the version's manifest does not allow are refused: `message` says why, and is
   * null where it was said before. Of a version that is not here yet, supplying it finds out.
   */
  async want(
    record: ModelRecord,
    goal: Goal,
    parameters: Parameters,
  ): Promise<{ readonly kind: 'wanted' } | { readonly kind: 'refused'; readonly message: string | null }> {
    const slot = findSlot(record, goal.digest);
    const kept = slot === undefined ? undefined : await this.#slots.readManifest(slot);
    const unfit = kept && findUnfitParameters(parseManifest(kept.manifest, 'manifest.yaml'), parameters)[0];
    if (unfit === undefined) {
      this.#wanted = { digest: goal.digest, parameters };
      return { kind: 'wanted' };
    }
    const telling = `${goal.rollout} ${goal.revision} ${goal.digest}`;
    const message = telling === this.#told ? null : unfit.message;
    this.#told = telling;
    if (message !== null) this.#logger.error('parameters refused', { model: record.model, reason: message });
    return { kind: 'refused', message };
  }

  /** Puts what is wanted of this version in force, with the version and not before; says whether that changed anything. */
  async enforce(digest: Digest | undefined): Promise<boolean> {
    if (this.#wanted === null || this.#wanted.digest !== digest) return false;
    return this.#file.take(this.#wanted.parameters);
  }
}
