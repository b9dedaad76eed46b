// Owns noticing that files may have changed. It only wakes their readers: contents compared stay the truth, a slow poll the fallback.
import { realpathSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { type FSWatcher, watch } from 'chokidar';
import { toCodedError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';

/** Kubernetes swaps a mounted secret or config map by this link; the files in its folder are links through it. */
const KUBERNETES_LINK = '..data';

export class FileWatcher implements AsyncDisposable {
  readonly #watcher: FSWatcher;
  /** By path: files by their own, trees by their top. */
  readonly #files = new Map<string, Set<() => void>>();
  readonly #trees = new Map<string, Set<() => void>>();
  readonly #folders = new Set<string>();

  constructor(logger: Logger) {
    // Folders are watched rather than files: one that is missing, or replaced by rename, is nothing special then. Each file that is
    // there wakes its reader once at first: what changed before it was watched is not missed.
    this.#watcher = watch([], {
      followSymlinks: false,
      atomic: false,
      ignored: (place) => !this.#isOfInterest(path.resolve(place)),
    });
    this.#watcher.on('all', (_, place) => this.#wake(path.resolve(place)));
    let hasWarned = false;
    this.#watcher.on('error', (thrown) => {
      if (hasWarned) return;
      hasWarned = true;
      logger.warn("changes of files can't be watched; a slow poll sees them", { error: toCodedError(thrown) });
    });
  }

  /** Calls `wake` after each change of one of the files, there or not. Repeating it changes nothing. */
  watchFiles(files: readonly string[], wake: () => void): void {
    for (const file of files) {
      const folder = realFolder(path.dirname(path.resolve(file)));
      for (const name of [path.basename(file), KUBERNETES_LINK]) listen(this.#files, path.join(folder, name), wake);
      this.#watchFolder(folder);
    }
  }

  /** Calls `wake` after each change below the folder. */
  watchTree(folder: string, wake: () => void): void {
    const top = realFolder(path.resolve(folder));
    listen(this.#trees, top, wake);
    this.#watchFolder(top);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#watcher.close();
  }

  #watchFolder(folder: string): void {
    if (this.#folders.has(folder)) return;
    this.#folders.add(folder);
    this.#watcher.add(folder);
  }

  #isOfInterest(place: string): boolean {
    return this.#folders.has(place) || this.#files.has(place) || this.#topsOf(place).length > 0;
  }

  #wake(place: string): void {
    const tops = this.#topsOf(place).map((top) => this.#trees.get(top));
    for (const wakes of [this.#files.get(place), ...tops]) for (const wake of wakes ?? []) wake();
  }

  #topsOf(place: string): string[] {
    return [...this.#trees.keys()].filter((top) => place === top || place.startsWith(top + path.sep));
  }
}

function listen(all: Map<string, Set<() => void>>, place: string, wake: () => void): void {
  const known = all.get(place);
  if (known === undefined) all.set(place, new Set([wake]));
  else known.add(wake);
}

/** Events name folders as they are watched, and a folder may be reached by a link. */
function realFolder(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    return folder;
  }
}

/** Calls `wake` when a branch of a local repository moves: HEAD, its refs, or the file of packed ones. */
export async function watchRepository(watcher: FileWatcher, folder: string, wake: () => void): Promise<void> {
  const inClone = path.join(folder, '.git');
  const git = (await stat(inClone).catch(() => undefined))?.isDirectory() === true ? inClone : folder;
  watcher.watchFiles([path.join(git, 'HEAD'), path.join(git, 'packed-refs')], wake);
  watcher.watchTree(path.join(git, 'refs'), wake);
}
