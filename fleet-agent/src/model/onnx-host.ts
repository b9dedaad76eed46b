// Owns the built-in ONNX host: one thread for all models, shared sessions, and a fresh thread when a model hangs or breaks it.
import { Worker } from 'node:worker_threads';
import type { Clock } from '../../../src/base/clock.ts';
import type { ModelFiles } from '../record/slots.ts';
import { type LoadedModel, ModelError, type ModelHost } from './model-host.ts';
import type { OnnxAnswer, OnnxRequest } from './onnx-messages.ts';
import type { Tensor } from './tensor.ts';

export interface OnnxHostOptions {
  readonly clock: Clock;
  /** The thread's script: `onnx-thread.ts`, or the bundle's second file. */
  readonly threadFile: string | URL;
  /** A run or load that takes longer is stopped, with its thread. Default 30 s. */
  readonly timeoutMs?: number;
  /** Heap that JavaScript in the thread may take, in MiB; WebAssembly memory is not part of it. Default 64. */
  readonly heapMebibytes?: number;
}

/** A request that did not break the thread itself is sent again on the next one, this often in all. */
const MOST_SENDS = 3;

type WithoutId<R> = R extends OnnxRequest ? Omit<R, 'id'> : never;

interface Pending {
  readonly request: OnnxRequest;
  readonly resolve: (outputs: readonly Tensor[]) => void;
  readonly reject: (error: ModelError) => void;
  sent: number;
}

/** Sessions of one content, counted by their users. */
interface SharedSession {
  readonly file: string;
  users: number;
  isBroken: boolean;
}

/**
 * Runs ONNX models by ONNX Runtime's WebAssembly build in a thread of its own, so that neither a slow model nor one that
 * aborts the runtime takes the agent along. Equal content is one session, whatever number of agents load it.
 */
export class OnnxHost implements ModelHost {
  readonly canRun = true;
  readonly #options: OnnxHostOptions;
  readonly #shared = new Map<string, SharedSession>();
  readonly #pending = new Map<number, Pending>();
  #thread: Worker | undefined;
  #nextId = 1;
  #closed = false;
  #watching = false;
  #headSinceMs = 0;
  readonly #stop = new AbortController();

  constructor(options: OnnxHostOptions) {
    this.#options = options;
  }

  async load(files: ModelFiles): Promise<LoadedModel> {
    const model = files.byRole.model;
    if (model === undefined) throw new ModelError('load', 'No file of the variant has the role "model".');
    const key = model.digest;
    const shared = this.#shared.get(key) ?? { file: model.path, users: 0, isBroken: false };
    this.#shared.set(key, shared);
    shared.users += 1;
    let released = false;
    const release = async (): Promise<void> => {
      if (released) return;
      released = true;
      shared.users -= 1;
      if (shared.users > 0 || this.#closed) return;
      this.#shared.delete(key);
      if (this.#thread !== undefined) await this.#ask({ kind: 'release', key }).catch(() => undefined);
    };
    try {
      await this.#ask({ kind: 'load', key, file: model.path });
    } catch (error) {
      await release();
      throw error;
    }
    return { run: (inputs) => this.#ask({ kind: 'run', key, inputs }), release };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#stop.abort();
    const thread = this.#thread;
    this.#thread = undefined;
    for (const pending of this.#pending.values()) pending.reject(new ModelError('runtime', 'The host is closed.'));
    this.#pending.clear();
    await thread?.terminate();
  }

  #ask(request: WithoutId<OnnxRequest>): Promise<readonly Tensor[]> {
    if (this.#closed) return Promise.reject(new ModelError('runtime', 'The host is closed.'));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const pending: Pending = { request: { ...request, id } as OnnxRequest, resolve, reject, sent: 0 };
      this.#pending.set(id, pending);
      this.#send(pending);
    });
  }

  #send(pending: Pending): void {
    this.#thread ??= this.#startThread();
    pending.sent += 1;
    this.#thread.postMessage(pending.request);
    if (this.#pending.size > 1) return;
    this.#headSinceMs = this.#options.clock.monotonicMs();
    if (!this.#watching) void this.#watch();
  }

  /** Stops the thread when its oldest request takes too long. The thread works in order, so the oldest request is at fault. */
  async #watch(): Promise<void> {
    const { clock, timeoutMs = 30_000 } = this.#options;
    this.#watching = true;
    while (this.#pending.size > 0 && !this.#stop.signal.aborted) {
      await clock.sleep(Math.max(1, timeoutMs / 4), this.#stop.signal);
      const oldest = this.#pending.values().next().value;
      if (oldest === undefined || clock.monotonicMs() - this.#headSinceMs < timeoutMs) continue;
      this.#blame(oldest, new ModelError('timeout', `The model did not answer within ${timeoutMs} ms.`));
      this.#restart();
    }
    this.#watching = false;
  }

  #startThread(): Worker {
    const thread = new Worker(this.#options.threadFile, {
      workerData: { role: 'slipway-onnx' },
      resourceLimits: { maxOldGenerationSizeMb: this.#options.heapMebibytes ?? 64 },
      stdout: false,
    });
    thread.unref();
    thread.on('message', (answer: OnnxAnswer) => this.#settle(thread, answer));
    thread.on('error', (error) => this.#lost(thread, error));
    thread.on('exit', () => this.#lost(thread, new Error('the thread ended')));
    return thread;
  }

  #settle(thread: Worker, answer: OnnxAnswer): void {
    if (thread !== this.#thread) return;
    const pending = this.#pending.get(answer.id);
    if (pending === undefined) return;
    this.#pending.delete(answer.id);
    this.#headSinceMs = this.#options.clock.monotonicMs();
    if (answer.kind === 'done') pending.resolve(answer.outputs);
    else {
      pending.reject(new ModelError(answer.reason, answer.message));
      if (answer.fatal) this.#restart();
    }
  }

  #lost(thread: Worker, error: Error): void {
    if (thread !== this.#thread || this.#closed) return;
    const memory = (error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY';
    const oldest = this.#pending.values().next().value;
    if (oldest !== undefined) {
      this.#blame(oldest, new ModelError(memory ? 'out-of-memory' : 'runtime', error.message, error));
    }
    this.#restart();
  }

  /** Ends the request that broke the thread. A model that breaks it while loading is not loaded again. */
  #blame(pending: Pending, error: ModelError): void {
    const { kind, id, key } = pending.request;
    this.#pending.delete(id);
    const shared = this.#shared.get(key);
    if (kind === 'load' && shared !== undefined) shared.isBroken = true;
    pending.reject(error);
  }

  /** A new thread with all sessions in use; what waited is sent again, within bounds. */
  #restart(): void {
    const old = this.#thread;
    this.#thread = undefined;
    void old?.terminate();
    const waiting = [...this.#pending.values()];
    this.#pending.clear();
    this.#headSinceMs = this.#options.clock.monotonicMs();
    for (const [key, shared] of this.#shared) {
      if (!shared.isBroken) this.#ask({ kind: 'load', key, file: shared.file }).catch(() => undefined);
    }
    for (const pending of waiting) {
      if (pending.sent >= MOST_SENDS) {
        pending.reject(new ModelError('runtime', 'The runtime crashed repeatedly while this request waited.'));
        continue;
      }
      this.#pending.set(pending.request.id, pending);
      this.#send(pending);
    }
  }
}
