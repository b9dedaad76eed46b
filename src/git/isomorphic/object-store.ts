// Owns reading and writing Git objects in one bare repository, through isomorphic-git.
import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import git from 'isomorphic-git';
import { syncFolder, writeFileDurably } from '../../base/durable-file.ts';
import { CodedError } from '../../base/errors.ts';
import { objectCorrupt, objectMissing, objectOfOtherType } from '../git-errors.ts';
import type { CommitFacts } from '../manifests-repository.ts';
import { parseCommit } from '../objects/commit-object.ts';
import type { GitObjects, ObjectType } from '../objects/git-objects.ts';
import { parseTree, type RawEntry } from '../objects/tree-object.ts';
import { isOid } from '../wire/pkt-line.ts';
import { ReadingFs } from './reading-fs.ts';

export class ObjectStore implements GitObjects {
  readonly gitdir: string;
  /** Holds isomorphic-git's pack indexes. */
  readonly #cache = {};
  readonly #packs: string;
  readonly #fs: ReadingFs;

  constructor(gitdir: string) {
    this.gitdir = gitdir;
    this.#packs = path.join(gitdir, 'objects', 'pack');
    this.#fs = new ReadingFs(gitdir);
  }

  async read(oid: string, type: ObjectType): Promise<Buffer> {
    if (!isOid(oid)) throw objectMissing(String(oid).slice(0, 80));
    let found: Awaited<ReturnType<typeof git.readObject>>;
    try {
      found = await git.readObject({ fs: this.#fs, gitdir: this.gitdir, oid, format: 'content', cache: this.#cache });
    } catch (cause) {
      if (cause instanceof Error && 'code' in cause && cause.code === 'NotFoundError') throw objectMissing(oid, cause);
      throw objectCorrupt(oid, cause instanceof Error ? cause.message : String(cause), cause);
    }
    if (found.type !== type) throw objectOfOtherType(oid, found.type, type);
    return Buffer.from(found.object as Uint8Array);
  }

  async readTree(oid: string): Promise<readonly RawEntry[]> {
    return parseTree(oid, await this.read(oid, 'tree'));
  }

  async readCommit(oid: string): Promise<CommitFacts> {
    return parseCommit(oid, await this.read(oid, 'commit'));
  }

  async has(oid: string, type: ObjectType): Promise<boolean> {
    try {
      await this.read(oid, type);
      return true;
    } catch (error) {
      if (error instanceof CodedError && error.code === 'GIT_OBJECT_MISSING') return false;
      throw error;
    }
  }

  /** Writes one loose object durably; returns its oid. */
  async write(type: ObjectType, object: Uint8Array): Promise<string> {
    return git.writeObject({ fs: this.#fs, gitdir: this.gitdir, type, object, format: 'content' });
  }

  /** Stores a checked pack: the pack first, its index last, since readers look for indexes. `count` objects must be found in it. */
  async addPack(pack: Buffer, count: number): Promise<void> {
    const name = `pack-${pack.toString('hex', pack.length - 20)}`;
    await writeFileDurably(path.join(this.#packs, `${name}.pack`), pack);
    const { oids } = await git.indexPack({
      fs: this.#fs,
      dir: this.#packs,
      gitdir: this.gitdir,
      filepath: `${name}.pack`,
      cache: {},
    });
    this.#fs.forgetPacks();
    if (oids.length === count) return;
    await rm(path.join(this.#packs, `${name}.idx`), { force: true });
    await rm(path.join(this.#packs, `${name}.pack`), { force: true });
    this.#fs.forgetPacks();
    throw objectCorrupt(name, `only ${oids.length} of ${count} objects could be put together`);
  }

  /** A pack of the objects given, self-contained and without deltas. */
  async makePack(oids: readonly string[]): Promise<Buffer> {
    const { packfile } = await git.packObjects({
      fs: this.#fs,
      gitdir: this.gitdir,
      oids: [...oids],
      cache: this.#cache,
    });
    if (packfile === undefined) throw objectMissing('pack');
    return Buffer.from(packfile);
  }

  async packCount(): Promise<number> {
    return (await readdir(this.#packs)).filter((name) => name.endsWith('.idx')).length;
  }

  /** Makes new folders of loose objects survive a power cut. */
  async sync(): Promise<void> {
    await syncFolder(path.join(this.gitdir, 'objects'));
  }
}
