// Owns the self-test: the manifest's examples, run on the loaded model before it may serve.
import type { ModelExample, ModelManifest } from '../../../src/contract/types.generated.ts';
import { type LoadedModel, toModelError } from './model-host.ts';
import { checkInputs, judgeOutputs, type ModelSignature, type Port } from './model-signature.ts';
import { packTensor, type Tensor, unpackTensor } from './tensor.ts';

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
      const inputs = checkInputs(
        signature,
        signature.inputs.map((port) => exampleTensor(port, example)),
      );
      const outputs = await model.run(inputs);
      const problem = compare(example, outputs, signature);
      if (problem !== undefined)
        return { kind: 'failed', reason: 'self-test', message: `Example "${example.name}": ${problem}` };
    } catch (error) {
      const { reason, message } = toModelError(error, 'runtime');
      const isOfTest = reason === 'runtime' || reason === 'load';
      return {
        kind: 'failed',
        reason: isOfTest ? 'self-test' : reason,
        message: `Example "${example.name}": ${message}`,
      };
    }
  }
  return { kind: 'passed', examples: examples.length };
}

/** The example's flat values in the promised shape; the number of values gives the length of an open first dimension. */
function exampleTensor(port: Port, example: ModelExample): Tensor {
  const values = example.inputs[port.name] ?? [];
  const fixed = port.shape.reduce((product, length) => (length === -1 ? product : product * length), 1);
  const open = port.shape.indexOf(-1);
  const shape = port.shape.map((length, i) =>
    length !== -1 ? length : i === open ? Math.max(1, values.length / fixed) : 1,
  );
  return packTensor(port.name, port.datatype, shape, values);
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
    const found = unpackTensor(output);
    if (found.length !== expected.length) return `"${name}" has ${found.length} values instead of ${expected.length}.`;
    const wrong = expected.findIndex((value, i) => !isNear(value, found[i], tolerance));
    if (wrong !== -1)
      return `"${name}" at ${wrong} is ${found[wrong]}, expected ${expected[wrong]} (tolerance ${tolerance}).`;
  }
  return undefined;
}

function isNear(expected: unknown, found: unknown, tolerance: number): boolean {
  if (typeof expected === 'number' && typeof found === 'number') return Math.abs(expected - found) <= tolerance;
  return expected === found;
}
