// Owns the intake that lets concurrent requests share one transaction, since the flush to disk costs the same for one and for many.
import { CodedError } from '../base/errors.ts';

export interface GroupCommitOptions<Item, Answer> {
  /** Commits the items and answers in their order; when it throws, nothing was committed. */
  readonly commit: (items: readonly Item[]) => Promise<readonly Answer[]>;
  /** How the first request of a group waits for others; without it each request commits at once. */
  readonly gather?: () => Promise<void>;
  /** A group of this many items commits at once; 512 unless given. */
  readonly mostInGroup?: number;
  /** Beyond this many waiting items requests are turned away; 16,384 unless given. */
  readonly mostWaiting?: number;
}

interface Request<Item, Answer> {
  readonly items: readonly Item[];
  readonly resolve: (answers: readonly Answer[]) => void;
  readonly reject: (error: unknown) => void;
}

/** Answers each request after the commit of the group that holds all of its items. One group commits at a time. */
export class GroupCommit<Item, Answer> {
  readonly #commit: (items: readonly Item[]) => Promise<readonly Answer[]>;
  readonly #gather: (() => Promise<void>) | undefined;
  readonly #mostInGroup: number;
  readonly #mostWaiting: number;
  #waiting: Request<Item, Answer>[] = [];
  #waitingItems = 0;
  #gathering = false;
  #committing: Promise<void> | undefined;

  constructor(options: GroupCommitOptions<Item, Answer>) {
    this.#commit = options.commit;
    this.#gather = options.gather;
    this.#mostInGroup = options.mostInGroup ?? 512;
    this.#mostWaiting = options.mostWaiting ?? 16_384;
  }

  /** Throws STORE_OVERLOADED at once when too many wait; else whatever the commit throws. */
  submit(items: readonly Item[]): Promise<readonly Answer[]> {
    if (items.length === 0) return Promise.resolve([]);
    if (this.#waitingItems + items.length > this.#mostWaiting) {
      return Promise.reject(
        new CodedError({
          code: 'STORE_OVERLOADED',
          kind: 'retry-later',
          message: `${this.#waitingItems} reports wait to be stored.`,
          remedy: 'Send again later; devices do so by themselves.',
        }),
      );
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ items, resolve, reject });
      this.#waitingItems += items.length;
      if (this.#gather === undefined || this.#waitingItems >= this.#mostInGroup) void this.flush();
      else void this.#flushGathered(this.#gather);
    });
  }

  /** Commits all that waits now, one group after the other. */
  async flush(): Promise<void> {
    while (this.#waiting.length > 0) {
      this.#committing ??= this.#commitGroup(this.#takeGroup()).finally(() => {
        this.#committing = undefined;
      });
      await this.#committing;
    }
  }

  async #flushGathered(gather: () => Promise<void>): Promise<void> {
    if (this.#gathering) return;
    this.#gathering = true;
    await gather();
    this.#gathering = false;
    await this.flush();
  }

  #takeGroup(): readonly Request<Item, Answer>[] {
    let items = 0;
    let end = 0;
    for (const request of this.#waiting) {
      if (end > 0 && items + request.items.length > this.#mostInGroup) break;
      items += request.items.length;
      end += 1;
    }
    this.#waitingItems -= items;
    return this.#waiting.splice(0, end);
  }

  /** A group that fails for another reason than the database's state is tried one by one: one bad request must not fail its neighbours. */
  async #commitGroup(group: readonly Request<Item, Answer>[]): Promise<void> {
    let answers: readonly Answer[];
    try {
      answers = await this.#commit(group.flatMap((request) => request.items));
    } catch (error) {
      const isAlone = group.length === 1 || (error instanceof CodedError && error.kind === 'retry-later');
      if (isAlone) for (const request of group) request.reject(error);
      else for (const request of group) await this.#commitGroup([request]);
      return;
    }
    let from = 0;
    for (const { items, resolve } of group) {
      resolve(answers.slice(from, from + items.length));
      from += items.length;
    }
  }
}
