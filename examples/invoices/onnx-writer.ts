// Owns writing ONNX files: the few protobuf messages of onnx.proto3 that a feed-forward network needs.

/** Operator set 13 is the oldest that ONNX Runtime's web build and every later runtime still run as written here. */
const OPERATOR_SET = 13;
const IR_VERSION = 8;
const ELEMENT_TYPES = { float32: 1, int64: 7 } as const;
const ATTRIBUTE_TYPE_INT = 2;

export type OnnxTensor =
  | { readonly name: string; readonly shape: readonly number[]; readonly float32: Float32Array }
  | { readonly name: string; readonly shape: readonly number[]; readonly int64: BigInt64Array };

export interface OnnxNode {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Whole-number attributes such as `axis`. */
  readonly attributes?: Readonly<Record<string, number>>;
}

/** A float32 input or output; a dimension given as text is free, such as `batch`. */
export interface OnnxPort {
  readonly name: string;
  readonly shape: readonly (number | string)[];
}

export interface OnnxGraph {
  readonly name: string;
  readonly inputs: readonly OnnxPort[];
  readonly outputs: readonly OnnxPort[];
  readonly tensors: readonly OnnxTensor[];
  readonly nodes: readonly OnnxNode[];
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}

/** Protobuf wire type 0. */
function numberField(field: number, value: number): Buffer {
  return Buffer.concat([varint(field * 8), varint(value)]);
}

/** Protobuf wire type 2: text, bytes or a message. */
function bytesField(field: number, content: Buffer | string): Buffer {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  return Buffer.concat([varint(field * 8 + 2), varint(bytes.length), bytes]);
}

function message(parts: readonly Buffer[]): Buffer {
  return Buffer.concat(parts);
}

/** TensorProto. Raw data is little-endian, as typed arrays are on every machine that Node runs on. */
function encodeTensor(tensor: OnnxTensor): Buffer {
  const [type, data] =
    'float32' in tensor ? (['float32', tensor.float32] as const) : (['int64', tensor.int64] as const);
  return message([
    ...tensor.shape.map((size) => numberField(1, size)),
    numberField(2, ELEMENT_TYPES[type]),
    bytesField(8, tensor.name),
    bytesField(9, Buffer.from(data.buffer, data.byteOffset, data.byteLength)),
  ]);
}

/** ValueInfoProto of a float32 tensor. */
function encodePort(port: OnnxPort): Buffer {
  const sizes = port.shape.map((size) => (typeof size === 'number' ? numberField(1, size) : bytesField(2, size)));
  const shape = message(sizes.map((size) => bytesField(1, size)));
  const tensorType = message([numberField(1, ELEMENT_TYPES.float32), bytesField(2, shape)]);
  return message([bytesField(1, port.name), bytesField(2, bytesField(1, tensorType))]);
}

/** NodeProto. */
function encodeNode(node: OnnxNode): Buffer {
  const attributes = Object.entries(node.attributes ?? {}).map(([name, value]) =>
    message([bytesField(1, name), numberField(3, value), numberField(20, ATTRIBUTE_TYPE_INT)]),
  );
  return message([
    ...node.inputs.map((name) => bytesField(1, name)),
    ...node.outputs.map((name) => bytesField(2, name)),
    bytesField(4, node.operator),
    ...attributes.map((attribute) => bytesField(5, attribute)),
  ]);
}

/** The bytes of a `.onnx` file (ModelProto). Equal graphs give equal bytes, so a training with one seed has one digest. */
export function encodeOnnx(graph: OnnxGraph): Buffer {
  const encodedGraph = message([
    ...graph.nodes.map((node) => bytesField(1, encodeNode(node))),
    bytesField(2, graph.name),
    ...graph.tensors.map((tensor) => bytesField(5, encodeTensor(tensor))),
    ...graph.inputs.map((port) => bytesField(11, encodePort(port))),
    ...graph.outputs.map((port) => bytesField(12, encodePort(port))),
  ]);
  return message([
    numberField(1, IR_VERSION),
    bytesField(2, 'slipway-examples'),
    bytesField(7, encodedGraph),
    bytesField(8, numberField(2, OPERATOR_SET)),
  ]);
}
