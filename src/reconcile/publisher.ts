// Owns publishing what HEAD says: documents first, then the directive, recorded in the store so that nobody steps back.

import type { Clock } from '../base/clock.ts';
import { canonicalJson, type Digest } from '../contract/digest.ts';
import { choicesOf, type Directive, type DirectiveEntry } from '../contract/directive.ts';
import { contentOf } from '../contract/step-signature.ts';
import type { Publication, PublicationLedger, PublishedDocument } from '../distribution/publication.ts';
import type { ManifestsRepository } from '../git/manifests-repository.ts';
import type { ReconcilerSigner } from '../signing/evidence-signer.ts';
import type { ModelDocument, Snapshot } from '../snapshot/snapshot.ts';
import type { EntryKeeping } from '../store/device-register.ts';
import type { Leases } from '../store/leases.ts';
import type { Publication as PublicationRecord, ReconcilerState } from '../store/reconciler-state.ts';

const LEASE = 'publication';
/** A device may have seen some more than the one that it shows. */
const UNSEEN_VERSIONS = 100;
const DOCUMENT_LIMIT_BYTES = 1024 * 1024;

export interface PublisherParts {
  readonly publication: Publication;
  readonly store: Leases & EntryKeeping & ReconcilerState;
  readonly repository: ManifestsRepository;
  readonly signer: Pick<ReconcilerSigner, 'keyId' | 'signEntry' | 'signLabels'>;
  readonly clock: Clock;
  /** Names this process among those that may publish. */
  readonly holder: string;
  /** How long a holder that says nothing keeps the right to publish. */
  readonly leaseMs: number;
  /** The pointer is signed anew when it has less than this left. */
  readonly renewBeforeMs: number;
}

export interface PublishQuestion {
  /** Its entries and labels are signed here; those that are published already keep their signatures. */
  readonly directive: Directive;
  readonly published: Directive | null;
  /** The record that the observation began with. */
  readonly record: PublicationRecord;
  /** Where the documents are that the directive names; null while no commit is known, when only signatures are renewed. */
  readonly snapshot: Snapshot | null;
}

export type Published =
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'published'; readonly sequence: number }
  | { readonly kind: 'not-holder' }
  | { readonly kind: 'lost' };

/** Succeeds only if nobody published since the record was read: a process that stalled always loses. */
function ledgerOf(parts: PublisherParts, record: PublicationRecord): PublicationLedger {
  const { store, holder, leaseMs } = parts;
  return {
    acquire: (nowMs) => store.acquireLease({ name: LEASE, holder, ttlMs: leaseMs, nowMs }),
    reserveVersion: (above) => store.reserveMetadataVersion(above),
    commit: (order) => store.commitPublication({ lease: LEASE, expectedSequence: record.sequence, ...order }),
  };
}

/** Entries never change, so their texts are made once: an unchanged HEAD costs a comparison of references. */
const texts = new WeakMap<DirectiveEntry, string>();

function textOf(entry: DirectiveEntry): string {
  const known = texts.get(entry) ?? canonicalJson(entry);
  texts.set(entry, known);
  return known;
}

function isSameBound({ bound: one = [] }: Directive, { bound: other = [] }: Directive): boolean {
  return one === other || canonicalJson(one) === canonicalJson(other);
}

function isSameDirective(one: Directive, other: Directive): boolean {
  if (one.entries.length !== other.entries.length || !isSameBound(one, other)) return false;
  if (one.boundSignature?.sig !== other.boundSignature?.sig || one.agentVersion !== other.agentVersion) return false;
  return one.entries.every((entry, i) => {
    const beside = other.entries[i];
    return beside !== undefined && (entry === beside || textOf(entry) === textOf(beside));
  });
}

export class Publisher {
  readonly #parts: PublisherParts;
  /** Manifests that lay in the publication when it was renewed last, or came since: the others alone are looked for. */
  readonly #held = new Set<Digest>();
  #expiresAtMs: number | null = null;
  #seenElsewhere = 0;

  constructor(parts: PublisherParts) {
    this.#parts = parts;
  }

  /** When the pointer's signature ends, as far as it was seen; null before, and where there is none. */
  get expiresAtMs(): number | null {
    return this.#expiresAtMs;
  }

  /** The directive in the publication folder, for a store that has no record of it. */
  async findPublished(): Promise<Directive | null> {
    return (await this.#parts.publication.findPublished()) ?? null;
  }

  /** Devices accepted metadata of this version, and it is not in the publication: a home was set back. The next cycle publishes above it. True when that is news. */
  goAbove(version: number): boolean {
    if (version <= this.#seenElsewhere) return false;
    this.#seenElsewhere = version;
    return true;
  }

  async publish({ directive: decided, published, record, snapshot }: PublishQuestion): Promise<Published> {
    const { publication, clock } = this.#parts;
    const directive = this.#signed(decided, published);
    const nowMs = clock.now();
    const isSame = published !== null && record.sequence > 0 && isSameDirective(directive, published);
    const above = record.metadataVersion <= this.#seenElsewhere ? this.#seenElsewhere + UNSEEN_VERSIONS : 0;
    if (isSame && above === 0 && !(await this.#needsRenewal(nowMs))) return { kind: 'unchanged' };
    if (isSame) this.#held.clear();
    const documents = snapshot === null ? [] : await this.#documentsOf(directive, snapshot);
    await this.#parts.store.keepEntries(directive.entries);
    const outcome = await publication.publish({ directive, documents, nowMs, above }, ledgerOf(this.#parts, record));
    if (outcome.kind !== 'published') return outcome;
    for (const { digest } of documents) this.#held.add(digest);
    return { kind: 'published', sequence: record.sequence + 1 };
  }

  /** The process that published last, and until when the others leave it that; null before the first, and once it stopped. */
  async findHolder(): Promise<{ readonly holder: string; readonly untilMs: number } | null> {
    const lease = await this.#parts.store.findLease(LEASE);
    return lease === undefined || lease.holder === null ? null : { holder: lease.holder, untilMs: lease.expiresAtMs };
  }

  /** Lets another process publish at once when this one stops. */
  async release(): Promise<void> {
    const { store, holder, leaseMs, clock } = this.#parts;
    const token = await store.acquireLease({ name: LEASE, holder, ttlMs: leaseMs, nowMs: clock.now() });
    if (token !== null) await store.releaseLease(LEASE, token);
  }

  /** Signed by the key of the commits, so that the keys of the publication alone take no device back. */
  #signed(directive: Directive, published: Directive | null): Directive {
    const { signer } = this.#parts;
    const before = new Map((published?.entries ?? []).map((entry) => [entry.rollout, entry]));
    const entries = directive.entries.map((entry) => {
      const known = before.get(entry.rollout);
      if (known?.stepSignature?.keyId !== signer.keyId) return signer.signEntry(entry);
      return known === entry || contentOf(known) === contentOf(entry) ? known : signer.signEntry(entry);
    });
    const boundSignature = published?.boundSignature;
    return published !== null && boundSignature?.keyId === signer.keyId && isSameBound(directive, published)
      ? { ...directive, entries, boundSignature }
      : signer.signLabels({ ...directive, entries });
  }

  /** Metadata is signed anew on its own timer, also while Git is away. */
  async #needsRenewal(nowMs: number): Promise<boolean> {
    const expiresAtMs = await this.#parts.publication.expiresAtMs();
    this.#expiresAtMs = expiresAtMs;
    return expiresAtMs === null || expiresAtMs - nowMs < this.#parts.renewBeforeMs;
  }

  /** Manifests that the directive names and the publication does not hold yet. One that HEAD lost is left out: devices keep what they have. */
  async #documentsOf(directive: Directive, snapshot: Snapshot): Promise<PublishedDocument[]> {
    const wanted = new Set(directive.entries.flatMap(choicesOf).map(({ digest }) => digest));
    const missing: Digest[] = [];
    for (const digest of wanted) {
      if (this.#held.has(digest)) continue;
      if (await this.#parts.publication.holds(digest)) this.#held.add(digest);
      else missing.push(digest);
    }
    if (missing.length === 0) return [];
    const byDigest = new Map(
      [...snapshot.models.values()].flatMap((one): [Digest, ModelDocument][] =>
        one.kind === 'model' ? [[one.digest, one]] : [],
      ),
    );
    const found = missing.map((digest) => byDigest.get(digest)).filter((document) => document !== undefined);
    return Promise.all(found.map((document) => this.#read(document)));
  }

  async #read({ digest, oid, bundleOid }: ModelDocument): Promise<PublishedDocument> {
    const { repository } = this.#parts;
    return {
      digest,
      manifest: await repository.readBlob(oid, DOCUMENT_LIMIT_BYTES),
      bundle: bundleOid === null ? null : await repository.readBlob(bundleOid, DOCUMENT_LIMIT_BYTES),
    };
  }
}
