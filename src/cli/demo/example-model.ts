// Owns the demo's documents: manifests of real trained versions, a quick policy, and a rollout, as text that people would write.

import { FEATURE_COUNT } from '../../../examples/invoices/data.ts';
import { type Classifier, DEMO_VERSIONS, trainClassifier } from '../../../examples/invoices/train.ts';
import { type Digest, hexOf } from '../../contract/digest.ts';

export const DEMO_MODEL = 'document-classifier';
export const DEMO_ROLLOUT = 'document-classifier-eu';
export const DEMO_POLICY = 'quick';

export type DemoVersion = keyof typeof DEMO_VERSIONS;

/** Trains a version from its seed: a second or so, and the same bytes each time. */
export function trainDemoVersion(version: DemoVersion): Classifier {
  return trainClassifier(DEMO_VERSIONS[version]);
}

export interface ManifestFacts {
  readonly version: string;
  readonly sequence?: number;
  readonly parent: string | null;
  readonly classifier: Classifier;
  readonly artifact: { readonly digest: Digest; readonly sizeBytes: number };
}

/** A manifest as CI would write it. JSON members in flow style are YAML too. */
export function manifestText({ version, sequence, parent, classifier, artifact }: ManifestFacts): string {
  const { classes, metrics, examples } = classifier;
  const lineage = parent === null ? '' : `  lineage: { parent: "${parent}" }\n`;
  return `apiVersion: slipway.dev/v1alpha1
kind: ModelManifest
metadata:
  name: ${DEMO_MODEL}
  version: "${version}"
${sequence === undefined ? '' : `  sequence: ${sequence}\n`}  description: Classifies the documents that a scanner reads.
spec:
  framework: onnx
${lineage}  metrics: { accuracy: ${metrics.accuracy.toFixed(4)} }
  interface:
    inputs: [{ name: x, type: float32, shape: [-1, ${FEATURE_COUNT}] }]
    outputs: [{ name: probabilities, type: float32, shape: [-1, ${classes.length}], classes: [${classes.join(', ')}] }]
  confidence: { least: 0.5 }
  variants:
    - platform: any
      files:
        - { role: model, name: model.onnx, digest: "${artifact.digest}", sizeBytes: ${artifact.sizeBytes}, url: "artifacts/${hexOf(artifact.digest)}" }
  examples:
${examples.map((example) => `    - ${JSON.stringify(example)}`).join('\n')}
  health:
    warmUp: { duration: 1s, inferences: 20 }
    errorRate: 20%
`;
}

export interface PolicyFacts {
  /** Devices of the canary. */
  readonly canaryDevices: number;
  readonly rampPercent: number;
  readonly soak: string;
}

export function policyText({ canaryDevices, rampPercent, soak }: PolicyFacts): string {
  return `apiVersion: slipway.dev/v1alpha1
kind: RolloutPolicy
metadata:
  name: ${DEMO_POLICY}
  description: Seconds instead of hours, for a demonstration; everything else is as in production.
spec:
  appliesTo: { rollouts: ["document-*"] }
  stages:
    - name: canary
      size: { devices: ${canaryDevices} }
      soak: ${soak}
      minimum: { devices: ${Math.min(3, canaryDevices)}, inferences: 200 }
      silence: 20s
      rules:
        - error_rate < 1%
        - vanished_classes == 0
        - { rule: confidence_drift < 0.25, dryRun: true }   # shown, but never decides
        - latency_p95 < 5x baseline, floor 500ms
        - failed_devices < 34%
        - { rule: unknown_rate < 25%, dryRun: true }
    - { name: ramp, size: ${rampPercent}%, soak: ${soak} }
    - { name: full, size: 100%, soak: ${soak}, holdBack: 0 }   # a demonstration is too short for those held back
`;
}

export function rolloutText(version: string): string {
  return `apiVersion: slipway.dev/v1alpha1
kind: Rollout
metadata: { name: ${DEMO_ROLLOUT} }
spec:
  model: ${DEMO_MODEL}
  version: "${version}"   # change this line, commit, push: Slipway does the rest
  policy: ${DEMO_POLICY}
  target: region:eu-west
`;
}
