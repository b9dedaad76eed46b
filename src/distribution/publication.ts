// Owns what publishing promises: bytes before the pointer, one holder at a time, and never a step back.
import type { Digest } from '../contract/digest.ts';
import type { Directive } from '../contract/directive.ts';

/** A manifest and its signature, by the digest of the manifest's bytes. */
export interface PublishedDocument {
  readonly digest: Digest;
  readonly manifest: Uint8Array;
  readonly bundle: Uint8Array | null;
}

export interface PublishOrder {
  readonly directive: Directive;
  readonly documents: readonly PublishedDocument[];
  readonly nowMs: number;
  /** Devices have seen metadata of this version, which is not in this folder: all is signed anew, above it. 0 unless given. */
  readonly above?: number;
}

export type PublishOutcome =
  | { readonly kind: 'published'; readonly metadataVersion: number }
  /** Another process holds the publication; it will publish what HEAD says. */
  | { readonly kind: 'not-holder' }
  /** Another publication came first: observe again. */
  | { readonly kind: 'lost' };

/**
 * The durable record of publications, shared by every process that may publish. The reconciler makes one of the store, per observation:
 * `commit` succeeds only if nobody published since that observation.
 */
export interface PublicationLedger {
  /** The right to publish, or null while another holds it. */
  acquire(nowMs: number): Promise<number | null>;
  /** A metadata version never given out before, higher than `above`. */
  reserveVersion(above: number): Promise<number>;
  /** Runs `swap` exactly when the right still holds and nobody published meanwhile, as one step with recording it. */
  commit(order: {
    token: number;
    directive: Directive;
    metadataVersion: number;
    swap: () => Promise<void>;
  }): Promise<'published' | 'lost'>;
}

export interface Publication {
  /**
   * Throws DISTRIBUTION_DISK_FULL, DISTRIBUTION_UNWRITABLE or DISTRIBUTION_STEP_BACK (all `retry-later`), TUF_KEYS_STALE or DIRECTIVE_…;
   * the pointer then stands as it was.
   */
  publish(order: PublishOrder, ledger: PublicationLedger): Promise<PublishOutcome>;
  /**
   * When the pointer's signature ends, milliseconds since 1970; null before the first publication, and when the folder was damaged, the
   * keys were rotated or a trust policy was published since.
   */
  expiresAtMs(): Promise<number | null>;
  /** Is a manifest with this digest there already, undamaged? */
  holds(digest: Digest): Promise<boolean>;
  /** The directive that the folder holds now; undefined before the first. */
  findPublished(): Promise<Directive | undefined>;
}
