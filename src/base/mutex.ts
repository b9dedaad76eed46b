// Owns letting one task at a time run, in order of arrival.

export class Mutex {
  #last: Promise<unknown> = Promise.resolve();

  /** The task's own result or error; a task that fails keeps nobody behind it from running. */
  async run<T>(task: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(task, task);
    this.#last = mine.catch(() => undefined);
    return mine;
  }
}
