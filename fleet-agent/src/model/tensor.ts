// Owns tensors: the datatypes of the Open Inference Protocol, and the plain arrays that hold them.
import { CodedError } from '../../../src/base/errors.ts';
import { type ElementType, elementOf, holderOf, type TensorElement } from '../../../src/contract/tensor-values.ts';

export type TensorData = InstanceType<(typeof ARRAYS)[keyof typeof ARRAYS]> | readonly string[];

/** One named tensor; `datatype` as the Open Inference Protocol names it. */
export interface Tensor {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

/** Datatype of the Open Inference Protocol → the name that manifests use. */
const NAMES = {
  FP16: 'float16',
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
  BYTES: 'bytes',
} as const satisfies Record<string, ElementType>;

/** `FP16` is kept as float32, which holds each of its numbers. */
const ARRAYS = {
  FP16: Float32Array,
  FP32: Float32Array,
  FP64: Float64Array,
  INT8: Int8Array,
  UINT8: Uint8Array,
  INT16: Int16Array,
  UINT16: Uint16Array,
  INT32: Int32Array,
  UINT32: Uint32Array,
  INT64: BigInt64Array,
  UINT64: BigUint64Array,
  BOOL: Uint8Array,
} as const;

export type Datatype = keyof typeof NAMES;

export function isDatatype(text: unknown): text is Datatype {
  return typeof text === 'string' && Object.hasOwn(NAMES, text);
}

/** The name that manifests have for it, and ONNX Runtime too but for texts. */
export function elementTypeOf(datatype: Datatype): ElementType {
  return NAMES[datatype];
}

/** The protocol's name for a type as manifests (`float32`, `bytes`) or ONNX Runtime (`float32`, `string`) write it; undefined when it is none. */
export function findDatatype(type: string): Datatype | undefined {
  if (type === 'string') return 'BYTES';
  return (Object.keys(NAMES) as Datatype[]).find((datatype) => NAMES[datatype] === type);
}

/** Number of elements of a shape; throws INFER_SHAPE unless every dimension is a whole number of 1 or more: the runtime aborts on empty tensors. */
export function elementsOf(name: string, shape: readonly number[]): number {
  let elements = 1;
  for (const dimension of shape) {
    if (!Number.isSafeInteger(dimension) || dimension < 1) throw shapeError(`a dimension of "${name}" is ${dimension}`);
    elements *= dimension;
  }
  if (!Number.isSafeInteger(elements)) throw shapeError(`the shape of "${name}" has too many elements`);
  return elements;
}

export function tooLong(what: string): CodedError {
  return new CodedError({
    code: 'INFER_ANSWER_LENGTH',
    message: `The answer is too long: ${what}.`,
    remedy: 'Ask for fewer rows at once, or for smaller ones.',
  });
}

export function shapeError(problem: string): CodedError {
  return new CodedError({
    code: 'INFER_SHAPE',
    message: `The request can't be read as tensors: ${problem}.`,
    remedy: "Send shape and data as the model's interface states them (GET /v2/models/<model>).",
  });
}

/** The fault of one element: tensor, place and what stands there. */
export function elementError(name: string, index: number, written: string, datatype: Datatype): CodedError {
  return shapeError(`"${name}" at ${index} is ${written}, which ${datatype} can't hold`);
}

/** The datatype's array for so many elements, to be filled. */
export function emptyData(datatype: Datatype, elements: number): TensorElement[] {
  if (datatype === 'BYTES') return [];
  return new (ARRAYS[datatype] as unknown as new (length: number) => TensorElement[])(elements);
}

/** An element as its array holds it. */
export function heldAs(datatype: Datatype, value: TensorElement): TensorElement {
  if (datatype === 'INT64' || datatype === 'UINT64') return BigInt(value);
  return datatype === 'BOOL' ? Number(value) : value;
}

/** The values of an example as a tensor. Throws INFER_SHAPE where shape and values don't fit, or the datatype can't hold one. */
export function packTensor(
  name: string,
  datatype: Datatype,
  shape: readonly number[],
  values: readonly TensorElement[],
): Tensor {
  const elements = elementsOf(name, shape);
  if (values.length !== elements) throw shapeError(`"${name}" has ${values.length} values for a shape of ${elements}`);
  const data = emptyData(datatype, elements);
  const type = elementTypeOf(datatype);
  const holds = holderOf(type);
  for (const [index, written] of values.entries()) {
    const value = elementOf(type, written);
    if (!holds(value)) throw elementError(name, index, String(written), datatype);
    data[index] = heldAs(datatype, value);
  }
  return { name, datatype, shape, data: data as unknown as TensorData };
}

/** One value of a tensor as documents write it. */
export function valueAt({ datatype, data }: Tensor, index: number): TensorElement | undefined {
  const value: TensorElement | undefined = data[index];
  return datatype === 'BOOL' && value !== undefined ? value !== 0 : value;
}

/** Memory that tensors take. Texts weigh more: they lie in the heap, which is the smallest of what the agent has. */
export function bytesOf(tensors: readonly Tensor[]): number {
  return tensors.reduce((sum, { data }) => {
    if ('byteLength' in data) return sum + data.byteLength;
    return sum + data.reduce((texts, text) => texts + 128 + 16 * text.length, 0);
  }, 0);
}
