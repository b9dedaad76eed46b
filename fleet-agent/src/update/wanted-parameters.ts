// Owns a model's parameters: held to what its signed manifest allows, and put in force with the version that they are for.
import type { Logger } from '../../../src/base/logger.ts';
import type { Digest } from '../../../src/contract/digest.ts';
import type { Parameters } from '../../../src/contract/directive.ts';
import { parseManifest } from '../../../src/contract/manifest/parse-manifest.ts';
import { findUnfitParameters, type UnfitParameter } from '../../../src/contract/parameter-limits.ts';
import type { ModelManifest } from '../../../src/contract/types.generated.ts';
import { findSlot, type Goal, type ModelRecord } from '../record/model-record.ts';
import type { ParametersFile } from '../record/parameters-file.ts';
import type { Slots } from '../record/slots.ts';
import type { DesiredVersion } from './desired-version.ts';

type Run = Extract<DesiredVersion, { kind: 'run' }>;

export class WantedParameters {
  readonly #file: ParametersFile;
  readonly #slots: Slots;
  readonly #logger: Logger;
  #wanted: ReadonlyMap<Digest, Parameters> = new Map();
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
    return this.#wanted.get(digest) ?? {};
  }

  /**
   * Takes note of what the directive wants of the version and of the stable that the device goes back to. Parameters that a manifest does
   * not allow are refused: those of a candidate with the candidate; those of stable keep no device from going back, and `message` says why
   * (null where it was said before). Of a version that is not here yet, supplying it finds out.
   */
  async want(
    record: ModelRecord,
    { goal, parameters, stable }: Pick<Run, 'goal' | 'parameters' | 'stable'>,
    serving: Digest | undefined,
  ): Promise<{ readonly mayFollow: boolean; readonly message: string | null }> {
    const unfit = await this.#findUnfit(record, goal.digest, parameters);
    if (unfit !== undefined && goal.arm === 'candidate')
      return { mayFollow: false, message: this.#tell(record.model, goal, unfit) };
    const next = new Map<Digest, Parameters>();
    for (const choice of [stable, { digest: goal.digest, parameters }]) {
      if (choice === null) continue;
      // Where the version serves already, parameters that don't fit change nothing.
      const staysAsItIs =
        choice.digest === serving && (await this.#findUnfit(record, choice.digest, choice.parameters)) !== undefined;
      const taken = staysAsItIs ? this.#wanted.get(choice.digest) : choice.parameters;
      if (taken !== undefined) next.set(choice.digest, taken);
    }
    this.#wanted = next;
    return { mayFollow: true, message: unfit === undefined ? null : this.#tell(record.model, goal, unfit) };
  }

  /** Null where it was said before. */
  #tell(model: string, goal: Goal, { message }: UnfitParameter): string | null {
    const telling = `${goal.rollout} ${goal.revision} ${goal.digest}`;
    if (telling === this.#told) return null;
    this.#told = telling;
    this.#logger.error('parameters refused', { model, reason: message });
    return message;
  }

  /** Puts what is wanted of this version and fits it in force, with the version and not before; says whether that changed anything. */
  async enforce(record: ModelRecord, digest: Digest | undefined): Promise<boolean> {
    const wanted = digest && this.#wanted.get(digest);
    if (digest === undefined || wanted === undefined) return false;
    const manifest = await this.#manifestOf(record, digest).catch(() => undefined);
    // Without the manifest nobody can say what it allows.
    if (manifest === undefined) return false;
    const unfit = new Set(findUnfitParameters(manifest, wanted).map(({ name }) => name));
    return this.#file.take(Object.fromEntries(Object.entries(wanted).filter(([name]) => !unfit.has(name))));
  }

  async #findUnfit(record: ModelRecord, digest: Digest, parameters: Parameters): Promise<UnfitParameter | undefined> {
    const manifest = await this.#manifestOf(record, digest);
    return manifest && findUnfitParameters(manifest, parameters)[0];
  }

  /** Undefined of a version that is not here. */
  async #manifestOf(record: ModelRecord, digest: Digest): Promise<ModelManifest | undefined> {
    const slot = findSlot(record, digest);
    const kept = slot === undefined ? undefined : await this.#slots.readManifest(slot);
    return kept && parseManifest(kept.manifest, 'manifest.yaml');
  }
}
