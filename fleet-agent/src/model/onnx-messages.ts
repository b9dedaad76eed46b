// Owns the messages between the agent and its ONNX thread.
import type { FoundError } from '../../../src/contract/report.ts';
import type { Ports } from '../record/slots.ts';
import type { Tensor } from './tensor.ts';

export interface LoadOrder {
  readonly file: string;
  /** Weights beside the model, by the name that the model gives them. */
  readonly data: readonly { readonly name: string; readonly path: string }[];
  /** Tensors that the model must have; null = nobody says. */
  readonly ports: Ports | null;
}

export type OnnxRequest =
  | ({ readonly kind: 'load'; readonly id: number; readonly key: string } & LoadOrder)
  | {
      readonly kind: 'run';
      readonly id: number;
      readonly key: string;
      readonly inputs: readonly Tensor[];
      /** Names of the outputs to fetch; null = all that are tensors. */
      readonly outputs: readonly string[] | null;
    }
  | { readonly kind: 'release'; readonly id: number; readonly key: string };

export type OnnxAnswer =
  | { readonly kind: 'done'; readonly id: number; readonly outputs: readonly Tensor[] }
  | {
      readonly kind: 'failed';
      readonly id: number;
      /** `too-long`: the answer would hold more values than are passed on. `refused`: the file takes no input of this shape. */
      readonly reason: FoundError | 'too-long' | 'refused';
      readonly message: string;
      /** The WebAssembly instance aborted: nothing in this thread can be trusted to run again. */
      readonly fatal: boolean;
    };
