// Owns examples of a new version: what the model answers in the runtime of devices, and the self-test that each variant must pass with it.

import { type ModelHost, toModelError } from '../../fleet-agent/src/model/model-host.ts';
import { signatureOf } from '../../fleet-agent/src/model/model-signature.ts';
import { OnnxHost } from '../../fleet-agent/src/model/onnx-host.ts';
import { answerExample, type ExampleAnswer, selfTest } from '../../fleet-agent/src/model/self-test.ts';
import { type Tensor, valueAt } from '../../fleet-agent/src/model/tensor.ts';
import type { ModelFiles } from '../../fleet-agent/src/record/slots.ts';
import { SystemClock } from '../base/clock.ts';
import { CodedError } from '../base/errors.ts';
import type { ModelExample, ModelManifest } from '../contract/types.generated.ts';
import type { Question } from './example-question.ts';

export interface ExampleFacts {
  readonly question: Question;
  /** Valid but for the example's answer. */
  readonly manifest: ModelManifest;
  /** Class names of a `labels` file. */
  readonly labels: readonly string[];
  /** Files of each ONNX variant, as its manifest lists them. */
  readonly variants: readonly ModelFiles[];
}

/**
 * The example with the answer of the last variant, the most general one. Throws PACKAGE_EXAMPLE for a model that does not run, or variants that
 * answer differently: devices would refuse them.
 */
export async function withAnswer({ question, manifest, labels, variants }: ExampleFacts): Promise<ModelExample> {
  const threadFile = new URL('../../fleet-agent/src/model/onnx-thread.ts', import.meta.url);
  const host: ModelHost = new OnnxHost({ clock: new SystemClock(), threadFile });
  const signature = signatureOf(manifest, labels);
  let example: ModelExample | undefined;
  try {
    for (const files of variants.toReversed()) {
      const model = await host.load(files);
      example ??= answered(question, await answerExample(model, question, signature), manifest);
      const spec = { ...manifest.spec, examples: [example] };
      const result = await selfTest(model, { ...manifest, spec }, signature);
      await model.release();
      if (result.kind === 'failed') throw refused(`${files.byRole.model?.path}: ${result.message}`);
    }
  } catch (error) {
    if (error instanceof CodedError) throw error;
    throw refused(toModelError(error, 'runtime').message, error);
  } finally {
    await host.close();
  }
  if (example === undefined) throw refused('No variant is an ONNX file, and only those can be run here.');
  return example;
}

/** Outputs with more values are left out of an answer: the example is then run, and must give finite numbers in shapes that fit. */
const MOST_VALUES = 1000;

/** The class, or the values of the outputs, with their shapes where the interface leaves those open. */
function answered(question: Question, { outputs, className }: ExampleAnswer, manifest: ModelManifest): ModelExample {
  if (className !== null) return { ...question, expect: { class: className } };
  const written = outputs.filter(({ data }) => data.length <= MOST_VALUES);
  // An open dimension counts as 1 where no shape is stated.
  const assumed = (name: string): readonly number[] =>
    manifest.spec.interface.outputs.find((one) => one.name === name)?.shape.map((size) => Math.abs(size)) ?? [];
  const open = written.filter(({ name, shape }) => String(shape) !== String(assumed(name)));
  const shapes = { ...question.shapes, ...Object.fromEntries(open.map(({ name, shape }) => [name, [...shape]])) };
  const tolerance = toleranceOf(written);
  const values = Object.fromEntries(written.map((one) => [one.name, valuesOf(one, tolerance / 10)]));
  const expect = { outputs: values, ...(tolerance > LEAST_TOLERANCE ? { tolerance } : {}) };
  return { ...question, ...(Object.keys(shapes).length > 0 ? { shapes } : {}), expect };
}

/** As devices take it where an example says none. */
const LEAST_TOLERANCE = 1e-3;

/** Runtimes differ in the last digits: of numbers in the thousands more than an answer between 0 and 1 may. */
function toleranceOf(outputs: readonly Tensor[]): number {
  const floats = outputs.filter(({ datatype }) => datatype.startsWith('FP'));
  let largest = 1;
  for (const { data } of floats) for (const value of data) largest = Math.max(largest, Math.abs(Number(value)));
  return Math.max(LEAST_TOLERANCE, Number(`1e${Math.ceil(Math.log10(largest)) - 4}`));
}

/** Rounded well below the tolerance, so that machines that differ in the last digits write the same manifest. */
function valuesOf(tensor: Tensor, step: number): (number | string | boolean)[] {
  const isFloat = tensor.datatype.startsWith('FP');
  return Array.from({ length: tensor.data.length }, (_, i) => {
    const value = valueAt(tensor, i) ?? 0;
    if (typeof value === 'bigint') return String(value);
    if (!isFloat || typeof value !== 'number') return value;
    return Number((Math.round(value / step) * step).toPrecision(12)) + 0;
  });
}

function refused(problem: string, cause?: unknown): CodedError {
  return new CodedError({
    code: 'PACKAGE_EXAMPLE',
    message: `The example has no answer. ${problem}`,
    remedy:
      'Correct the example or the model. An answer that differs by variant can be written by hand, with a `tolerance`.',
    ...(cause === undefined ? {} : { cause }),
  });
}
