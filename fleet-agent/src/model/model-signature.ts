// Owns a model's signature: its inputs and outputs, and the checks of requests and answers against them.
import type { ModelManifest, OutputTensor } from '../../../src/contract/types.generated.ts';
import { ModelError } from './model-host.ts';
import { type Datatype, elementsOf, findDatatype, type Tensor, unpackTensor } from './tensor.ts';

export interface Port {
  readonly name: string;
  readonly datatype: Datatype;
  /** -1 = any length. */
  readonly shape: readonly number[];
}

export interface ModelSignature {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  /** The output whose columns are classes, if there is one. */
  readonly classes: { readonly output: string; readonly names: readonly string[] } | null;
  /** Below this confidence an answer counts as unknown; 0 = never. */
  readonly confidenceLeast: number;
}

/** What one answer row says: its class (index and name) and how sure the model is. */
export interface Judgement {
  readonly className: string;
  readonly confidence: number;
}

/** Throws a ModelError of reason `load` for a datatype that no tensor here can hold. */
export function signatureOf(manifest: ModelManifest): ModelSignature {
  const { inputs, outputs } = manifest.spec.interface;
  const withClasses: OutputTensor | undefined = outputs.find((output) => (output.classes?.length ?? 0) > 0);
  return {
    inputs: inputs.map(portOf),
    outputs: outputs.map(portOf),
    classes: withClasses === undefined ? null : { output: withClasses.name, names: withClasses.classes ?? [] },
    confidenceLeast: manifest.spec.confidence?.least ?? 0,
  };
}

function portOf({ name, type, shape }: { name: string; type: string; shape: readonly number[] }): Port {
  const datatype = findDatatype(type);
  if (datatype === undefined)
    throw new ModelError('load', `The type ${type} of "${name}" can't be served by this agent.`);
  return { name, datatype, shape };
}

/** The tensors in the model's order; throws a ModelError `bad-shape` when names, types or shapes are not the promised ones. */
export function checkInputs(signature: ModelSignature, inputs: readonly Tensor[]): readonly Tensor[] {
  const unknown = inputs.find((input) => !signature.inputs.some((port) => port.name === input.name));
  if (unknown !== undefined) throw new ModelError('bad-shape', `The model has no input "${unknown.name}".`);
  return signature.inputs.map((port) => {
    const input = inputs.find((one) => one.name === port.name);
    if (input === undefined) throw new ModelError('bad-shape', `The input "${port.name}" is missing.`);
    checkPort('input', port, input);
    return input;
  });
}

function checkPort(side: 'input' | 'output', port: Port, tensor: Tensor): void {
  const fits =
    tensor.shape.length === port.shape.length && port.shape.every((want, i) => want === -1 || want === tensor.shape[i]);
  if (tensor.datatype === port.datatype && fits && tensor.data.length === elementsOf(tensor.shape)) return;
  const [have, want] = [`${tensor.datatype} [${tensor.shape}]`, `${port.datatype} [${port.shape}]`];
  throw new ModelError('bad-shape', `The ${side} "${port.name}" is ${have}; the model's interface says ${want}.`);
}

/** Rows of a request: the length of the first open dimension, else 1. */
export function rowsOf(signature: ModelSignature, inputs: readonly Tensor[]): number {
  const port = signature.inputs[0];
  const open = port?.shape.indexOf(-1) ?? -1;
  const length = inputs.find((input) => input.name === port?.name)?.shape[open];
  return open === 0 && length !== undefined && length >= 1 ? length : 1;
}

/** Class and confidence of each row; empty for models without classes. Throws a ModelError `bad-shape` for broken answers. */
export function judgeOutputs(signature: ModelSignature, outputs: readonly Tensor[]): Judgement[] {
  for (const port of signature.outputs) {
    const output = outputs.find((one) => one.name === port.name);
    if (output === undefined) throw new ModelError('bad-shape', `The model gave no output "${port.name}".`);
    checkPort('output', port, output);
  }
  const { classes } = signature;
  const output = outputs.find((one) => one.name === classes?.output);
  if (classes === null || output === undefined) return [];
  const values = unpackTensor(output).map(Number);
  const width = classes.names.length;
  if (values.length % width !== 0)
    throw new ModelError('bad-shape', `"${output.name}" has ${values.length} values for ${width} classes.`);
  return Array.from({ length: values.length / width }, (_, row) =>
    judgeRow(classes.names, values.slice(row * width, (row + 1) * width)),
  );
}

function judgeRow(names: readonly string[], row: readonly number[]): Judgement {
  let best = 0;
  for (let i = 0; i < row.length; i++) {
    const value = row[i] ?? Number.NaN;
    if (Number.isNaN(value)) throw new ModelError('runtime', 'The model answered with a value that is not a number.');
    if (value > (row[best] ?? 0)) best = i;
  }
  return { className: names[best] ?? String(best), confidence: Math.min(1, Math.max(0, row[best] ?? 0)) };
}
