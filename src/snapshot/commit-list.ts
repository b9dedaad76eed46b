// Owns the commits of a branch as listings need them: newest first, small, with the step that the trailers of each name; read once, then only what is new.

import { clipped, oneLine } from '../base/plain-text.ts';
import type { CommitFacts, ManifestsRepository } from '../git/manifests-repository.ts';

/** Older ones are not looked at. */
export const MOST_COMMITS = 100_000;
const MOST_TITLE = 200;
const MOST_NAME = 100;
const MOST_STEPS_OF_COMMIT = 16;

/** A step as the trailers of its commit name it; anyone who can push can write them. */
export interface StepTrailers {
  readonly rollout: string;
  /** `8 canary→ramp`. */
  readonly transition: string;
  /** Null where the transition names none. */
  readonly revision: number | null;
  readonly kind: string;
  /** The head on which a start was decided. */
  readonly observed: string | null;
  /** Digests of evidence; more than one where someone made one commit of several. */
  readonly evidence: readonly string[];
}

export interface ListedCommit {
  readonly commit: string;
  readonly parents: readonly string[];
  readonly atMs: number;
  readonly author: string;
  readonly title: string;
  readonly step: StepTrailers | null;
}

export interface CommitList {
  readonly head: string;
  /** Newest first. */
  readonly commits: readonly ListedCommit[];
  /** Earlier ones are missing: the clone is shallow, or there are more than are looked at. */
  readonly isCut: boolean;
}

type Reading = Pick<ManifestsRepository, 'log' | 'logUntil' | 'isAncestor'>;

function stepTrailers({ trailers }: CommitFacts): StepTrailers | null {
  const values = (name: string): readonly string[] => trailers.get(`Slipway-${name}`) ?? [];
  const last = (name: string): string | undefined => values(name).at(-1)?.slice(0, MOST_TITLE);
  const rollout = last('Rollout');
  const transition = last('Transition');
  if (rollout === undefined || transition === undefined) return null;
  const [, revision] = /^(\d{1,15}) /.exec(transition) ?? [];
  const kind = last('Kind') ?? '';
  return {
    ...{ rollout, transition, revision: revision === undefined ? null : Number(revision), kind },
    observed: kind === 'start' ? (last('Observed') ?? null) : null,
    evidence: values('Evidence').slice(-MOST_STEPS_OF_COMMIT),
  };
}

/** Copied: a slice of a message would keep the whole message in memory. */
function listed(commit: CommitFacts): ListedCommit {
  const { oid, parents, atMs, author, message } = commit;
  const title = clipped(oneLine(message.slice(0, 4 * MOST_TITLE).split('\n', 1)[0] ?? ''), MOST_TITLE);
  const small = { commit: oid, parents, atMs, author: clipped(oneLine(author.name), MOST_NAME), title };
  return JSON.parse(JSON.stringify({ ...small, step: stepTrailers(commit) })) as ListedCommit;
}

const NO_COMMIT = '0'.repeat(40);

/** Lists the commits of heads, one head at a time: a later head costs its new commits alone. */
export class CommitLister {
  readonly #repository: Reading;
  readonly #most: number;
  #last: Promise<CommitList> | undefined;

  constructor(repository: Reading, most = MOST_COMMITS) {
    this.#repository = repository;
    this.#most = most;
  }

  async list(head: string): Promise<CommitList> {
    const before = await this.#last?.catch(() => undefined);
    if (before?.head === head) return before;
    const next = this.#read(head, before);
    this.#last = next;
    return next;
  }

  async #read(head: string, before: CommitList | undefined): Promise<CommitList> {
    const continues = before !== undefined && (await this.#repository.isAncestor(before.head, head)) === true;
    const newer = continues
      ? await this.#repository.logUntil(head, before.head, this.#most)
      : await this.#repository.log(head, this.#most);
    const commits = [...newer.map(listed), ...(continues ? before.commits : [])].slice(0, this.#most);
    const isCut =
      (continues && before.isCut) ||
      commits.length >= this.#most ||
      (!continues && (await this.#repository.isAncestor(NO_COMMIT, head)) === 'unknown');
    return { head, commits, isCut };
  }
}
