// Owns tensors: the datatypes of the Open Inference Protocol, and the plain arrays that hold them.
import { CodedError } from '../../../src/base/errors.ts';

export type TensorData =
  | InstanceType<(typeof ARRAYS)[keyof typeof ARRAYS]>
  | BigInt64Array
  | BigUint64Array
  | readonly string[];

/** One named tensor; `datatype` as the Open Inference Protocol names it. */
export interface Tensor {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

/** Datatype of the Open Inference Protocol → the name that manifests and ONNX Runtime use. */
const NAMES = {
  FP32: 'float32',
  FP64: 'float64',
  INT8: 'int8',
  UINT8: 'uint8',
  INT16: 'int16',
  UINT16: 'uint16',
  INT32: 'int32',
  UINT32: 'uint32',
  INT64: 'int64',
  UINT64: 'uint64',
  BOOL: 'bool',
  BYTES: 'string',
} as const;

const ARRAYS = {
  FP32: Float32Array,
  FP64: Float64Array,
  INT8: Int8Array,
  UINT8: Uint8Array,
  INT16: Int16Array,
  UINT16: Uint16Array,
  INT32: Int32Array,
  UINT32: Uint32Array,
} as const;

export type Datatype = keyof typeof NAMES;
export type RuntimeType = (typeof NAMES)[Datatype];

export function isDatatype(text: unknown): text is Datatype {
  return typeof text === 'string' && Object.hasOwn(NAMES, text);
}

export function runtimeTypeOf(datatype: Datatype): RuntimeType {
  return NAMES[datatype];
}

/** The protocol's name for a type as manifests (`float32`, `fp32`) or ONNX Runtime write it; undefined when it is none. */
export function findDatatype(type: string): Datatype | undefined {
  const wanted = type.toLowerCase();
  if (wanted === 'bytes') return 'BYTES';
  return (Object.keys(NAMES) as Datatype[]).find(
    (datatype) => NAMES[datatype] === wanted || datatype.toLowerCase() === wanted,
  );
}

/** Number of elements of a shape; throws INFER_SHAPE unless every dimension is a whole number of 0 or more. */
export function elementsOf(shape: readonly number[]): number {
  let elements = 1;
  for (const dimension of shape) {
    if (!Number.isSafeInteger(dimension) || dimension < 0) throw shapeError(`a dimension is ${dimension}`);
    elements *= dimension;
  }
  if (!Number.isSafeInteger(elements)) throw shapeError('the shape has too many elements');
  return elements;
}

function shapeError(problem: string): CodedError {
  return new CodedError({
    code: 'INFER_SHAPE',
    message: `The request can't be read as tensors: ${problem}.`,
    remedy: "Send shape and data as the model's interface states them (GET /v2/models/<model>).",
  });
}

/** Plain JSON numbers (nested or flat), booleans or strings as a typed array. Throws INFER_SHAPE for anything else. */
export function packTensor(
  name: string,
  datatype: Datatype,
  shape: readonly number[],
  values: readonly unknown[],
): Tensor {
  const elements = elementsOf(shape);
  const flat = values.some(Array.isArray) ? flatten(values, elements) : values;
  if (flat.length !== elements) throw shapeError(`"${name}" has ${flat.length} values for a shape of ${elements}`);
  return { name, datatype, shape, data: pack(name, datatype, flat) };
}

function flatten(values: readonly unknown[], most: number): unknown[] {
  const flat = values.flat(8);
  if (flat.length > most) throw shapeError(`there are ${flat.length} values for a shape of ${most}`);
  return flat;
}

function pack(name: string, datatype: Datatype, flat: readonly unknown[]): TensorData {
  if (datatype === 'BYTES') {
    if (!flat.every((value) => typeof value === 'string')) throw shapeError(`"${name}" holds values that are not text`);
    return flat;
  }
  if (datatype === 'BOOL') return Uint8Array.from(flat, (value) => (value === true || value === 1 ? 1 : 0));
  if (!flat.every((value) => typeof value === 'number'))
    throw shapeError(`"${name}" holds values that are not numbers`);
  const numbers = flat as number[];
  if (datatype === 'INT64') return BigInt64Array.from(numbers, (value) => BigInt(Math.trunc(value)));
  if (datatype === 'UINT64') return BigUint64Array.from(numbers, (value) => BigInt(Math.trunc(value)));
  return ARRAYS[datatype].from(numbers);
}

/** A tensor's values as JSON numbers, booleans or strings. */
export function unpackTensor(tensor: Tensor): (number | boolean | string)[] {
  if (tensor.datatype === 'BOOL') return Array.from(tensor.data as Uint8Array, (value) => value !== 0);
  return Array.from(tensor.data as ArrayLike<number | bigint | string>, (value) =>
    typeof value === 'bigint' ? Number(value) : value,
  );
}
