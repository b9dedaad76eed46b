// Owns the publication in memory, for simulations and tests: no signatures and no files, and the ledger's word as everywhere.
import type { Digest } from '../contract/digest.ts';
import type { Directive } from '../contract/directive.ts';
import type { Publication, PublicationLedger, PublishOrder, PublishOutcome } from './publication.ts';

const LIFETIME_MS = 24 * 60 * 60_000;

/** Processes that share it share the "folder". */
export class MemoryPublication implements Publication {
  readonly #held = new Set<Digest>();
  readonly #onPublished: (directive: Directive) => void;
  #published: { readonly directive: Directive; readonly expiresAtMs: number; readonly version: number } | undefined;

  /** `onPublished` hears each directive as devices would: when the pointer moves. */
  constructor(onPublished: (directive: Directive) => void) {
    this.#onPublished = onPublished;
  }

  async publish(
    { directive, documents, nowMs, above = 0 }: PublishOrder,
    ledger: PublicationLedger,
  ): Promise<PublishOutcome> {
    const token = await ledger.acquire(nowMs);
    if (token === null) return { kind: 'not-holder' };
    for (const { digest } of documents) this.#held.add(digest);
    const metadataVersion = await ledger.reserveVersion(Math.max(above, this.#published?.version ?? 0));
    const swap = async (): Promise<void> => {
      this.#published = { directive, expiresAtMs: nowMs + LIFETIME_MS, version: metadataVersion };
      this.#onPublished(directive);
    };
    const answer = await ledger.commit({ token, directive, metadataVersion, swap });
    return answer === 'lost' ? { kind: 'lost' } : { kind: 'published', metadataVersion };
  }

  async expiresAtMs(): Promise<number | null> {
    return this.#published?.expiresAtMs ?? null;
  }

  async holds(digest: Digest): Promise<boolean> {
    return this.#held.has(digest);
  }

  async findPublished(): Promise<Directive | undefined> {
    return this.#published?.directive;
  }
}
