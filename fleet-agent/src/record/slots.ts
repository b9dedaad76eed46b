// Owns a model's two slots on disk: their content, whether it is intact, and the pointer for other processes.
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readlink, rename, rm, stat, symlink } from 'node:fs/promises';
import path from 'node:path';
import { readFileIfPresent, syncFolder, writeFileDurably } from '../../../src/base/durable-file.ts';
import { type Digest, digestOf, isDigest } from '../../../src/contract/digest.ts';
import type { DeviceFolder } from './device-folder.ts';
import { readJsonFile } from './json-file.ts';
import type { Goal, SlotName } from './model-record.ts';

/** The seal of a slot. It is written last, so a slot that has one is complete and verified. */
export interface Seal {
  readonly digest: Digest;
  readonly version: string;
  readonly rollout: string;
  /** As which the rollout brought it; it may have become stable since. */
  readonly arm: Goal['arm'];
  readonly verifiedAt: string;
  readonly files: readonly SealedFile[];
}

export interface SealedFile {
  readonly role: string;
  readonly name: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
}

/** A tensor that a manifest promises; the datatype as the Open Inference Protocol names it, -1 = any length. */
export interface Port {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
}

export interface Ports {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
}

/** The files of one variant on this device's disk. */
export interface ModelFiles {
  /** Absolute path and content digest by role; `model` is there for every model that a host can load. */
  readonly byRole: Readonly<Record<string, { readonly path: string; readonly digest: string }>>;
  /** Files with the role `data`: weights that the model file names. */
  readonly data?: readonly { readonly name: string; readonly path: string; readonly digest: string }[];
  readonly ports?: Ports;
}

const SEAL = 'seal.json';
const MANIFEST = 'manifest.yaml';

export class Slots {
  readonly #folder: DeviceFolder;
  readonly #model: string;

  constructor(folder: DeviceFolder, model: string) {
    this.#folder = folder;
    this.#model = model;
  }

  path(slot: SlotName, ...rest: readonly string[]): string {
    return path.join(this.#folder.slotFolder(this.#model, slot), ...rest);
  }

  filePath(slot: SlotName, name: string): string {
    return this.path(slot, 'files', name);
  }

  /** An empty slot. */
  async clear(slot: SlotName): Promise<void> {
    await rm(this.path(slot), { recursive: true, force: true });
  }

  async prepare(slot: SlotName): Promise<void> {
    await mkdir(this.path(slot, 'files'), { recursive: true, mode: 0o755 });
  }

  async writeManifest(slot: SlotName, manifest: Uint8Array, signature: Uint8Array | undefined): Promise<void> {
    await writeFileDurably(this.path(slot, MANIFEST), manifest);
    if (signature !== undefined) await writeFileDurably(this.path(slot, `${MANIFEST}.sigstore.json`), signature);
  }

  async readManifest(slot: SlotName): Promise<{ manifest: Buffer; signature: Buffer | undefined } | undefined> {
    const manifest = await readFileIfPresent(this.path(slot, MANIFEST));
    if (manifest === undefined) return undefined;
    return { manifest, signature: await readFileIfPresent(this.path(slot, `${MANIFEST}.sigstore.json`)) };
  }

  /** Flushes every file and folder, then writes the seal. */
  async seal(slot: SlotName, seal: Seal): Promise<void> {
    for (const file of seal.files) {
      await using handle = await open(this.filePath(slot, file.name), 'r+');
      await handle.sync();
    }
    await syncFolder(this.path(slot, 'files'));
    await writeFileDurably(this.path(slot, SEAL), JSON.stringify(seal));
    await syncFolder(path.dirname(this.path(slot)));
  }

  /** The seal of a slot whose manifest and files still have their digests; undefined when anything is missing or changed. */
  async readIntact(slot: SlotName): Promise<{ readonly seal: Seal; readonly manifest: Buffer } | undefined> {
    const seal = await readJsonFile(this.path(slot, SEAL), parseSeal);
    const kept = await this.readManifest(slot);
    if (seal === undefined || kept === undefined || digestOf(kept.manifest) !== seal.digest) return undefined;
    for (const file of seal.files) {
      if ((await digestOfFile(this.filePath(slot, file.name))) !== file.digest) return undefined;
    }
    return { seal, manifest: kept.manifest };
  }

  modelFiles(slot: SlotName, seal: Seal): ModelFiles {
    const files = seal.files.map(({ role, name, digest }) => ({ role, name, digest, path: this.filePath(slot, name) }));
    return {
      byRole: Object.fromEntries(files.map(({ role, path: file, digest }) => [role, { path: file, digest }])),
      data: files.filter(({ role }) => role === 'data'),
    };
  }

  /** Points `current` at a slot by renaming a new link over it, so that the link always exists. */
  async point(slot: SlotName | null): Promise<void> {
    const link = this.#folder.currentLink(this.#model);
    if (slot === null) {
      await rm(link, { force: true });
    } else {
      if ((await this.pointed()) === slot) return;
      const temporary = `${link}.${randomUUID().slice(0, 8)}.tmp`;
      await symlink(path.join('slots', slot), temporary);
      await rename(temporary, link);
    }
    await syncFolder(path.dirname(link));
  }

  /** The slot that `current` points at; undefined when it points nowhere. */
  async pointed(): Promise<SlotName | undefined> {
    try {
      const target = path.basename(await readlink(this.#folder.currentLink(this.#model)));
      return target === 'A' || target === 'B' ? target : undefined;
    } catch {
      return undefined;
    }
  }
}

function parseSeal(value: Record<string, unknown>): Seal | undefined {
  const seal = value as unknown as Seal;
  const isWhole =
    isDigest(seal.digest) &&
    typeof seal.version === 'string' &&
    (seal.arm === 'candidate' || seal.arm === 'stable') &&
    seal.files.every((file) => isDigest(file.digest) && typeof file.name === 'string');
  return isWhole ? seal : undefined;
}

/** Digest of a file's content, in constant memory; undefined when it can't be read. */
export async function digestOfFile(file: string): Promise<Digest | undefined> {
  const hash = createHash('sha256');
  try {
    // A pipe would hang, and a device never end.
    if (!(await stat(file)).isFile()) return undefined;
    for await (const chunk of createReadStream(file, { highWaterMark: 1 << 18 })) hash.update(chunk as Buffer);
  } catch {
    return undefined;
  }
  return `sha256:${hash.digest('hex')}`;
}
