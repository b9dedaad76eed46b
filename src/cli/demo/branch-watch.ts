// Owns watching the branch from outside: every commit as it appears, with the time at which it was there for all to see.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../../base/clock.ts';
import type { GitClone } from './git-clone.ts';

export interface SeenCommit {
  readonly commit: string;
  readonly subject: string;
  readonly body: string;
  /** The sentence that a step's body begins with, in the lines of the commit; empty when there is no body. */
  readonly reason: readonly string[];
  readonly author: string;
  readonly rollout: string | null;
  readonly kind: string | null;
  readonly transition: string | null;
  /** When it was seen on the branch, milliseconds of the monotonic clock. */
  readonly atMs: number;
}

const SEPARATOR = '\x1e';
const FORMAT = [
  '%H',
  '%an',
  '%s',
  '%b',
  '%(trailers:key=Slipway-Rollout,valueonly)',
  '%(trailers:key=Slipway-Kind,valueonly)',
  '%(trailers:key=Slipway-Transition,valueonly)',
].join('%x1f');

export class BranchWatch {
  readonly #repository: string;
  readonly #clone: GitClone;
  readonly #clock: Clock;
  #head: string | null = null;
  readonly commits: SeenCommit[] = [];

  /** `clone` is one that the watch may fetch into. */
  constructor(repository: string, clone: GitClone, clock: Clock) {
    this.#repository = repository;
    this.#clone = clone;
    this.#clock = clock;
  }

  /** The commits that came since the last look, oldest first. */
  async look(): Promise<readonly SeenCommit[]> {
    const head = await this.#readHead();
    if (head === null || head === this.#head) return [];
    const atMs = this.#clock.monotonicMs();
    await this.#clone.git('fetch', '--quiet', 'origin', 'main');
    const range = this.#head === null ? head : `${this.#head}..${head}`;
    const log = await this.#clone.git('log', '--reverse', `--format=${FORMAT}${SEPARATOR}`, range);
    const fresh = log
      .split(SEPARATOR)
      .map((text) => text.trim())
      .filter((text) => text !== '')
      .map((text) => parse(text, atMs));
    this.#head = head;
    this.commits.push(...fresh);
    return fresh;
  }

  async #readHead(): Promise<string | null> {
    try {
      return (await readFile(path.join(this.#repository, 'refs', 'heads', 'main'), 'utf8')).trim();
    } catch {
      return null;
    }
  }
}

/** Up to the first line that ends a sentence: a commit's prose is broken into lines, and the next thing begins its own. */
function firstSentence(body: string): string[] {
  const lines = body === '' ? [] : body.split('\n').map((line) => line.trim());
  const end = lines.findIndex((line) => /[.!?…]$/.test(line));
  return lines.slice(0, end < 0 ? 1 : end + 1);
}

function parse(text: string, atMs: number): SeenCommit {
  const [commit = '', author = '', subject = '', body = '', rollout = '', kind = '', transition = ''] = text
    .split('\x1f')
    .map((part) => part.trim());
  const orNull = (value: string): string | null => (value === '' ? null : value);
  return {
    commit,
    author,
    subject,
    body,
    reason: firstSentence(body),
    rollout: orNull(rollout),
    kind: orNull(kind),
    transition: orNull(transition),
    atMs,
  };
}
