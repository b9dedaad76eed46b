// Owns examples of a new version: what the model answers in the runtime of devices, and the self-test that each variant must pass with it.

import { type ModelHost, toModelError } from '../../fleet-agent/src/model/model-host.ts';
import { signatureOf } from '../../fleet-agent/src/model/model-signature.ts';
import { OnnxHost } from '../../fleet-agent/src/model/onnx-host.ts';
import { answerExample, selfTest } from '../../fleet-agent/src/model/self-test.ts';
import type { ModelFiles } from '../../fleet-agent/src/record/slots.ts';
import { SystemClock } from '../base/clock.ts';
import { CodedError } from '../base/errors.ts';
import type { ModelExample, ModelManifest } from '../contract/types.generated.ts';

export type Question = Omit<ModelExample, 'expect'>;

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
  let expect: ModelExample['expect'] | undefined;
  try {
    for (const files of variants.toReversed()) {
      const model = await host.load(files);
      expect ??= await answerExample(model, question, signature);
      const spec = { ...manifest.spec, examples: [{ ...question, expect }] };
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
  if (expect === undefined) throw refused('No variant is an ONNX file, and only those can be run here.');
  return { ...question, expect };
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
