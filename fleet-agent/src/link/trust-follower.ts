// Owns how a device follows the trust policy of its publication: the keys behind the directive change nothing here, only those that the root names for it do.
import path from 'node:path';
import { sha256Hex } from '../../../src/contract/digest.ts';
import type { TrustContents } from '../../../src/contract/trust/read-trust-policy.ts';
import { parseTrustMetadata, readTrust, TRUST_METADATA, verifyTrust } from '../../../src/contract/tuf/trust-role.ts';
import { readChecked, writeChecked } from '../../../src/contract/tuf/trusted-state.ts';
import { TufRefusal } from '../../../src/contract/tuf/tuf-refusal.ts';

const MOST_METADATA_BYTES = 512_000;

/** What was accepted last, with which factory root: another one given to the device begins anew. */
interface Kept {
  readonly factory: string;
  readonly metadata: string;
  /** By name, in base64. */
  readonly files: Readonly<Record<string, string>>;
}

/** What is in force at the publication, as far as the directive was accepted. */
export interface TrustQuestion {
  readonly root: Buffer;
  readonly snapshot: string;
  readonly nowMs: number;
  /** Reads a file of the publication. */
  readonly get: (file: string, most: number) => Promise<Buffer>;
}

export class TrustFollower {
  readonly #file: string;
  readonly #factory: string;
  readonly #take: (trust: TrustContents) => void;
  #metadata: string | undefined;
  #version: number | null = null;

  private constructor(folder: string, factoryRoot: Uint8Array, take: (trust: TrustContents) => void) {
    this.#file = path.join(folder, TRUST_METADATA);
    this.#factory = sha256Hex(factoryRoot);
    this.#take = take;
  }

  /** `take` gets the policy that was accepted last, at once, and each that is accepted later. */
  static async open(folder: string, factoryRoot: Uint8Array, take: (trust: TrustContents) => void) {
    const follower = new TrustFollower(folder, factoryRoot, take);
    const kept = await readChecked<Kept>(follower.#file);
    // One that this agent can't read, as of a newer agent, is asked for anew.
    if (kept?.factory === follower.#factory) await follower.#recall(kept).catch(() => undefined);
    return follower;
  }

  /** Of the policy in force; null while it is the one that the device was given. */
  get version(): number | null {
    return this.#version;
  }

  /** Takes a policy that is newer and right in all. Throws TufRefusal, and what `get` throws; the policy before then stays in force. */
  async follow({ root, snapshot, nowMs, get }: TrustQuestion): Promise<void> {
    const named = metaIn(snapshot);
    const known = this.#knownBy(root);
    if (named === undefined) {
      if (known === 0) return;
      throw new TufRefusal('TUF_ROLLBACK', `The snapshot no longer names ${TRUST_METADATA}: someone hides it.`);
    }
    const before = this.#metadata;
    const isKnown = before !== undefined && sha256Hex(before) === named.hashes?.sha256;
    const file = `metadata/${named.version}.${TRUST_METADATA}`;
    const metadata = isKnown ? before : (await get(file, MOST_METADATA_BYTES)).toString('utf8');
    // A mirror has older ones that the same keys signed: only the snapshot says which is the newest.
    if (sha256Hex(metadata) !== named.hashes?.sha256)
      throw new TufRefusal('TUF_SIGNATURE', `${file} is another one than the snapshot names.`);
    const signed = verifyTrust(root, metadata);
    if (signed.isExpired(new Date(nowMs)))
      throw new TufRefusal('TUF_EXPIRED', `${TRUST_METADATA} ended at ${signed.expires}: nobody signed it anew.`);
    if (metadata === before) return;
    if (signed.version <= known)
      throw new TufRefusal('TUF_ROLLBACK', `${TRUST_METADATA} has version ${signed.version}, not above ${known}.`);
    const files: Record<string, string> = {};
    const trust = await readTrust(signed, async (target, sizeBytes, name) => {
      const bytes = await get(`targets/${target}`, sizeBytes);
      files[name] = bytes.toString('base64');
      return bytes;
    });
    await writeChecked(this.#file, { factory: this.#factory, metadata, files } satisfies Kept);
    this.#use(metadata, signed.version, trust);
  }

  async #recall({ metadata, files }: Kept): Promise<void> {
    const { signed } = parseTrustMetadata(metadata);
    const trust = await readTrust(signed, async (_, __, name) => Buffer.from(files[name] ?? '', 'base64'));
    this.#use(metadata, signed.version, trust);
  }

  #use(metadata: string, version: number, trust: TrustContents): void {
    this.#metadata = metadata;
    this.#version = version;
    this.#take(trust);
  }

  /** No version up to this one is taken. Once its keys were replaced, what they signed counts no more: who stole them drove it up. */
  #knownBy(root: Buffer): number {
    try {
      return this.#metadata === undefined ? 0 : verifyTrust(root, this.#metadata).version;
    } catch {
      return 0;
    }
  }
}

interface NamedMeta {
  readonly version: number;
  readonly hashes?: { readonly sha256?: string };
}

/** In a snapshot that was verified when it was accepted. */
function metaIn(snapshot: string): NamedMeta | undefined {
  const { signed } = JSON.parse(snapshot) as { readonly signed: { readonly meta: Record<string, NamedMeta> } };
  return signed.meta[TRUST_METADATA];
}
