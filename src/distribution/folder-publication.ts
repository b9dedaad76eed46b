// Owns the publication folder: static files that any web host, CDN or carried disk can serve.
import { renameSync } from 'node:fs';
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { readFileIfPresent, syncFolder, writeFileDurably } from '../base/durable-file.ts';
import { CodedError } from '../base/errors.ts';
import { type Digest, digestOf, hexOf, sha256Hex } from '../contract/digest.ts';
import { DIRECTIVE_TARGET, type Directive } from '../contract/directive.ts';
import { encodeDirective, parseDirective } from '../contract/directive-json.ts';
import type { Publication, PublicationLedger, PublishedDocument, PublishOrder, PublishOutcome } from './publication.ts';
import type { OnlineKeys } from './tuf-keys.ts';
import { type Lifetimes, makeOnline } from './tuf-metadata.ts';

/** Readers that began with an older pointer still find what it names. */
const KEPT_VERSIONS = 20;

export interface FolderPublicationOptions {
  readonly folder: string;
  readonly keys: OnlineKeys;
  readonly lifetimes: Lifetimes;
}

/** What `timestamp.json` and the files that it names say. */
interface Pointer {
  readonly version: number;
  readonly expiresAtMs: number;
  readonly directiveHex: string | undefined;
}

export class FolderPublication implements Publication {
  readonly #folder: string;
  readonly #keys: OnlineKeys;
  readonly #lifetimes: Lifetimes;

  constructor({ folder, keys, lifetimes }: FolderPublicationOptions) {
    this.#folder = folder;
    this.#keys = keys;
    this.#lifetimes = lifetimes;
  }

  async publish({ directive, documents, nowMs }: PublishOrder, ledger: PublicationLedger): Promise<PublishOutcome> {
    const token = await ledger.acquire(nowMs);
    if (token === null) return { kind: 'not-holder' };
    try {
      return await this.#publishAs(token, { directive, documents, nowMs }, ledger);
    } catch (error) {
      throw unwritable(this.#folder, error);
    }
  }

  async #publishAs(
    token: number,
    { directive, documents, nowMs }: PublishOrder,
    ledger: PublicationLedger,
  ): Promise<PublishOutcome> {
    await this.#assertForward(directive);
    for (const folder of ['metadata', 'targets', 'manifests', 'artifacts'])
      await mkdir(this.#at(folder), { recursive: true });
    for (const document of documents) await this.#writeDocument(document);
    const bytes = encodeDirective(directive);
    await this.#writeOnce(this.#at('targets', `${sha256Hex(bytes)}.${DIRECTIVE_TARGET}`), bytes);
    const version = await ledger.reserveVersion((await this.#readPointer())?.version ?? 0);
    const online = makeOnline({
      version,
      targets: [{ path: DIRECTIVE_TARGET, bytes }],
      keys: this.#keys,
      nowMs,
      lifetimes: this.#lifetimes,
    });
    await writeFileDurably(this.#at('metadata', `${version}.targets.json`), online.targets);
    await writeFileDurably(this.#at('metadata', `${version}.snapshot.json`), online.snapshot);
    // The pointer lies ready beside its place; only the rename happens inside the ledger's transaction.
    const ready = this.#at('metadata', `.timestamp.${version}.json`);
    await writeFileDurably(ready, online.timestamp);
    const outcome = await ledger.commit({
      token,
      directive,
      metadataVersion: version,
      swap: () => renameSync(ready, this.#at('metadata', 'timestamp.json')),
    });
    if (outcome === 'lost') {
      await rm(ready, { force: true });
      return { kind: 'lost' };
    }
    await syncFolder(this.#at('metadata'));
    await this.#forgetOld(version);
    return { kind: 'published', metadataVersion: version };
  }

  async expiresAtMs(): Promise<number | null> {
    return (await this.#readPointer())?.expiresAtMs ?? null;
  }

  async holds(digest: Digest): Promise<boolean> {
    return exists(this.#at('manifests', `${hexOf(digest)}.yaml`));
  }

  async findPublished(): Promise<Directive | undefined> {
    const pointer = await this.#readPointer();
    if (pointer?.directiveHex === undefined) return undefined;
    const bytes = await readFileIfPresent(this.#at('targets', `${pointer.directiveHex}.${DIRECTIVE_TARGET}`));
    return bytes === undefined || sha256Hex(bytes) !== pointer.directiveHex ? undefined : parseDirective(bytes);
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
        remedy: 'Another service publishes to this folder: let both use one store.',
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
    const file = this.#at('manifests', `${hexOf(digest)}.yaml`);
    if (bundle !== null) await writeFileDurably(`${file}.sigstore.json`, bundle);
    await this.#writeOnce(file, manifest);
  }

  /** Content-addressed files never change: what is there stays. */
  async #writeOnce(file: string, bytes: Uint8Array): Promise<void> {
    if (!(await exists(file))) await writeFileDurably(file, bytes);
  }

  async #readPointer(): Promise<Pointer | undefined> {
    const timestamp = await this.#readSigned('timestamp.json');
    if (timestamp === undefined) return undefined;
    const targets = await this.#readSigned(`${timestamp.version}.targets.json`);
    const target = (targets?.targets as Record<string, { hashes?: { sha256?: string } }> | undefined)?.[
      DIRECTIVE_TARGET
    ];
    return {
      version: Number(timestamp.version),
      expiresAtMs: Date.parse(String(timestamp.expires)),
      directiveHex: target?.hashes?.sha256,
    };
  }

  async #readSigned(name: string): Promise<Readonly<Record<string, unknown>> | undefined> {
    const bytes = await readFileIfPresent(this.#at('metadata', name));
    if (bytes === undefined) return undefined;
    const { signed } = JSON.parse(bytes.toString('utf8')) as { readonly signed?: Readonly<Record<string, unknown>> };
    return signed;
  }

  async #forgetOld(version: number): Promise<void> {
    const least = version - KEPT_VERSIONS;
    const kept = new Set<string>();
    for (const name of await readdir(this.#at('metadata'))) {
      const numbered = /^(\d+)\.(targets|snapshot)\.json$/.exec(name) ?? /^\.timestamp\.(\d+)\.json$/.exec(name);
      if (numbered === null) continue;
      if (Number(numbered[1]) < least) await rm(this.#at('metadata', name), { force: true });
      else if (numbered[2] === 'targets') kept.add(hexInTargets(await readFileIfPresent(this.#at('metadata', name))));
    }
    for (const name of await readdir(this.#at('targets'))) {
      const [hex, ...rest] = name.split('.');
      if (rest.join('.') === DIRECTIVE_TARGET && hex !== undefined && !kept.has(hex))
        await rm(this.#at('targets', name), { force: true });
    }
  }

  #at(...parts: string[]): string {
    return path.join(this.#folder, ...parts);
  }
}

function hexInTargets(bytes: Buffer | undefined): string {
  return /"sha256":"([0-9a-f]{64})"/.exec(bytes?.toString('utf8') ?? '')?.[1] ?? '';
}

async function exists(file: string): Promise<boolean> {
  try {
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}

function unwritable(folder: string, cause: unknown): unknown {
  const code = (cause as NodeJS.ErrnoException).code;
  if (cause instanceof CodedError || (code !== 'ENOSPC' && code !== 'EACCES' && code !== 'EROFS')) return cause;
  return new CodedError({
    code: code === 'ENOSPC' ? 'DISTRIBUTION_DISK_FULL' : 'DISTRIBUTION_UNWRITABLE',
    kind: 'retry-later',
    message: `The publication folder ${folder} can't be written.`,
    remedy: 'Free space or mend its permissions; devices keep the last directive meanwhile.',
    cause,
  });
}

/**
 * Copies a file into the folder's artifacts under its digest, hashing while copying; returns digest and size. Repeating does nothing.
 */
export async function addArtifact(
  folder: string,
  file: string,
): Promise<{ readonly digest: Digest; readonly sizeBytes: number }> {
  await using source = await open(file, 'r');
  const chunks: Buffer[] = [];
  for await (const chunk of source.createReadStream({ autoClose: false })) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  const digest = digestOf(bytes);
  const target = path.join(folder, 'artifacts', hexOf(digest));
  await mkdir(path.dirname(target), { recursive: true });
  if (!(await exists(target))) await writeFileDurably(target, bytes);
  return { digest, sizeBytes: bytes.length };
}
