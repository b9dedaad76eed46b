// Owns one thread with ONNX Runtime: it works in order, so what it worked on is to blame when it hangs or dies, and a fresh one takes its place.
import os from 'node:os';
import process from 'node:process';
import { Worker } from 'node:worker_threads';
import type { Clock } from '../../../src/base/clock.ts';
import { ModelError } from './model-host.ts';
import type { OnnxAnswer, OnnxRequest } from './onnx-messages.ts';
import { shapeError, type Tensor, tooLong } from './tensor.ts';

export interface RuntimeOptions {
  readonly clock: Clock;
  /** The thread's script: `onnx-thread.ts`, or the bundle's second file. */
  readonly threadFile: string | URL;
  /** A run or load that takes longer is stopped, with its thread. Default 30 s. */
  readonly timeoutMs?: number;
  /** Heap that JavaScript in the thread may take, in MiB; WebAssembly memory is not part of it. Default 64. */
  readonly heapMebibytes?: number;
  /** WebAssembly memory of the thread, in MiB: a model that wants more fails alone. Default: half of what the process may have. */
  readonly memoryMebibytes?: number;
}

/** A request that waits for its answer. */
export interface Pending {
  readonly request: OnnxRequest;
  readonly resolve: (outputs: readonly Tensor[]) => void;
  readonly reject: (error: Error) => void;
  sent: number;
}

/** The thread is gone: the request that broke it has been answered, those behind it are still waiting. */
export type OnBroken = (broke: OnnxRequest | undefined, waiting: readonly Pending[]) => void;

/** As the unit's limit says where there is one. A copy of an answer must fit beside the runtime's own. */
function memoryFor({ memoryMebibytes }: RuntimeOptions): number {
  const limit = process.constrainedMemory() || os.totalmem();
  return memoryMebibytes ?? Math.min(4096, Math.floor(Math.min(limit, os.totalmem()) / 2 ** 21));
}

export class RuntimeThread {
  readonly #options: RuntimeOptions;
  readonly #onBroken: OnBroken;
  readonly #pending = new Map<number, Pending>();
  readonly #stop = new AbortController();
  #thread: Worker | undefined;
  #watching = false;
  #headSinceMs = 0;

  constructor(options: RuntimeOptions, onBroken: OnBroken) {
    this.#options = options;
    this.#onBroken = onBroken;
  }

  get isIdle(): boolean {
    return this.#thread === undefined;
  }

  send(pending: Pending): void {
    if (this.#stop.signal.aborted) {
      pending.reject(new ModelError('runtime', 'The host is closed.'));
      return;
    }
    this.#pending.set(pending.request.id, pending);
    this.#thread ??= this.#start();
    pending.sent += 1;
    this.#thread.postMessage(pending.request);
    if (this.#pending.size > 1) return;
    this.#headSinceMs = this.#options.clock.monotonicMs();
    if (!this.#watching) void this.#watch();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    const thread = this.#thread;
    this.#thread = undefined;
    for (const pending of this.#pending.values()) pending.reject(new ModelError('runtime', 'The host is closed.'));
    this.#pending.clear();
    await thread?.terminate();
  }

  /** Stops the thread when its oldest request takes too long. */
  async #watch(): Promise<void> {
    const { clock, timeoutMs = 30_000 } = this.#options;
    this.#watching = true;
    while (this.#pending.size > 0 && !this.#stop.signal.aborted) {
      await clock.sleep(Math.max(1, timeoutMs / 4), this.#stop.signal);
      if (this.#pending.size === 0 || clock.monotonicMs() - this.#headSinceMs < timeoutMs) continue;
      this.#break(new ModelError('timeout', `The model did not answer within ${timeoutMs} ms.`));
    }
    this.#watching = false;
  }

  #start(): Worker {
    const thread = new Worker(this.#options.threadFile, {
      workerData: { role: 'slipway-onnx', memoryMebibytes: memoryFor(this.#options) },
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
    const pending = this.#pending.get(answer.id);
    if (thread !== this.#thread || pending === undefined) return;
    if (answer.kind === 'failed' && answer.fatal) {
      this.#break(errorOf(answer));
      return;
    }
    this.#pending.delete(answer.id);
    this.#headSinceMs = this.#options.clock.monotonicMs();
    if (answer.kind === 'done') pending.resolve(answer.outputs);
    else pending.reject(errorOf(answer));
  }

  #lost(thread: Worker, error: Error): void {
    if (thread !== this.#thread) return;
    const isMemory = (error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY';
    this.#break(new ModelError(isMemory ? 'out-of-memory' : 'runtime', error.message, error));
  }

  /** The end of the thread is an error of the request that it worked on, and of no other. */
  #break(error: Error): void {
    const old = this.#thread;
    this.#thread = undefined;
    void old?.terminate();
    const [head, ...waiting] = this.#pending.values();
    this.#pending.clear();
    head?.reject(error);
    this.#onBroken(head?.request, waiting);
  }
}

function errorOf({ reason, message }: Extract<OnnxAnswer, { kind: 'failed' }>): Error {
  if (reason === 'too-long') return tooLong(message);
  return reason === 'refused' ? shapeError(message) : new ModelError(reason, message);
}
