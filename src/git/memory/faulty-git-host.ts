// Owns the faults of a Git host in memory: requests that don't arrive, and answers that get lost.
import { timedOut, unreachable } from '../git-errors.ts';
import type { GitHost, MoveOutcome } from './memory-git-host.ts';

/** `look` reads the branches, before each fetch and each push; `move` is the push itself. */
export type HostStep = 'look' | 'move';

export type HostFault =
  /** The request doesn't arrive. */
  | 'unreachable'
  /** The host does its work, and its answer is lost. */
  | 'lost-answer'
  /** The host refuses to move the branch, for a reason of its own. */
  | 'refused';

/**
 * Asked before each step, and awaited: a push that it makes itself, before a `move`, is a race that the repository loses.
 */
export type HostFaults = (step: HostStep) => Promise<HostFault | undefined> | HostFault | undefined;

export class FaultyGitHost implements GitHost {
  readonly #host: GitHost;
  readonly #faults: HostFaults;

  constructor(host: GitHost, faults: HostFaults) {
    this.#host = host;
    this.#faults = faults;
  }

  get objects(): GitHost['objects'] {
    return this.#host.objects;
  }

  branches(): Promise<ReadonlyMap<string, string>> {
    return this.#step('look', () => this.#host.branches());
  }

  move(branch: string, from: string | null, to: string): Promise<MoveOutcome> {
    return this.#step('move', (fault) =>
      fault === 'refused'
        ? Promise.resolve({ kind: 'refused', reason: 'cannot lock ref' })
        : this.#host.move(branch, from, to),
    );
  }

  async #step<T>(step: HostStep, act: (fault: HostFault | undefined) => Promise<T>): Promise<T> {
    const fault = await this.#faults(step);
    if (fault === 'unreachable') throw unreachable('the Git host', 'connection refused');
    const answer = await act(fault);
    if (fault === 'lost-answer') throw timedOut('Waiting for the Git host', 0);
    return answer;
  }
}
