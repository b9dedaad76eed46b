// Owns the publication folder: static files that any web host, CDN or carried disk can serve.
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { readFileIfPresent, syncFolder, writeFileDurably } from '../base/durable-file.ts';
import { CodedError } from '../base/errors.ts';
import { type Digest, digestOf, hexOf, sha256Hex } from '../contract/digest.ts';
import { DIRECTIVE_TARGET, type Directive } from '../contract/directive.ts';
import { encodeDirective } from '../contract/directive-json.ts';
import { highestVersion, isWhole, listVersions, type Pointer, readDirective, readPointer } from './pointer.ts';
import type { Publication, PublicationLedger, PublishedDocument, PublishOrder, PublishOutcome } from './publication.ts';
import { removeStrays } from './temporary-files.ts';
import { isTrustNamed, trustToName } from './trust-policies.ts';
import { ONLINE_ROLES, type OnlineKeys } from './tuf-keys.ts';
import {
  isSignedBy,
  type Lifetimes,
  makeOnline,
  type OnlineMetadata,
  type OnlineOrder,
  type VersionedFile,
} from './tuf-metadata.ts';
import { assertNamedByRoot } from './tuf-roots.ts';
import { toUnwritable } from './unwritable.ts';

export { addArtifact } from './artifacts.ts';

const FOLDERS = ['metadata', 'targets', 'manifests', 'artifacts'] as const;

/** Readers that began with an older pointer still find what it names. */
const KEPT_VERSIONS = 20;

type Kept = NonNullable<OnlineOrder['kept']>;

export interface FolderPublicationOptions {
  readonly folder: string;
  readonly keys: OnlineKeys;
  readonly lifetimes: Lifetimes;
}

export class FolderPublication implements Publication {
  readonly #folder: string;
  #keys: OnlineKeys;
  readonly #lifetimes: Lifetimes;
  /** Manifests whose bytes were found to be right by this process. */
  readonly #sound = new Set<Digest>();
  #isTidy = false;

  constructor({ folder, keys, lifetimes }: FolderPublicationOptions) {
    this.#folder = folder;
    this.#keys = keys;
    this.#lifetimes = lifetimes;
  }

  /** Signs with other keys from the next publication on. */
  useKeys(keys: OnlineKeys): void {
    this.#keys = keys;
  }

  async publish(order: PublishOrder, ledger: PublicationLedger): Promise<PublishOutcome> {
    const token = await ledger.acquire(order.nowMs);
    if (token === null) return { kind: 'not-holder' };
    try {
      return await this.#publishAs(token, order, ledger);
    } catch (error) {
      throw toUnwritable(this.#folder, error);
    }
  }

  async #publishAs(
    token: number,
    { directive, documents, nowMs, above = 0 }: PublishOrder,
    ledger: PublicationLedger,
  ): Promise<PublishOutcome> {
    await this.#makeFolders();
    await this.#assertForward(directive);
    for (const document of documents) await this.#writeDocument(document);
    const bytes = encodeDirective(directive);
    await this.#writeOnce(this.#at('targets', `${sha256Hex(bytes)}.${DIRECTIVE_TARGET}`), bytes);
    const version = await ledger.reserveVersion(Math.max(above, await highestVersion(this.#folder)));
    const trust = await trustToName(this.#folder);
    const kept = above > 0 ? {} : await this.#stillGood(sha256Hex(bytes), trust, nowMs);
    const online = makeOnline({
      version,
      targets: [{ path: DIRECTIVE_TARGET, bytes }],
      keys: this.#keys,
      trust,
      nowMs,
      lifetimes: this.#lifetimes,
      kept,
    });
    await assertNamedByRoot(this.#folder, online);
    const ready = await this.#writeMetadata(version, online, kept);
    const old = await this.#listOld(kept);
    const outcome = await ledger.commit({
      token,
      directive,
      metadataVersion: version,
      swap: () => this.#swap(ready, old),
    });
    if (outcome === 'published') return { kind: 'published', metadataVersion: version };
    await rm(ready, { force: true });
    return { kind: 'lost' };
  }

  /**
   * Metadata of before that still says what is to be said, for at least half of its time: a pointer that is only signed anew costs each
   * device of the fleet no more than the pointer.
   */
  async #stillGood(directiveHex: string, trust: VersionedFile | undefined, nowMs: number): Promise<Kept> {
    const pointer = await readPointer(this.#folder);
    const isGood = (role: 'targets' | 'snapshot', lifetimeMs: number): boolean => {
      const file = pointer?.[role];
      return (
        file !== undefined &&
        file.expiresAtMs - nowMs > lifetimeMs / 2 &&
        isSignedBy(this.#keys[role], role, file.bytes)
      );
    };
    if (pointer?.directiveHex !== directiveHex || !isGood('targets', this.#lifetimes.targetsMs)) return {};
    const isSameTrust = isTrustNamed(pointer.snapshot, trust);
    return isSameTrust && isGood('snapshot', this.#lifetimes.snapshotMs) ? pointer : { targets: pointer.targets };
  }

  /** Bytes before the pointer; the pointer itself lies ready beside its place. */
  async #writeMetadata(version: number, online: OnlineMetadata, kept: Kept): Promise<string> {
    const ready = this.#at('metadata', `.timestamp.${version}.json`);
    for (const role of ['targets', 'snapshot'] as const) {
      const file = this.#at('metadata', `${version}.${role}.json`);
      if (kept[role] === undefined) await writeFileDurably(file, online[role]);
    }
    await writeFileDurably(ready, online.timestamp);
    return ready;
  }

  /**
   * Runs inside the ledger's transaction. The rename is flushed before the ledger records it: after a power cut the record never says
   * more than the folder. Old files go here too: whoever published next could otherwise count on one that is about to vanish.
   */
  async #swap(ready: string, old: readonly string[]): Promise<void> {
    await rename(ready, this.#at('metadata', 'timestamp.json'));
    await syncFolder(this.#at('metadata'));
    // The pointer is swapped already: a file that can't be removed must not undo that. The next publication tries again.
    for (const file of old) await rm(file, { force: true }).catch(() => undefined);
  }

  async expiresAtMs(): Promise<number | null> {
    const pointer = await readPointer(this.#folder);
    if (pointer === undefined || !this.#isOurs(pointer)) return null;
    if (!isTrustNamed(pointer.snapshot, await trustToName(this.#folder))) return null;
    return (await isWhole(this.#folder, pointer)) ? pointer.expiresAtMs : null;
  }

  /** After a rotation of keys all is to be signed anew at once: only a changed pointer makes devices look for the new root. */
  #isOurs(pointer: Pointer): boolean {
    return ONLINE_ROLES.every((role) => {
      const file = pointer[role];
      return file !== undefined && isSignedBy(this.#keys[role], role, file.bytes);
    });
  }

  /** Bytes are compared once a process: a damaged manifest is not held, so it is written anew. */
  async holds(digest: Digest): Promise<boolean> {
    const bytes = await readFileIfPresent(this.#manifestFile(digest));
    if (bytes === undefined || (!this.#sound.has(digest) && digestOf(bytes) !== digest)) return false;
    this.#sound.add(digest);
    return true;
  }

  async findPublished(): Promise<Directive | undefined> {
    return readDirective(this.#folder);
  }

  async #makeFolders(): Promise<void> {
    let isNew = false;
    for (const folder of FOLDERS) isNew = (await mkdir(this.#at(folder), { recursive: true })) !== undefined || isNew;
    if (isNew) await syncFolder(this.#folder);
    if (this.#isTidy) return;
    for (const folder of FOLDERS) await removeStrays(this.#at(folder));
    this.#isTidy = true;
  }

  /** The last gate before devices: whatever went wrong above, no rollout's revision goes back. */
  async #assertForward(directive: Directive): Promise<void> {
    const before = new Map((await this.findPublished())?.entries.map((entry) => [entry.rollout, entry.revision]));
    for (const { rollout, revision } of directive.entries) {
      const published = before.get(rollout) ?? 0;
      if (revision >= published) continue;
      throw new CodedError({
        code: 'DISTRIBUTION_STEP_BACK',
        kind: 'retry-later',
        message: `Revision ${revision} of ${rollout} is below ${published}, which is published.`,
        remedy: 'Another service published meanwhile. If this repeats, it has another store: let both use one.',
      });
    }
  }

  async #writeDocument({ digest, manifest, bundle }: PublishedDocument): Promise<void> {
    if (digestOf(manifest) !== digest) {
      throw new CodedError({
        code: 'DISTRIBUTION_DIGEST',
        kind: 'bug',
        message: `The manifest for ${digest} has another digest.`,
      });
    }
    const file = this.#manifestFile(digest);
    if (bundle !== null) await writeFileDurably(`${file}.sigstore.json`, bundle);
    await this.#writeOnce(file, manifest);
  }

  /** Content-addressed files never change: what is there stays, unless it was damaged. */
  async #writeOnce(file: string, bytes: Uint8Array): Promise<void> {
    if (!(await readFileIfPresent(file))?.equals(bytes)) await writeFileDurably(file, bytes);
  }

  /** Files that no reader needs any more, once the new pointer is in its place. Roots are not among them: a device may be far behind. */
  async #listOld(kept: Kept): Promise<string[]> {
    const old: string[] = [];
    const named = new Set<string>();
    const versions = await listVersions(this.#folder);
    for (const role of ['targets', 'snapshot', 'timestamp'] as const) {
      const newestFirst = versions.filter((one) => one.role === role).sort((a, b) => b.version - a.version);
      for (const [rank, { name, version: its }] of newestFirst.entries()) {
        const file = this.#at('metadata', name);
        const isNeeded = rank < KEPT_VERSIONS || (role !== 'timestamp' && its === kept[role]?.version);
        if (!isNeeded) old.push(file);
        else if (role === 'targets') named.add(hexInTargets(await readFileIfPresent(file)));
      }
    }
    for (const name of await readdir(this.#at('targets'))) {
      const [, hex] = /^([0-9a-f]{64})\.directive\.json$/.exec(name) ?? [];
      if (hex !== undefined && !named.has(hex)) old.push(this.#at('targets', name));
    }
    return old;
  }

  #manifestFile(digest: Digest): string {
    return this.#at('manifests', `${hexOf(digest)}.yaml`);
  }

  #at(...parts: string[]): string {
    return path.join(this.#folder, ...parts);
  }
}

function hexInTargets(bytes: Buffer | undefined): string {
  return /"sha256":"([0-9a-f]{64})"/.exec(bytes?.toString('utf8') ?? '')?.[1] ?? '';
}
