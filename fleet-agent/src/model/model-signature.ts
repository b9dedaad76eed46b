// Owns a model's signature: its inputs and outputs, and the checks of requests and answers against them.
import { type DeclaredOutputs, declaredOutputs } from '../../../src/contract/declared-outputs.ts';
import type { ModelManifest, OutputTensor } from '../../../src/contract/types.generated.ts';
import type { Ports, Port as PromisedPort } from '../record/slots.ts';
import { ModelError } from './model-host.ts';
import { type Datatype, elementsOf, findDatatype, shapeError, type Tensor, tooLong } from './tensor.ts';

export interface Port extends PromisedPort {
  readonly datatype: Datatype;
}

export interface ModelSignature {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  /** The output whose rows hold a score for each class, if there is one. */
  readonly classes: {
    readonly output: string;
    readonly names: readonly string[];
    readonly scores: NonNullable<OutputTensor['scores']>;
  } | null;
  /** Outputs that are summed up. */
  readonly declared: DeclaredOutputs;
  /** Below this confidence an answer counts as unknown; 0 = never. */
  readonly confidenceLeast: number;
}

/** What one answer row says: its class (index and name) and how sure the model is. */
export interface Judgement {
  readonly className: string;
  readonly confidence: number;
}

/** `labels` are the names in the variant's `labels` file. Throws a ModelError `load` where they are not as many as the manifest says. */
export function signatureOf(manifest: ModelManifest, labels: readonly string[] | null = null): ModelSignature {
  const { inputs, outputs } = manifest.spec.interface;
  const withClasses = outputs.find(({ classes = [], classCount }) => classes.length > 0 || classCount !== undefined);
  return {
    inputs: inputs.map(portOf),
    outputs: outputs.map(portOf),
    classes: withClasses === undefined ? null : classesOf(withClasses, labels ?? []),
    declared: declaredOutputs(outputs),
    confidenceLeast: manifest.spec.confidence?.least ?? 0,
  };
}

function classesOf(
  { name: output, classes, classCount, scores = 'probabilities' }: OutputTensor,
  labels: readonly string[],
) {
  if (classCount !== undefined && labels.length !== classCount)
    throw new ModelError('load', `The labels file has ${labels.length} lines for ${classCount} classes.`);
  return { output, names: classes ?? labels, scores };
}

/** The tensors that the model file must have. */
export function portsOf({ inputs, outputs }: ModelSignature): Ports {
  return { inputs, outputs };
}

function portOf({ name, type, shape }: { name: string; type: string; shape: readonly number[] }): Port {
  const datatype = findDatatype(type);
  if (datatype === undefined)
    throw new ModelError('load', `The type ${type} of "${name}" can't be served by this agent.`);
  return { name, datatype, shape };
}

/** The tensors in the model's order. Throws INFER_SHAPE where names, types or shapes are not those of the interface: the model is not asked then. */
export function checkInputs(signature: ModelSignature, inputs: readonly Tensor[]): readonly Tensor[] {
  const unknown = inputs.find((input) => !signature.inputs.some((port) => port.name === input.name));
  if (unknown !== undefined) throw shapeError(`the model has no input "${unknown.name}"`);
  return signature.inputs.map((port) => {
    const given = inputs.filter((one) => one.name === port.name);
    const [input] = given;
    if (input === undefined || given.length > 1)
      throw shapeError(`the input "${port.name}" is ${input === undefined ? 'missing' : 'there twice'}`);
    const misfit = input.data.length === elementsOf(port.name, input.shape) ? misfitOf(port, input) : 'not whole';
    if (misfit !== undefined) throw shapeError(`the input "${port.name}" is ${misfit}`);
    return input;
  });
}

function misfitOf(port: Port, tensor: Tensor): string | undefined {
  const fits =
    tensor.shape.length === port.shape.length && port.shape.every((want, i) => want === -1 || want === tensor.shape[i]);
  if (tensor.datatype === port.datatype && fits) return undefined;
  return `${tensor.datatype} [${tensor.shape}]; the model's interface says ${port.datatype} [${port.shape}]`;
}

/** Rows of a request that has no answer: as many as the class output always has, else the length of the first input that takes any number of rows. */
export function rowsOf({ inputs: ports, outputs, classes }: ModelSignature, inputs: readonly Tensor[]): number {
  const answer = outputs.find(({ name }) => name === classes?.output)?.shape ?? [];
  const fixed = answer.length > 1 ? (answer[0] ?? -1) : -1;
  if (fixed > 0) return fixed;
  const port = ports.find(({ shape }) => shape[0] === -1);
  return Math.max(1, inputs.find(({ name }) => name === port?.name)?.shape[0] ?? 1);
}

/**
 * Class and confidence of each row; empty for models without classes. Throws a ModelError for an answer that is none: `bad-shape` for other
 * tensors than promised, `bad-value` for numbers that mean nothing. INFER_ANSWER_LENGTH for more rows than can be judged.
 */
export function judgeOutputs(signature: ModelSignature, outputs: readonly Tensor[]): Judgement[] {
  for (const port of signature.outputs) {
    const output = outputs.find((one) => one.name === port.name);
    if (output === undefined) throw new ModelError('bad-shape', `The model gave no output "${port.name}".`);
    const misfit = misfitOf(port, output);
    if (misfit !== undefined) throw new ModelError('bad-shape', `The output "${port.name}" is ${misfit}.`);
    checkFinite(output);
  }
  const { classes } = signature;
  const output = outputs.find((one) => one.name === classes?.output);
  if (classes === null || output === undefined) return [];
  const width = classes.names.length;
  const rows = output.shape.length > 1 ? (output.shape[0] ?? 1) : 1;
  if (rows > MOST_ROWS) throw tooLong(`it holds ${rows} rows, and ${MOST_ROWS} are judged`);
  if (output.data.length !== rows * width) {
    const message = `"${output.name}" has ${output.data.length} values for ${rows} rows of ${width} classes.`;
    throw new ModelError('bad-shape', message);
  }
  return Array.from({ length: rows }, (_, row) => {
    const { best, confidence } = judgeRow(output, { from: row * width, width, scores: classes.scores });
    return { className: classes.names[best] ?? String(best), confidence };
  });
}

/** Rows of one answer: each has a class and a confidence in the heap. */
const MOST_ROWS = 65_536;

/** NaN and the infinities are no answer, and JSON can't say them. */
function checkFinite({ name, data, datatype }: Tensor): void {
  if (!datatype.startsWith('FP')) return;
  const values = data as Float32Array;
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i])) continue;
    throw new ModelError('bad-value', `The output "${name}" at ${i} is ${values[i]}, which is not a finite number.`);
  }
}

/** Sums of rounded probabilities may miss 0 or 1 by this. */
const ROUNDING = 1e-3;

function judgeRow(
  { name, data }: Tensor,
  { from, width, scores }: { readonly from: number; readonly width: number; readonly scores: string },
): { best: number; confidence: number } {
  let [best, least, most] = [0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < width; i++) {
    const score = Number(data[from + i]);
    least = Math.min(least, score);
    if (score <= most) continue;
    most = score;
    best = i;
  }
  if (scores === 'logits') {
    let sum = 0;
    for (let i = 0; i < width; i++) sum += Math.exp(Number(data[from + i]) - most);
    return { best, confidence: 1 / sum };
  }
  if (!(least >= -ROUNDING && most <= 1 + ROUNDING)) {
    const found = least < -ROUNDING ? least : most;
    const hint = 'where they are logits, the manifest says `scores: logits`';
    throw new ModelError('bad-value', `A score in "${name}" is ${found}; probabilities lie from 0 to 1 (${hint}).`);
  }
  return { best, confidence: Math.min(1, Math.max(0, most)) };
}
