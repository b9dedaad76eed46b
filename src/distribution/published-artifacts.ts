// Owns which files the present directive may make a device fetch: those of the versions that it names, by their manifests in the publication.
import path from 'node:path';
import { readFileIfPresent } from '../base/durable-file.ts';
import { type Digest, digestOf, hexOf } from '../contract/digest.ts';
import { choicesOf } from '../contract/directive.ts';
import { parseManifest } from '../contract/manifest/parse-manifest.ts';
import { readDirective, readPointer } from './pointer.ts';

const MOST_MANIFEST_BYTES = 256 * 1024;
/** Manifests that are kept parsed. */
const MOST_KEPT = 256;

type Addresses = ReadonlyMap<string, string>;

export class PublishedArtifacts {
  readonly #folder: string;
  #directiveHex: string | undefined;
  #versions: ReadonlySet<Digest> = new Set();
  /** Addresses by the digest of the file, by that of the manifest; the last that was asked for at the end. */
  readonly #kept = new Map<Digest, Addresses>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The address in the manifest; undefined for a file, or a version, that no device is to fetch now. */
  async findAddress(manifest: Digest, artifact: Digest): Promise<string | undefined> {
    if (!(await this.#versionsNow()).has(manifest)) return undefined;
    return (await this.#addressesOf(manifest))?.get(artifact);
  }

  /** The directive may be large; it is read again only once another one is published. */
  async #versionsNow(): Promise<ReadonlySet<Digest>> {
    const hex = (await readPointer(this.#folder))?.directiveHex;
    if (hex === undefined) return new Set();
    if (hex === this.#directiveHex) return this.#versions;
    const directive = await readDirective(this.#folder);
    // Another one was published in between: whoever asks next finds it.
    if (directive === undefined) return this.#versions;
    this.#versions = new Set(directive.entries.flatMap(choicesOf).map(({ digest }) => digest));
    this.#directiveHex = hex;
    return this.#versions;
  }

  async #addressesOf(manifest: Digest): Promise<Addresses | undefined> {
    const addresses = this.#kept.get(manifest) ?? (await this.#read(manifest));
    if (addresses === undefined) return undefined;
    this.#kept.delete(manifest);
    this.#kept.set(manifest, addresses);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MOST_KEPT && oldest !== undefined) this.#kept.delete(oldest);
    return addresses;
  }

  async #read(manifest: Digest): Promise<Addresses | undefined> {
    const name = `${hexOf(manifest)}.yaml`;
    const bytes = await readFileIfPresent(path.join(this.#folder, 'manifests', name), MOST_MANIFEST_BYTES);
    if (bytes === undefined || digestOf(bytes) !== manifest) return undefined;
    const { variants } = parseManifest(bytes, name).spec;
    return new Map(variants.flatMap(({ files }) => files.map(({ digest, url }): [string, string] => [digest, url])));
  }
}
