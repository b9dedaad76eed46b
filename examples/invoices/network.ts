// Owns a small network with one hidden layer: training by stochastic gradient descent, answering, and its ONNX form.
import { type RandomStream, randomBelow } from '../../src/base/random.ts';
import { PAGES_FEATURE } from './data.ts';
import { encodeOnnx, type OnnxNode, type OnnxTensor } from './onnx-writer.ts';

/** Matrices are row-major, one row for each input. */
export interface Network {
  readonly inputs: number;
  readonly hidden: number;
  readonly outputs: number;
  readonly hiddenWeights: Float32Array;
  readonly hiddenBias: Float32Array;
  readonly outputWeights: Float32Array;
  readonly outputBias: Float32Array;
  /** Rows of the page table, one for each page count from 0; 0 = the network has none. */
  readonly pageRows: number;
  readonly pageTable: Float32Array;
}

export interface NetworkSize {
  readonly inputs: number;
  readonly hidden: number;
  readonly outputs: number;
  readonly pageRows: number;
}

export interface Answer {
  readonly label: number;
  /** Probability of the label, 0..1. */
  readonly confidence: number;
}

/** One step's worth: features scaled to mean 0 and deviation 1, the page count as it is. */
export interface TrainingSample {
  readonly scaled: readonly number[];
  readonly pages: number;
  readonly label: number;
}

/** A network with small random weights (He et al. 2015: variance 2 / inputs). */
export function createNetwork(size: NetworkSize, random: RandomStream): Network {
  const draw = (count: number, fanIn: number): Float32Array => {
    const bound = Math.sqrt(6 / fanIn);
    return Float32Array.from({ length: count }, () => (2 * random.next() - 1) * bound);
  };
  return {
    ...size,
    hiddenWeights: draw(size.inputs * size.hidden, size.inputs),
    hiddenBias: new Float32Array(size.hidden),
    outputWeights: draw(size.hidden * size.outputs, size.hidden),
    outputBias: new Float32Array(size.outputs),
    pageTable: new Float32Array(size.pageRows * size.hidden),
  };
}

function at(array: Float32Array, index: number): number {
  return array[index] ?? 0;
}

function add(array: Float32Array, index: number, amount: number): void {
  array[index] = at(array, index) + amount;
}

/** `out[j] = bias[j] + Σ inputs[i] · weights[i][j]`. */
function multiply(inputs: ArrayLike<number>, weights: Float32Array, bias: Float32Array, out: Float32Array): void {
  out.set(bias);
  for (let i = 0; i < inputs.length; i++) {
    const input = inputs[i] ?? 0;
    for (let j = 0; j < out.length; j++) add(out, j, input * at(weights, i * out.length + j));
  }
}

/** Probabilities in place, the largest subtracted first so that no exponential overflows. */
function softmax(values: Float32Array): void {
  const most = values.reduce((a, b) => Math.max(a, b));
  let sum = 0;
  for (let j = 0; j < values.length; j++) {
    values[j] = Math.exp(at(values, j) - most);
    sum += at(values, j);
  }
  for (let j = 0; j < values.length; j++) values[j] = at(values, j) / sum;
}

interface Activations {
  readonly hidden: Float32Array;
  readonly probabilities: Float32Array;
}

function emptyActivations(network: Network): Activations {
  return { hidden: new Float32Array(network.hidden), probabilities: new Float32Array(network.outputs) };
}

/** Fills the activations; false when the page count is beyond the table, where ONNX Runtime gives an error. */
function run(network: Network, inputs: readonly number[], pages: number, into: Activations): boolean {
  const { hidden, probabilities } = into;
  multiply(inputs, network.hiddenWeights, network.hiddenBias, hidden);
  if (network.pageRows > 0) {
    if (pages >= network.pageRows) return false;
    for (let j = 0; j < hidden.length; j++) add(hidden, j, at(network.pageTable, pages * hidden.length + j));
  }
  for (let j = 0; j < hidden.length; j++) hidden[j] = Math.max(0, at(hidden, j));
  multiply(hidden, network.outputWeights, network.outputBias, probabilities);
  softmax(probabilities);
  return true;
}

/** The most probable label, or undefined where the network can't answer (a page count beyond its table). */
export function answer(network: Network, features: readonly number[]): Answer | undefined {
  const activations = emptyActivations(network);
  if (!run(network, features, features[PAGES_FEATURE] ?? 0, activations)) return undefined;
  const { probabilities } = activations;
  const confidence = probabilities.reduce((a, b) => Math.max(a, b));
  return { label: probabilities.indexOf(confidence), confidence };
}

export interface TrainingPlan {
  readonly epochs: number;
  readonly learningRate: number;
  /** Share by which weights shrink in each step, against overfitting. */
  readonly weightDecay: number;
  /** Part of the truth that is spread evenly over all classes, 0..1 (Szegedy et al. 2016): the network learns not to be too sure. */
  readonly labelSmoothing: number;
}

/** Trains in place on samples drawn at random; the learning rate falls linearly to nothing. */
export function trainNetwork(
  network: Network,
  samples: readonly TrainingSample[],
  plan: TrainingPlan,
  random: RandomStream,
): void {
  const activations = emptyActivations(network);
  const steps = plan.epochs * samples.length;
  for (let step = 0; step < steps; step++) {
    const sample = samples[randomBelow(random, samples.length)];
    if (sample === undefined || !run(network, sample.scaled, sample.pages, activations)) continue;
    descend(network, sample, activations, { ...plan, learningRate: plan.learningRate * (1 - step / steps) });
  }
}

/** One step down the gradient of the cross-entropy: for softmax its derivative is probability minus truth. */
function descend(
  network: Network,
  sample: TrainingSample,
  { hidden, probabilities }: Activations,
  { learningRate: rate, weightDecay: decay, labelSmoothing }: TrainingPlan,
): void {
  const width = network.outputs;
  const spread = labelSmoothing / width;
  const errors = probabilities.map(
    (probability, label) => probability - spread - (label === sample.label ? 1 - labelSmoothing : 0),
  );
  for (let j = 0; j < network.hidden; j++) {
    if (at(hidden, j) === 0) continue;
    let error = 0;
    for (let k = 0; k < width; k++) {
      const weight = at(network.outputWeights, j * width + k);
      error += weight * at(errors, k);
      network.outputWeights[j * width + k] = weight * (1 - rate * decay) - rate * at(errors, k) * at(hidden, j);
    }
    for (const [i, feature] of sample.scaled.entries()) {
      const index = i * network.hidden + j;
      network.hiddenWeights[index] = at(network.hiddenWeights, index) * (1 - rate * decay) - rate * error * feature;
    }
    add(network.hiddenBias, j, -rate * error);
    if (network.pageRows > 0) {
      add(network.pageTable, sample.pages * network.hidden + j, -rate * error);
    }
  }
  for (let k = 0; k < width; k++) add(network.outputBias, k, -rate * at(errors, k));
}

/**
 * The network as an ONNX file: input `x` [batch, inputs], output `probabilities` [batch, outputs].
 * With a page table, `Gather` looks the page count up; an index beyond the table is an error of the run, not a wrong answer.
 */
export function networkToOnnx(network: Network): Buffer {
  const { inputs, hidden, outputs, pageRows } = network;
  const tensors: OnnxTensor[] = [
    { name: 'hidden.weights', shape: [inputs, hidden], float32: network.hiddenWeights },
    { name: 'hidden.bias', shape: [hidden], float32: network.hiddenBias },
    { name: 'output.weights', shape: [hidden, outputs], float32: network.outputWeights },
    { name: 'output.bias', shape: [outputs], float32: network.outputBias },
  ];
  const nodes: OnnxNode[] = [
    { operator: 'MatMul', inputs: ['x', 'hidden.weights'], outputs: ['product'] },
    { operator: 'Add', inputs: ['product', 'hidden.bias'], outputs: ['sum'] },
  ];
  if (pageRows > 0) {
    tensors.push(
      { name: 'pages.feature', shape: [], int64: BigInt64Array.of(BigInt(PAGES_FEATURE)) },
      { name: 'pages.table', shape: [pageRows, hidden], float32: network.pageTable },
    );
    nodes.push(
      { operator: 'Gather', inputs: ['x', 'pages.feature'], outputs: ['pages'], attributes: { axis: 1 } },
      { operator: 'Cast', inputs: ['pages'], outputs: ['row'], attributes: { to: 7 } },
      { operator: 'Gather', inputs: ['pages.table', 'row'], outputs: ['shift'], attributes: { axis: 0 } },
      { operator: 'Add', inputs: ['sum', 'shift'], outputs: ['shifted'] },
    );
  }
  nodes.push(
    { operator: 'Relu', inputs: [pageRows > 0 ? 'shifted' : 'sum'], outputs: ['hidden'] },
    { operator: 'MatMul', inputs: ['hidden', 'output.weights'], outputs: ['output.product'] },
    { operator: 'Add', inputs: ['output.product', 'output.bias'], outputs: ['logits'] },
    { operator: 'Softmax', inputs: ['logits'], outputs: ['probabilities'], attributes: { axis: 1 } },
  );
  return encodeOnnx({
    name: 'document-classifier',
    inputs: [{ name: 'x', shape: ['batch', inputs] }],
    outputs: [{ name: 'probabilities', shape: ['batch', outputs] }],
    tensors,
    nodes,
  });
}
