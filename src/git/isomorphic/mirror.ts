// Owns the mirror folder: which generation is current, its head, and making a fresh one without losing the old one meanwhile.
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import git from 'isomorphic-git';
import { readFileIfPresent, syncFolder, writeFileDurably } from '../../base/durable-file.ts';
import { History } from '../objects/history.ts';
import { isOid } from '../wire/pkt-line.ts';
import { durableFs } from './durable-fs.ts';
import { ObjectStore } from './object-store.ts';

/** What a generation mirrors; another remote or branch never continues it. */
export interface MirrorSubject {
  readonly remote: string;
  readonly branch: string;
}

/**
 * Layout of the folder: `current` names the generation in use; `g-…` are bare repositories. A fresh clone is a new generation and
 * counts from the moment that `current` names it, so a kill leaves either the old one or the new one.
 */
export class Mirror {
  readonly #folder: string;
  readonly #subject: MirrorSubject;
  #generation: Generation | undefined;

  private constructor(folder: string, subject: MirrorSubject) {
    this.#folder = folder;
    this.#subject = subject;
  }

  /** Opens the folder, which the caller has locked. Leftovers of killed processes are removed. */
  static async open(folder: string, subject: MirrorSubject): Promise<Mirror> {
    const mirror = new Mirror(folder, subject);
    const name = (await readFileIfPresent(path.join(folder, 'current')))?.toString('utf8').trim() ?? '';
    const usable = /^g-[0-9a-f-]+$/.test(name) ? await Generation.open(path.join(folder, name), subject) : undefined;
    mirror.#generation = usable;
    await mirror.removeOthers();
    if (usable !== undefined) await removeTemporaries(usable.store.gitdir);
    return mirror;
  }

  get generation(): Generation | undefined {
    return this.#generation;
  }

  /** An empty bare repository beside the current one; it is not in use before `adopt`. */
  async begin(): Promise<Generation> {
    const gitdir = path.join(this.#folder, `g-${randomUUID()}`);
    await mkdir(gitdir, { recursive: true });
    await git.init({ fs: durableFs, gitdir, bare: true, defaultBranch: this.#subject.branch });
    await mkdir(path.join(gitdir, 'objects', 'pack'), { recursive: true });
    await writeFileDurably(path.join(gitdir, 'slipway.json'), `${JSON.stringify(this.#subject)}\n`);
    return Generation.create(gitdir);
  }

  /** Makes a begun generation the current one. */
  async adopt(generation: Generation): Promise<void> {
    await syncFolder(this.#folder);
    await writeFileDurably(path.join(this.#folder, 'current'), `${path.basename(generation.store.gitdir)}\n`);
    this.#generation = generation;
  }

  /** Removes generations that are not current: leftovers, and the one replaced before. */
  async removeOthers(): Promise<void> {
    const kept = this.#generation === undefined ? '' : path.basename(this.#generation.store.gitdir);
    for (const name of await readdir(this.#folder)) {
      if ((name.startsWith('g-') && name !== kept) || name.endsWith('.tmp')) {
        await rm(path.join(this.#folder, name), { recursive: true, force: true });
      }
    }
  }
}

/** One bare repository of the mirror. */
export class Generation {
  readonly store: ObjectStore;
  #head: string | null;
  #shallow: ReadonlySet<string>;
  #history: History;

  private constructor(gitdir: string, head: string | null, shallow: ReadonlySet<string>) {
    this.store = new ObjectStore(gitdir);
    this.#head = head;
    this.#shallow = shallow;
    this.#history = new History(this.store, shallow);
  }

  static create(gitdir: string): Generation {
    return new Generation(gitdir, null, new Set());
  }

  /** The generation in a folder, or undefined when it is of another subject or has no head that can be read. */
  static async open(gitdir: string, subject: MirrorSubject): Promise<Generation | undefined> {
    const said = (await readFileIfPresent(path.join(gitdir, 'slipway.json')))?.toString('utf8').trim();
    const head = (await readFileIfPresent(path.join(gitdir, 'refs', 'slipway', 'head')))?.toString('utf8').trim();
    if (said !== JSON.stringify(subject) || head === undefined || !isOid(head)) return undefined;
    const shallow =
      (await readFileIfPresent(path.join(gitdir, 'shallow')))?.toString('utf8').split('\n').filter(isOid) ?? [];
    const generation = new Generation(gitdir, head, new Set(shallow));
    return (await generation.isReadable(head)) ? generation : undefined;
  }

  /** The head of the last successful fetch or push. */
  get head(): string | null {
    return this.#head;
  }

  get history(): History {
    return this.#history;
  }

  get shallow(): ReadonlySet<string> {
    return this.#shallow;
  }

  async setHead(commit: string): Promise<void> {
    const folder = path.join(this.store.gitdir, 'refs', 'slipway');
    await mkdir(folder, { recursive: true });
    await writeFileDurably(path.join(folder, 'head'), `${commit}\n`);
    this.#head = commit;
  }

  /** Notes commits whose parents the remote itself lacks. */
  async addShallow(oids: readonly string[]): Promise<void> {
    if (oids.every((oid) => this.#shallow.has(oid))) return;
    this.#shallow = new Set([...this.#shallow, ...oids]);
    await writeFileDurably(path.join(this.store.gitdir, 'shallow'), `${[...this.#shallow].join('\n')}\n`);
    this.#history = new History(this.store, this.#shallow);
  }

  /** Are the commit and its tree there and undamaged? */
  async isReadable(commit: string): Promise<boolean> {
    try {
      await this.store.readTree((await this.store.readCommit(commit)).tree);
      return true;
    } catch {
      return false;
    }
  }
}

/** Head that a mirror saw last; null without one. It takes no lock: the owner may be moving the mirror. */
export async function lastSeenHead(folder: string): Promise<string | null> {
  const read = async (file: string): Promise<string> =>
    (await readFileIfPresent(path.join(folder, file)))?.toString('utf8').trim() ?? '';
  const name = await read('current');
  const head = /^g-[0-9a-f-]+$/.test(name) ? await read(path.join(name, 'refs', 'slipway', 'head')) : '';
  return isOid(head) ? head : null;
}

/** Removes what writes that a kill cut off have left. */
async function removeTemporaries(gitdir: string): Promise<void> {
  const objects = path.join(gitdir, 'objects');
  const folders = (await readdir(objects)).filter((name) => /^([0-9a-f]{2}|pack)$/.test(name));
  for (const folder of [
    gitdir,
    path.join(gitdir, 'refs', 'slipway'),
    ...folders.map((name) => path.join(objects, name)),
  ]) {
    for (const file of await readdir(folder)) {
      if (file.endsWith('.tmp')) await rm(path.join(folder, file), { force: true });
    }
  }
}
