// Owns what an ONNX file says of itself: inputs, outputs, versions, and the files beside it that hold its weights. Weights are never read.
import { CodedError } from '../base/errors.ts';
import type { InputTensor } from '../contract/types.generated.ts';
import { type ByteRange, type ByteSource, type ProtobufField, ProtobufReader } from './protobuf-fields.ts';

export interface OnnxDescription {
  readonly irVersion: number;
  /** Version of ONNX's own operator set. */
  readonly opset: number;
  readonly inputs: readonly InputTensor[];
  readonly outputs: readonly InputTensor[];
  /** Files with weights, as the model names them, in alphabetical order. */
  readonly dataFiles: readonly string[];
  /** Outputs that come straight out of a linear layer: as scores of classes they are logits, and no probabilities. */
  readonly logits: readonly string[];
  /** The program that wrote it, with its version; null where it doesn't say. */
  readonly producer: string | null;
  /** As the file states it; null where it states none. */
  readonly license: string | null;
}

/** As in a manifest; a name in the file may have as many bytes as this many characters can. */
const MOST_NAME_BYTES = 4 * 512;
const MOST_DIMENSIONS = 8;
const LARGEST_DIMENSION = 2 ** 31;
/** Old files list each weight as an input, too. */
const MOST_PORTS = 100_000;
const MOST_DATA_FILES = 1000;

/** `TensorProto.DataType` of onnx.proto. What is missing here no manifest can say. */
const TYPES: Readonly<Record<number, InputTensor['type']>> = {
  ...{ 1: 'float32', 2: 'uint8', 3: 'int8', 4: 'uint16', 5: 'int16', 6: 'int32', 7: 'int64', 8: 'bytes' },
  ...{ 9: 'bool', 10: 'float16', 11: 'float64', 12: 'uint32', 13: 'uint64' },
};
/** Operators of linear layers. */
const LINEAR: ReadonlySet<string> = new Set(['Add', 'Conv', 'Gemm', 'MatMul']);
/** Fields of `TypeProto` beside `tensor_type`. */
const OTHER_KINDS: Readonly<Record<number, string>> = {
  ...{ 4: 'a sequence', 5: 'a map', 8: 'a sparse tensor', 9: 'an optional value' },
};

/** Where the parts of a graph lie. */
interface Graph {
  readonly inputs: ReadonlyMap<string, ByteRange>;
  readonly outputs: ReadonlyMap<string, ByteRange>;
  readonly dataFiles: ReadonlySet<string>;
  readonly logits: ReadonlySet<string>;
}

/**
 * Reads `ModelProto` (onnx.proto3 of github.com/onnx/onnx) with one window of 64 KiB, however large the file is. Inputs that have weights of
 * the same name are weights, or have a default, and are left out. Open dimensions are -1. Throws ONNX_DAMAGED, ONNX_NO_MODEL or
 * ONNX_UNSUPPORTED, each with the file's name.
 */
export function readOnnx(source: ByteSource): OnnxDescription {
  const reader = new ProtobufReader(source);
  let [irVersion, opset] = [0, 0];
  const said: { name?: string; version?: string; license?: string } = {};
  const graphs: ByteRange[] = [];
  for (const field of reader.fields(reader.whole)) {
    if (field.kind === 'number' && field.number === 1) irVersion = field.value;
    else if (field.kind === 'bytes' && field.number === 7) graphs.push(field);
    else if (field.kind === 'bytes' && field.number === 2) said.name = remark(reader, field) ?? '';
    else if (field.kind === 'bytes' && field.number === 3) said.version = remark(reader, field) ?? '';
    else if (field.kind === 'bytes' && field.number === 14) Object.assign(said, licenseIn(reader, field));
    else if (field.kind === 'bytes' && field.number === 8) opset = opsetIn(reader, field) ?? opset;
    if (graphs.length > 1) throw reader.damaged(0, 'it has two graphs');
  }
  const [range] = graphs;
  const graph = range === undefined ? undefined : readGraph(reader, range);
  if (graph === undefined || graph.outputs.size === 0 || irVersion < 1 || opset < 1)
    throw new CodedError({
      code: 'ONNX_NO_MODEL',
      message: `${source.file} is not an ONNX model: it has no graph with outputs, or no version of ONNX's operators.`,
      remedy: 'Name the file that the export wrote, such as model.onnx.',
    });
  const portsOf = (ports: ReadonlyMap<string, ByteRange>): InputTensor[] =>
    [...ports].map(([name, range]) => readPort({ reader, file: source.file, name }, range));
  return {
    irVersion,
    opset,
    inputs: portsOf(graph.inputs),
    outputs: portsOf(graph.outputs),
    dataFiles: [...graph.dataFiles].sort(),
    producer: [said.name, said.version].filter(Boolean).join(' ') || null,
    license: said.license || null,
    logits: [...graph.outputs.keys()].filter((name) => graph.logits.has(name)),
  };
}

function isBytes(field: ProtobufField, number: number): field is ProtobufField & ByteRange {
  return field.kind === 'bytes' && field.number === number;
}

/** A text that nothing depends on: where it is too long, or no text, it is left out. */
function remark(reader: ProtobufReader, range: ByteRange): string | undefined {
  if (range.to - range.from > MOST_NAME_BYTES) return undefined;
  try {
    return reader
      .text(range, MOST_NAME_BYTES)
      .replaceAll(/\p{Cc}+/gu, ' ')
      .trim();
  } catch (error) {
    if (error instanceof CodedError) return undefined;
    throw error;
  }
}

/** The licence in a `StringStringEntryProto` of the file's remarks; nothing for any other remark. */
function licenseIn(reader: ProtobufReader, range: ByteRange): { license?: string } {
  let [key, value]: (string | undefined)[] = [undefined, undefined];
  for (const field of reader.fields(range)) {
    if (isBytes(field, 1)) key = remark(reader, field);
    else if (isBytes(field, 2)) value = remark(reader, field);
  }
  return key?.toLowerCase() === 'license' && value !== undefined ? { license: value } : {};
}

/** The first field of bytes with the number; of a message or text that comes twice, the last one would count, and no program writes two. */
function findBytes(reader: ProtobufReader, range: ByteRange, number: number): ByteRange | undefined {
  for (const field of reader.fields(range)) if (isBytes(field, number)) return field;
  return undefined;
}

/** The version in an `OperatorSetIdProto` of ONNX's own domain; undefined for others. */
function opsetIn(reader: ProtobufReader, range: ByteRange): number | undefined {
  let [domain, version] = ['', 0];
  for (const field of reader.fields(range)) {
    if (isBytes(field, 1)) domain = reader.text(field, MOST_NAME_BYTES);
    else if (field.kind === 'number' && field.number === 2) version = field.value;
  }
  return domain === '' || domain === 'ai.onnx' ? version : undefined;
}

function readGraph(reader: ProtobufReader, range: ByteRange): Graph {
  const [inputs, outputs] = [new Map<string, ByteRange>(), new Map<string, ByteRange>()];
  const nameIn = (message: ByteRange, number: number): string => {
    const name = findBytes(reader, message, number);
    return name === undefined ? '' : reader.text(name, MOST_NAME_BYTES);
  };
  for (const field of reader.fields(range)) {
    if (field.kind !== 'bytes') continue;
    if (field.number === 11) inputs.set(nameIn(field, 1), field);
    else if (field.number === 12) outputs.set(nameIn(field, 1), field);
    if (inputs.size + outputs.size > MOST_PORTS) throw reader.damaged(field.from, 'it has too many inputs and outputs');
  }
  const [dataFiles, logits] = [new Set<string>(), new Set<string>()];
  // Weights and nodes may come before inputs and outputs: a second walk needs no list of them.
  for (const field of reader.fields(range)) {
    if (isBytes(field, 1)) {
      const made = outputsOfNode(reader, field, outputs);
      if (made.length > 0 && LINEAR.has(nameIn(field, 4))) for (const name of made) logits.add(name);
    }
    const tensor = isBytes(field, 5) ? field : isBytes(field, 15) ? findBytes(reader, field, 1) : undefined;
    if (tensor === undefined) continue;
    for (const part of reader.fields(tensor)) {
      if (isBytes(part, 8)) inputs.delete(reader.text(part, MOST_NAME_BYTES));
      else if (isBytes(part, 13) && nameIn(part, 1) === 'location') dataFiles.add(nameIn(part, 2));
    }
    if (dataFiles.size > MOST_DATA_FILES) throw reader.damaged(tensor.from, 'its weights lie in too many files');
  }
  return { inputs, outputs, dataFiles, logits };
}

/** The outputs of the graph that a `NodeProto` makes. */
function outputsOfNode(reader: ProtobufReader, node: ByteRange, outputs: Graph['outputs']): string[] {
  const found: string[] = [];
  for (const part of reader.fields(node)) {
    if (!isBytes(part, 2) || part.to - part.from > MOST_NAME_BYTES) continue;
    const name = reader.text(part, MOST_NAME_BYTES);
    if (outputs.has(name)) found.push(name);
  }
  return found;
}

interface Port {
  readonly reader: ProtobufReader;
  readonly file: string;
  readonly name: string;
}

function unsupported({ file, name }: Port, what: string, remedy: string): CodedError {
  return new CodedError({ code: 'ONNX_UNSUPPORTED', message: `${file}: "${name}" ${what}.`, remedy });
}

/** `ValueInfoProto`, whose type must be a tensor with a shape. */
function readPort(port: Port, range: ByteRange): InputTensor {
  const { reader, name } = port;
  const type = findBytes(reader, range, 2);
  for (const field of type === undefined ? [] : reader.fields(type)) {
    const other = OTHER_KINDS[field.number];
    if (other !== undefined)
      throw unsupported(port, `is ${other}`, 'Export the model with tensors only (scikit-learn: `zipmap: False`).');
    if (isBytes(field, 1)) return { name, ...readTensorType(port, field) };
  }
  throw unsupported(port, 'has no type', 'Export the model with types, or run `onnx.shape_inference` on it.');
}

function readTensorType(port: Port, range: ByteRange): Pick<InputTensor, 'type' | 'shape'> {
  let element = 0;
  let shape: number[] | undefined;
  for (const field of port.reader.fields(range)) {
    if (field.kind === 'number' && field.number === 1) element = field.value;
    else if (isBytes(field, 2)) shape = readShape(port, field);
  }
  const type = TYPES[element];
  if (type === undefined)
    throw unsupported(
      port,
      `has the element type ${element} of ONNX`,
      `Export it with ${Object.values(TYPES).join(', ')}.`,
    );
  if (shape === undefined)
    throw unsupported(port, 'has no shape', 'Export the model with shapes, or run `onnx.shape_inference` on it.');
  return { type, shape };
}

function readShape(port: Port, range: ByteRange): number[] {
  const shape: number[] = [];
  for (const field of port.reader.fields(range)) {
    if (!isBytes(field, 1)) continue;
    let size = -1;
    for (const part of port.reader.fields(field)) if (part.kind === 'number' && part.number === 1) size = part.value;
    // Exporters write 0 and negative sizes for what they don't know.
    shape.push(size > 0 ? size : -1);
    if (shape.length > MOST_DIMENSIONS || size > LARGEST_DIMENSION)
      throw unsupported(port, 'has a shape that no manifest can say', `Use at most ${MOST_DIMENSIONS} dimensions.`);
  }
  return shape;
}
