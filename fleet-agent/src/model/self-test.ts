// Owns the self-test: the manifest's examples, run on the loaded model before it may serve.
import { elementOf, type TensorElement } from '../../../src/contract/tensor-values.ts';
import type { ModelExample, ModelManifest } from '../../../src/contract/types.generated.ts';
import { type LoadedModel, toModelError } from './model-host.ts';
import { checkInputs, judgeOutputs, type ModelSignature, type Port } from './model-signature.ts';
import { elementTypeOf, packTensor, type Tensor, valueAt } from './tensor.ts';

/** How far outputs may be from the expected ones where an example states no tolerance: runtimes differ in the last digits. */
const DEFAULT_TOLERANCE = 1e-3;

export type SelfTestResult =
  | { readonly kind: 'passed'; readonly examples: number }
  | {
      readonly kind: 'failed';
      readonly reason: 'self-test' | 'out-of-memory' | 'timeout' | 'bad-shape';
      readonly message: string;
    };

/** Runs each example once. A model without examples passes when it loads. */
export async function selfTest(
  model: LoadedModel,
  manifest: ModelManifest,
  signature: ModelSignature,
): Promise<SelfTestResult> {
  const examples = manifest.spec.examples ?? [];
  for (const example of examples) {
    try {
      const outputs = await ask(model, example, signature);
      const problem = compare(example, outputs, signature);
      if (problem !== undefined)
        return { kind: 'failed', reason: 'self-test', message: `Example "${example.name}": ${problem}` };
    } catch (error) {
      const { reason, message } = toModelError(error, 'runtime');
      const isOfTest = reason === 'runtime' || reason === 'load' || reason === 'bad-value';
      return {
        kind: 'failed',
        reason: isOfTest ? 'self-test' : reason,
        message: `Example "${example.name}": ${message}`,
      };
    }
  }
  return { kind: 'passed', examples: examples.length };
}

export interface ExampleAnswer {
  readonly outputs: readonly Tensor[];
  /** Null for a model without classes. */
  readonly className: string | null;
}

/** What the model answers to an example now. Throws what asking it throws. */
export async function answerExample(
  model: LoadedModel,
  example: Question,
  signature: ModelSignature,
): Promise<ExampleAnswer> {
  const outputs = await ask(model, example, signature);
  const [judgement] = judgeOutputs(signature, outputs);
  return { outputs, className: judgement?.className ?? null };
}

type Question = Pick<ModelExample, 'inputs' | 'shapes'>;

async function ask(model: LoadedModel, example: Question, signature: ModelSignature): Promise<readonly Tensor[]> {
  const tensors = signature.inputs.map((port) => exampleTensor(port, example));
  return model.run(checkInputs(signature, tensors));
}

/** The example's values in the shape that it states, or in the promised one: the number of values gives the length of its first open dimension. */
function exampleTensor(port: Port, example: Question): Tensor {
  const values = example.inputs[port.name] ?? [];
  const fixed = port.shape.reduce((product, length) => (length === -1 ? product : product * length), 1);
  const open = port.shape.indexOf(-1);
  const shape = port.shape.map((length, i) =>
    length !== -1 ? length : i === open ? Math.max(1, values.length / fixed) : 1,
  );
  return packTensor(port.name, port.datatype, example.shapes?.[port.name] ?? shape, values);
}

function compare(example: ModelExample, outputs: readonly Tensor[], signature: ModelSignature): string | undefined {
  const { class: wanted, outputs: values = {}, tolerance = DEFAULT_TOLERANCE } = example.expect;
  const [judgement] = judgeOutputs(signature, outputs);
  if (wanted !== undefined && judgement?.className !== wanted) {
    return `expected class "${wanted}", got ${judgement === undefined ? 'no class' : `"${judgement.className}"`}.`;
  }
  for (const [name, expected] of Object.entries(values)) {
    const output = outputs.find((one) => one.name === name);
    if (output === undefined) return `there is no output "${name}".`;
    const { length } = output.data;
    if (length !== expected.length) return `"${name}" has ${length} values instead of ${expected.length}.`;
    const type = elementTypeOf(output.datatype);
    const wrong = expected.findIndex((value, i) => !isNear(elementOf(type, value), valueAt(output, i), tolerance));
    if (wrong !== -1)
      return `"${name}" at ${wrong} is ${valueAt(output, wrong)}, expected ${expected[wrong]} (tolerance ${tolerance}).`;
  }
  return undefined;
}

function isNear(expected: TensorElement, found: TensorElement | undefined, tolerance: number): boolean {
  if (typeof found === 'bigint') {
    const gap = found - BigInt(expected);
    return gap <= tolerance && gap >= -tolerance;
  }
  if (typeof expected === 'number' && typeof found === 'number') return Math.abs(expected - found) <= tolerance;
  return expected === found;
}
