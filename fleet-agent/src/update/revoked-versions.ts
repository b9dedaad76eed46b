// Owns which versions in a model's slots have a signer who was revoked since: they are not switched or started into, and those that run are told.
import type { Digest } from '../../../src/contract/digest.ts';
import { activeContent, type ModelRecord } from '../record/model-record.ts';
import type { Slots } from '../record/slots.ts';
import type { SupplyOptions } from './supply-request.ts';

export class RevokedVersions {
  readonly #slots: Slots;
  readonly #supply: Pick<SupplyOptions, 'verifier' | 'nowMs'>;
  #found: readonly Digest[] = [];

  constructor(tools: { readonly slots: Slots; readonly supply: Pick<SupplyOptions, 'verifier' | 'nowMs'> }) {
    this.#slots = tools.slots;
    this.#supply = tools.supply;
  }

  /** Judged anew; none while the trust policy can't be read. */
  async look({ model, slots }: ModelRecord): Promise<readonly Digest[]> {
    const { verifier, nowMs } = this.#supply;
    const found: Digest[] = [];
    for (const slot of ['A', 'B'] as const) {
      const content = slots[slot];
      const kept = content === null ? undefined : await this.#slots.readManifest(slot).catch(() => undefined);
      if (content === null || kept === undefined) continue;
      try {
        const answer = verifier.verifyModel(kept.manifest, kept.signature, { model, now: nowMs(), purpose: 'keep' });
        if (answer.kind === 'refused' && answer.code === 'SIGNER_REVOKED') found.push(content.digest);
      } catch {
        found.length = 0;
        break;
      }
    }
    this.#found = found;
    return found;
  }

  /** The version that serves although its signer is revoked, because there is no other; null where there is none such. */
  servedBy(record: ModelRecord): string | null {
    const running = activeContent(record);
    return running !== null && this.#found.includes(running.digest) ? running.version : null;
  }
}
