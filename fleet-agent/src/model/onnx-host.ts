// Owns the built-in ONNX host: shared sessions on one thread for all models, and a thread of its own for a model that broke it.
import type { ModelFiles } from '../record/slots.ts';
import { type LoadedModel, ModelError, type ModelHost } from './model-host.ts';
import type { LoadOrder, OnnxRequest } from './onnx-messages.ts';
import { type Pending, type RuntimeOptions, RuntimeThread } from './runtime-thread.ts';
import type { Tensor } from './tensor.ts';

/** A request that did not break the thread itself is sent again on the next one, this often in all. */
const MOST_SENDS = 3;

type WithoutId<R> = R extends OnnxRequest ? Omit<R, 'id'> : never;

/** Sessions of one content, counted by their users. */
interface SharedSession {
  readonly order: LoadOrder;
  thread: RuntimeThread;
  users: number;
  /** It is on no thread: loading it failed, or broke its thread. */
  isBroken: boolean;
  /** One at a time, whoever asks. */
  reloading: Promise<void> | null;
}

/**
 * Runs ONNX models by ONNX Runtime's WebAssembly build in threads, so that neither a slow model nor one that aborts the runtime takes the
 * agent along. Equal content is one session, whatever number of agents load it. A model that broke the common thread while it ran gets a
 * thread of its own: when that breaks again, no other model waits for it.
 */
export class OnnxHost implements ModelHost {
  readonly canRun = true;
  readonly #options: RuntimeOptions;
  readonly #shared = new Map<string, SharedSession>();
  readonly #common: RuntimeThread;
  #nextId = 1;
  #closed = false;

  constructor(options: RuntimeOptions) {
    this.#options = options;
    this.#common = this.#newThread();
  }

  async load(files: ModelFiles): Promise<LoadedModel> {
    const { byRole, data = [], ports = null } = files;
    const { model } = byRole;
    if (model === undefined) throw new ModelError('load', 'No file of the variant has the role "model".');
    const key = [model, ...data].map(({ digest }) => digest).join(' ');
    const shared = this.#shared.get(key) ?? {
      order: { file: model.path, data: data.map(({ name, path }) => ({ name, path })), ports: null },
      ...{ thread: this.#common, users: 0, isBroken: false, reloading: null },
    };
    this.#shared.set(key, shared);
    shared.users += 1;
    let isReleased = false;
    const release = async (): Promise<void> => {
      if (isReleased) return;
      isReleased = true;
      shared.users -= 1;
      if (shared.users > 0 || this.#closed) return;
      this.#shared.delete(key);
      if (shared.thread !== this.#common) await shared.thread.close();
      else if (!shared.thread.isIdle) await this.#ask(shared.thread, { kind: 'release', key }).catch(() => undefined);
    };
    try {
      await this.#mend(key, shared);
      await this.#ask(shared.thread, { kind: 'load', key, ...shared.order, ports });
    } catch (error) {
      await release();
      throw error;
    }
    const outputs = ports?.outputs.map(({ name }) => name) ?? null;
    const run = async (inputs: readonly Tensor[]): Promise<readonly Tensor[]> => {
      await this.#mend(key, shared);
      return this.#ask(shared.thread, { kind: 'run', key, inputs, outputs });
    };
    return { run, release };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(
      [this.#common, ...[...this.#shared.values()].map(({ thread }) => thread)].map((one) => one.close()),
    );
  }

  #newThread(): RuntimeThread {
    const thread: RuntimeThread = new RuntimeThread(this.#options, (broke, waiting) =>
      this.#recover(thread, broke, waiting),
    );
    return thread;
  }

  #ask(thread: RuntimeThread, request: WithoutId<OnnxRequest>): Promise<readonly Tensor[]> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      thread.send({ request: { ...request, id } as OnnxRequest, resolve, reject, sent: 0 });
    });
  }

  /** Loads a broken session again, on a thread of its own: it may break that one, too. */
  async #mend(key: string, shared: SharedSession): Promise<void> {
    if (!shared.isBroken || this.#closed || this.#shared.get(key) !== shared) return;
    if (shared.thread === this.#common) shared.thread = this.#newThread();
    shared.reloading ??= this.#reload(key, shared).finally(() => {
      shared.reloading = null;
    });
    await shared.reloading;
  }

  async #reload(key: string, shared: SharedSession): Promise<void> {
    try {
      await this.#ask(shared.thread, { kind: 'load', key, ...shared.order });
      shared.isBroken = false;
    } catch (error) {
      shared.isBroken = true;
      throw error;
    }
  }

  /** Loads again what was on a thread that broke, and sends what waited. A model that breaks it while loading is not loaded again before it is asked. */
  #recover(thread: RuntimeThread, broke: OnnxRequest | undefined, waiting: readonly Pending[]): void {
    if (this.#closed) return;
    const culprit = this.#shared.get(broke?.key ?? '');
    const lost = [...this.#shared].filter(([, session]) => session.thread === thread);
    if (culprit !== undefined && broke?.kind === 'load') culprit.isBroken = true;
    else if (culprit?.thread === this.#common) culprit.thread = this.#newThread();
    for (const [key, session] of lost) {
      if (!session.isBroken) this.#reload(key, session).catch(() => undefined);
    }
    for (const pending of waiting) {
      if (pending.sent < MOST_SENDS) (this.#shared.get(pending.request.key)?.thread ?? thread).send(pending);
      else pending.reject(new ModelError('runtime', 'The runtime crashed repeatedly while this request waited.'));
    }
  }
}
