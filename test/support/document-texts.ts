// Owns the documents of system tests, as text that people would write.
import { type Digest, digestOf, hexOf } from '../../src/contract/digest.ts';

const CLASSES = ['invoice', 'receipt', 'letter', 'form'];

export interface ModelText {
  readonly model: string;
  readonly version: string;
  /** Class that the model always answers, 0..3. */
  readonly answers?: number;
  readonly sequence?: number;
}

export interface ManifestFacts extends ModelText {
  readonly artifact: Digest;
  readonly sizeBytes: number;
}

export function manifestText({
  model,
  version,
  answers = 0,
  sequence = 1,
  artifact,
  sizeBytes,
}: ManifestFacts): string {
  return `apiVersion: slipway.dev/v1alpha1
kind: ModelManifest
metadata: { name: ${model}, version: "${version}", sequence: ${sequence}, description: sorts paper }
spec:
  framework: onnx
  interface:
    inputs: [{ name: x, type: float32, shape: [-1, 4] }]
    outputs: [{ name: probabilities, type: float32, shape: [-1, 4], classes: [${CLASSES.join(', ')}] }]
  variants:
    - platform: any
      files:
        - { role: model, name: model.onnx, digest: "${artifact}", sizeBytes: ${sizeBytes}, url: "artifacts/${hexOf(artifact)}" }
  examples: [{ name: zeros, inputs: { x: [0, 0, 0, 0] }, expect: { class: ${CLASSES[answers]} } }]
  health: { warmUp: { duration: 100ms }, latencyP95: 10s }
`;
}

export function policyText(name: string, soak: string): string {
  return `apiVersion: slipway.dev/v1alpha1
kind: RolloutPolicy
metadata: { name: ${name}, description: over in a moment }
spec:
  appliesTo: { rollouts: ["*"] }
  stages:
    - { name: full, size: 100%, soak: ${soak}, minimum: { devices: 1 } }
`;
}

export function rolloutText(name: string, model: string, version: string, policy = 'quick'): string {
  return `apiVersion: slipway.dev/v1alpha1
kind: Rollout
metadata: { name: ${name} }
spec:
  model: ${model}
  version: "${version}"
  policy: ${policy}
  target: "*"
`;
}

/** The text with one byte changed: the last letter before `before`. */
export function withOneByteChanged(text: string, before: string): string {
  const i = text.indexOf(before) - 1;
  if (i < 0) throw new Error(`"${before}" is not in the text`);
  return `${text.slice(0, i)}${text[i] === 'x' ? 'y' : 'x'}${text.slice(i + 1)}`;
}

export function digestOfText(text: string): Digest {
  return digestOf(Buffer.from(text));
}
