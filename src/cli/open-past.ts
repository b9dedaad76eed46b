// Owns the past of a repository for commands: its branch opened, and read with the keys that the options name.
import { Past, type PastAt } from '../dashboard/read-model/past.ts';
import { judgeCommit } from './commit-judge.ts';
import { type KeyOptions, reconcilerKeys } from './reconciler-keys.ts';
import { type OpenedBranch, openBranch, type RepositoryOptions } from './repository-access.ts';

export type PastOptions = RepositoryOptions & KeyOptions;

/** Commits that a command looks at. */
const MOST_COMMITS = 20_000;

export interface OpenedPast extends AsyncDisposable {
  readonly opened: OpenedBranch;
  readonly past: Past;
  /** At the head as it is now. */
  now(): Promise<PastAt>;
}

export async function openPast(options: PastOptions): Promise<OpenedPast> {
  const keys = await reconcilerKeys(options);
  const opened = await openBranch(options);
  const past = new Past({ repository: opened.repository, keys: () => keys, judge: judgeCommit, most: MOST_COMMITS });
  return {
    ...{ opened, past },
    now: async () => past.at(await opened.head()),
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
}
