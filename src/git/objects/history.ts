// Owns walks over commits: ancestry, and the log between two commits.
import { CodedError } from '../../base/errors.ts';
import { objectMissing } from '../git-errors.ts';
import type { CommitFacts } from '../manifests-repository.ts';
import type { GitObjects } from './git-objects.ts';

const MOST_COMMITS = 1_000_000;
const KEPT = 20_000;

export class History {
  readonly #store: GitObjects;
  /** Oids of commits whose parents the remote does not have either. */
  readonly #shallow: ReadonlySet<string>;
  readonly #parents = new Map<string, readonly string[]>();

  constructor(store: GitObjects, shallow: ReadonlySet<string>) {
    this.#store = store;
    this.#shallow = shallow;
  }

  /** Whether `ancestor` is `descendant` or before it; `unknown` when history ends early. */
  async isAncestor(ancestor: string, descendant: string): Promise<boolean | 'unknown'> {
    const seen = new Set<string>([descendant]);
    let cut = false;
    let front = [descendant];
    while (front.length > 0) {
      const next: string[] = [];
      for (const oid of front) {
        if (oid === ancestor) return true;
        if (seen.size > MOST_COMMITS) return 'unknown';
        const parents = await this.#parentsOf(oid);
        if (parents === undefined) cut = true;
        for (const parent of parents ?? []) {
          if (seen.has(parent)) continue;
          seen.add(parent);
          next.push(parent);
        }
      }
      front = next;
    }
    return cut ? 'unknown' : false;
  }

  /** Newest first by committer time, at most `most`; without `until` and what is reachable from it. */
  async log(from: string, until: string | undefined, most: number): Promise<readonly CommitFacts[]> {
    const wanted = new Map<string, CommitFacts>();
    const hidden = new Set<string>();
    const start = await this.#store.readCommit(from);
    if (from === until) return [];
    const hide = until === undefined ? undefined : await this.#readIfPresent(until);
    if (until !== undefined) hidden.add(until);
    const queue: CommitFacts[] = hide === undefined ? [start] : [start, hide];
    const queued = new Set(queue.map(({ oid }) => oid));
    while (queue.some(({ oid }) => !hidden.has(oid)) && wanted.size < most) {
      const commit = takeNewest(queue);
      const isHidden = hidden.has(commit.oid);
      if (!isHidden) wanted.set(commit.oid, commit);
      for (const parent of this.#shallow.has(commit.oid) ? [] : commit.parents) {
        if (isHidden) {
          hidden.add(parent);
          wanted.delete(parent);
        }
        if (queued.has(parent)) continue;
        queued.add(parent);
        const facts = await this.#readIfPresent(parent);
        if (facts !== undefined) queue.push(facts);
      }
    }
    return [...wanted.values()];
  }

  /** Commits to offer as known, thinning out towards the past, so that a rewritten branch still finds common ground. */
  async offers(head: string): Promise<readonly string[]> {
    const offered: string[] = [];
    let here: string | undefined = head;
    for (let step = 0; here !== undefined && offered.length < 24 && step < 512; step++) {
      if (step < 8 || (step & (step - 1)) === 0) offered.push(here);
      here = (await this.#parentsOf(here))?.[0];
    }
    return offered;
  }

  /** Parents, or undefined where history is cut. */
  async #parentsOf(oid: string): Promise<readonly string[] | undefined> {
    if (this.#shallow.has(oid)) return undefined;
    const kept = this.#parents.get(oid);
    if (kept !== undefined) return kept;
    const parents = (await this.#readIfPresent(oid))?.parents;
    if (parents === undefined) return undefined;
    if (this.#parents.size >= KEPT) this.#parents.clear();
    this.#parents.set(oid, parents);
    return parents;
  }

  async #readIfPresent(oid: string): Promise<CommitFacts | undefined> {
    try {
      return await this.#store.readCommit(oid);
    } catch (error) {
      if (error instanceof CodedError && error.code === objectMissing(oid).code) return undefined;
      throw error;
    }
  }
}

function takeNewest(queue: CommitFacts[]): CommitFacts {
  let best = 0;
  for (let index = 1; index < queue.length; index++) {
    if ((queue[index]?.atMs ?? 0) > (queue[best]?.atMs ?? 0)) best = index;
  }
  const [taken] = queue.splice(best, 1);
  if (taken === undefined) throw objectMissing('queue');
  return taken;
}
