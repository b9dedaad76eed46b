// Owns the interface of a runtime: load a model's files, run it, and say how it failed.
import type { FailureReason, FoundError } from '../../../src/contract/report.ts';
import type { ModelFiles } from '../record/slots.ts';
import type { Tensor } from './tensor.ts';

export interface LoadedModel {
  /** Throws a ModelError, INFER_ANSWER_LENGTH for a request whose answer is too long to be passed on, or INFER_SHAPE for inputs that the file does not take. */
  run(inputs: readonly Tensor[]): Promise<readonly Tensor[]>;
  /** Frees it. The caller has let all runs end before. */
  release(): Promise<void>;
}

/** Loads models. One host may serve many agents of a process; they share sessions of equal content. */
export interface ModelHost {
  /** Does it answer inferences itself? If not, another process does, and self-tests and measurements are that one's. */
  readonly canRun: boolean;
  /** Throws a ModelError of reason `load` or `out-of-memory`. */
  load(files: ModelFiles): Promise<LoadedModel>;
  close(): Promise<void>;
}

/** How a model failed, in the words of reports. */
export class ModelError extends Error {
  readonly reason: FoundError;

  constructor(reason: FoundError, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'ModelError';
    this.reason = reason;
  }
}

export function toModelError(thrown: unknown, reason: FoundError): ModelError {
  if (thrown instanceof ModelError) return thrown;
  return new ModelError(reason, thrown instanceof Error ? thrown.message : String(thrown), thrown);
}

/** The word for it where a whole version fails; `otherwise` for what is only known of answers. */
export function failureReasonOf(reason: FoundError, otherwise: FailureReason): FailureReason {
  return reason === 'runtime' || reason === 'bad-value' ? otherwise : reason;
}

/** For models that another process runs: nothing is loaded here, and asking it for an answer is an error. */
export const processHost: ModelHost = {
  canRun: false,
  async load() {
    return {
      async run() {
        throw new ModelError('runtime', 'Another process runs this model, not the agent.');
      },
      async release() {},
    };
  },
  async close() {},
};
