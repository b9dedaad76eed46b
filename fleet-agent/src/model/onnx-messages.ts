// Owns the messages between the agent and its ONNX thread.
import type { ErrorReason } from '../../../src/contract/report.ts';
import type { Tensor } from './tensor.ts';

export type OnnxRequest =
  | { readonly kind: 'load'; readonly id: number; readonly key: string; readonly file: string }
  | { readonly kind: 'run'; readonly id: number; readonly key: string; readonly inputs: readonly Tensor[] }
  | { readonly kind: 'release'; readonly id: number; readonly key: string };

export type OnnxAnswer =
  | { readonly kind: 'done'; readonly id: number; readonly outputs: readonly Tensor[] }
  | {
      readonly kind: 'failed';
      readonly id: number;
      readonly reason: ErrorReason;
      readonly message: string;
      /** The WebAssembly instance aborted: nothing in this thread can be trusted to run again. */
      readonly fatal: boolean;
    };
