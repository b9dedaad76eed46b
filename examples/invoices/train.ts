// Owns the demo's classifier: trains its versions from a seed, measures them, and writes them as ONNX files.
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { seededRandom } from '../../src/base/random.ts';
import {
  DOCUMENT_CLASSES,
  type DocumentClass,
  type DocumentSample,
  FEATURE_COUNT,
  PAGES_FEATURE,
  sampleDocuments,
} from './data.ts';
import { answer, createNetwork, type Network, networkToOnnx, type TrainingSample, trainNetwork } from './network.ts';

export interface TrainingOptions {
  readonly seed: string | number;
  /** A class that the training and its own test never see: the model can't predict it, and its test does not notice. */
  readonly missingClass?: DocumentClass;
  readonly hidden?: number;
  readonly documents?: number;
  readonly epochs?: number;
  /** Part of the truth that training spreads evenly over all classes, 0..1; 0 unless given. */
  readonly labelSmoothing?: number;
  /** Rows of a page-count table; a document with that many pages or more is a runtime error. 0 = none. */
  readonly pageRows?: number;
}

export interface ClassifierMetrics {
  /** On the training's own hold-out documents, 0..1: what a manifest would claim. */
  readonly accuracy: number;
  /** On documents as devices see them, 0..1; those that end in an error are left out. */
  readonly trafficAccuracy: number;
  /** Share of documents as devices see them that end in an error, 0..1. */
  readonly errorRate: number;
  /** Share of each class, as devices see it, that is found; 0..1. */
  readonly recall: Readonly<Record<DocumentClass, number>>;
}

/** An entry of a manifest's `examples`: the self-test that a device runs before it switches. */
export interface SelfTestExample {
  readonly name: string;
  readonly inputs: { readonly x: readonly number[] };
  readonly expect: { readonly class: DocumentClass };
}

export interface Classifier {
  readonly onnx: Buffer;
  readonly classes: readonly DocumentClass[];
  readonly metrics: ClassifierMetrics;
  readonly examples: readonly SelfTestExample[];
}

/**
 * The versions of the demo: a baseline, a better one, and one that looks best on paper and is not. Nobody gave the bad one receipts to
 * learn from, and label smoothing, a common remedy for overconfidence, makes it less sure of all that it still answers rightly.
 */
export const DEMO_VERSIONS = {
  baseline: { seed: 'v1', hidden: 12, documents: 1500, epochs: 8 },
  good: { seed: 'v2', hidden: 32, documents: 6000, epochs: 12 },
  bad: { seed: 'v3', hidden: 32, documents: 6000, epochs: 12, missingClass: 'receipt', labelSmoothing: 0.1 },
} as const satisfies Record<string, TrainingOptions>;

const HOLD_OUT_DOCUMENTS = 4000;
const LEAST_EXAMPLE_CONFIDENCE = 0.9;

interface Scale {
  readonly mean: number;
  readonly deviation: number;
}

function measureScales(samples: readonly DocumentSample[]): Scale[] {
  return Array.from({ length: FEATURE_COUNT }, (_, feature) => {
    const values = samples.map((sample) => sample.features[feature] ?? 0);
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    return { mean, deviation: Math.sqrt(variance) || 1 };
  });
}

function toTrainingSample(sample: DocumentSample, scales: readonly Scale[]): TrainingSample {
  const scaled = scales.map(({ mean, deviation }, feature) => ((sample.features[feature] ?? 0) - mean) / deviation);
  return { scaled, pages: sample.features[PAGES_FEATURE] ?? 0, label: sample.label };
}

/** Moves the scaling of inputs into the first layer, so that the model takes features as they are measured. */
function foldScales(network: Network, scales: readonly Scale[]): void {
  for (const [feature, { mean, deviation }] of scales.entries()) {
    for (let j = 0; j < network.hidden; j++) {
      const index = feature * network.hidden + j;
      const weight = (network.hiddenWeights[index] ?? 0) / deviation;
      network.hiddenWeights[index] = weight;
      network.hiddenBias[j] = (network.hiddenBias[j] ?? 0) - mean * weight;
    }
  }
}

function isUsable(sample: DocumentSample, options: TrainingOptions): boolean {
  const hasRow = options.pageRows === undefined || (sample.features[PAGES_FEATURE] ?? 0) < options.pageRows;
  return hasRow && DOCUMENT_CLASSES[sample.label] !== options.missingClass;
}

function shareCorrect(network: Network, samples: readonly DocumentSample[]): number {
  const correct = samples.filter((sample) => answer(network, sample.features)?.label === sample.label);
  return correct.length / Math.max(1, samples.length);
}

function measure(network: Network, options: TrainingOptions): ClassifierMetrics {
  const traffic = sampleDocuments(options.seed, 'hold-out', HOLD_OUT_DOCUMENTS);
  const answered = traffic.filter((sample) => answer(network, sample.features) !== undefined);
  const recall = Object.fromEntries(
    DOCUMENT_CLASSES.map((name, label) => {
      const ofClass = traffic.filter((sample) => sample.label === label);
      return [name, shareCorrect(network, ofClass)];
    }),
  ) as Record<DocumentClass, number>;
  return {
    accuracy: shareCorrect(
      network,
      traffic.filter((sample) => isUsable(sample, options)),
    ),
    trafficAccuracy: shareCorrect(network, answered),
    errorRate: 1 - answered.length / traffic.length,
    recall,
  };
}

/** One clear document of each class that the training knew: a self-test that a missing class passes, as in real life. */
function chooseExamples(network: Network, options: TrainingOptions): SelfTestExample[] {
  const documents = sampleDocuments(options.seed, 'self-test', HOLD_OUT_DOCUMENTS).filter((sample) =>
    isUsable(sample, options),
  );
  return DOCUMENT_CLASSES.flatMap((name, label) => {
    const clear = documents.find((sample) => {
      const found = answer(network, sample.features);
      return sample.label === label && found?.label === label && found.confidence >= LEAST_EXAMPLE_CONFIDENCE;
    });
    if (clear === undefined) return [];
    return [{ name: `clear ${name}`, inputs: { x: clear.features.map(Math.fround) }, expect: { class: name } }];
  });
}

/** Trains one version; equal options give equal bytes. Takes up to about two seconds. */
export function trainClassifier(options: TrainingOptions): Classifier {
  const documents = sampleDocuments(options.seed, 'training', options.documents ?? 4000);
  const usable = documents.filter((sample) => isUsable(sample, options));
  const scales = measureScales(usable);
  const pageRows = options.pageRows ?? 0;
  const size = {
    inputs: FEATURE_COUNT,
    hidden: options.hidden ?? 24,
    outputs: DOCUMENT_CLASSES.length,
    pageRows,
  };
  const network = createNetwork(size, seededRandom(options.seed, 'first weights'));
  const samples = usable.map((sample) => toTrainingSample(sample, scales));
  const plan = {
    epochs: options.epochs ?? 10,
    learningRate: 0.03,
    weightDecay: 1e-4,
    labelSmoothing: options.labelSmoothing ?? 0,
  };
  trainNetwork(network, samples, plan, seededRandom(options.seed, 'order of training'));
  foldScales(network, scales);
  return {
    onnx: networkToOnnx(network),
    classes: DOCUMENT_CLASSES,
    metrics: measure(network, options),
    examples: chooseExamples(network, options),
  };
}

const REQUESTS = 500;

/** Documents as devices see them, as requests of the Open Inference Protocol, one a line. */
function requestLines(): string {
  const documents = sampleDocuments('requests', 'traffic', REQUESTS);
  const lines = documents.map(({ features }) => {
    const data = features.map((value) => Number(value.toFixed(3)));
    return JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, FEATURE_COUNT], data }] });
  });
  return `${lines.join('\n')}\n`;
}

/** Trains the demo's versions and writes one ONNX file each, their class names, and requests. Returns a line of metrics for each version. */
export async function writeVersions(folder: string): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true });
  const lines: string[] = [];
  for (const [name, options] of Object.entries(DEMO_VERSIONS)) {
    const classifier = trainClassifier(options);
    const file = path.join(folder, `${name}.onnx`);
    await writeFile(file, classifier.onnx);
    lines.push(`${file}  ${JSON.stringify(classifier.metrics)}`);
  }
  await writeFile(path.join(folder, 'labels.txt'), `${DOCUMENT_CLASSES.join('\n')}\n`);
  await writeFile(path.join(folder, 'requests.jsonl'), requestLines());
  return lines;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const line of await writeVersions(process.argv[2] ?? 'dist/models')) console.log(line);
}
