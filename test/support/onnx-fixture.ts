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

const FLOAT = 1;

function weights(name: string, shape: readonly number[], values: Float32Array): Buffer {
  const raw = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  return Buffer.concat([...shape.map((length) => number(1, length)), number(2, FLOAT), bytes(8, name), bytes(9, raw)]);
}

function port(name: string, shape: readonly (number | string)[]): Buffer {
  const dimensions = shape.map((length) => bytes(1, typeof length === 'number' ? number(1, length) : bytes(2, length)));
  return Buffer.concat([
    bytes(1, name),
    bytes(2, bytes(1, Buffer.concat([number(1, FLOAT), bytes(2, Buffer.concat(dimensions))]))),
  ]);
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

const INT64 = 7;

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
