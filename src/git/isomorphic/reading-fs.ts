// Owns the file system of one mirror: isomorphic-git looks for each object in three places on disk; what this process alone writes is answered from memory.
import path from 'node:path';
import { durableFs } from './durable-fs.ts';

const { promises: disk } = durableFs;

/** What a file that is not there answers; one object for all, since its stack would cost more than the question. */
const NOT_THERE: NodeJS.ErrnoException = Object.assign(new Error('no such loose object'), { code: 'ENOENT' });

/**
 * For one bare repository that is locked for this process: listings of packs and of loose objects are kept until something is written.
 * Contents are never kept, so damage on disk is still found.
 */
export class ReadingFs {
  readonly #gitdir: string;
  readonly #packs: string;
  #packNames: Promise<string[]> | undefined;
  /** Names of loose objects by their folder. */
  readonly #loose = new Map<string, Promise<ReadonlySet<string>>>();
  #gitdirStat: ReturnType<typeof disk.stat> | undefined;

  constructor(gitdir: string) {
    this.#gitdir = gitdir;
    this.#packs = path.join(gitdir, 'objects', 'pack');
  }

  readonly promises = {
    ...disk,
    readFile: (file?: string, options?: Parameters<typeof disk.readFile>[1]) => this.#readFile(file, options),
    writeFile: async (file: string, data: Uint8Array | string, options?: unknown) => {
      await disk.writeFile(file, data, options);
      this.#loose.delete(path.normalize(path.dirname(file)));
    },
    readdir: (folder: string) => (path.normalize(folder) === this.#packs ? this.#readPacks() : disk.readdir(folder)),
    stat: (file: string) => (file === this.#gitdir ? this.#statGitdir() : disk.stat(file)),
  };

  /** A pack came or went. */
  forgetPacks(): void {
    this.#packNames = undefined;
  }

  async #readFile(file?: string, options?: Parameters<typeof disk.readFile>[1]): Promise<unknown> {
    const [, folder, name] = (file !== undefined && /^(.*\/objects\/[0-9a-f]{2})\/([0-9a-f]{38})$/.exec(file)) || [];
    if (folder !== undefined && name !== undefined && !(await this.#looseIn(folder)).has(name)) throw NOT_THERE;
    return disk.readFile(file, options);
  }

  #looseIn(folder: string): Promise<ReadonlySet<string>> {
    const key = path.normalize(folder);
    const known =
      this.#loose.get(key) ??
      disk.readdir(key).then(
        (names) => new Set(names),
        () => new Set<string>(),
      );
    this.#loose.set(key, known);
    return known;
  }

  #readPacks(): Promise<string[]> {
    this.#packNames ??= disk.readdir(this.#packs);
    const names = this.#packNames;
    names.catch(() => {
      if (this.#packNames === names) this.#packNames = undefined;
    });
    return names;
  }

  #statGitdir(): ReturnType<typeof disk.stat> {
    this.#gitdirStat ??= disk.stat(this.#gitdir);
    const stat = this.#gitdirStat;
    stat.catch(() => {
      if (this.#gitdirStat === stat) this.#gitdirStat = undefined;
    });
    return stat;
  }
}
