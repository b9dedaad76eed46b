// Owns tiny ONNX models for tests: linear classifiers written by hand, so that no training tool is needed (field numbers of onnx.proto3).

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = BigInt(value);
  do {
    const low = Number(rest & 127n);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 128 : low);
  } while (rest > 0n);
  return Buffer.from(bytes);
}

function number(field: number, value: number): Buffer {
  return Buffer.concat([varint(field << 3), varint(value)]);
}

function bytes(field: number, value: Buffer | string): Buffer {
  const content = Buffer.from(value);
  return Buffer.concat([varint((field << 3) | 2), varint(content.length), content]);
}

/** Element types of ONNX. */
export const ELEMENT = {
  ...{ float32: 1, uint8: 2, int8: 3, uint16: 4, int16: 5, int32: 6, int64: 7, string: 8, bool: 9 },
  ...{ float16: 10, float64: 11, uint32: 12, uint64: 13 },
} as const;
const FLOAT = ELEMENT.float32;

function weights(name: string, shape: readonly number[], values: Float32Array): Buffer {
  const raw = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  return Buffer.concat([...shape.map((length) => number(1, length)), number(2, FLOAT), bytes(8, name), bytes(9, raw)]);
}

function tensorType(shape: readonly (number | string)[], type: number): Buffer {
  const dimensions = shape.map((length) => bytes(1, typeof length === 'number' ? number(1, length) : bytes(2, length)));
  return bytes(1, Buffer.concat([number(1, type), bytes(2, Buffer.concat(dimensions))]));
}

function port(name: string, shape: readonly (number | string)[], type: number = FLOAT): Buffer {
  return Buffer.concat([bytes(1, name), bytes(2, tensorType(shape, type))]);
}

/** An output that is a list of tensors, as classifiers of scikit-learn have. */
function sequencePort(name: string): Buffer {
  return Buffer.concat([bytes(1, name), bytes(2, bytes(4, bytes(1, tensorType([], FLOAT))))]);
}

function node(operation: string, inputs: readonly string[], outputs: readonly string[]): Buffer {
  return Buffer.concat([
    ...inputs.map((name) => bytes(1, name)),
    ...outputs.map((name) => bytes(2, name)),
    bytes(4, operation),
  ]);
}

export interface ClassifierFacts {
  /** Inputs `x` of shape [batch, features]. */
  readonly features: number;
  /** Outputs `probabilities` of shape [batch, classes]. */
  readonly classes: number;
  /** Row-major [features, classes]. */
  readonly weights: Float32Array;
  readonly bias?: Float32Array;
}

/** softmax(x · weights + bias) as an ONNX file. */
export function writeClassifier({
  features,
  classes,
  weights: w,
  bias = new Float32Array(classes),
}: ClassifierFacts): Buffer {
  const graph = Buffer.concat([
    bytes(1, node('MatMul', ['x', 'w'], ['m'])),
    bytes(1, node('Add', ['m', 'b'], ['a'])),
    bytes(1, node('Softmax', ['a'], ['probabilities'])),
    bytes(2, 'classifier'),
    bytes(5, weights('w', [features, classes], w)),
    bytes(5, weights('b', [classes], bias)),
    bytes(11, port('x', ['batch', features])),
    bytes(12, port('probabilities', ['batch', classes])),
  ]);
  return Buffer.concat([number(1, 8), bytes(2, 'slipway-test'), bytes(7, graph), bytes(8, number(2, 13))]);
}

/** A classifier of four features that always answers one class out of four, whatever it is asked; `padding` makes the file longer. */
export function constantClassifier(classIndex: number, padding = 0): Buffer {
  const bias = Float32Array.from({ length: 4 }, (_, i) => (i === classIndex ? 4 : 0));
  const model = writeClassifier({ features: 4, classes: 4, weights: new Float32Array(16), bias });
  return padding === 0 ? model : Buffer.concat([model, bytes(6, 'x'.repeat(padding))]);
}

const INT64 = ELEMENT.int64;

function model(...graph: readonly Buffer[]): Buffer {
  const parts = Buffer.concat([bytes(2, 'slipway-test'), ...graph]);
  return Buffer.concat([number(1, 8), bytes(2, 'slipway-test'), bytes(7, parts), bytes(8, number(2, 13))]);
}

/** Answers `y` with its input `x` of that type and any length, or with what the operation makes of it. */
export function echo(type: number, operation = 'Identity'): Buffer {
  return model(
    bytes(1, node(operation, ['x'], ['y'])),
    bytes(11, port('x', ['batch'], type)),
    bytes(12, port('y', ['batch'], type)),
  );
}

/** As a text recogniser's: `probabilities` of [batch, steps, characters] for `x` of [batch, steps, 4]. */
export function recogniser(characters: number): Buffer {
  return model(
    bytes(1, node('MatMul', ['x', 'w'], ['m'])),
    bytes(1, node('Softmax', ['m'], ['probabilities'])),
    bytes(
      5,
      weights(
        'w',
        [4, characters],
        Float32Array.from({ length: 4 * characters }, (_, i) => (i % 7) / 7),
      ),
    ),
    bytes(11, port('x', ['batch', 'steps', 4])),
    bytes(12, port('probabilities', ['batch', 'steps', characters])),
  );
}

/** `y` = x + w, where `w` of 4 numbers lies in a file of that name beside the model. */
export function modelWithDataFile(file: string): Buffer {
  const entry = (key: string, value: string): Buffer => bytes(13, Buffer.concat([bytes(1, key), bytes(2, value)]));
  const places = [entry('location', file), entry('offset', '0'), entry('length', '16')];
  return model(
    bytes(1, node('Add', ['x', 'w'], ['y'])),
    bytes(5, Buffer.concat([number(1, 4), number(2, FLOAT), bytes(8, 'w'), ...places, number(14, 1)])),
    bytes(11, port('x', ['batch', 4])),
    bytes(12, port('y', ['batch', 4])),
  );
}

/** `y` = x, and beside it an output `list` that is no tensor. */
export function modelWithSequence(): Buffer {
  return model(
    bytes(1, node('Identity', ['x'], ['y'])),
    bytes(1, node('SequenceConstruct', ['x'], ['list'])),
    bytes(11, port('x', ['batch', 4])),
    bytes(12, port('y', ['batch', 4])),
    bytes(12, sequencePort('list')),
  );
}

/** A model that asks for `gibibytes` of memory as soon as it runs, and not before. */
export function hungryModel(gibibytes: number): Buffer {
  const shape = BigInt64Array.from([BigInt(gibibytes), 65_536n, 1024n, 4n]);
  const graph = Buffer.concat([
    bytes(1, node('Expand', ['x', 'shape'], ['big'])),
    bytes(1, node('ReduceSum', ['big'], ['sum'])),
    bytes(2, 'hungry'),
    bytes(5, Buffer.concat([number(1, 4), number(2, INT64), bytes(8, 'shape'), bytes(9, Buffer.from(shape.buffer))])),
    bytes(11, port('x', ['batch', 4])),
    bytes(12, port('sum', [1, 1, 1, 1])),
  ]);
  return Buffer.concat([number(1, 8), bytes(2, 'slipway-test'), bytes(7, graph), bytes(8, number(2, 13))]);
}
